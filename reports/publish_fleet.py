"""Writes the page of a fleet with its other forms into a folder, and prints it in the format that was asked for."""

from __future__ import annotations

import sys
from pathlib import Path

from reports.page import fleet as fleet_page
from reports.publish import summarise
from reports.render import fleet_report
from reports.terminal import console
from reports.values.fleet import Fleet

PAGE = "fleet.html"
FORMS = ("terminal", *fleet_report.RENDER)
_FILES = {"fleet.json": "json", "fleet.md": "markdown", "fleet.csv": "csv"}


def publish(fleet: Fleet, folder: Path, form: str) -> None:
    """Write the files of the fleet in ``folder``, then print it in the format ``form``. Raises OSError."""
    # Files before the print: a pipe that is closed early must not cost them.
    for name, kind in _FILES.items():
        (folder / name).write_text(fleet_report.RENDER[kind](fleet), encoding="utf-8")
    (folder / PAGE).write_text(fleet_page.render(fleet, folder), encoding="utf-8")
    with console.naming_stdout():
        if form == "terminal":
            from reports.terminal import fleet as terminal_fleet

            terminal_fleet.render(fleet, folder / PAGE, sys.stdout)
        else:
            sys.stdout.write(fleet_report.RENDER[form](fleet))
        sys.stdout.flush()
    summarise(fleet_report.as_markdown(fleet))
