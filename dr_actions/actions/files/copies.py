"""A copy of the tenants' files, restored by AWS Backup beside the estate's: restored, named, mounted and opened.

A restore test does so to try it, a recovery where nothing replicates into the DR region's files.

AWS Backup wants the id of the file system that was backed up, Encrypted, PerformanceMode and CreationToken, and
newFileSystem spelt so: without a token the job fails, and under another spelling it restores into the file system that
is named. It puts everything into a directory ``aws-backup-restore_<time>`` below the root, of a new file system too,
from where a recovery moves it (mover.py) before the access points are made: a path that is absent is made when it is
first mounted. Sources: AWS Backup guide, Restore an Amazon EFS file system; API_StartRestoreJob; aws/aws-cli 4467 and
6468; EFS API, CreateMountTarget and CreateAccessPoint (RootDirectory, CreationInfo).

In a recovery the copy's first name is its creation token: IAM decides by that name what may be opened and mounted in
it. The previous file system is renamed before the restored one takes the estate's name, so that no two have that name,
and is never deleted. Mount targets bear the security groups of those they replace, so that the tenants' tasks are
admitted.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from dr_actions.actions import restored_copy
from dr_actions.actions.restore_test import shared
from dr_actions.actions.restored_copy import FAILED_JOBS, FilesRestore, pending_file_system
from dr_actions.actions.shared import tenants_of, unavailable_reasons
from dr_actions.model.action import TO_DR, Action, PlanContext, StepState, StepStatus, present
from dr_actions.model.plan import Call, Danger, Step, part_of, step_id
from dr_estate.config.environment import Side
from dr_estate.model.recovery_names import began, replaced_name
from dr_estate.model.states import FILE_SYSTEM, RECOVERY_POINT
from dr_estate.model.unavailable import DataUnavailable, available
from dr_estate.readers import backup, backup_jobs, backup_plan, drill_resources, efs, efs_mounts, kms, restored_files
from dr_estate.snapshot.tenants import Tenant

START = "backup:StartRestoreJob"
_OLD = "replaced"
MOUNT_TARGET, ACCESS_POINT = "efs:CreateMountTarget", "efs:CreateAccessPoint"
_PERMISSIONS = "0755"


def restore_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where a recovery point is usable and wanted."""
    restore = restored_copy.planned_restore(context)
    if restore is None:
        return
    env, point, token = context.env, restore.point, restore.token
    before = {"point": point.arn, "incident": context.incident}
    undo = f"The clean-up deletes the file system {token}."
    if restore.replaces:
        before = {"point": point.arn, "file system": restore.replaces.id}
        undo = f"The file system {token} is left beside the estate's. Delete it by hand once it is not needed."
    yield context.step(
        RESTORE.name,
        token,
        label=restored_copy.name_of(env),
        side=Side.DR,
        says=f"Restore {point.arn} into a new file system {token} in {env.regions.dr}, beside the estate's.",
        danger=Danger.COMPENSABLE,
        undo=undo,
        budget_s=14400,
        call=_call(context, restore),
        before=before | ({"failed restores": list(restore.failed)} if restore.failed else {}),
        after={"name": token},
    )


def _call(context: PlanContext, restore: FilesRestore) -> Call:
    env, key, point, token = context.env, _key(context), restore.point, restore.token
    step = step_id(RESTORE.name, restored_copy.name_of(env))
    # A job is started once for its token: of a drill that is tried again the incident makes a new one.
    whose = token if restore.replaces else context.incident
    parameters = {
        "file-system-id": point.resource_arn.rpartition("/")[2],
        "newFileSystem": "true",
        "CreationToken": token,
        "Encrypted": "true",
        "PerformanceMode": "generalPurpose",
        **({"KmsKeyId": key} if key else {}),
    }
    # where the point shows no role, the one by which such points are made
    points = context.snapshot.get(backup.recovery_points, Side.DR)
    plans = partial(context.snapshot.get, backup_plan.plans, Side.PRIMARY)
    params = {
        "RecoveryPointArn": point.arn,
        "ResourceType": "EFS",
        "IamRoleArn": point.role or backup_plan.backup_role(context.env, point.resource_type, points, plans),
        "IdempotencyToken": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{env.name}:{whose}:{step}:{point.arn}")),
        # The source's tags hold the estate's Name: two file systems would bear it, and IAM decides by it.
        "CopySourceTagsToRestoredResource": False,
        "Metadata": parameters,
    }
    return Call("backup", "StartRestoreJob", env.regions.dr, params)


def _key(context: PlanContext) -> str:
    """The key of the DR region's file system, "" where it has none or is unseen: EFS takes its own then."""
    systems = context.snapshot.get_if_seen(efs.file_systems, Side.DR) or ()
    return next((system.key for system in systems if system.key), "")


