"""EFS file systems that come and go: creating, deleting, gone (API_DeleteFileSystem), and what goes with them.

The emulator's are available, and gone, at once, and leave their access points behind.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from moto.efs.exceptions import AccessPointNotFound, FileSystemInUse, FileSystemNotFound
from moto.efs.models import EFSBackend, FileSystem, MountTarget, efs_backends

from sandbox.core import truth
from sandbox.core.patching import refused, state, wrap
from sandbox.core.state import now
from sandbox.core.timing import begin, is_real, moving, soon, transition_s
from sandbox.moto_ext.efs.model import of_file_system, replications

_READY = "_ready_at"


def begin_creating(file_system: FileSystem) -> None:
    """Let the file system be ``creating`` for the time of a transition."""
    # A world that is built has nothing that is creating.
    if transition_s() > 0:
        file_system.__dict__[_READY] = soon("efs.create", file_system.creation_token)


def life_cycle(file_system: FileSystem) -> str:
    """The file system's state at this moment: creating, available or deleting."""
    if file_system.file_system_id in _leaving(file_system._context):
        return "deleting"
    ready = file_system.__dict__.get(_READY)
    return "creating" if ready is not None and now() < ready else str(file_system.life_cycle_state)


def _leaving(backend: EFSBackend) -> dict[str, datetime]:
    """When each file system that is being deleted will be gone."""
    return state(backend, "leaving_file_systems")


@wrap(EFSBackend, "delete_file_system")
def _delete(original: Any, self: EFSBackend, file_system_id: str) -> None:
    # Before the look-up: what was being deleted may be gone by now.
    _sweep(self)
    found = self.file_systems_by_id.get(file_system_id)
    if found is None:
        raise FileSystemNotFound(file_system_id)
    for part in list(of_file_system(self, file_system_id)):
        # DeleteFileSystem: the replication configuration must be deleted first (EFS API).
        if truth.answer("efs.replicating-file-system-cannot-be-deleted"):
            raise refused("FileSystemInUse", f"{file_system_id} is part of a replication: delete that first.")
        for region in (part.source_region, part.destination_region):
            replications(efs_backends[self.account_id][region]).pop(part.source_id, None)
    # FileSystemInUse as long as a mount target stands (EFS API, DeleteFileSystem).
    if found.number_of_mount_targets:
        raise FileSystemInUse("Must delete all mount targets before deleting file system.")
    if transition_s() > 0:
        _leaving(self).setdefault(file_system_id, soon("efs.delete", found.creation_token))
    else:
        original(self, file_system_id)


def _sweep(backend: EFSBackend) -> None:
    """Forget what is gone by now, with its access points."""
    leaving, moment = _leaving(backend), now()
    for name in [candidate for candidate, gone in leaving.items() if gone <= moment]:
        del leaving[name]
        found = backend.file_systems_by_id.pop(name, None)
        if found is not None:
            # A token can be used again once its file system is gone.
            backend.creation_tokens.discard(found.creation_token)
        # EFS deletes access points with their file system; moto leaves them.
        for point in [
            key for key, access_point in backend.access_points.items() if access_point.file_system_id == name
        ]:
            del backend.access_points[point]


@wrap(EFSBackend, "create_file_system")
def _create_file_system(original: Any, self: EFSBackend, *args: Any, **kwargs: Any) -> FileSystem:
    file_system: FileSystem = original(self, *args, **kwargs)
    # At the quick pace a file system is there at once: seeding and disasters use it in the next call.
    if is_real():
        begin_creating(file_system)
    return file_system


@wrap(EFSBackend, "describe_file_systems", "create_file_system", "describe_access_points")
def _sweep_first(original: Any, self: EFSBackend, *args: Any, **kwargs: Any) -> Any:
    _sweep(self)
    return original(self, *args, **kwargs)


@wrap(EFSBackend, "create_mount_target")
def _create_mount_target(original: Any, self: EFSBackend, *args: Any, **kwargs: Any) -> MountTarget:
    target: MountTarget = original(self, *args, **kwargs)
    if is_real():
        begin(target, "creating", "efs.create-mount-target", target.subnet_id)
    return target


@wrap(MountTarget, "info_json")
def _mount_target(original: Any, self: MountTarget) -> dict[str, Any]:
    response: dict[str, Any] = original(self)
    return {**response, "LifeCycleState": moving(self) or self.life_cycle_state}


@wrap(EFSBackend, "delete_access_point")
def _delete_access_point(original: Any, self: EFSBackend, access_point_id: str) -> None:
    if access_point_id not in self.access_points:
        raise AccessPointNotFound(access_point_id)
    original(self, access_point_id)
