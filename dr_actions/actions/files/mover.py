"""Puts restored files into their place, by a task of a definition of its own, and proves it by the task's listing.

AWS Backup restores into a directory ``aws-backup-restore_<time>`` below the root, of a new file system too, which the
tenants' access points do not show. A volume cannot be given to RunTask, so the task has a definition of its own: it
has no task role and no secret, and mounts without IAM, as a file system without a policy lets everybody do who reaches
it. Sources: AWS Backup guide, Restore an Amazon EFS file system; ECS API, RegisterTaskDefinition and RunTask.

The proof is a gate: access points, task definitions and traffic follow only a listing that shows every tenant's folder
with content; a tenant without one goes along where that was accepted by name. Renaming within a file system moves
nothing, so that this takes seconds whatever the size. To run it again changes nothing.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dr_actions.actions import restored_copy, shared
from dr_actions.actions.compute.region_references import Pointer, counterparts, new_definition, pointers
from dr_actions.actions.compute.task_revisions import revision_of
from dr_actions.actions.files.copies import access_point_values
from dr_actions.model.action import Action, PlanContext, Sender, StepState, StepStatus, present
from dr_actions.model.gates import targets_gate
from dr_actions.model.plan import Call, Danger, Json, Step
from dr_estate.config.environment import Side
from dr_estate.model.recovery_names import mover_family
from dr_estate.model.unavailable import DataUnavailable, Unavailable, available
from dr_estate.readers import drill_resources, ecs, efs, restored_files

READ, WRITE = "ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"
_VOLUME, _ROOT, _PATHS, _TOKEN = "restored", "/restored", "DR_PATHS", "DR_FILES"
_REWRITTEN = ("image", "awslogs-region")
_COPIED = ("networkMode", "executionRoleArn", "requiresCompatibilities", "cpu", "memory", "runtimePlatform")
SCRIPT = r"""
$root = "/restored";
foreach (glob("$root/aws-backup-restore_*", GLOB_ONLYDIR) as $from) {
    foreach (array_diff(scandir($from), [".", ".."]) as $name) {
        if (!file_exists("$root/$name")) { rename("$from/$name", "$root/$name"); }
    }
}
$found = [];
foreach (explode("\n", getenv("DR_PATHS")) as $path) {
    $found[$path] = is_dir($root . $path) ? count(scandir($root . $path)) - 2 : 0;
}
echo json_encode(["dr_files" => getenv("DR_FILES"), "folders" => $found]), "\n";
"""
_FRESH, _NEVER = timedelta(minutes=2), datetime.min.replace(tzinfo=UTC)


def lender(context: PlanContext) -> shared.TenantService | None:
    """The tenant whose image, log and network the task takes. Raises DataUnavailable."""
    return next(iter(shared.tenant_services(context, Side.DR)), None)


def register_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where files are restored in the place of others."""
    restore, tenant_service = restored_copy.planned_restore(context), lender(context)
    if restore is None or restore.replaces is None or tenant_service is None:
        return
    env, family, token = context.env, mover_family(context.env), restore.token
    definition = available(revision_of(context, tenant_service, Side.DR))
    found = pointers(definition, counterparts(context, tenant_service.tenant))
    params = {
        "family": family,
        "<content>": definition.arn,
        "<container>": shared.container_of(context.env, definition),
        "<replacing>": [
            {"at": list(p.at), "old": p.old, "new": p.new} for p in found if p.is_known and p.at[-1] in _REWRITTEN
        ],
        "<file system>": restored_copy.pending_file_system(token),
        "<paths>": sorted({access_point_values(context, tenant)[0] for tenant in shared.tenants_of(context)}),
    }
    yield context.step(
        REGISTER.name,
        family,
        side=Side.DR,
        says=f"Register {family} in {env.regions.dr}: a task that moves what was restored into {token} from the "
        "directory aws-backup-restore_<time> to the root, and lists the tenants' folders.",
        danger=Danger.COMPENSABLE,
        undo="The revision stays registered, costs nothing, and is used by nobody.",
        budget_s=60,
        call=Call("ecs", "RegisterTaskDefinition", env.regions.dr, params),
        before={"files": token},
        after={"family": family},
    )


def register_call(step: Step, context: PlanContext) -> Call:
    """The call with the id of the file system. Raises ValueError where there is none."""
    token = str(step.before["files"])
    system = restored_copy.system_of(context, token)
    if system is None:
        raise ValueError(f"{restored_copy.pending_file_system(token)} is still absent")
    return step.call_with({"<file system>": system.id, "<token>": token})


