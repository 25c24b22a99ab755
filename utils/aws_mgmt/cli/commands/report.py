"""report RUN_FOLDER: an earlier run's report again, and its HTML page, from the files of its folder alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reports.allure.html import build_html
from reports.allure.results import ALLURE_PAGE, FORMS, PAGE, RESULTS, title_of
from reports.terminal import console
from reports.values.report import SCHEMA
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import ReportOptions


def report_command(options: ReportOptions) -> Exit:
    """Print the report that the run kept, and build its page. Returns 0, or 3 where one of the two was not possible.

    Offline, and without an environment file. Raises UsageError for a folder that is no run's, or another environment's.
    """
    if len(options.folders) > 1:
        raise UsageError("Name one run, or print several on one page with --merge.")
    (folder,) = options.folders
    document = _report_of(folder)
    environment = str(document["environment"])
    if options.environment not in ("", environment):
        raise UsageError(f"{folder} is a run of {environment}, not of {options.environment}. Omit -e.")
    stored = folder / FORMS[options.format]
    if stored.exists():
        console.result(stored.read_text(encoding="utf-8"))
    else:
        others = ", ".join(form for form, name in FORMS.items() if (folder / name).exists())
        console.complain(f"{stored} is not there: choose --format {others}.")
    if (folder / PAGE).exists():
        console.complain(f"Report: {folder / PAGE}")
    page = build_html(
        folder / RESULTS,
        folder / ALLURE_PAGE,
        title_of(environment, str(document["recommendation"]), int(document["score"])),
    )
    for note in page.notes or (f"Allure: {page.path}",):
        console.complain(note)
    return Exit.READY if page.path and stored.exists() else Exit.COULD_NOT_SEE


def _report_of(folder: Path) -> dict[str, Any]:
    """The report that a run left in the folder. Raises UsageError where none did."""
    path = folder / "report.json"
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder. Name the one that a run printed as its Results.")
    if not path.exists():
        raise UsageError(f"{folder} holds no report.json: no run left its report there. Name the Results of a run.")
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        report = None
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        raise UsageError(f"{path} is not a report of this tool ({SCHEMA}). Name the Results of a run.")
    return report
