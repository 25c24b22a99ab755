"""test with --restore, --start or --canary: the scenarios, then the trials that were asked for."""

from __future__ import annotations

from dr_estate.config.environment import Environment
from reports.publish import publish
from utils.aws_mgmt.app.areas import areas_of
from utils.aws_mgmt.app.evaluation import CommandRun
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import DrTestOptions
from utils.aws_mgmt.app.run_folder import run_folder
from utils.aws_mgmt.app.trials import judge_and_run_trials
from utils.aws_mgmt.cli.terminal import Terminal


def trial_command(options: DrTestOptions, environment: Environment) -> Exit:
    """Judge, hold the trials, and publish. Returns the gravest exit code of both."""
    with run_folder(options) as folder:
        report = judge_and_run_trials(options, environment, areas_of(options), CommandRun(folder, Terminal()))
    publish(report, folder, options.format, html=options.html)
    return Exit(report.exit)
