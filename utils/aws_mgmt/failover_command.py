"""failover and the commands around it: which module does which."""

from __future__ import annotations

from dataclasses import replace

from dr_estate.environments import Environment
from reports import voice
from reports.publishing import publish
from utils.aws_mgmt.commands import run_folder
from utils.aws_mgmt.exits import Exit
from utils.aws_mgmt.request import Request


def run_failover(request: Request, environment: Environment) -> Exit:
    """Run failover (assess, execute, validate), approve, pause, unpause, log or iam. Returns the exit code."""
    if request.command == "approve":
        from utils.aws_mgmt.approving_command import approve_command

        return approve_command(request, environment)
    if request.command in {"pause", "unpause"}:
        from utils.aws_mgmt.approving_command import pause_command

        return pause_command(request, environment)
    if request.command == "log":
        from utils.aws_mgmt.log_command import log_command

        return log_command(request, environment)
    if request.command == "iam":
        from utils.aws_mgmt.iam_command import run_iam

        return run_iam(request, environment)
    return _failover(request, environment)


def _failover(request: Request, environment: Environment) -> Exit:
    if "execute" in request.flags:
        from utils.aws_mgmt.executing_command import execute_command

        return execute_command(request, environment)
    if "validate" in request.flags:
        return validate_command(request, environment)
    from utils.aws_mgmt.assessing_command import assess_command

    return assess_command(request, environment)


def validate_command(request: Request, environment: Environment) -> Exit:
    """Look, and judge that the DR region serves. Returns 0, 6 where it does not, 3 where it cannot be seen."""
    from dr_checks.model import Area
    from utils.aws_mgmt.judging import Run, judge, look

    with run_folder(request) as folder, voice.progress() as advance:
        run = Run(folder, advance)
        report = judge(request, environment, (Area.VALIDATION,), look(request, environment, run), run)
    if report.exit == Exit.NOT_READY:
        report = replace(report, exit=Exit.VALIDATION_FAILED)
    publish(report, folder, request.format, html="report" in request.flags)
    return Exit(report.exit)
