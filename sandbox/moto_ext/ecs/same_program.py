"""Whether a task of the DR region runs the program that the primary region's tasks run, and finds what it needs.

The emulator runs no container: what the primary region's tasks have, they serve with. Whatever of it decides the
program, its files or its credentials must be there too. Written apart from the product's own comparison: they must not
share a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from moto.ecs.models import TaskDefinition

_ADDRESS = re.compile(r"\d+(?:\.\d+){3}")


def program_faults(wanted: TaskDefinition, found: TaskDefinition) -> Iterator[str]:
    """Why tasks of ``found`` would not do what those of ``wanted`` do, as ECS or the program says it."""
    if _processor(wanted) != _processor(found):
        yield "exec format error"
    if not _role(found, "execution_role_arn") and _role(wanted, "execution_role_arn"):
        yield "CannotPullContainerError: no execution role: the task cannot sign in at the registry"
    by_iam = any(_files(row).get("authorizationConfig", {}).get("iam") == "ENABLED" for row in found.volumes or ())
    if by_iam and not _role(found, "task_role_arn"):
        yield "ResourceInitializationError: failed to invoke EFS utils commands: no credentials of a task role"
    if any(_files(row).get("transitEncryption") != "ENABLED" for row in found.volumes or () if _by_policy(row)):
        yield "ClientException: transit encryption must be enabled where IAM or an access point is used"
    there, here = ({row["name"]: row for row in part.container_definitions} for part in (wanted, found))
    for name, row in there.items():
        if name in here:
            yield from _container_faults(row, here[name], _folders(wanted, row), _folders(found, here[name]))
        elif row.get("essential", True):
            yield f"The container {name} does not run"


def _container_faults(
    wanted: dict[str, Any], found: dict[str, Any], folders: dict[str, Any], mounted: dict[str, Any]
) -> Iterator[str]:
    # Nobody here knows what an image of another registry does in the place of the site's own.
    strange = _is_of_ecr(wanted) and not _is_of_ecr(found)
    if strange or any((wanted.get(part) or []) != (found.get(part) or []) for part in ("entryPoint", "command")):
        yield f"{wanted['name']} runs another program"
    if _logger(found) not in ("awslogs", _logger(wanted)):
        yield f"failed to initialize logging driver: {_logger(found)}"
    if (own := _health(found)) and own != _health(wanted):
        yield f"{wanted['name']} is UNHEALTHY"
    if found.get("readonlyRootFilesystem") and not wanted.get("readonlyRootFilesystem"):
        yield f"{wanted['name']}: Read-only file system"
    site, home = _site(wanted), _site(found)
    if site and home and site != home:
        yield f"Visitors are sent on to {home}, not {site}"
    yield from _database_faults(_values(wanted), _values(found))
    lost = [path for path, place in folders.items() if mounted.get(path) not in (place, (*place[:-1], False))]
    yield from (f"The files at {path} are not those of the site, or cannot be written" for path in lost)
    given = dict(_credentials(found))
    yield from (
        f"{name} is not set as the program needs it" for name, key in _credentials(wanted) if given.get(name) != key
    )


def _database_faults(wanted: dict[str, str], found: dict[str, str]) -> Iterator[str]:
    """Why WordPress does not find its database by its variables; a name of one's own may lead to it."""
    host = found.get("WORDPRESS_DB_HOST", "localhost").partition(":")[0]
    is_own = host == "localhost" or _ADDRESS.fullmatch(host)
    if is_own and ".rds.amazonaws.com" in wanted.get("WORDPRESS_DB_HOST", ""):
        yield f"Error establishing a database connection: {host}"
    if "WORDPRESS_DB_NAME" in wanted and "WORDPRESS_DB_NAME" not in found:
        yield "Cannot select database"


def _values(container: dict[str, Any]) -> dict[str, str]:
    """The variables of a container; of what the agent fetches, the source."""
    rows = container.get("secrets") or ()
    fetched = {row["name"]: str(row["valueFrom"]) for row in rows}
    return {row["name"]: str(row.get("value") or "") for row in container.get("environment") or ()} | fetched


def _is_of_ecr(container: dict[str, Any]) -> bool:
    return ".dkr.ecr." in str(container["image"])


def _site(container: dict[str, Any]) -> str:
    """The host of the address that WordPress redirects each visitor to, "" where none is given."""
    address = _values(container).get("WORDPRESS_HOME", "")
    return (urlsplit(address).hostname or "") if address.startswith("http") else ""


def _processor(definition: TaskDefinition) -> tuple[str, str]:
    row: dict[str, str] = vars(definition).get("runtime_platform") or {}
    return row.get("cpuArchitecture") or "X86_64", row.get("operatingSystemFamily") or "LINUX"


def _role(definition: TaskDefinition, name: str) -> str:
    return str(vars(definition).get(name) or "")


def _files(volume: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = volume.get("efsVolumeConfiguration") or {}
    return found


def _by_policy(volume: dict[str, Any]) -> bool:
    """Whether it is mounted through an access point, or by IAM."""
    ways: dict[str, str] = _files(volume).get("authorizationConfig") or {}
    return bool(ways.get("accessPointId")) or ways.get("iam") == "ENABLED"


def _folders(definition: TaskDefinition, container: dict[str, Any]) -> dict[str, Any]:
    """By path in the container: whether a file system is mounted there, which folder, and whether to be read only."""
    systems = {row["name"]: _files(row) for row in definition.volumes or ()}
    return {
        row["containerPath"]: (
            bool(systems.get(row["sourceVolume"])),
            systems.get(row["sourceVolume"], {}).get("rootDirectory") or "/",
            bool(row.get("readOnly")),
        )
        for row in container.get("mountPoints") or ()
    }


def _logger(container: dict[str, Any]) -> str:
    return str((container.get("logConfiguration") or {}).get("logDriver") or "awslogs")


def _health(container: dict[str, Any]) -> Any:
    return (container.get("healthCheck") or {}).get("command")


def _credentials(container: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """By variable what the agent fetches for it, as it is called in any region: the secret's name and the field."""
    for row in container.get("secrets") or ():
        parts = str(row["valueFrom"]).split(":")
        name, field = parts[6][:-7] if parts[2:3] == ["secretsmanager"] else parts[-1], (*parts[7:8], "")[0]
        yield row["name"], f"{name} {field}"
