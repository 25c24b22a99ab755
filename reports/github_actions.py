"""What a report gives to GitHub where it runs there: annotations, and the job's summary."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from reports.render import github_report
from reports.terminal import console
from reports.values.report import Report

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
