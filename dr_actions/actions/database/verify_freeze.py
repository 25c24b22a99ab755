"""Confirms that the frozen database refuses a write: until then no pause counts, whatever its parameter group says.

The task that wrote the marker until then reports it; where that task is gone (a run that is resumed later), another
task is asked, whose first write must be refused. Its report is what must have arrived: the marker's last number, and
the transactions that the source had executed by then, where it counts them (GTID). Without them, a marker that was
refused long after its last write proves nothing about the time in between.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common.one_off_task import RUN, send
from dr_actions.actions.database import failback
from dr_actions.actions.database.write_marker import WRITES, build_call, evidence_of, source, writing_step
from dr_actions.actions.markers import marker_task
from dr_actions.actions.markers.marker_task import WRITING
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Step
from dr_estate.readers import rds, rds_groups

MOST_GAP_MS = 10_000


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The one step."""
    instance = source(context)
    if instance is not None:
        message = (
            f"See {instance.identifier} in {context.env.regions.dr} refuse a write of {{tenant}}, by a task of it."
        )
        yield from writing_step(context, __name__, instance, message)


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once a write was refused while the parameter group was in force."""
    instance = failback.by_resource(context, step.side, step.before["resource"])
    if instance is None or not failback.frozen(context, instance, step.side):
        return StepStatus(StepState.DRIFTED, f"{step.subject} takes writes again: it is not frozen any more.")
    task = marker_task.task_of(context, WRITING, step)
    if unfinished := marker_task.unfinished(context, step.side, task, f"{WRITES} into {step.subject}"):
        return unfinished
    report = marker_task.report_of(context, step.side, task) if task is not None else None
    if task is None or report is None:
        return marker_task.unread(step)
    facts = (("task", task.arn), *evidence_of(report))
    if not report.refused:
        return StepStatus(StepState.FAILED, f"{step.subject} took the last write that was tried.", facts)
    if not dict(facts).get("gtids") and not 0 <= report.gap_ms <= MOST_GAP_MS:
        message = (
            f"{step.subject} refuses writes, but no marker was written right before, and it counts no transactions "
            "(gtid_mode): nothing shows what came last. Run `dr_cli.py failback --abort`, then begin again"
        )
        return StepStatus(StepState.FAILED, f"{message}.", facts)
    return StepStatus(StepState.DONE, f"{step.subject} refuses writes: {_evidence(report.number, dict(facts))}.", facts)


def _evidence(number: int, facts: dict[str, str]) -> str:
    if facts.get("gtids"):
        return f"a task's was refused after {number} markers, and its executed transactions are known"
    return f"a task's was refused {facts['gap ms']} ms after marker {number}"


ACTION = action(
    globals(), {RUN}, (rds.instances, rds_groups.parameter_groups, *marker_task.PARTS), send=send, build_call=build_call
)
