"""Writes a marker into the database that serves, by a tenant's own task: what must have arrived before a promotion.

A failback's task writes it again and again until the freeze refuses it, so that the last one stands at the end of what
was written. A switchover's writes it once, after the last tenant's task stopped. ReplicaLag proves neither: it is 0
for a replica, too, that has applied all of the little that reached it.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common.one_off_task import RUN, send
from dr_actions.actions.database import copy_selection, failback
from dr_actions.actions.database.verify_primary_in_sync import copied_back
from dr_actions.actions.markers import marker_task, scripts
from dr_actions.actions.markers.marker_task import WRITING
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Goal, Step
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import rds
from dr_estate.readers.marker_tasks import MarkerReport

WRITES, SERVER = "write the marker", "server"


def source(context: PlanContext) -> rds.Instance | None:
    """The database that serves and is to be left; None where there is none, or nothing is waited for of it.

    Raises DataUnavailable.
    """
    if not context.env.execution.markers:
        return None
    if context.goal is Goal.FAILBACK:
        found = failback.writer(context)
        return None if found is None or copied_back(context, found) else found
    chosen = copy_selection.choose(context)
    return failback.named(context, Side.PRIMARY, failback.own_name(context)) if chosen is not None else None


def side_of(context: PlanContext) -> Side:
    """The side that serves."""
    return Side.DR if context.goal is Goal.FAILBACK else Side.PRIMARY


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The one step."""
    instance = source(context)
    if instance is None:
        return
    home, region = context.goal is Goal.FAILBACK, context.env.region(side_of(context))
    until = (
        "again and again until the freeze refuses it" if home else "once, after the last of the tenants' tasks stopped"
    )
    yield from writing_step(
        context,
        __name__,
        instance,
        f"Let a task of {{tenant}} write a marker into {instance.identifier} in {region}, {until}.",
    )


def writing_step(context: PlanContext, action: str, instance: rds.Instance, message: str) -> Iterator[Step]:
    """The step of ``action`` that runs a task which writes the marker. Raises DataUnavailable."""
    tenant_service = marker_task.tenant_on(context, side_of(context))
    tenant = tenant_service.tenant.id if tenant_service else ""
    yield from marker_task.step_of(
        context,
        action,
        WRITING,
        instance.host,
        subject=instance.identifier,
        variables={scripts.UNTIL: scripts.REFUSED if context.goal is Goal.FAILBACK else scripts.ONCE},
        side=side_of(context),
        says=message.format(tenant=tenant),
        danger=Danger.REVERSIBLE,
        undo=f"The task ends by itself; its table {scripts.TABLE} is taken away after the move.",
        budget_s=600,
        before={"resource": instance.resource_id},
        after={"marker": "written"},
    )


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with the run's own marker."""
    return marker_task.filled_call(step, context, WRITING)


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the marker was written; a failback's task goes on writing it."""
    task = marker_task.task_of(context, WRITING, step)
    report = marker_task.report_of(context, step.side, task) if task is not None else None
    if task is not None and report is not None and report.begun and context.goal is Goal.FAILBACK:
        message = f"Task {task.arn.rpartition('/')[2]} writes the marker into {step.subject} all the time."
        return StepStatus(StepState.DONE, message, (("task", task.arn),))
    if unfinished := marker_task.unfinished(context, step.side, task, f"{WRITES} into {step.subject}"):
        return unfinished
    if task is None or report is None:
        return marker_task.unread(step)
    if not (report.number or report.refused):
        return StepStatus(StepState.FAILED, f"{step.subject} took no marker, and refused none.")
    message = (
        f"The marker was written into {step.subject}" if report.number else f"{step.subject} refuses writes already"
    )
    return StepStatus(StepState.DONE, f"{message}.", (("task", task.arn), *evidence_of(report)))


def evidence_of(report: MarkerReport) -> tuple[tuple[str, str], ...]:
    """Return what the journal records of the marker, by which ``verify_marker`` finds it."""
    gtids = report.gtids if len(report.gtids) <= scripts.LONGEST_GTIDS else ""
    known = (("written", str(report.number)), ("gap ms", str(report.gap_ms)), ("gtids", gtids), (SERVER, report.server))
    return tuple((name, value) for name, value in known if value)


def notes(context: PlanContext) -> Iterator[str]:
    """Why no marker is written."""
    if not context.env.execution.markers:
        yield "No marker is written (execution.markers is false): zero loss is read off a lag, and not proven."
        return
    try:
        instance, tenant = source(context), marker_task.tenant_on(context, side_of(context))
    except DataUnavailable as error:
        yield f"No marker is written: {error.unavailable.why}"
        return
    if instance is not None and tenant is None:
        yield "No marker is written, for no tenant has a service in both regions: zero loss is read off a lag."


ACTION = action(globals(), {RUN}, (rds.instances, *marker_task.PARTS), send=send)
