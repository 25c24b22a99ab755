"""Prints a report in the format that was asked for."""

from __future__ import annotations

from typing import TextIO

from reports import csv_report, json_report, markdown_report, voice
from reports.report import Report

_RENDER = {"json": json_report.render, "csv": csv_report.render, "markdown": markdown_report.render}


def print_report(report: Report, form: str, stream: TextIO) -> None:
    """Print ``report`` to ``stream``: terminal, markdown, json or csv. Raises OSError that names standard output."""
    with voice.naming_stdout():
        if form == "terminal":
            from reports import terminal

            terminal.render(report, stream)
        else:
            stream.write(_RENDER[form](report))
        stream.flush()