def send_register(_step: Step, call: Call, sender: Sender) -> dict[str, Any]:
    """Read the lender's revision, take its image and log, and register. Raises ValueError where it is not as it was."""
    parameters = {"taskDefinition": call.params["<content>"]}
    answer = sender.send(Call("ecs", "DescribeTaskDefinition", call.region, parameters))
    replacing = [Pointer(tuple(row["at"]), row["old"], row["new"]) for row in call.params["<replacing>"]]
    lent = new_definition(answer["taskDefinition"], replacing)
    return sender.send(Call("ecs", "RegisterTaskDefinition", call.region, definition_of(call.params, lent)))


def definition_of(wanted: Mapping[str, Any], lent: Mapping[str, Any]) -> dict[str, Any]:
    """The task definition to register: what is ``wanted``, run as ``lent``."""
    container = next(c for c in lent["containerDefinitions"] if c["name"] == wanted["<container>"])
    environment = {_PATHS: "\n".join(wanted["<paths>"]), _TOKEN: wanted["<token>"]}
    volume = {
        "fileSystemId": wanted["<file system>"],
        "rootDirectory": "/",
        "transitEncryption": "ENABLED",
        # The task has no role by which it could sign the mount.
        "authorizationConfig": {"iam": "DISABLED"},
    }
    return {
        "family": wanted["family"],
        **{key: lent[key] for key in _COPIED if lent.get(key)},
        "containerDefinitions": [
            {
                **{key: container[key] for key in ("name", "image", "logConfiguration") if container.get(key)},
                "essential": True,
                # Root: it renames folders of many tenants' users.
                "user": "0",
                "environment": [{"name": name, "value": value} for name, value in environment.items()],
                "mountPoints": [{"sourceVolume": _VOLUME, "containerPath": _ROOT}],
            }
        ],
        "volumes": [{"name": _VOLUME, "efsVolumeConfiguration": volume}],
    }


def register_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the family's newest revision mounts the restored file system; registering twice does no harm."""
    token = str(step.before["files"])
    system = present(restored_copy.system_of(context, token), f"The file system {token} is gone.")
    found = mover_definition(context, system.id)
    if found is None:
        return StepStatus(StepState.READY, f"{step.subject} does not mount {system.id} yet.")
    return StepStatus(StepState.DONE, f"{found.arn} mounts {system.id}.", (("task definition", found.arn),))


def mover_definition(context: PlanContext, file_system: str) -> ecs.TaskDefinition | None:
    """The mover's newest revision, where it mounts that file system. Raises DataUnavailable."""
    found = context.snapshot.get(restored_files.definitions, Side.DR)
    return next((d for d in found if any(volume.file_system_id == file_system for volume in d.volumes)), None)


def register_notes(context: PlanContext) -> Iterator[str]:
    """Why nothing moves what is restored."""
    restore = restored_copy.planned_restore(context)
    if restore is not None and restore.replaces is not None and lender(context) is None:
        yield (
            f"{context.env.regions.dr} has no tenant's service by whose image restored files are moved into their "
            "place: provision one first, or no tenant finds its folder."
        )


def move_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where files are restored in the place of others."""
    restore, tenant_service = restored_copy.planned_restore(context), lender(context)
    if restore is None or restore.replaces is None or tenant_service is None:
        return
    env, service, token = context.env, tenant_service.service, restore.token
    definition = available(revision_of(context, tenant_service, Side.DR))
    script = re.sub(r"\n\s*", "\n", SCRIPT).strip()
    command = {"name": shared.container_of(context.env, definition), "command": ["php", "-r", script]}
    family = mover_family(env)
    params: dict[str, Json] = {
        "cluster": env.on(Side.DR).clusters[0],
        "taskDefinition": f"<the newest revision of {family}>",
        "launchType": "FARGATE",
        "count": 1,
        "startedBy": token,
        "clientToken": "<derived from the task definition>",
        "networkConfiguration": shared.network_of(service),
        "overrides": {"containerOverrides": [command]},
    }
    yield context.step(
        MOVE.name,
        token,
        label=restored_copy.name_of(env),
        side=Side.DR,
        says=f"Run one task of {family} in {env.regions.dr}: every tenant's folder of {token} must be in its place and "
        "hold files, else the run ends here.",
        danger=Danger.COMPENSABLE,
        undo="The folders stay where they are, in a file system that nothing uses yet.",
        budget_s=900,
        call=Call("ecs", "RunTask", env.regions.dr, params),
        before={"files": token},
        after={"empty folders": 0},
    )


def move_call(step: Step, context: PlanContext) -> Call:
    """The call with the mover's revision. Raises ValueError where none mounts the restored files."""
    system = restored_copy.system_of(context, step.subject)
    definition = mover_definition(context, system.id) if system else None
    if definition is None:
        raise ValueError(f"no task definition mounts {step.subject}")
    attempt = f"{definition.arn}:{len(_tasks(step, context))}"
    token = str(uuid.uuid5(uuid.NAMESPACE_URL, attempt))
    return step.call_with({"taskDefinition": definition.arn, "clientToken": token})


