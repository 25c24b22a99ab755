"""status and test: one observation, the chosen scenarios, one report."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from dr_checks.model import Area
from dr_estate.environments import Environment
from reports import voice
from reports.publishing import publish
from utils.aws_mgmt.commands import run_folder
from utils.aws_mgmt.exits import Exit
from utils.aws_mgmt.judging import Run, judge, look
from utils.aws_mgmt.request import Request


def judge_readiness(request: Request, environment: Environment, areas: tuple[Area, ...]) -> Exit:
    """Look (or load evidence), judge the scenarios of ``areas``, write and print the report. Returns its exit code."""
    began = datetime.now(UTC)
    with run_folder(request) as folder, voice.progress() as advance:
        run = Run(folder, advance)
        report = judge(request, environment, areas, look(request, environment, run), run)
    if request.command == "test":  # what status needs not is not imported: it answers a second sooner
        from utils.aws_mgmt.history import Proof, keep_tests

        report = replace(report, notes=keep_tests(request, environment, report, areas, Proof(folder, began)))
    publish(report, folder, request.format, html="report" in request.flags)
    return Exit(report.exit)
