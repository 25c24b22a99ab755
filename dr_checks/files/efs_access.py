"""Checks of EFS access points and of the task definitions that use them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_checks.derived.pairing import tenant_definitions
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs, efs


@check("every tenant has an available access point in the DR region")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("EfsAccessPointParity", "REL13-BP02", "NIST CP-7")
def point_exists(view: View) -> Iterator[Finding]:
    """Access points are not replicated with the files: each tenant's own is there, by its Name tag."""
    if not view.get(efs.file_systems):
        name = view.env.named(view.env.names.file_system)
        yield view.none_expected(name, "there is no file system: see efs.file-system-exists")
        return
    there = {point.name: point for point in view.get(efs.access_points)}
    for tenant in view.tenants:
        name = view.env.named(view.env.names.access_point, tenant=tenant.id)
        if not name:
            continue  # it mounts no files
        point = there.get(name)
        if point and not states.FILE_SYSTEM[point.state].known:
            yield view.undocumented(name, "available", point.state, tenant.id)
        elif point and states.FILE_SYSTEM[point.state].serves:
            yield view.ok(name, point.state, "available", "the tenant's directory can be mounted", tenant.id)
        else:
            reason = "EFS replicates files, not access points: the tenant's task cannot mount its directory"
            remedy = Remedy(
                f"Apply aws_efs_access_point '{name}' with the DR provider.",
                () if point else _creation_commands(view, name),
            )
            yield view.gap(name, point.state if point else "absent", "available", reason, remedy, tenant.id)


def _creation_commands(view: View, name: str) -> tuple[str, ...]:
    """The command that makes the access point of the primary region in the DR region, none where that is not seen."""
    points = view.read_for_remedy(efs.access_points, Side.PRIMARY) or ()
    theirs = next((point for point in points if point.name == name), None)
    if theirs is None:
        return ()
    user, root = {"Uid": theirs.uid, "Gid": theirs.gid}, {"Path": theirs.path}
    (system, *_), tags = view.get(efs.file_systems), [{"Key": "Name", "Value": name}]
    return (
        view.command("efs", "CreateAccessPoint", FileSystemId=system.id, PosixUser=user, RootDirectory=root, Tags=tags),
    )


@check("every tenant's access point in the DR region has the same directory and user as in the primary region")
@weigh(Severity.CRITICAL, Area.INFRASTRUCTURE, stops=True)
@cite(
    "EfsAccessPointParity",
    "EFS_ACCESS_POINT_ENFORCE_ROOT_DIRECTORY",
    "EFS_ACCESS_POINT_ENFORCE_USER_IDENTITY",
    "efs_access_point_enforce_root_directory",
    "efs_access_point_enforce_user_identity",
    "REL13-BP04",
)
def point_parity(view: View) -> Iterator[Finding]:
    """Path, uid and gid are those of the primary's access point of the tenant."""
    primary = view.env.on(Side.PRIMARY)
    there = {point.name: point for point in view.get(efs.access_points)}
    here = {point.name: point for point in view.get(efs.access_points, Side.PRIMARY)}
    compared = 0
    for tenant in view.tenants:
        name, theirs = (env.named(env.names.access_point, tenant=tenant.id) for env in (view.env, primary))
        # A point of one side alone is a finding of its own, once.
        if name not in there or theirs not in here:
            continue  # reported by efs-access.point-exists
        compared += 1
        # An access point is made and deleted, never changed: EFS has no call for that (API reference).
        measured, wanted = _opens(there[name]), _opens(here[theirs])
        if measured == wanted:
            yield view.ok(name, measured, wanted, "the tenant reaches its own files", tenant.id)
        else:
            yield view.gap(
                name,
                measured,
                wanted,
                "the tenant would see another directory, or could not write to its own",
                f"Recreate aws_efs_access_point '{name}' with root_directory.path and posix_user of the primary: "
                "they cannot be changed in place.",
                tenant.id,
                # Another user reads the files and may not write them; another directory has none of them.
                stops=there[name].path != here[theirs].path,
            )
    if not compared:
        yield view.none_expected("access points", "none on both sides: see efs-access.point-exists")


def _opens(point: efs.AccessPoint) -> str:
    return f"{point.path} as {point.uid}:{point.gid}"


@check("every tenant's task definition in the DR region mounts the tenant's own access point of the DR file system")
@weigh(Severity.BLOCKER, Area.INFRASTRUCTURE)
@cite("EfsAccessPointParity", "EcsTaskDefFamilyParity", "REL13-BP04", "NIST CP-7")
def volumes_local(view: View) -> Iterator[Finding]:
    """File system and access point ids are of one region: those of the primary do not exist in the DR region."""
    systems = {system.id for system in view.get(efs.file_systems)}
    names = {point.id: point.name for point in view.get(efs.access_points)}
    mounting = 0
    for tenant, definition in sorted(tenant_definitions(view).items()) if systems else ():
        wanted = view.env.named(view.env.names.access_point, tenant=tenant)
        if isinstance(definition, Unavailable):
            mounting += 1
            yield view.unknown(tenant, wanted, definition, tenant)
            continue
        for volume in definition.volumes:
            mounting += 1
            point = names.get(volume.access_point_id, "")
            measured = point or volume.access_point_id or "no access point"
            if volume.file_system_id in systems and point == wanted and (point or not volume.access_point_id):
                yield view.ok(
                    definition.family, measured, wanted or measured, "it mounts the tenant's own files here", tenant
                )
            # The file system is right and the tenant is wrong: the task would start, and show another tenant's site.
            elif volume.file_system_id in systems:
                reason, remedy = _wrong_point(volume, names), "its access_point_id"
                yield view.gap(definition.family, measured, wanted, reason, _volume(definition, remedy), tenant)
            else:
                reason, remedy = ("its file system does not exist here", "file_system_id and access_point_id")
                named = f"{volume.file_system_id}, {measured}"
                yield view.gap(definition.family, named, wanted, reason, _volume(definition, remedy), tenant)
    if not mounting:
        yield view.none_expected("all task definitions", "none mounts files, or there is no file system to mount")


def _wrong_point(volume: ecs.Volume, names: Mapping[str, str]) -> str:
    """Why a volume on the right file system is not the tenant's own; ``names`` are of the points that exist."""
    if not volume.access_point_id:
        return "without an access point the task sees the files of every tenant"
    if volume.access_point_id not in names:
        return "its access point does not exist here"
    return "this access point is not the tenant's own"


def _volume(definition: ecs.TaskDefinition, what: str) -> str:
    return f"aws_ecs_task_definition '{definition.family}' in the DR region: efs_volume_configuration, {what}."
