"""Confirms that each tenant's frozen folder refuses a write: until then only its policy says that it is frozen.

The task that wrote the marker file until then reports it, and which marker the folder holds; where that task is gone (a
run that is resumed later), another task is asked, whose first write must be refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common.one_off_task import RUN, send
from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.files.tenant_folders import WRITING
from dr_actions.actions.files.write_marker import WRITES, build_call, writing_steps
from dr_actions.actions.markers import marker_task
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.readers import efs, efs_policy

_GIVE_UP = "Run `dr_cli.py failback --abort`, then begin again"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant whose marker file is written."""
    message = "See the folder of {tenant} in {region} refuse a write of {file}, by a task of {tenant}."
    yield from writing_steps(context, __name__, message)


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once a write was refused while the policy freezes the files, and a marker is in the folder."""
    policy = files_failback.policy(context, Side.DR)
    if policy is None or policy.frozen_at is None:
        return StepStatus(StepState.DRIFTED, f"The folder of {step.subject} takes writes again: it is not frozen.")
    task = marker_task.task_of(context, WRITING, step)
    if unfinished := marker_task.unfinished(context, step.side, task, f"{WRITES} of {step.subject}"):
        return unfinished
    report = marker_task.report_of(context, step.side, task) if task is not None else None
    if task is None or report is None:
        return marker_task.unread(step)
    facts = (("task", task.arn), ("written", str(report.number)), ("holds", report.holds))
    if not report.refused:
        return StepStatus(StepState.FAILED, f"The folder of {step.subject} took the last write that was tried.", facts)
    if not report.number or not report.holds:
        message = f"The folder of {step.subject} refuses writes, and holds no marker that could arrive. {_GIVE_UP}"
        return StepStatus(StepState.FAILED, f"{message}.", facts)
    message = f"The folder of {step.subject} refuses writes: a task's was refused after marker {report.number}"
    return StepStatus(StepState.DONE, f"{message}.", facts)


ACTION = action(
    globals(), {RUN}, (efs.file_systems, efs_policy.policies, *marker_task.PARTS), send=send, build_call=build_call
)