def restore_status(step: Step, context: PlanContext) -> StepStatus:
    """How the file system of the token stands, and the job that fills it."""
    point, system = str(step.before["point"]), restored_copy.system_of(context, step.subject)
    job = _job(step, context, system)
    if job is not None and job.status in FAILED_JOBS:
        return StepStatus(StepState.FAILED, f"Restore job {job.id} is {job.status}: {job.message}")
    state = FILE_SYSTEM[system.state if system else "creating"]
    if system is not None and (state.gone or state.broken):
        return StepStatus(StepState.DRIFTED, f"{system.id} ({step.subject}) is {system.state}.")
    # Both: a job may be complete while EFS still reports "creating", and a usable file system may still be filled.
    if job is not None and job.status == "COMPLETED" and system is not None and state.serves:
        # The recovery point may be expired by now: the restored files are there all the same.
        made_of = _usable_point(context, point)
        facts = [("file system", system.id), ("restore job", job.id), ("bytes", str(system.size_bytes))]
        if made_of is not None:
            age_s = max(0, round((job.created_at - made_of.created_at).total_seconds()))
            facts += [("restored to", f"{made_of.created_at:%Y-%m-%dT%H:%M:%SZ}"), ("age of the data in s", str(age_s))]
        return StepStatus(StepState.DONE, f"{point} is restored into {system.id}.", tuple(facts))
    if job is not None or system is not None:
        seen_state = system.state if system else ""
        message = f"Restore job {job.id} is {job.status}." if job else f"{step.subject} is {seen_state}."
        moves = (*((job.status, job.percent) if job else (seen_state,)), str(system.size_bytes if system else 0))
        works = state.busy or (job is not None and job.status != "COMPLETED")
        return StepStatus(StepState.IN_PROGRESS, message, progress=moves, works=works)
    if _usable_point(context, point) is None:
        return StepStatus(StepState.DRIFTED, f"The recovery point {point} is gone.")
    return StepStatus(StepState.READY, f"{point} can be restored into a new file system.")


def _job(step: Step, context: PlanContext, system: efs.FileSystem | None) -> backup_jobs.RestoreJob | None:
    """The newest restore of the point, since a trial began, that seen_state this file system, or does not say yet."""
    incident, point = str(step.before.get("incident", "")), step.before["point"]
    since = began(incident) if incident else datetime.min.replace(tzinfo=UTC)
    failed = step.before.get("failed restores", ())
    ours = [
        job
        for job in context.snapshot.get(backup_jobs.restores, Side.DR)
        if job.point_arn == point
        and job.created_at >= since
        # Failed before this plan was made: its own job is still to come.
        and job.id not in failed
        and (not job.made_arn or (system is not None and job.made_arn.endswith(f"/{system.id}")))
    ]
    return max(ours, key=lambda job: job.created_at, default=None)


def _usable_point(context: PlanContext, point: str) -> backup.RecoveryPoint | None:
    found = context.snapshot.find(backup.recovery_points, Side.DR, arn=point)
    return found if found and RECOVERY_POINT[found.status].serves else None


def restore_cleanup_notes(context: PlanContext) -> Iterator[str]:
    """What becomes of the file system whose place the restored one takes."""
    restore = restored_copy.planned_restore(context)
    if restore and restore.replaces:
        yield (
            f"{restore.replaces.id} is renamed {replaced_name(restored_copy.name_of(context.env), restore.token)} and "
            f"stays in {context.env.regions.dr}. Bring the file system {restore.token}, its access points and mount "
            "targets into Terraform (import), then delete what they replace by hand."
        )


def restore_notes(context: PlanContext) -> Iterator[str]:
    """Why a restore test restores no files; a recovery reports that with the replication of the files."""
    env = context.env
    if context.goal in TO_DR:
        return
    try:
        point = restored_copy.files_point(context)
    except DataUnavailable as error:
        yield f"The files are not tried: {error.unavailable.why}"
        return
    if point is None:
        name, region = env.named(env.names.file_system), env.regions.dr
        reason = "a replica is live, and there is no other copy to try" if env.replicates else "nothing is copied there"
        yield f"The files {name} are not tried: {region} holds no usable recovery point of them ({reason})."


def tag_steps(context: PlanContext) -> Iterator[Step]:
    """A restore test's one step; a recovery's two, the old file system first."""
    restore = restored_copy.planned_restore(context)
    if restore is None:
        return
    if restore.replaces is None:
        yield restored_copy.tag_step(context, TAG.name, restore.token)
        return
    name, token = restored_copy.name_of(context.env), restore.token
    new, old = restored_copy.pending_file_system(token), restore.replaces
    yield _tag_step(context, "restored", token, new, ("", token))
    yield _tag_step(context, _OLD, token, old.id, (old.name, replaced_name(name, token)))
    yield _tag_step(context, "", token, new, (token, name))


