"""The scripts of marker files, simulated on a tenant's folder: written until refused, searched for, removed.

The real script writes five times a second. Here it writes at each call to ECS while the folder accepts it. The file is
a row of the file system whose id contains the marker and its number; the latest is what the folder holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from moto.ecs.models import EC2ContainerServiceBackend
from moto.efs.models import EFSBackend

from sandbox.core.state import now
from sandbox.core.timing import is_real
from sandbox.moto_ext.data import stored_data
from sandbox.moto_ext.ecs.tasks import RunningTask

FILE = ".dr-marker.json"
TIME_IS_OVER = 3
QUICK_S = 5  # how long it waits for a marker where nothing takes AWS's time
_WRITES, _REMOVES = "fopen", "unlink"

# The exit code, None while the script goes on, and the lines that it prints now.
PlayedScript = tuple[int | None, tuple[str, ...]]


def play(
    backend: EC2ContainerServiceBackend, task: RunningTask, variables: Mapping[str, str], script: str
) -> PlayedScript:
    """What the script does at this moment. Raises StoreUnavailable where the files cannot be mounted."""
    from sandbox.moto_ext.data.mounts import WRITE, may
    from sandbox.moto_ext.data.task_data import TaskStores

    stores = TaskStores(backend.account_id, backend.region_name, task.definition)
    efs, system = stores.file_system()
    folder = f"{stored_data.FOLDER}{stores.folder()}"
    tenant = next((row.tenant for row in stored_data.files_of(efs, system) if row.id == folder), "")
    # The folder of a tenant that was never installed here is empty.
    if not tenant:
        return 1, ("RuntimeException: No such file or directory",)
    refused = stored_data.incoming(efs, system) is not None or not may(
        efs, efs.file_systems_by_id[system], task.definition, WRITE
    )
    late = is_late(task, variables, writes=_WRITES in script)
    if _WRITES in script:
        return _write(task, variables, efs, system, tenant, refused=refused, late=late)
    if _REMOVES in script:
        return _remove(variables, efs, system, tenant, refused=refused, late=late)
    name, number = _marker(efs, system, tenant)
    found = name == variables.get("DR_HOLDS", "") and number >= int(variables.get("DR_NUMBER") or 0)
    if not found and not late:
        return None, ()
    return (0 if found else TIME_IS_OVER), (line_of(variables, found=found, n=number, holds=name),)


def _write(
    task: RunningTask,
    variables: Mapping[str, str],
    efs: EFSBackend,
    system: str,
    tenant: str,
    *,
    refused: bool,
    late: bool,
) -> PlayedScript:
    wanted, (name, number) = variables.get("DR_MARKER", ""), _marker(efs, system, tenant)
    # Its own marker was there and is gone: somebody put another file system in the place.
    if task.marked and not name:
        return 1, (f"RuntimeException: {FILE}: No such file or directory",)
    lines = []
    if not refused:
        name, number = wanted, number + 1 if name == wanted else 1
        stored_data.write_file(efs, system, f"{stored_data.MARKER}{name}#{number}", tenant)
        if not task.marked:
            task.marked = True
            lines.append(line_of(variables, begun=True, n=number))
        if not late:
            return None, tuple(lines)
    lines.append(line_of(variables, n=number, holds=name, refused=refused))
    return (0 if refused else TIME_IS_OVER), tuple(lines)


def _remove(
    variables: Mapping[str, str], efs: EFSBackend, system: str, tenant: str, *, refused: bool, late: bool
) -> PlayedScript:
    name, _ = _marker(efs, system, tenant)
    # Only a read-only file system keeps a marker from its removal; a missing one is removed already.
    if name and refused:
        return (TIME_IS_OVER, (line_of(variables, removed=False),)) if late else (None, ())
    rows = stored_data.files_of(efs, system)
    if name:
        stored_data.put_files(efs, system, [row for row in rows if not _is_marker(row, tenant)])
    return 0, (line_of(variables, removed=True),)


def _is_marker(row: stored_data.StoredRow, tenant: str) -> bool:
    return row.tenant == tenant and row.id.startswith(stored_data.MARKER)


def _marker(efs: EFSBackend, system: str, tenant: str) -> tuple[str, int]:
    """The name and the number of the marker in the tenant's folder; "" and 0 where there is none."""
    ids = [row.id for row in stored_data.files_of(efs, system) if _is_marker(row, tenant)]
    if not ids:
        return "", 0
    # The latest row: the script overwrites one file.
    name, _, number = ids[-1].removeprefix(stored_data.MARKER).rpartition("#")
    return name, int(number)


def is_late(task: RunningTask, variables: Mapping[str, str], *, writes: bool) -> bool:
    """Whether the script has had its time; one that only waits has little where nothing takes AWS's time."""
    waits_s = int(variables.get("DR_SECONDS") or 0)
    if not writes and not is_real():
        waits_s = min(waits_s, QUICK_S)
    return now() >= task.runs_at + timedelta(seconds=waits_s)


def line_of(variables: Mapping[str, str], **values: Any) -> str:
    """A line that a marker's script prints."""
    return json.dumps({"dr_marker": variables.get("DR_MARKER", ""), **values})