def _tasks(step: Step, context: PlanContext) -> list[drill_resources.Probe]:
    found = context.snapshot.get(restored_files.tasks, Side.DR)
    return [task for task in found if task.incident == step.subject]


def move_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE by a listing in which every folder holds something; FAILED where one does not, or the task did not end well.

    What failed some minutes ago may be tried once more.
    """
    system = present(restored_copy.system_of(context, step.subject), f"The file system {step.subject} is gone.")
    # The mover's task for this file system: one at work, else that which ended last
    ours = _tasks(step, context)
    at_work = [task for task in ours if task.stopped_at is None]
    task = next(iter(at_work), None) or max(ours, key=lambda task: task.stopped_at or _NEVER, default=None)
    if task is None:
        return StepStatus(StepState.READY, f"What was restored into {system.id} can be put into its place.")
    if task.status != drill_resources.STOPPED:
        return StepStatus(StepState.IN_PROGRESS, f"The task {task.arn} is {task.status}.", progress=(task.status,))
    status = _result_status(context, task, system)
    ended_ago = context.snapshot.taken_at - (task.stopped_at or _NEVER)
    # Not at once: what this run's own task just found is an answer, not something to repeat.
    if status.state is StepState.FAILED and ended_ago > _FRESH:
        return StepStatus(StepState.READY, f"{status.message} Once more.")
    return status


def _result_status(context: PlanContext, task: drill_resources.Probe, system: efs.FileSystem) -> StepStatus:
    if task.exit_code != 0:
        reason = task.reason or "ECS gives no reason"
        return StepStatus(StepState.FAILED, f"{task.arn} did not end well (code {task.exit_code}): {reason}.")
    seen = context.snapshot.get(restored_files.listings, Side.DR)
    listing = next((found for found in seen if getattr(found, "task", "") == task.arn), None)
    if not isinstance(listing, restored_files.FolderListing):
        raise DataUnavailable(next(found for found in seen if isinstance(found, Unavailable)))
    if not listing.folders:
        return StepStatus(StepState.UNAVAILABLE, f"What {task.arn} found is not in its log yet: {listing.message}")
    facts = (("task", task.arn), *((path, str(entries)) for path, entries in listing.folders))
    empty = [path for path, entries in listing.folders if not entries]
    gates = {access_point_values(context, tenant)[0]: targets_gate(tenant.id) for tenant in shared.tenants_of(context)}
    if waits := [path for path in empty if gates.get(path) not in context.accepted]:
        message = f"{shared.name_list(waits)} of {system.id} is absent or empty: no visitor is led there"
        overrides = shared.name_list([f"--override {gates[path]}" for path in waits if path in gates])
        to_go_on = f"; to go on without: {overrides}" if overrides else ""
        return StepStatus(StepState.FAILED, f"{message}. Restore or provision it{to_go_on}.", facts)
    full = len(listing.folders) - len(empty)
    without = f"; accepted by name without: {shared.name_list(empty)}" if empty else ""
    return StepStatus(StepState.DONE, f"{full} folders of {system.id} hold the tenants' files{without}.", facts)


REGISTER = Action(
    "files/register_mover",
    "Registers the task that puts restored files into their place: a tenant's image, and the root of the file system.",
    {WRITE},
    (
        *(restored_files.systems, restored_files.definitions, ecs.services, ecs.task_definitions),
        *(efs.file_systems, efs.access_points, efs.replications),
    ),
    register_steps,
    register_status,
    build_call=register_call,
    send=send_register,
    omissions=register_notes,
    reads={READ},
)
MOVE = Action(
    "files/move_copy",
    "Puts what was restored into its place by a task, and proves by its listing that no tenant's folder is empty.",
    {shared.RUN},
    (
        *(restored_files.systems, restored_files.definitions, restored_files.tasks, restored_files.listings),
        *(ecs.services, ecs.task_definitions, efs.file_systems, efs.replications, efs.access_points),
    ),
    move_steps,
    move_status,
    build_call=move_call,
    send=shared.send,
)
