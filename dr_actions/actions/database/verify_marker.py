"""Before the new database serves: proves that the marker, and all that was executed before it, is there.

A task of the tenant's own on the new side asks that database, and waits some minutes. It must hold the marker's last
number and, where the old one counts its transactions (GTID), all of those. A replica that replicates and is not behind
by its own measure may lack both: it knows nothing of what never reached it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dr_actions.actions.common.one_off_task import RUN, send
from dr_actions.actions.database import copy_selection, failback
from dr_actions.actions.database.write_marker import SERVER, source
from dr_actions.actions.markers import marker_task, scripts
from dr_actions.actions.markers.marker_task import FINDING
from dr_actions.model.action import PlanContext, StepState, StepStatus, action, present
from dr_actions.model.action_ids import step_id
from dr_actions.model.plan import Call, Danger, Goal, Step
from dr_checks.derived.database_copies import REPLICA
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import drill_resources, marker_tasks, rds

_FREEZE, _WRITE = "database/verify_freeze", "database/write_marker"
_NO_REFUSAL = "-1"
"""The gap of a marker whose source did not refuse writes meanwhile."""


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The one step: of a replica before it is promoted, of what is restored as soon as it is."""
    instance = source(context)
    if instance is None:
        return
    home = context.goal is Goal.FAILBACK
    chosen = None if home else copy_selection.choose(context)
    name = failback.own_name(context) if chosen is None else chosen.identifier
    side = Side.PRIMARY if home else Side.DR
    yield from marker_task.step_of(
        context,
        __name__,
        FINDING,
        f"<the host of {name}>",
        subject=name,
        part="replica" if chosen is not None and chosen.copy.mechanism == REPLICA else "",
        side=side,
        says=f"See the marker of {instance.identifier}, and all that was executed before it, in {name} of "
        f"{context.env.region(side)}, by a task of a tenant.",
        danger=Danger.REVERSIBLE,
        undo="Nothing is changed: the task reads, and ends by itself.",
        budget_s=900,
        before={"proof": step_id(_FREEZE if home else _WRITE, instance.identifier)},
        after={"lost": "nothing"},
    )


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with what must have arrived, and the host to ask. Raises ValueError where either is not known."""
    facts = _proof(step, context)
    if not facts:
        raise ValueError(f"{step.before['proof']} recorded no marker")
    try:
        instance = failback.named(context, step.side, step.subject)
    except DataUnavailable as error:
        raise ValueError(error.unavailable.why) from error
    if instance is None or not instance.host:
        raise ValueError(f"{step.subject} has no host yet")
    wanted = {
        scripts.HOST: f"{instance.host}:{marker_task.PORT}",
        scripts.NUMBER: facts.get("written", "0"),
        scripts.GTIDS: facts.get("gtids", ""),
    }
    return marker_task.filled_call(step, context, FINDING, **wanted)


def _proof(step: Step, context: PlanContext) -> Mapping[str, str]:
    return context.confirmed_facts.get(step.before["proof"], {})


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the task found both; FAILED where its time was over before."""
    present(failback.named(context, step.side, step.subject), f"{step.subject} is gone.")
    left = failback.writer(context) if context.goal is Goal.FAILBACK else None
    if left is not None and (lost := failback.lost_copy(context, left)):
        return StepStatus(StepState.DRIFTED, f"{lost}.")
    task = marker_task.task_of(context, FINDING, step)
    report = marker_task.report_of(context, step.side, task) if task is not None else None
    if task is not None and task.exit_code == scripts.TIME_IS_OVER and report is not None:
        return _not_there(step, context, task, report)
    if unfinished := marker_task.unfinished(context, step.side, task, f"see the marker in {step.subject}"):
        return unfinished
    if task is None or report is None:
        return marker_task.unread(step)
    facts = (("task", task.arn), ("arrived", str(report.number)), (SERVER, report.server))
    if not report.found:
        return _not_there(step, context, task, report)
    proof = _proof(step, context)
    if report.server and report.server == proof.get(SERVER):
        message = f"The task reached the very server that the marker was written to ({report.server})"
        return StepStatus(StepState.FAILED, f"{message}, and not {step.subject}. Nothing is promoted.", facts)
    gap = proof.get("gap ms", _NO_REFUSAL)
    span = "what came after it" if gap == _NO_REFUSAL else f"of the {gap} ms until its refusal"
    lag = f"all until then; {span} the lag alone shows"
    message = "every transaction of the source" if proof.get("gtids") else lag
    return StepStatus(StepState.DONE, f"{step.subject} holds marker {report.number}, and {message}.", facts)


def _not_there(
    step: Step, context: PlanContext, task: drill_resources.Probe, report: marker_tasks.MarkerReport
) -> StepStatus:
    wanted = _proof(step, context).get("written", "")
    lacks = f"marker {wanted} of it" if str(report.number) != wanted else "transactions that were executed before it"
    message = f"Not all has arrived in {step.subject}: after {FINDING.seconds} s it lacks {lacks}. Nothing is promoted"
    return StepStatus(StepState.FAILED, f"{message}.", (("task", task.arn), ("arrived", str(report.number))))


ACTION = action(globals(), {RUN}, (rds.instances, *marker_task.PARTS), send=send)
