"""The marker files of the tenants' folders: written until the freeze refuses it, found in the primary's files, removed.

The time of EFS's last sync shows what EFS copied, but not that a tenant's own folder, by its own access point, is the
one that was copied back. So the tenant's own task writes a marker there again and again, as it mounts the folder: its
access point, its mount and the file system's policy are those that its site meets. The last marker is at the end of
what was written; the task that wrote it reports it, or where that task is gone (a run that is resumed later) another
whose first write must be refused: until then only the policy says that the files are frozen. It is read by such a task
from the primary's file system, which is read-only still, after the last sync. After the move it is removed in the
primary region, from where the removal replicates; an abort removes it in the DR region.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Unpack

from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.markers import file_scripts, marker_task, scripts
from dr_actions.actions.markers.marker_task import MarkerTask
from dr_actions.actions.shared import (
    RUN,
    TenantService,
    container_of,
    name_list,
    send,
    tenant_services,
)
from dr_actions.model.action import Action, PlanContext, StepDetails, StepState, StepStatus, Waits
from dr_actions.model.plan import Call, Danger, Goal, Step, step_id
from dr_estate.config.environment import Side
from dr_estate.model.stores import FILE
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import efs

# An hour: from before the freeze until it is enforced, with failback.files_freeze_minutes in it.
WRITING = MarkerTask(file_scripts.WRITE, "dr-marker-file-write", 3600)
FINDING = MarkerTask(file_scripts.FIND, "dr-marker-file-find", 300)
REMOVING = MarkerTask(file_scripts.REMOVE, "dr-marker-file-remove", 600)
WRITES = "write the marker file"
_GIVE_UP = "Run `dr_cli.py failback --abort`, then begin again"


@dataclass(frozen=True, slots=True)
class TenantFolder:
    """A tenant's service on one side, and where its container mounts the estate's file system, "" where nowhere."""

    tenant_service: TenantService
    path: str


def tenant_folders(context: PlanContext, side: Side) -> tuple[TenantFolder, ...]:
    """The tenants that mount the file system in both regions; none without markers. Raises DataUnavailable."""
    found = files_failback.file_systems(context)
    if found is None or not context.env.execution.markers or not context.env.application.php:
        return ()
    other = Side.DR if side is Side.PRIMARY else Side.PRIMARY
    there = {folder.tenant_service.tenant.id for folder in _folders(context, other, found) if folder.path}
    return tuple(row for row in _folders(context, side, found) if row.path and row.tenant_service.tenant.id in there)


def _folders(context: PlanContext, side: Side, found: files_failback.FileSystems) -> Iterator[TenantFolder]:
    system = found.dr.id if side is Side.DR else found.primary.id
    for tenant_service in tenant_services(context, side):
        yield TenantFolder(tenant_service, _path(context, side, tenant_service, system))


def _path(context: PlanContext, side: Side, tenant_service: TenantService, system: str) -> str:
    definition = marker_task.definition_of(context, side, tenant_service.service)
    if definition is None:
        return ""
    volumes = {volume.name for volume in definition.volumes if volume.file_system_id == system}
    name = container_of(context.env, definition)
    site = (container for container in definition.containers if container.name == name)
    mounts = [mount for container in site for mount in container.mounts or ()]
    # Read-only mounts are left out: such a task could neither write a marker nor prove that writes are refused.
    return next((mount.path for mount in mounts if mount.volume in volumes and not mount.read_only), "")


def marker_steps(context: PlanContext, action: str, kind: MarkerTask, **details: Unpack[StepDetails]) -> Iterator[Step]:
    """A step of ``action`` for each tenant's folder; ``says`` has places for tenant, region and file."""
    region, message = context.env.region(details["side"]), details["says"]
    for folder in tenant_folders(context, details["side"]):
        tenant = folder.tenant_service.tenant.id
        details["says"] = message.format(tenant=tenant, region=region, file=FILE)
        variables = {file_scripts.FOLDER: folder.path}
        service = folder.tenant_service
        yield marker_task.tenant_step(context, action, kind, service, variables, subject=tenant, **details)


def write_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant that mounts the estate's file system in both regions."""
    message = "Let a task of {tenant} write {file} into its folder in {region}, again and again until it is refused."
    yield from _steps_by_task(context, WRITE.name, message)


