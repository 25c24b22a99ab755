"""Opens the restored files as a recovery would have them opened: an access point for each sampled tenant.

A path that is absent is made when it is first mounted; the restored content lies below ``aws-backup-restore_<time>``,
from where a recovery moves it. Source: EFS API, CreateAccessPoint (RootDirectory, CreationInfo).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from dr_actions.actions.restore_test import restored_files, shared
from dr_actions.actions.restore_test.restored_files import pending_file_system
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Params, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import FILE_SYSTEM
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import drill_resources, efs
from dr_estate.snapshot.tenants import Tenant

CREATE = "efs:CreateAccessPoint"
_PERMISSIONS = "0755"


@shared.trial_only
def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each sampled tenant, where files are tried."""
    if shared.files_point(context) is not None:
        yield from (_step(context, tenant) for tenant in shared.sampled(context))


def _step(context: PlanContext, tenant: Tenant) -> Step:
    env, token = context.env, shared.files_name(context.env, context.incident)
    path, uid, gid = _as_the_estate_has_it(context, tenant)
    params = {
        "ClientToken": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{env.name}:{token}:{tenant.id}")),
        "FileSystemId": pending_file_system(token),
        "PosixUser": {"Uid": uid, "Gid": gid},
        "RootDirectory": {
            "Path": path,
            "CreationInfo": {"OwnerUid": uid, "OwnerGid": gid, "Permissions": _PERMISSIONS},
        },
        "Tags": shared.tags(env, context.incident, Name=token, Tenant=tenant.id),
    }
    return context.step(
        __name__,
        f"{token}{path}",
        label=tenant.id,
        side=Side.DR,
        says=f"Open {path} of the restored files {token} for {tenant.id}, as user {uid} of group {gid}.",
        danger=Danger.COMPENSABLE,
        undo="The clean-up deletes the access point.",
        budget_s=600,
        call=Call("efs", "CreateAccessPoint", env.regions.dr, params),
        tenant=tenant.id,
        before={"files": token, "path": path},
        after=_wanted(path, uid, gid),
    )


def _wanted(path: str, uid: int, gid: int) -> Params:
    return {"path": path, "uid": uid, "gid": gid, "state": "available"}


def _as_the_estate_has_it(context: PlanContext, tenant: Tenant) -> tuple[str, int, int]:
    """Path, user and group of the tenant's access point in the DR region; where that is absent, as the file says."""
    env = context.env
    name, path = (
        env.named(pattern, tenant=tenant.id) for pattern in (env.names.access_point, env.names.access_point_path)
    )
    own = env.names.access_point_uid
    try:
        seen = context.snapshot.get(efs.access_points, Side.DR)
    except DataUnavailable:
        seen = ()
    known = next((point for point in seen if point.name == name and point.uid >= 0), None)
    return (known.path, known.uid, known.gid) if known else (path, own, own)


def observe(step: Step, context: PlanContext) -> StepStatus:
    """Whether the access point is there, opens the path as the right user, and is available."""
    system = shared.files_of(context, str(step.before["files"]))
    if system is None:
        return StepStatus(StepState.DRIFTED, f"The file system {step.before['files']} is gone.")
    points = [
        access_point
        for access_point in context.snapshot.get(drill_resources.access_points, Side.DR)
        if access_point.file_system_id == system.id
    ]
    point = next((access_point for access_point in points if access_point.path == step.after["path"]), None)
    if point is None:
        return StepStatus(StepState.READY, f"{step.after['path']} of {system.id} is not open yet.")
    if (point.uid, point.gid) != (step.after["uid"], step.after["gid"]):
        message = f"{point.id} acts as {point.uid}:{point.gid}, and not as {step.after['uid']}:{step.after['gid']}"
        return StepStatus(StepState.DRIFTED, f"{message}.")
    state = FILE_SYSTEM[point.state]
    if state.serves:
        facts = (("access point", point.id), ("file system", system.id))
        return StepStatus(StepState.DONE, f"{point.id} opens {point.path} of {system.id}.", facts)
    standing = StepState.FAILED if state.broken else StepState.IN_PROGRESS
    return StepStatus(standing, f"{point.id} is {point.state}.")


ACTION = action(
    globals(), {CREATE}, (efs.of_drills, drill_resources.access_points), build_call=restored_files.build_call
)
