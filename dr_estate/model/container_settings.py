"""A container definition's settings that decide whether and how it runs, comparable across regions. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from dr_estate.model.regional_names import neutral

# What is read of a revision: a kept answer of which something else was read is not compared with it.
SETTINGS_READ = "all settings but buffers of logs, sources and files, what values lead to"
# Settings of which more is no lack; none is no limit.
AMOUNTS = frozenset({"cpu", "memory", "memoryReservation"})
_READ_APART = frozenset(
    {"name", "image", "portMappings", "environment", "secrets", "mountPoints", "essential", "logConfiguration"}
)
_OF_NO_EFFECT = frozenset({"dockerLabels", "versionConsistency", "interactive", "pseudoTerminal"})
# What names a bucket or secret of its region, which may be called otherwise: whether there is any is compared.
_OF_ONE_REGION = frozenset({"environmentFiles", "repositoryCredentials"})
_CLOUDWATCH = "awslogs"
LOG_DRIVER = "log driver"
_LOGS_READ_APART = frozenset({"awslogs-group", "awslogs-region", "awslogs-stream-prefix", "awslogs-create-group"})
# Options of how lines wait for the driver: no task starts or ends by them. Source: ECS API, LogConfiguration.
_BUFFER = frozenset({"mode", "max-buffer-size"})


def environment_files(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The files of variables that the agent fetches from S3, as ``bucket/key``."""
    return tuple(sorted(str(file["value"]).partition(":::")[2] for file in row.get("environmentFiles") or ()))


# What ECS calls what the agent fetches for itself; an option's name follows.
LOG_SOURCE, REGISTRY_SOURCE = "log option ", "registry credentials"


def fetched_sources(row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Names and ARNs of the secrets that the agent fetches for the log driver, and to sign in at a registry."""
    options = (row.get("logConfiguration") or {}).get("secretOptions") or ()
    found = [(LOG_SOURCE + option["name"], option["valueFrom"]) for option in options]
    if registry := (row.get("repositoryCredentials") or {}).get("credentialsParameter"):
        found.append((REGISTRY_SOURCE, registry))
    return tuple(sorted(found))


def container_settings(row: Mapping[str, Any], region: str) -> tuple[tuple[str, str], ...]:
    """The settings that are given, by name, without the region's: what is no plain value may hold a password, so its
    digest stands for it. Whatever AWS adds to container definitions is among them.
    """
    found = {name: value for name, value in row.items() if value and name not in _READ_APART | _OF_NO_EFFECT}
    found |= dict.fromkeys(_OF_ONE_REGION & found.keys(), "given")
    if row.get("essential") is False:
        found["essential"] = False
    shown = [(name, _setting_text(value, region)) for name, value in found.items()]
    return tuple(sorted([*shown, *_logs(row.get("logConfiguration") or {}, region)]))


def _logs(log: Mapping[str, Any], region: str) -> list[tuple[str, str]]:
    """The log driver, where it is not CloudWatch's, and the options that are not read apart."""
    driver, options = log.get("logDriver") or "", log.get("options") or {}
    others = [
        (f"log option {name}", value) for name, value in options.items() if name not in _LOGS_READ_APART | _BUFFER
    ]
    found = [(LOG_DRIVER, driver)] if driver not in ("", _CLOUDWATCH) else []
    return found + [(name, _digest(neutral(value, region))) for name, value in others]


def _setting_text(value: Any, region: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int) else _digest(neutral(value, region))


def _digest(value: str) -> str:
    return f"sha256:{hashlib.sha256(value.encode()).hexdigest()}"
