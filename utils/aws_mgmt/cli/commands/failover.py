"""failover and the commands around it: which module does which."""

from __future__ import annotations

from dataclasses import replace

from dr_estate.config.environment import Environment
from reports.publish import publish
from reports.terminal import console
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.request import Request
from utils.aws_mgmt.app.run_folder import run_folder


def run_failover(request: Request, environment: Environment) -> Exit:
    """Run failover (assess, execute, validate), approve, pause, unpause, log or iam. Returns the exit code."""
    if request.command == "approve":
        from utils.aws_mgmt.cli.commands.approve import approve_command

        return approve_command(request, environment)
    if request.command in {"pause", "unpause"}:
        from utils.aws_mgmt.cli.commands.approve import pause_command

        return pause_command(request, environment)
    if request.command == "log":
        from utils.aws_mgmt.cli.commands.log import log_command

        return log_command(request, environment)
    if request.command == "iam":
        from utils.aws_mgmt.cli.commands.iam import run_iam

        return run_iam(request, environment)
    return _failover(request, environment)


def _failover(request: Request, environment: Environment) -> Exit:
    if "execute" in request.flags:
        from utils.aws_mgmt.cli.commands.execute import execute_command

        return execute_command(request, environment)
    if "validate" in request.flags:
        return validate_command(request, environment)
    from utils.aws_mgmt.cli.commands.assess import assess_command

    return assess_command(request, environment)


def validate_command(request: Request, environment: Environment) -> Exit:
    """Look, and judge that the DR region serves. Returns 0, 6 where it does not, 3 where it cannot be seen."""
    from dr_checks.core.model import Area
    from utils.aws_mgmt.app.evaluation import Run, judge, look

    with run_folder(request) as folder, console.progress() as advance:
        run = Run(folder, advance)
        report = judge(request, environment, (Area.VALIDATION,), look(request, environment, run), run)
    if report.exit == Exit.NOT_READY:
        report = replace(report, exit=Exit.VALIDATION_FAILED)
    publish(report, folder, request.format, html="report" in request.flags)
    return Exit(report.exit)
