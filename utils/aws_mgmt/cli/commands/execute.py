"""failover and failback --execute: authorize, run, publish."""

from __future__ import annotations

from dataclasses import replace

from dr_estate.config.environment import Environment
from reports.publish import publish_run
from utils.aws_mgmt.app.authorization import authorise
from utils.aws_mgmt.app.connections import open_context
from utils.aws_mgmt.app.evaluation import Run
from utils.aws_mgmt.app.execution import Desk, hold_and_run, standing_now
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import RecoveryOptions
from utils.aws_mgmt.app.run_folder import run_folder
from utils.aws_mgmt.app.run_history import keep_recovery
from utils.aws_mgmt.cli.terminal import Terminal


def execute_command(options: RecoveryOptions, environment: Environment) -> Exit:
    """Run (or go on with) the plan of the options's goal. Returns 0 where it is done and validated."""
    with run_folder(options) as folder, open_context(options, environment) as reached:
        files = Run(folder, Terminal())
        with files.dialog.progress() as advance:
            start = authorise(options, environment, reached, replace(files, advance=advance))
        desk = Desk(options, environment, reached, start, files)
        ran, report = hold_and_run(desk)
        notes = keep_recovery(desk, ran, report)
        standing = standing_now(reached)
    whole = replace(report, standing=standing, notes=notes, ran=ran, exit=ran.exit)
    publish_run(whole, folder, options.format, html=options.html)
    return Exit(ran.exit)
