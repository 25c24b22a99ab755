"""failover and failback --execute: authorize, run, publish."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from dr_estate.config.environment import Environment
from reports.publish import publish_run
from reports.terminal import console
from utils.aws_mgmt.app.authorization import authorise
from utils.aws_mgmt.app.connections import open_context
from utils.aws_mgmt.app.evaluation import CommandRun
from utils.aws_mgmt.app.execution import RunContext, control_state_now, lock_and_run
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import after_execution
from utils.aws_mgmt.app.options import RecoveryOptions
from utils.aws_mgmt.app.run_folder import run_folder
from utils.aws_mgmt.app.run_history import record_recovery
from utils.aws_mgmt.cli.terminal import Terminal


def execute_command(options: RecoveryOptions, environment: Environment) -> Exit:
    """Run (or go on with) the plan of the options's goal. Returns 0 where it is done and validated."""
    with run_folder(options) as folder, ExitStack() as stack:
        with console.working("Connecting"):
            reached = stack.enter_context(open_context(options, environment))
        files = CommandRun(folder, Terminal())
        with files.dialog.progress() as advance:
            start = authorise(options, environment, reached, replace(files, advance=advance))
        context = RunContext(options, environment, reached, start, files)
        summary, report = lock_and_run(context)
        notes = record_recovery(context, summary, report)
        control_state = control_state_now(reached)
    whole = replace(report, standing=control_state, notes=notes, ran=summary, exit=summary.exit)
    whole = replace(whole, next_step=after_execution(options, whole))
    publish_run(whole, folder, options.format, html=options.html)
    return Exit(summary.exit)
