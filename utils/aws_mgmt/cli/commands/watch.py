"""status --watch, failover --validate --watch: look again and again, on one screen."""

from __future__ import annotations

import sys
from contextlib import ExitStack

from dr_checks.core.model import Area
from dr_estate.aws.read_client import WrongAccount
from dr_estate.config.environment import Environment
from dr_estate.model.unavailable import DataUnavailable
from reports.terminal import console
from reports.terminal.watch import watch
from reports.values.watched_estate import WatchedEstate, watched_estate
from utils.aws_mgmt.app.after_look import after_watch
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.evaluation import narrowed
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import FailoverOptions, StatusOptions
from utils.aws_mgmt.app.target import world_of
from utils.aws_mgmt.cli.terminal import Terminal


def watch_command(
    options: StatusOptions | FailoverOptions, environment: Environment, areas: tuple[Area, ...], every_s: int
) -> Exit:
    """Show the estate until q is pressed. Returns 0, or 3 where nothing was seen.

    Raises UsageError where there is no terminal, or nothing new to look at.
    """
    if not (Terminal().attended and sys.stdout.isatty()):
        raise UsageError("--watch is a screen for a person: use it at a terminal, and `dr_cli.py status` elsewhere.")
    if options.from_evidence:
        raise UsageError("Saved evidence does not change: omit --watch or --from-evidence.")
    with ExitStack() as stack:
        with console.working("Connecting"):
            world = stack.enter_context(world_of(options, environment))

        def look() -> WatchedEstate:
            snapshot = world.observe(environment)
            return watched_estate(snapshot, environment, areas, narrowed(options, snapshot, environment))

        screen = watch(look, every_s, (DataUnavailable, WrongAccount))
    if screen.estate is None:
        console.complain(f"Nothing was seen. {screen.trouble}".strip())
        return Exit.COULD_NOT_SEE
    posture = screen.estate.posture
    next_step = after_watch(posture, screen.estate.standing)
    console.conclude("terminal", f"{posture.name} at {screen.estate.at:%H:%M:%S} UTC", next_step)
    return Exit.READY
