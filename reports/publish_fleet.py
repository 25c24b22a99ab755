"""Writes the page of a fleet with its other forms into a folder, and prints it in the format that was asked for."""

from __future__ import annotations

import csv
import io
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TextIO
from urllib.parse import quote
from xml.etree import ElementTree as ET

import orjson
from rich.console import Console
from rich.text import Text

from dr_checks.core.model import Area, CheckResult, Severity, Status
from dr_estate.model.visible import json_bytes, visible
from dr_estate.model.world_id import REHEARSAL
from reports.page.render import engine, policy
from reports.publish import summarise
from reports.render import junit_report, sarif_report
from reports.terminal import console
from reports.terminal.parts import NEXT, in_short, print_with_indent, table
from reports.terminal.status import COLOUR, console_for
from reports.values import fleet as values
from reports.values.escaping import markdown, spreadsheet, table_lines
from reports.values.fleet import COLUMNS, Fleet, FleetMember
from reports.values.stored_report import StoredReport

# A fleet as one HTML file that asks nobody for anything, in the style of each run's own page, which it links.

_PAGE_OF_RUN = "report.html"


def page(fleet: Fleet, folder: Path) -> str:
    """The page, to lie in ``folder``: links to the runs' own pages lead there from it."""
    links = {member.environment: _link(member, folder) for member in fleet.members}
    rehearsed = [member.environment for member in fleet.members if member.is_rehearsal]
    text = engine().get_template("fleet.html").render(fleet=fleet, links=links, rehearsed=rehearsed, policy=policy())
    return visible(text)


def _link(member: FleetMember, folder: Path) -> str:
    """The relative address of the run's page, "" where there is none."""
    if member.folder is None or not (member.folder / _PAGE_OF_RUN).is_file():
        return ""
    return quote(os.path.relpath(member.folder.resolve() / _PAGE_OF_RUN, folder.resolve()))


# A fleet as JSON, Markdown, CSV, JUnit and SARIF: what a single run is written as, merged.


def as_json(fleet: Fleet) -> str:
    """The fleet as an indented JSON document with a final newline."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return visible(json_bytes(values.to_dict(fleet), options).decode())


def as_markdown(fleet: Fleet) -> str:
    """A table, a row an environment, with the notes below."""
    rehearsed = [member.environment for member in fleet.members if member.is_rehearsal]
    lines = [line for alarm in fleet.alarms for line in (f"**{markdown(alarm)}**", "")]
    lines += [f"# {fleet.title}", ""]
    lines += [f"**{REHEARSAL}**: {', '.join(rehearsed)}", ""] if rehearsed else []
    lines += table_lines(COLUMNS, (map(markdown, member.cells) for member in fleet.members))
    lines += ["", *(f"{note}\n" for note in fleet.notes), f"Exit {fleet.exit}."]
    return "\n".join(lines) + "\n"


def as_csv(fleet: Fleet) -> str:
    """Header, and a row an environment."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, "account", "world", "observed at", "results"])
    for member in fleet.members:
        report = member.report
        about = (report.account, report.world, report.observed_at.isoformat()) if report else ("", "", "")
        writer.writerow([spreadsheet(cell) for cell in (*member.cells, *about, str(member.folder or ""))])
    return out.getvalue()


def as_junit(fleet: Fleet) -> str:
    """A suite an environment, a case a check; an environment that was not judged is an error of its own."""
    root = ET.Element("testsuites", {"name": fleet.title})
    root.extend(_suite(member) for member in fleet.members)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    return junit_report.document_text(root)


def _suite(member: FleetMember) -> ET.Element:
    results = list(member.report.results) if member.report else [_unknown_result(member)]
    kinds = Counter(junit_report.KINDS.get(result.status) for result in results)
    suite = ET.Element("testsuite", {"name": member.environment, "tests": str(len(results))})
    suite.attrib |= {name: str(kinds[kind]) for name, kind in junit_report.COUNTED.items()}
    if member.report:
        suite.set("timestamp", member.report.observed_at.isoformat(timespec="seconds"))
    suite.extend(junit_report.case_of(result) for result in results)
    return suite


