"""Which tenants' folders take a marker, and the tasks that write, find and remove it there. Pure.

The marker is in the tenant's own folder, as its own task mounts it, so that its access point, its mount and the file
system's policy are those that its site meets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Unpack

from dr_actions.actions.common.one_off_task import container_of
from dr_actions.actions.common.unavailable_handling import TenantService, tenant_services
from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.markers import file_scripts, marker_task
from dr_actions.actions.markers.marker_task import MarkerTask
from dr_actions.model.action import PlanContext, StepDetails
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side

WRITING = MarkerTask(file_scripts.WRITE, "dr-marker-file-write", 3600)
FINDING = MarkerTask(file_scripts.FIND, "dr-marker-file-find", 300)
REMOVING = MarkerTask(file_scripts.REMOVE, "dr-marker-file-remove", 600)


@dataclass(frozen=True, slots=True)
class TenantFolder:
    """A tenant's service on one side, and where its container mounts the estate's file system, "" where nowhere."""

    tenant_service: TenantService
    path: str


def tenant_folders(context: PlanContext, side: Side) -> tuple[TenantFolder, ...]:
    """The tenants that mount the estate's file system in both regions; none where no marker is asked for.

    Raises DataUnavailable.
    """
    found = files_failback.file_systems(context)
    if found is None or not context.env.execution.markers:
        return ()
    other = Side.DR if side is Side.PRIMARY else Side.PRIMARY
    there = {folder.tenant_service.tenant.id for folder in _folders(context, other, found) if folder.path}
    return tuple(
        folder for folder in _folders(context, side, found) if folder.path and folder.tenant_service.tenant.id in there
    )


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
    mounts = [
        mount for container in definition.containers if container.name == name for mount in container.mounts or ()
    ]
    return next((mount.path for mount in mounts if mount.volume in volumes and not mount.read_only), "")


def marker_steps(context: PlanContext, action: str, kind: MarkerTask, **details: Unpack[StepDetails]) -> Iterator[Step]:
    """A step of ``action`` for each tenant's folder; ``says`` has places for tenant, region and file."""
    region, message = context.env.region(details["side"]), details["says"]
    for folder in tenant_folders(context, details["side"]):
        tenant = folder.tenant_service.tenant.id
        details["says"] = message.format(tenant=tenant, region=region, file=file_scripts.FILE)
        variables = {file_scripts.FOLDER: folder.path}
        yield marker_task.tenant_step(
            context, action, kind, folder.tenant_service, variables, subject=tenant, **details
        )


def without_folder(context: PlanContext) -> tuple[str, ...]:
    """The tenants with a service in both regions whose folders take no marker. Raises DataUnavailable."""
    marked = {folder.tenant_service.tenant.id for folder in tenant_folders(context, Side.DR)}
    both = [{row.tenant.id for row in tenant_services(context, side)} for side in (Side.PRIMARY, Side.DR)]
    return tuple(sorted((both[0] & both[1]) - marked))
