"""schedule: which test was run when, which is due next, and what is overdue; with --trend how they came out."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.due import blocked_now, dues
from dr_estate.environments import Environment, Side
from dr_estate.facts import control
from dr_estate.observing import observe
from dr_estate.snapshot import Snapshot
from dr_estate.unseen import Blindness, CannotSee, Unseen
from reports import voice
from reports.schedule import Plan, render, trends
from utils.aws_mgmt.commands import UsageError
from utils.aws_mgmt.exits import Exit
from utils.aws_mgmt.request import Request
from utils.aws_mgmt.worlds import world_of

_FORMS = ("terminal", "markdown", "json")


def schedule_command(request: Request, environment: Environment) -> Exit:
    """Print the schedule. Returns 0, or 1 where a test is overdue or was never run.

    Only the runs on record are read. Raises CannotSee where they cannot be, or where there is no control table.
    """
    if request.format not in _FORMS:
        raise UsageError(f"The schedule is not written as {request.format}: use {', '.join(_FORMS)}.")
    snapshot = _seen(request, environment)
    past = snapshot.get(control.runs, Side.DR)
    if past.reason:
        raise CannotSee(Unseen(Blindness.ERROR, f"{past.reason} Without it no run is on record (deploy/ makes it)."))
    plan = Plan(
        environment=environment.name,
        world=snapshot.world,
        at=snapshot.taken_at,
        timezone=environment.schedule.timezone,
        tests=dues(environment, past.runs, snapshot.taken_at),
        blocked=blocked_now(environment, snapshot.taken_at),
    )
    if "trend" in request.flags:
        plan = replace(plan, trends=trends(past.runs))
    voice.result(render(plan, request.format), machine=request.format == "json")
    return Exit.NOT_READY if plan.late else Exit.READY


def _seen(request: Request, environment: Environment) -> Snapshot:
    """The runs on record: looked at now, or of saved evidence, by whose moment the schedule is judged then."""
    if request.from_evidence:
        from utils.aws_mgmt.judging import evidence_of

        return evidence_of(request, environment)
    with world_of(request, environment) as world:
        return observe(environment, world.credentials, world.name, only=frozenset({control.runs.name}))
