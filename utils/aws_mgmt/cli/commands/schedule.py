"""schedule: which test was run when, which is due next, and what is overdue; with --trend how they came out."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.derived.due import block_reason, dues
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import control_table
from dr_estate.snapshot.snapshot import Snapshot
from reports.render.schedule import DrillCalendar, render, trends
from reports.terminal import console
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import after_schedule
from utils.aws_mgmt.app.options import ScheduleOptions
from utils.aws_mgmt.app.target import world_of

_FORMS = ("terminal", "markdown", "json")


def schedule_command(options: ScheduleOptions, environment: Environment) -> Exit:
    """Print the schedule. Returns 0, or 1 where a test is overdue or was never run.

    Only the runs on record are read. Raises DataUnavailable where they cannot be, or where there is no control table.
    """
    if options.format not in _FORMS:
        raise UsageError(f"The schedule is not written as {options.format}: use {', '.join(_FORMS)}.")
    snapshot = _runs(options, environment)
    past = snapshot.get(control_table.runs, Side.DR)
    if past.reason:
        raise DataUnavailable(
            Unavailable(UnavailableKind.ERROR, f"{past.reason} Without it no run is on record (deploy/ makes it).")
        )
    for run in past.refused:
        console.complain(run.says)
    plan = DrillCalendar(
        environment=environment.name,
        world=snapshot.world,
        at=snapshot.taken_at,
        timezone=environment.schedule.timezone,
        tests=dues(environment, past.runs, snapshot.taken_at),
        blocked=block_reason(environment, snapshot.taken_at),
        anchored=bool(environment.names.stream_bucket),
    )
    if options.trend:
        plan = replace(plan, trends=trends(past.runs))
    console.result(render(plan, options.format), options.format)
    late = [row for row in plan.tests if row.state.late]
    code = Exit.NOT_READY if late else Exit.READY
    names = f"{len(late)} late ({', '.join(row.test for row in late)})" if late else "no test is late"
    console.conclude(options.format, f"{names}, exit {code}", after_schedule(late))
    return code


def _runs(options: ScheduleOptions, environment: Environment) -> Snapshot:
    """The runs on record: looked at now, or of saved evidence, by whose moment the schedule is judged then."""
    if options.from_evidence:
        from utils.aws_mgmt.app.evaluation import evidence_of

        return evidence_of(options, environment)
    with console.working("Reading the runs on record"), world_of(options, environment) as world:
        return world.observe(environment, only=frozenset({control_table.runs.name}))
