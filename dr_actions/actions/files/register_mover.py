"""Registers the task that puts restored files into their place: a tenant's image, and the root of the file system.

AWS Backup restores into a directory ``aws-backup-restore_<time>`` below the root, of a new file system too, which the
tenants' access points do not show. A volume cannot be given to RunTask, so the task has a definition of its own: it
has no task role and no secret, and mounts without IAM, as a file system without a policy lets everybody do who reaches
it. Sources: AWS Backup guide, Restore an Amazon EFS file system; ECS API, RegisterTaskDefinition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dr_actions.actions.common import one_off_task
from dr_actions.actions.common.unavailable_handling import TenantService, tenant_services, tenants_of
from dr_actions.actions.compute.region_references import Pointer, counterparts, pointers, rewritten
from dr_actions.actions.compute.task_revisions import used_by
from dr_actions.actions.file_copies import restored_copy
from dr_actions.actions.files.create_access_points import as_the_estate_has_it
from dr_actions.model.action import PlanContext, Sender, StepState, StepStatus, action, present
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.restored_names import mover_family
from dr_estate.model.unavailable import available
from dr_estate.readers import ecs, efs, restored_files

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


def lender(context: PlanContext) -> TenantService | None:
    """The tenant whose image, log and network the task takes.

    Raises DataUnavailable where its definition was not seen.
    """
    return next(iter(tenant_services(context, Side.DR)), None)


def container_name(context: PlanContext, definition: ecs.TaskDefinition) -> str:
    """The container that the lender's site runs in."""
    return one_off_task.container_of(context.env, definition)


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where files are restored in the place of others."""
    restore, tenant_service = restored_copy.planned(context), lender(context)
    if restore is None or restore.replaces is None or tenant_service is None:
        return
    env, family, token = context.env, mover_family(context.env), restore.token
    definition = available(used_by(context, tenant_service, Side.DR))
    found = pointers(definition, counterparts(context, tenant_service.tenant))
    params = {
        "family": family,
        "<content>": definition.arn,
        "<container>": container_name(context, definition),
        "<replacing>": [
            {"at": list(p.at), "old": p.old, "new": p.new} for p in found if p.resolved and p.at[-1] in _REWRITTEN
        ],
        "<file system>": restored_copy.pending_file_system(token),
        "<paths>": sorted({as_the_estate_has_it(context, tenant)[0] for tenant in tenants_of(context)}),
    }
    yield context.step(
        __name__,
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


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with the id of the file system. Raises ValueError where there is none."""
    token = str(step.before["files"])
    system = restored_copy.system_of(context, token)
    if system is None:
        raise ValueError(f"{restored_copy.pending_file_system(token)} is still absent")
    return step.call_with({"<file system>": system.id, "<token>": token})


def send(_step: Step, call: Call, sender: Sender) -> dict[str, Any]:
    """Read the lender's revision, take its image and log, and register. Raises ValueError where it is not as it was."""
    parameters = {"taskDefinition": call.params["<content>"]}
    answer = sender.send(Call("ecs", "DescribeTaskDefinition", call.region, parameters))
    replacing = [Pointer(tuple(row["at"]), row["old"], row["new"]) for row in call.params["<replacing>"]]
    lent = rewritten(answer["taskDefinition"], replacing)
    return sender.send(Call("ecs", "RegisterTaskDefinition", call.region, definition_of(call.params, lent)))


def definition_of(wanted: Mapping[str, Any], lent: Mapping[str, Any]) -> dict[str, Any]:
    """The task definition to register: what is ``wanted``, run as ``lent``."""
    container = next(c for c in lent["containerDefinitions"] if c["name"] == wanted["<container>"])
    environment = {_PATHS: "\n".join(wanted["<paths>"]), _TOKEN: wanted["<token>"]}
    volume = {
        "fileSystemId": wanted["<file system>"],
        "rootDirectory": "/",
        "transitEncryption": "ENABLED",
        "authorizationConfig": {"iam": "DISABLED"},
    }
    return {
        "family": wanted["family"],
        **{key: lent[key] for key in _COPIED if lent.get(key)},
        "containerDefinitions": [
            {
                **{key: container[key] for key in ("name", "image", "logConfiguration") if container.get(key)},
                "essential": True,
                "user": "0",
                "environment": [{"name": name, "value": value} for name, value in environment.items()],
                "mountPoints": [{"sourceVolume": _VOLUME, "containerPath": _ROOT}],
            }
        ],
        "volumes": [{"name": _VOLUME, "efsVolumeConfiguration": volume}],
    }


def observe(step: Step, context: PlanContext) -> StepStatus:
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


def notes(context: PlanContext) -> Iterator[str]:
    """Why nothing moves what is restored."""
    restore = restored_copy.planned(context)
    if restore is not None and restore.replaces is not None and lender(context) is None:
        yield (
            f"{context.env.regions.dr} has no tenant's service by whose image restored files are moved into their "
            "place: provision one first, or no tenant finds its folder."
        )


ACTION = action(
    globals(),
    {WRITE},
    (
        *(restored_files.systems, restored_files.definitions, ecs.services, ecs.task_definitions),
        *(efs.file_systems, efs.access_points, efs.replications),
    ),
    reads={READ},
)
