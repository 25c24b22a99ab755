"""Writes a marker file into each tenant's folder in the DR region, until the freeze refuses it.

The tenant's own task writes it again and again, so the last marker is at the end of what was written. The time of EFS's
last sync shows what EFS copied, but not that a tenant's own folder, by its own access point, is the one that was copied
back.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common.one_off_task import RUN, send
from dr_actions.actions.common.unavailable_handling import name_list
from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.files import tenant_folders
from dr_actions.actions.files.tenant_folders import WRITING
from dr_actions.actions.markers import marker_task
from dr_actions.actions.markers.file_scripts import FILE
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import efs

WRITES = "write the marker file"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant that mounts the estate's file system in both regions."""
    message = "Let a task of {tenant} write {file} into its folder in {region}, again and again until it is refused."
    yield from writing_steps(context, __name__, message)


def writing_steps(context: PlanContext, action_name: str, message: str) -> Iterator[Step]:
    """The steps of an action that runs a task which writes the marker file. Raises DataUnavailable."""
    yield from tenant_folders.marker_steps(
        context,
        action_name,
        WRITING,
        side=Side.DR,
        says=message,
        danger=Danger.REVERSIBLE,
        undo=f"The task ends by itself; {FILE} is taken away after the move, or by the abort.",
        budget_s=900,
        after={"marker file": "written"},
    )


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with the run's own marker."""
    return marker_task.filled_call(step, context, WRITING)


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the file was written; the task goes on writing it. A folder that is frozen already refuses it."""
    task = marker_task.task_of(context, WRITING, step)
    report = marker_task.report_of(context, step.side, task) if task is not None else None
    if task is not None and report is not None and report.begun:
        message = f"Task {task.arn.rpartition('/')[2]} writes {FILE} of {step.subject} all the time."
        return StepStatus(StepState.DONE, message, (("task", task.arn),))
    if unfinished := marker_task.unfinished(context, step.side, task, f"{WRITES} of {step.subject}"):
        return unfinished
    if task is None or report is None:
        return marker_task.unread(step)
    if not report.refused and not report.number:
        return StepStatus(StepState.FAILED, f"The folder of {step.subject} took no marker, and refused none.")
    message = f"The folder of {step.subject} refuses writes already, or was written to."
    return StepStatus(StepState.DONE, message, (("task", task.arn),))


def notes(context: PlanContext) -> Iterator[str]:
    """The tenants whose folders take no marker."""
    if not context.env.execution.markers or files_failback.file_systems(context) is None:
        return
    try:
        unmarked = tenant_folders.without_folder(context)
    except DataUnavailable as error:
        yield f"No marker file is written: {error.unavailable.why}"
        return
    if unmarked:
        yield (
            f"No marker file is written for {name_list(unmarked)}: no task of theirs mounts the estate's file system "
            "writable in both regions. That their files are home is read off EFS's last sync alone."
        )


ACTION = action(globals(), {RUN}, (efs.file_systems, *marker_task.PARTS), send=send)
