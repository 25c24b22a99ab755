"""failover and failback --execute: authorize, run, publish."""

from __future__ import annotations

from dataclasses import replace

from dr_estate.config.environment import Environment
from reports.publish import publish_run
from reports.terminal import console
from utils.aws_mgmt.app import evaluation
from utils.aws_mgmt.app.authorization import authorise
from utils.aws_mgmt.app.connections import reach
from utils.aws_mgmt.app.desk import Desk
from utils.aws_mgmt.app.execution import _standing_now, hold_and_run
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.request import Request
from utils.aws_mgmt.app.run_folder import run_folder
from utils.aws_mgmt.app.run_history import keep_recovery


def execute_command(request: Request, environment: Environment) -> Exit:
    """Run (or go on with) the plan of the request's goal. Returns 0 where it is done and validated."""
    with (
        run_folder(request) as folder,
        reach(request, environment) as reached,
    ):
        with console.progress() as advance:
            start = authorise(request, environment, reached, evaluation.Run(folder, advance))
        quiet = evaluation.Run(folder, lambda _doing, _done, _of: None)
        desk = Desk(request, environment, reached, start, quiet)
        ran, report = hold_and_run(desk)
        notes = keep_recovery(desk, ran, report)
        standing = _standing_now(reached)
    whole = replace(report, standing=standing, notes=notes, ran=ran, exit=ran.exit)
    publish_run(whole, folder, request.format, html="report" in request.flags)
    return Exit(ran.exit)
