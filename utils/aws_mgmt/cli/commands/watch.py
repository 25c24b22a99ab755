"""status --watch, failover --validate --watch: look again and again, on one screen."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from dr_actions.model.plan import SendFailed
from dr_checks.posture.signals import Api
from dr_checks.posture.writers import sole_writer
from dr_estate.aws.read_client import WrongAccount
from dr_estate.config.environment import Environment
from dr_estate.model.unavailable import DataUnavailable
from reports.terminal import console
from reports.terminal.watch import watch
from reports.values.run_view import RunFollower, RunView
from reports.values.watched_estate import WatchedEstate, watched_estate
from utils.aws_mgmt.app.after_look import after_watch
from utils.aws_mgmt.app.areas import areas_of
from utils.aws_mgmt.app.connections import AppContext, connect
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.evaluation import chosen_tenants
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.incident_record import mirror_of
from utils.aws_mgmt.app.misfit import refuse_misfit
from utils.aws_mgmt.app.options import FailoverOptions, StatusOptions
from utils.aws_mgmt.app.target import ObservedWorld, world_of
from utils.aws_mgmt.cli.terminal import Terminal


def watch_command(options: StatusOptions | FailoverOptions, environment: Environment) -> Exit:
    """Show the estate until q is pressed. Returns 0, or 3 where nothing was seen.

    Raises UsageError where there is no terminal, nothing new to look at, or the settings do not fit the account.
    """
    if not (Terminal().has_person and sys.stdout.isatty()):
        raise UsageError("--watch is a screen for a person: use it at a terminal, and `dr_cli.py status` elsewhere.")
    if options.from_evidence:
        raise UsageError("Saved evidence does not change: omit --watch or --from-evidence.")
    with ExitStack() as stack:
        with console.working("Connecting"):
            world = stack.enter_context(world_of(options, environment))

        follows, fits = _runs_of(world, environment), list[bool]()

        def look() -> WatchedEstate:
            snapshot = world.observe(environment)
            if not fits:
                refuse_misfit(snapshot, environment, world)
                fits.append(True)  # what goes later goes on the screen
            estate = watched_estate(
                snapshot, environment, areas_of(options), chosen_tenants(options, snapshot, environment)
            )
            primary = estate.regions[0]
            dark = "" if primary.api == Api.ANSWERS else primary.region
            waiting, writer = estate.waiting, sole_writer(snapshot, environment)
            next_step = after_watch(estate.posture, estate.standing, environment, estate.at, dark, waiting, writer)
            return replace(estate, view=follows(estate), next_step=next_step)

        screen = watch(look, options.watch_s or 0, (DataUnavailable, WrongAccount))
    if screen.estate is None:
        console.complain(f"Nothing was seen. {screen.trouble}".strip())
        return Exit.COULD_NOT_SEE
    answer = f"{screen.estate.posture.name} at {screen.estate.at:%H:%M:%S} UTC"
    console.conclude("terminal", answer, screen.estate.next_step)
    return Exit.READY


def _runs_of(world: ObservedWorld, environment: Environment) -> Callable[[WatchedEstate], RunView | None]:
    """Return what shows the run of the incident that is open; None where none is, or its mirror does not answer."""
    opened: list[AppContext] = []

    def view(estate: WatchedEstate) -> RunView | None:
        incident = estate.standing.known_incident if estate.standing else None
        if incident is None:
            return None
        opened[:] = opened or [connect(world, environment)]  # nights without an incident need no control table
        try:
            entries = mirror_of(opened[0], environment, incident.id).entries
        except (SendFailed, DataUnavailable):
            return None
        follower = RunFollower(environment, incident.id)
        follower.follow(entries)
        return follower.view(opened[0].clock.now())

    return view