def _steps_by_task(context: PlanContext, action_name: str, message: str) -> Iterator[Step]:
    """The steps of an action that runs a task which writes the marker file. Raises DataUnavailable."""
    yield from marker_steps(
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


def write_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the file was written; the task goes on writing it. A folder that is frozen already refuses it."""
    task, report = marker_task.task_and_report(context, WRITING, step)
    if task is not None and report is not None and report.begun:
        message = f"Task {task.arn.rpartition('/')[2]} writes {FILE} of {step.subject} all the time."
        return StepStatus(StepState.DONE, message, (("task", task.arn),))
    if unfinished := marker_task.unfinished_status(context, step.side, task, f"{WRITES} of {step.subject}"):
        return unfinished
    if task is None or report is None:
        return marker_task.missing_log_status(step)
    if not report.refused and not report.number:
        return StepStatus(StepState.FAILED, f"The folder of {step.subject} took no marker, and refused none.")
    message = f"The folder of {step.subject} refuses writes already, or was written to."
    return StepStatus(StepState.DONE, message, (("task", task.arn),))


def write_notes(context: PlanContext) -> Iterator[str]:
    """The tenants whose folders take no marker."""
    if not context.env.execution.markers or files_failback.file_systems(context) is None:
        return
    try:
        marked = {folder.tenant_service.tenant.id for folder in tenant_folders(context, Side.DR)}
        both = [{row.tenant.id for row in tenant_services(context, side)} for side in (Side.PRIMARY, Side.DR)]
        unmarked = tuple(sorted((both[0] & both[1]) - marked))
    except DataUnavailable as error:
        yield f"No marker file is written: {error.unavailable.why}"
        return
    if unmarked:
        reason = "no task of theirs mounts the estate's file system writable in both regions"
        if not context.env.application.php:
            reason = f"nothing says that images of the profile {context.env.profile} have PHP"
        yield (
            f"No marker file is written for {name_list(unmarked)}: {reason}. That their files are copied back is read "
            "off EFS's last sync alone."
        )


def freeze_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant whose marker file is written."""
    message = "See the folder of {tenant} in {region} refuse a write of {file}, by a task of {tenant}."
    yield from _steps_by_task(context, VERIFY_FREEZE.name, message)


def freeze_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once a write was refused while the policy freezes the files, and a marker is in the folder."""
    policy = files_failback.policy(context, Side.DR)
    if policy is None or policy.freeze_time is None:
        return StepStatus(StepState.DRIFTED, f"The folder of {step.subject} takes writes again: it is not frozen.")
    task = marker_task.task_of(context, WRITING, step)
    if unfinished := marker_task.unfinished_status(context, step.side, task, f"{WRITES} of {step.subject}"):
        return unfinished
    report = marker_task.report_of(context, step.side, task) if task is not None else None
    if task is None or report is None:
        return marker_task.missing_log_status(step)
    facts = (("task", task.arn), ("written", str(report.number)), ("holds", report.holds))
    if not report.refused:
        return StepStatus(StepState.FAILED, f"The folder of {step.subject} took the last write that was tried.", facts)
    # A refused write alone proves no copy: there must be a marker that can arrive.
    if not report.number or not report.holds:
        message = f"The folder of {step.subject} refuses writes, and holds no marker that could arrive. {_GIVE_UP}"
        return StepStatus(StepState.FAILED, f"{message}.", facts)
    message = f"The folder of {step.subject} refuses writes: a task's was refused after marker {report.number}"
    return StepStatus(StepState.DONE, f"{message}.", facts)


def arrival_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant whose marker file is written."""
    yield from marker_steps(
        context,
        VERIFY.name,
        FINDING,
        side=Side.PRIMARY,
        says="See {file} of {tenant} as it was written last in its folder of {region}, by a task of {tenant}.",
        danger=Danger.REVERSIBLE,
        undo="Nothing is changed: the task reads, and ends by itself.",
        budget_s=900,
        after={"lost": "nothing"},
    )


def arrival_call(step: Step, context: PlanContext) -> Call:
    """The call with the marker that must have arrived. Raises ValueError where none is known."""
    facts = _proof(step, context)
    if not facts.get("holds"):
        raise ValueError(f"{step_id(VERIFY_FREEZE.name, step.subject)} recorded no marker")
    wanted = {scripts.NUMBER: facts.get("written", "0"), file_scripts.HOLDS: facts["holds"]}
    return marker_task.filled_call(step, context, FINDING, **wanted)


def _proof(step: Step, context: PlanContext) -> Mapping[str, str]:
    return context.confirmed_facts.get(step_id(VERIFY_FREEZE.name, step.subject), {})


def arrival_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the task found it; FAILED where its time was over before."""
    task, report = marker_task.task_and_report(context, FINDING, step)
    if task is not None and report is not None and task.exit_code == scripts.TIME_IS_OVER:
        wanted, region = _proof(step, context).get("written", ""), context.env.region(step.side)
        message = f"after {FINDING.seconds} s {FILE} of {region} is not marker {wanted}"
        facts = (("task", task.arn), ("arrived", str(report.number)))
        reason = f"Not all has arrived in the folder of {step.subject}: {message}. Its files are not made writable"
        return StepStatus(StepState.FAILED, f"{reason}.", facts)
    if unfinished := marker_task.unfinished_status(context, step.side, task, f"see the marker file of {step.subject}"):
        return unfinished
    if task is None or report is None:
        return marker_task.missing_log_status(step)
    if not report.found:
        return StepStatus(StepState.FAILED, f"The task did not find the marker file of {step.subject}.")
    facts = (("task", task.arn), ("arrived", str(report.number)))
    return StepStatus(StepState.DONE, f"The folder of {step.subject} holds marker {report.number}.", facts)


def removal_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant whose marker file is written; in an abort for those that the failback wrote."""
    # As recorded: an abort need not see the primary's file system, by which tenant_folders finds the folders.
    if context.goal is Goal.ABORT:
        for tenant_service in tenant_services(context, Side.DR):
            recorded = context.before(WRITE.name, tenant_service.tenant.id)
            if recorded:
                yield _removal_step(context, tenant_service, recorded["variables"][file_scripts.FOLDER])
        return
    yield from marker_steps(context, REMOVE.name, REMOVING, **_details(Side.PRIMARY))


def _removal_step(context: PlanContext, tenant_service: TenantService, path: str) -> Step:
    tenant, details = tenant_service.tenant.id, _details(Side.DR)
    details["says"] = details["says"].format(tenant=tenant, region=context.env.regions.dr, file=FILE)
    variables = {file_scripts.FOLDER: path}
    return marker_task.tenant_step(context, REMOVE.name, REMOVING, tenant_service, variables, subject=tenant, **details)


def _details(side: Side) -> StepDetails:
    return StepDetails(
        side=side,
        says="Remove {file} from the folder of {tenant} in {region}, by a task of {tenant}.",
        danger=Danger.COMPENSABLE,
        undo="The next marker makes its file again.",
        budget_s=900,
        after={"marker file": "gone"},
    )


def removal_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once such a task ended well."""
    task, what = marker_task.task_of(context, REMOVING, step), f"remove {FILE} of {step.subject}"
    unfinished = marker_task.unfinished_status(context, step.side, task, what)
    return unfinished or StepStatus(StepState.DONE, f"{FILE} is gone from the folder of {step.subject}.")


WRITE = Action(
    "files/write_marker",
    "Writes a marker file into each tenant's folder in the DR region, until the freeze refuses it.",
    {RUN},
    (efs.file_systems, *marker_task.PARTS),
    write_steps,
    write_status,
    build_call=marker_task.call_of(WRITING),
    omissions=write_notes,
    send=send,
)
VERIFY_FREEZE = Action(
    "files/verify_freeze",
    "Confirms that each tenant's frozen folder refuses a write: until then only its policy says that it is frozen.",
    {RUN},
    (efs.file_systems, efs.policies, *marker_task.PARTS),
    freeze_steps,
    freeze_status,
    send=send,
    build_call=marker_task.call_of(WRITING),
    waits=Waits(task_runs=True),
)
VERIFY = Action(
    "files/verify_marker",
    "Before the primary's files become writable: proves that each tenant's last marker file is in its folder there.",
    {RUN},
    (efs.file_systems, *marker_task.PARTS),
    arrival_steps,
    arrival_status,
    build_call=arrival_call,
    send=send,
)
REMOVE = Action(
    "files/remove_marker",
    "Removes each tenant's marker file, by the tenant's own task.",
    {RUN},
    (efs.file_systems, *marker_task.PARTS),
    removal_steps,
    removal_status,
    build_call=marker_task.call_of(REMOVING),
    send=send,
    essential=False,
)