def _tag_step(context: PlanContext, part: str, token: str, system: str, names: tuple[str, str]) -> Step:
    params = {"ResourceId": system, "Tags": restored_copy.tags(context, Name=names[1])}
    which = f"{system}, which nothing replicates into" if part == _OLD else f"the restored file system {token}"
    return context.step(
        TAG.name,
        system if part == _OLD else token,
        label=restored_copy.name_of(context.env),
        part=part,
        side=Side.DR,
        says=f"Name {which}, {names[1]} in {context.env.regions.dr}.",
        danger=Danger.REVERSIBLE,
        undo=f"Name it {names[0] or 'nothing'} again by hand: the services mount it by its id.",
        budget_s=300,
        call=Call("efs", "TagResource", context.env.regions.dr, params),
        before={"name": names[0], **({} if part == _OLD else {"files": token})},
        after={"name": names[1]},
    )


def tag_status(step: Step, context: PlanContext) -> StepStatus:
    """Whether the file system bears the name that the step gives."""
    if part_of(step.id) != _OLD:
        return restored_copy.observe_tag(step, context)
    known = (*context.snapshot.get(efs.file_systems, Side.DR), *context.snapshot.get(restored_files.systems, Side.DR))
    found = next((system for system in known if system.id == step.subject), None)
    system = present(found, f"The file system {step.subject} is gone.")
    return restored_copy.name_status(system, str(step.before["name"]), str(step.after["name"]))


def tag_call(step: Step, context: PlanContext) -> Call:
    """The planned call; that of a restored file system with its id. Raises ValueError where there is none."""
    return step.planned_call if part_of(step.id) == _OLD else restored_copy.build_call(step, context)


def mount_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each subnet, where files are restored in the place of others."""
    restore = restored_copy.planned_restore(context)
    if restore is not None and restore.replaces is not None:
        yield from (_mount_step(context, restore.token, target) for target in _present(context, restore.replaces.id))


def _present(context: PlanContext, file_system: str) -> list[efs_mounts.MountTarget]:
    """The mount targets of the file system. Raises DataUnavailable where the groups of one were not seen."""
    targets = map(available, context.snapshot.get(efs_mounts.mount_targets, Side.DR))
    return [target for target in targets if target.file_system_id == file_system]


def _mount_step(context: PlanContext, token: str, target: efs_mounts.MountTarget) -> Step:
    region, pending = context.env.regions.dr, restored_copy.pending_file_system(token)
    params = {"FileSystemId": pending, "SubnetId": target.subnet, "SecurityGroups": list(target.groups)}
    return context.step(
        MOUNT.name,
        target.subnet,
        side=Side.DR,
        says=f"Make a mount target of {token} in {target.subnet} ({target.zone}), {region}, as {target.id} is.",
        danger=Danger.COMPENSABLE,
        undo="The mount target stays with its file system.",
        budget_s=600,
        call=Call("efs", "CreateMountTarget", region, params),
        before={"files": token},
        after={"subnet": target.subnet, "state": "available"},
    )


def mount_status(step: Step, context: PlanContext) -> StepStatus:
    """Whether the restored file system has its mount target in the subnet."""
    token = str(step.before["files"])
    system = present(restored_copy.system_of(context, token), f"The file system {token} is gone.")
    wanted = {"file_system_id": system.id, "subnet": step.after["subnet"]}
    target = context.snapshot.find(restored_files.mount_targets, Side.DR, **wanted)
    if target is None:
        return StepStatus(StepState.READY, f"{system.id} has no mount target in {step.subject} yet.")
    state = FILE_SYSTEM[target.state]
    if state.serves:
        return StepStatus(StepState.DONE, f"{target.id} opens {system.id}.", (("mount target", target.id),))
    how = StepState.FAILED if state.broken else StepState.IN_PROGRESS
    return StepStatus(how, f"{target.id} is {target.state}.", progress=(target.state,))


def mount_notes(context: PlanContext) -> Iterator[str]:
    """Why the restored files could not be mounted."""
    restore = restored_copy.planned_restore(context)
    if restore is None or restore.replaces is None:
        return
    yield from unavailable_reasons(context, Side.DR, efs_mounts.mount_targets)
    if not _present(context, restore.replaces.id):
        yield f"{restore.replaces.id} has no mount target: nothing shows where the restored files need theirs."


def access_point_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant, or each sampled one, where files are restored."""
    restore = restored_copy.planned_restore(context)
    if restore is not None:
        tenants = tenants_of(context) if restore.replaces else shared.sample_tenants(context)
        name = context.env.names.access_point
        mounting = (tenant for tenant in tenants if context.env.named(name, tenant=tenant.id) or not name)
        yield from (_access_point_step(context, restore, tenant) for tenant in mounting)


