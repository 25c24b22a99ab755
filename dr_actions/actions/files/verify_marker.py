"""Before the primary's files become writable: proves that each tenant's last marker file is in its folder there.

A task of the tenant's own reads it by the tenant's own access point, from a file system that is read-only still, after
the last sync. No call is made that changes anything there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dr_actions.actions.common.one_off_task import RUN, send
from dr_actions.actions.files import tenant_folders
from dr_actions.actions.files.tenant_folders import FINDING
from dr_actions.actions.markers import file_scripts, marker_task, scripts
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.action_ids import step_id
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import efs

_FREEZE = "files/verify_freeze"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant whose marker file is written."""
    yield from tenant_folders.marker_steps(
        context,
        __name__,
        FINDING,
        side=Side.PRIMARY,
        says="See {file} of {tenant} as it was written last in its folder of {region}, by a task of {tenant}.",
        danger=Danger.REVERSIBLE,
        undo="Nothing is changed: the task reads, and ends by itself.",
        budget_s=900,
        after={"lost": "nothing"},
    )


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with the marker that must have arrived. Raises ValueError where none is known."""
    facts = _proof(step, context)
    if not facts.get("holds"):
        raise ValueError(f"{step_id(_FREEZE, step.subject)} recorded no marker")
    wanted = {scripts.NUMBER: facts.get("written", "0"), file_scripts.HOLDS: facts["holds"]}
    return marker_task.filled_call(step, context, FINDING, **wanted)


def _proof(step: Step, context: PlanContext) -> Mapping[str, str]:
    return context.confirmed_facts.get(step_id(_FREEZE, step.subject), {})


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the task found it; FAILED where its time was over before."""
    task = marker_task.task_of(context, FINDING, step)
    report = marker_task.report_of(context, step.side, task) if task is not None else None
    if task is not None and report is not None and task.exit_code == scripts.TIME_IS_OVER:
        wanted, region = _proof(step, context).get("written", ""), context.env.region(step.side)
        message = f"after {FINDING.seconds} s {file_scripts.FILE} of {region} is not marker {wanted}"
        facts = (("task", task.arn), ("arrived", str(report.number)))
        reason = f"Not all has arrived in the folder of {step.subject}: {message}. Its files are not made writable"
        return StepStatus(StepState.FAILED, f"{reason}.", facts)
    if unfinished := marker_task.unfinished(context, step.side, task, f"see the marker file of {step.subject}"):
        return unfinished
    if task is None or report is None:
        return marker_task.unread(step)
    if not report.found:
        return StepStatus(StepState.FAILED, f"The task did not find the marker file of {step.subject}.")
    facts = (("task", task.arn), ("arrived", str(report.number)))
    return StepStatus(StepState.DONE, f"The folder of {step.subject} holds marker {report.number}.", facts)


ACTION = action(globals(), {RUN}, (efs.file_systems, *marker_task.PARTS), send=send)
