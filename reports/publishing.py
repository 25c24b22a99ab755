"""Ends a command that reports: its files are written, and the same report is printed."""

from __future__ import annotations

import sys
from pathlib import Path

from reports import rendering
from reports.allure_files import finish_results
from reports.report import Report


def publish(report: Report, folder: Path, form: str, *, html: bool) -> None:
    """Write the files of the run in ``folder``, then print the report that they hold in the format ``form``."""
    rendering.print_report(finish_results(report, folder, html=html), form, sys.stdout)
