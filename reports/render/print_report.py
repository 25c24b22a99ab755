"""Prints a report in the format that was asked for."""

from __future__ import annotations

from typing import TextIO

from reports.render import csv_report, json_report, markdown_report
from reports.terminal import console
from reports.values.report import Report

_RENDER = {"json": json_report.render, "csv": csv_report.render, "markdown": markdown_report.render}


def print_report(report: Report, form: str, stream: TextIO) -> None:
    """Print ``report`` to ``stream``: terminal, markdown, json or csv. Raises OSError that names standard output."""
    with console.naming_stdout():
        if form == "terminal":
            from reports.terminal import status as terminal_status

            terminal_status.render(report, stream)
        else:
            stream.write(_RENDER[form](report))
        stream.flush()