def _unknown_result(member: FleetMember) -> CheckResult:
    name = f"{member.environment} was not judged"
    # A blocker: the environment that nobody judged may be the one that cannot fail over.
    return CheckResult(name, Severity.BLOCKER, Area.PREREQUISITES, Status.UNKNOWN, (), reason=member.reason)


def as_sarif(fleet: Fleet) -> str:
    """Return a log with a run per environment; the run of an unjudged environment is marked failed, with the reason."""
    return sarif_report.log_of([_sarif_run(member) for member in fleet.members])


def _sarif_run(member: FleetMember) -> dict[str, object]:
    if member.report is None:
        return sarif_report.failed_run(member.environment, member.exit, member.reason)
    return sarif_report.run_of(_about(member.report))


def _about(report: StoredReport) -> sarif_report.SarifSource:
    return sarif_report.SarifSource(
        command=report.command,
        environment=report.environment,
        account=report.account,
        world=report.world,
        observed_at=report.observed_at,
        posture=report.posture,
        score=report.score,
        recommendation=report.recommendation,
        exit=report.exit,
        version=report.version,
        results=report.results,
    )


RENDER: dict[str, Callable[[Fleet], str]] = {
    "json": as_json,
    "markdown": as_markdown,
    "csv": as_csv,
    "junit": as_junit,
    "sarif": as_sarif,
}


PAGE = "fleet.html"
FORMS = ("terminal", *RENDER)
_FILES = {"fleet.json": "json", "fleet.md": "markdown", "fleet.csv": "csv"}


def publish(fleet: Fleet, folder: Path, form: str) -> None:
    """Write the files of the fleet in ``folder``, then print it in the format ``form``. Raises OSError."""
    # Files before the print: a pipe that is closed early must not cost them.
    for name, kind in _FILES.items():
        (folder / name).write_text(RENDER[kind](fleet), encoding="utf-8")
    (folder / PAGE).write_text(page(fleet, folder), encoding="utf-8")
    with console.naming_stdout():
        if form == "terminal":
            _print_fleet(fleet, folder / PAGE, sys.stdout)
        else:
            sys.stdout.write(RENDER[form](fleet))
        sys.stdout.flush()
    summarise(as_markdown(fleet))


def _print_fleet(fleet: Fleet, page: Path, stream: TextIO) -> None:
    """Print the fleet to ``stream``; ``page`` is its HTML page."""
    if stream.isatty():
        _print_grid(fleet, page, console_for(stream))
        return
    plain = io.StringIO()
    _print_grid(fleet, page, console_for(plain))
    stream.write("\n".join(line.rstrip() for line in plain.getvalue().splitlines()) + "\n")


def _print_grid(fleet: Fleet, page: Path, console: Console) -> None:
    for alarm in fleet.alarms:
        print_with_indent(console, alarm, 0, "bold red")
    rehearsed = [member.environment for member in fleet.members if member.is_rehearsal]
    if rehearsed:
        print_with_indent(
            console, f"{REHEARSAL}: {', '.join(rehearsed)}: nothing here is of their live accounts.", 0, "bold yellow"
        )
    grid = table(fleet.title, *COLUMNS[:-1])
    for member in fleet.members:
        row = dict(zip(COLUMNS, member.cells, strict=True))
        row.pop(COLUMNS[-1])
        grid.add_row(*(Text(text, COLOUR[member.tone] if name == "answer" else "") for name, text in row.items()))
    console.print(grid)
    console.print(Text("\nNext", "bold"))
    for member in fleet.members:
        print_with_indent(console, f"{member.environment}: {member.next_step}", 2)
    for note in fleet.notes:
        print_with_indent(console, note, 0)
    console.print(f"\nReport: {page}", soft_wrap=True)
    # The fleet is sorted, the worst first: the answer of the page is its answer.
    worst = fleet.members[0]
    answer = f"{worst.answer} in {worst.environment}, the worst of {len(fleet.members)}; exit {fleet.exit}"
    in_short((("Answer", answer), *([(NEXT, worst.next_step)] if worst.next_step else [])), console)