def _access_point_step(context: PlanContext, restore: FilesRestore, tenant: Tenant) -> Step:
    env, token = context.env, restore.token
    path, uid, gid = access_point_values(context, tenant)
    name = env.named(env.names.access_point, tenant=tenant.id) if restore.replaces else token
    owner = {"OwnerUid": uid, "OwnerGid": gid, "Permissions": _PERMISSIONS}
    params = {
        "ClientToken": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{env.name}:{token}:{tenant.id}")),
        "FileSystemId": pending_file_system(token),
        "PosixUser": {"Uid": uid, "Gid": gid},
        "RootDirectory": {"Path": path, "CreationInfo": owner},
        "Tags": restored_copy.tags(context, Name=name, Tenant=tenant.id),
    }
    return context.step(
        CREATE_ACCESS_POINTS.name,
        f"{token}{path}",
        label=tenant.id,
        side=Side.DR,
        says=f"Open {path} of the restored files {token} for {tenant.id}, as user {uid} of group {gid}.",
        danger=Danger.COMPENSABLE,
        undo="The access point stays with its file system." if restore.replaces else "The clean-up deletes it.",
        budget_s=600,
        call=Call("efs", "CreateAccessPoint", env.regions.dr, params),
        tenant=tenant.id,
        before={"files": token, "path": path},
        after={"path": path, "uid": uid, "gid": gid, "state": "available"},
    )


def access_point_values(context: PlanContext, tenant: Tenant) -> tuple[str, int, int]:
    """Path, user and group of the tenant's access point in the DR region; where that is absent, as the file says."""
    env = context.env
    name, own = env.named(env.names.access_point, tenant=tenant.id), env.names.access_point_uid
    path = env.named(env.names.access_point_path, tenant=tenant.id)
    seen = context.snapshot.get_if_seen(efs.access_points, Side.DR) or ()
    # The user of the estate's own access point: with another one WordPress could not read what it wrote.
    known = next((point for point in seen if point.name == name and point.uid >= 0), None)
    return (known.path, known.uid, known.gid) if known else (path, own, own)


def access_point_status(step: Step, context: PlanContext) -> StepStatus:
    """Whether the access point is there, opens the path as the right user, and is available."""
    system = restored_copy.system_of(context, str(step.before["files"]))
    if system is None:
        return StepStatus(StepState.DRIFTED, f"The file system {step.before['files']} is gone.")
    reader = restored_files.access_points if context.goal in TO_DR else drill_resources.access_points
    point = context.snapshot.find(reader, Side.DR, file_system_id=system.id, path=step.after["path"])
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


RESTORE = Action(
    "files/restore_copy",
    "Restores the newest recovery point of the tenants' files into a file system of its own, beside the estate's.",
    {START},
    (
        *(efs.of_drills, restored_files.systems, efs.file_systems, efs.replications),
        *(backup.recovery_points, backup_jobs.restores, backup_plan.plans, kms.copy_keys),
    ),
    restore_steps,
    restore_status,
    omissions=restore_notes,
    leftovers=restore_cleanup_notes,
)
TAG = Action(
    "files/tag_copy",
    "Names the restored file system: as a restore test's own, or as the estate's in place of the previous file system.",
    {restored_copy.TAG_IT},
    (efs.of_drills, restored_files.systems, efs.file_systems, efs.replications),
    tag_steps,
    tag_status,
    build_call=tag_call,
)
MOUNT = Action(
    "files/mount_copy",
    "Makes the restored files reachable: a mount target in each subnet where the file system that they "
    "replace has one.",
    {MOUNT_TARGET},
    (
        *(restored_files.systems, restored_files.mount_targets),
        *(efs.file_systems, efs_mounts.mount_targets, efs.replications),
    ),
    mount_steps,
    mount_status,
    omissions=mount_notes,
    build_call=restored_copy.build_call,
)
CREATE_ACCESS_POINTS = Action(
    "files/create_access_points",
    "Opens restored files as the DR region's were opened: an access point for each tenant, in a restore "
    "test a sample's.",
    {ACCESS_POINT},
    (
        *(efs.of_drills, drill_resources.access_points),
        *(restored_files.systems, restored_files.access_points),
        *(efs.file_systems, efs.access_points, efs.replications),
    ),
    access_point_steps,
    access_point_status,
    build_call=restored_copy.build_call,
)
