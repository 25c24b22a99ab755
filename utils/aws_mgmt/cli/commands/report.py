"""report RUN_FOLDER: an earlier run's report again, and both its pages, from the files of its folder alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from dr_estate.config.environment import Environment
from dr_estate.config.given_file import bytes_of
from dr_estate.model.visible import commanding_nobody
from dr_estate.model.world_id import is_sandbox
from reports.allure.html import build_html
from reports.allure.results import ALLURE_PAGE, FORMS, PAGE, RESULTS, redraw_page, title_of
from reports.evidence.verification import REVIEW
from reports.incident.review import review_of
from reports.page.render import StoredPageError
from reports.publish import publish
from reports.terminal import console
from reports.values.report import SCHEMA
from utils.aws_mgmt.app.connections import open_context
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.incident_record import mirror_of, refusal_of
from utils.aws_mgmt.app.incident_report import incident_report
from utils.aws_mgmt.app.kept_files import fetch_files
from utils.aws_mgmt.app.next_steps import invocation_of
from utils.aws_mgmt.app.options import ReportOptions
from utils.aws_mgmt.app.run_folder import run_folder


@dataclass(frozen=True)
class _Run:
    goal: str
    outcome: str


@dataclass(frozen=True)
class _Drill:
    kind: str
    verdict: str


@dataclass(frozen=True)
class _Report:
    """What of a report its pages are called by."""

    environment: str
    world: str
    recommendation: str
    score: int
    run: _Run | None = None
    drills: tuple[_Drill, ...] = ()


def report_command(options: ReportOptions) -> Exit:
    """Print the report that the run kept, and build its pages. Returns 0, or 3 where one of the three is missing.

    Offline, and without an environment file. Raises UsageError for a folder that is no run's, or another environment's.
    """
    if options.expected:
        raise UsageError("--expected needs --merge: it names the environments whose runs are merged.")
    if len(options.folders) != 1:
        raise UsageError("Name one run or --incident INC-123, or print several on one page with --merge.")
    (folder,) = options.folders
    report = _report_of(folder)
    environment = report.environment
    if options.environment not in ("", environment):
        raise UsageError(f"{folder} is a run of {environment}, not of {options.environment}. Omit -e.")
    there = replace(options, environment=environment, sandbox=options.sandbox or is_sandbox(report.world))
    console.begin(invocation_of(there))
    stored = folder / FORMS[options.format]
    if stored.exists():
        console.result(commanding_nobody(stored.read_text(encoding="utf-8")), "markdown")
    else:
        others = ", ".join(form for form, name in FORMS.items() if (folder / name).exists())
        console.complain(f"{stored} is not there: choose --format {others}.")
    pages = _pages(folder, report)
    whole = pages == [PAGE, ALLURE_PAGE] and stored.exists()
    code = Exit.READY if whole else Exit.COULD_NOT_SEE
    answer = f"the report again, with {' and '.join(pages) or 'no page'}, exit {code}"
    console.conclude(options.format, answer, "`dr_cli.py status` shows how it stands now.")
    return code


def incident_report_command(options: ReportOptions, environment: Environment) -> Exit:
    """Make the report of the incident from its record, and its pages. Returns 0, however the run ended.

    Raises UsageError where no run of it is on record.
    """
    if options.folders or options.merge:
        raise UsageError("--incident is made from the record: name no run beside it, and omit --merge.")
    with run_folder(options) as folder, open_context(options, environment) as app:
        report = incident_report(options, environment, app, options.incident)
        rto_minutes = environment.objectives.rto_minutes
        chain = mirror_of(app, environment, options.incident)
        refusal, source = refusal_of(app, options.incident), "the mirror in the control table"
        text = review_of(chain, environment.name, options.incident, rto_minutes, source, refusal)
        (folder / REVIEW).write_text(text, encoding="utf-8")
        publish(report, folder, options.format, html=options.html)
        if fetched := fetch_files(app, options.incident, folder):
            console.complain(fetched)
    return Exit.READY


def _title(report: _Report) -> str:
    """What Allure's page was called by the run itself."""
    drills = [f"{drill.kind} {drill.verdict}" for drill in report.drills]
    ended = [f"{report.run.goal} {report.run.outcome}"] if report.run else drills
    return title_of(report.environment, ", ".join(ended) or report.recommendation, None if ended else report.score)


def _pages(folder: Path, report: _Report) -> list[str]:
    """Build both pages, say which files they are or why there is none, and return those that are there."""
    page, note = folder / PAGE, ""
    with console.working("Building Allure's page"):
        allure = build_html(folder / RESULTS, folder / ALLURE_PAGE, _title(report))
    try:
        redraw_page(folder, linked=(folder / ALLURE_PAGE).exists())
    except FileNotFoundError:
        note = "page.json is not in its folder"
    except StoredPageError as other:
        note = str(other)
    if page.exists():
        console.complain(f"Report: {page}{f' (as its run wrote it; {note})' if note else ''}")
    else:
        console.complain(f"{page} is not there: {note}.")
    for line in allure.notes or (f"Allure: {allure.path}",):
        console.complain(line)
    return [name for name, there in ((PAGE, page.exists()), (ALLURE_PAGE, allure.path)) if there]


def _report_of(folder: Path) -> _Report:
    """The report that a run left in the folder. Raises UsageError where none did."""
    path = folder / "report.json"
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder. Name the one that a run printed as its Results.")
    if not path.exists():
        raise UsageError(f"{folder} holds no report.json: no run left its report there. Name the Results of a run.")
    try:
        report = json.loads(bytes_of(path))
    except OSError as unreadable:
        raise UsageError(f"{path}: cannot be read: {unreadable.strerror}.") from unreadable
    except (ValueError, RecursionError):
        report = None
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        raise UsageError(f"{path} is not a report of this tool ({SCHEMA}). Name the Results of a run.")
    try:
        return TypeAdapter(_Report).validate_python(report)
    except ValidationError as odd:
        raise UsageError(f"{path} is not a whole report of this tool ({SCHEMA}).") from odd
