"""status, test and failover --validate: one observation, the chosen scenarios, one report."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from dr_checks.core.model import Area
from dr_estate.config.environment import Environment
from reports.publish import publish
from reports.terminal import console
from utils.aws_mgmt.app.evaluation import Run, judge, look
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.request import Request
from utils.aws_mgmt.app.run_folder import run_folder
from utils.aws_mgmt.cli.terminal import Terminal


def judge_readiness(request: Request, environment: Environment, areas: tuple[Area, ...]) -> Exit:
    """Look (or load evidence), judge the scenarios of ``areas``, write and print the report.

    Returns its exit code; where only the validation was judged and found fault, 6.
    """
    began = datetime.now(UTC)
    with run_folder(request) as folder, console.progress() as advance:
        run = Run(folder, Terminal(), advance)
        report = judge(request, environment, areas, look(request, environment, run), run)
    if request.command == "test":  # what status needs not is not imported: it answers a second sooner
        from utils.aws_mgmt.app.run_history import Proof, keep_tests

        report = replace(report, notes=keep_tests(request, environment, report, areas, Proof(folder, began)))
    if areas == (Area.VALIDATION,) and report.exit == Exit.NOT_READY:
        report = replace(report, exit=Exit.VALIDATION_FAILED)
    publish(report, folder, request.format, html="report" in request.flags)
    return Exit(report.exit)
