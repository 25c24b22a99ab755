"""Prints reports, and ends a command that reports: its files are written, and the same report is printed."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from reports.allure.results import FORMS, finish_results
from reports.render import csv_report, github_report, json_report, markdown_report
from reports.terminal import console
from reports.values.report import Report

# What a report gives to GitHub where it runs there: annotations, and the job's summary.

_FOR_MACHINES = ("junit", "sarif")


def announce(report: Report, form: str, variables: Mapping[str, str] = os.environ) -> None:
    """Annotate the step and append to its summary, where ``variables`` are those of a GitHub runner.

    The formats for machines, JUnit and SARIF, announce nothing, so that nothing appears twice. The annotations go to
    stderr, which the runner reads too: stdout stays the report in the requested ``form``. A summary that cannot be
    written is reported, and changes no exit code.
    """
    if variables.get("GITHUB_ACTIONS") != "true" or form in _FOR_MACHINES:
        return
    # In that form the annotations are the report, on stdout.
    if form != "github":
        sys.stderr.write(github_report.render(report))
    summarise(github_report.summary(report), variables)


def summarise(text: str, variables: Mapping[str, str] = os.environ) -> None:
    """Append ``text`` to the job's summary, where ``variables`` are those of a GitHub runner that keeps one."""
    file = variables.get("GITHUB_STEP_SUMMARY")
    if file and variables.get("GITHUB_ACTIONS") == "true":
        try:
            with Path(file).open("a", encoding="utf-8") as stream:
                stream.write(text)
        except OSError as refused:
            console.complain(f"The job's summary {file} was not written: {refused.strerror or refused}.")


# Formats of which the file is what is printed: a thousand tenants' findings are not put into words twice.
_KEPT = frozenset({"json", "csv", "markdown"})


def print_report(report: Report, form: str, stream: TextIO) -> None:
    """Print ``report`` to ``stream`` in the format ``form``. Raises OSError that names standard output."""
    with console.naming_stdout():
        if form == "terminal":
            from reports.terminal import status as terminal_status

            terminal_status.render(report, stream)
        elif form == "json":
            stream.writelines(json_report.pieces(report))
        elif form == "csv":
            csv_report.write(report, stream)
        elif form == "markdown":
            stream.write(markdown_report.render(report))
        else:
            stream.write(_of_ci()[form](report))
        stream.flush()


def _of_ci() -> dict[str, Callable[[Report], str]]:
    """What writes the formats that CI systems read."""
    from reports.render import github_report, junit_report, sarif_report

    return {"github": github_report.render, "junit": junit_report.render, "sarif": sarif_report.render}


def publish(report: Report, folder: Path, form: str, *, html: bool) -> None:
    """Write the files of the run in ``folder``, then print the report that they hold in the format ``form``."""
    complete = finish_results(report, folder, html=html)
    if form in _KEPT:
        with console.naming_stdout(), (folder / FORMS[form]).open(encoding="utf-8", newline="") as file:
            shutil.copyfileobj(file, sys.stdout)
            sys.stdout.flush()
    else:
        print_report(complete, form, sys.stdout)
    announce(complete, form)


def publish_run(report: Report, folder: Path, form: str, *, html: bool) -> None:
    """Publish a run that changed something; output errors change no exit code.

    A full disk becomes a note in the printed report, a closed output is ignored. The exit code states how the run
    ended.
    """
    try:
        complete = finish_results(report, folder, html=html)
    except OSError as refused:
        note = f"The files of this run are not complete in {folder}: {refused.strerror or refused}."
        complete = replace(report, notes=(*report.notes, note))
    with contextlib.suppress(OSError):
        print_report(complete, form, sys.stdout)
        announce(complete, form)
