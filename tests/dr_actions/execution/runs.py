"""Runs of a plan in a world, put together as the product does it; they hold no lock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dr_actions.execution.run import PlanRun, RunListener
from dr_actions.journal.journal import Journal
from dr_actions.model.gates import Override
from dr_actions.model.plan import Plan
from dr_estate.aws.clock import WorldClock
from dr_estate.config.environment import Environment
from dr_estate.snapshot.snapshot import Snapshot
from sandbox.client.endpoint import Endpoint
from tests.worlds import world_of
from utils.aws_mgmt.app.authorization import clear_trial
from utils.aws_mgmt.app.connections import connect
from utils.aws_mgmt.app.evaluation import CommandRun as Files
from utils.aws_mgmt.app.execution import RunContext, run_of
from utils.aws_mgmt.app.options import FailoverOptions
from utils.aws_mgmt.cli.terminal import Terminal


def run_in(
    endpoint: Endpoint,
    env: Environment,
    plan: Plan,
    snapshot: Snapshot,
    journal: Journal,
    listener: RunListener,
    *,
    person: str = "operator",
    clock: WorldClock | None = None,
    overrides: tuple[Override, ...] = (),
) -> PlanRun:
    """The run of ``plan`` for the journal's incident, as ``person``; irreversible steps are confirmed."""
    app = connect(world_of(endpoint, person), env)
    start = clear_trial(app, plan, journal.incident, snapshot, None)
    start = replace(start, clearance=replace(start.clearance, overrides=overrides))
    files = Files(Path(journal.path).parent, Terminal())
    context = RunContext(FailoverOptions(environment=env.name), env, app, start, files)
    return replace(run_of(context, lambda: None, journal, listener), clock=clock or app.clock)
