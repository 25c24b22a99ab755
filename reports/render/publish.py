"""Ends a command that reports: its files are written, and the same report is printed."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from pathlib import Path

from reports.allure.results import finish_results
from reports.render import print_report
from reports.values.report import Report


def publish(report: Report, folder: Path, form: str, *, html: bool) -> None:
    """Write the files of the run in ``folder``, then print the report that they hold in the format ``form``."""
    print_report.print_report(finish_results(report, folder, html=html), form, sys.stdout)


def publish_run(report: Report, folder: Path, form: str, *, html: bool) -> None:
    """The same for a run that changed something: a full disk is a note in what is printed, a closed output is none.

    The exit code tells how the run ended, whoever reads it.
    """
    try:
        kept = finish_results(report, folder, html=html)
    except OSError as refused:
        note = f"The files of this run are not complete in {folder}: {refused.strerror or refused}."
        kept = replace(report, notes=(*report.notes, note))
    with contextlib.suppress(OSError):
        print_report.print_report(kept, form, sys.stdout)
