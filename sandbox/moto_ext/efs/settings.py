"""EFS throughput, backup policies, deleted file system policies and checks of existence that the emulator lacks."""

from __future__ import annotations

from typing import Any

from moto.efs.exceptions import FileSystemNotFound
from moto.efs.models import AccessPoint, EFSBackend, FileSystem
from moto.efs.responses import EFSResponse

from sandbox.core.patching import operation, refused, wrap
from sandbox.core.state import now
from sandbox.core.timing import is_real, soon
from sandbox.moto_ext.efs.deletion import life_cycle


@operation(EFSResponse, "update_file_system")
def _update(response: EFSResponse, params: dict[str, Any]) -> dict[str, Any]:
    file_system = response.efs_backend.describe_file_systems(file_system_id=params["FileSystemId"])[1][0]
    file_system.throughput_mode = params.get("ThroughputMode") or file_system.throughput_mode
    if params.get("ProvisionedThroughputInMibps") is not None:
        file_system.provisioned_throughput_in_mibps = params["ProvisionedThroughputInMibps"]
    return file_system.info_json()


@operation(EFSResponse, "put_backup_policy")
def _put_policy(response: EFSResponse, params: dict[str, Any]) -> dict[str, Any]:
    file_system = response.efs_backend.describe_file_systems(file_system_id=params["FileSystemId"])[1][0]
    wanted = params["BackupPolicy"]["Status"]
    # moto has a backup policy that is on, or none: the status that was put is kept beside it.
    file_system._backup = wanted == "ENABLED"
    file_system.__dict__["_backup_status"] = wanted
    return {"BackupPolicy": {"Status": wanted}}


def policy_in_force(file_system: FileSystem) -> str | None:
    """The policy that mounts go by at this moment: the one before a change, until the change has taken effect."""
    # EFS enforces a changed policy after minutes (EFS guide, file system policies); the one before holds until then.
    before, until = file_system.__dict__.get("_policy_before") or (None, None)
    return before if until is not None and now() < until else file_system.file_system_policy


def _change_policy(file_system: FileSystem) -> None:
    """Call before the policy is changed."""
    if is_real():
        until = soon("efs.apply-policy", file_system.creation_token)
        file_system.__dict__["_policy_before"] = (policy_in_force(file_system), until)


@wrap(EFSBackend, "put_file_system_policy")
def _put_file_system_policy(original: Any, self: EFSBackend, file_system_id: str, *args: Any, **kwargs: Any) -> Any:
    if file_system_id in self.file_systems_by_id:
        _change_policy(self.file_systems_by_id[file_system_id])
    return original(self, file_system_id, *args, **kwargs)


@operation(EFSResponse, "delete_file_system_policy")
def _delete_policy(response: EFSResponse, params: dict[str, Any]) -> dict[str, Any]:
    file_system = response.efs_backend.describe_file_systems(file_system_id=params["FileSystemId"])[1][0]
    _change_policy(file_system)
    file_system.file_system_policy = None
    return {}


@wrap(EFSBackend, "describe_backup_policy")
def _policy(original: Any, self: EFSBackend, file_system_id: str) -> dict[str, str]:
    file_system = self.describe_file_systems(file_system_id=file_system_id)[1][0]
    if status := file_system.__dict__.get("_backup_status"):
        return {"Status": status}
    response: dict[str, str] = original(self, file_system_id)
    return response


@wrap(EFSBackend, "create_access_point")
def _access_point(original: Any, self: EFSBackend, *args: Any, **kwargs: Any) -> AccessPoint:
    found = self.file_systems_by_id.get(kwargs["file_system_id"])
    if found is None:
        raise FileSystemNotFound(kwargs["file_system_id"])
    # An access point needs a file system that is available (API_CreateAccessPoint).
    if life_cycle(found) != "available":
        raise refused("IncorrectFileSystemLifeCycleState", f"{found.file_system_id} is {life_cycle(found)}.")
    access_point: AccessPoint = original(self, *args, **kwargs)
    return access_point
