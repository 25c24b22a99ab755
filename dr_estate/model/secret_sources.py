"""Where a container's secret comes from: a secret or a parameter, as ``valueFrom`` of a task definition names it. Pure.

Source: ECS Developer Guide, "Specifying sensitive data".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$")
_REGION, _ACCOUNT, _NAME, _KEY = 3, 4, 6, 7
_CURRENT = "AWSCURRENT"


@dataclass(frozen=True, slots=True)
class SecretSource:
    """A source. ``arn`` is without JSON key and version, "" where it is given by name; ``key`` is the JSON key if any.

    ``stage`` is the label of the version that is read, "" for the current one, ``version`` its id if any.

    ``region`` and ``account`` are "" where it is given by name: then they are the task's own.
    """

    name: str
    arn: str
    is_secret: bool
    region: str = ""
    account: str = ""
    key: str = ""
    stage: str = ""
    version: str = ""


def by_named_arn(secrets: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    """What is known of secrets by their ARNs, by each that a source may name: the whole one, and without its suffix."""
    found: defaultdict[str, list[T]] = defaultdict(list)
    for arn, value in secrets:
        for name in {arn, without_suffix(arn)}:
            found[name].append(value)
    return dict(found)


def without_suffix(arn: str) -> str:
    """The ARN of a secret without the six characters that Secrets Manager appends."""
    return _SUFFIX.sub("", arn)


def source_of(value: str) -> SecretSource:
    """The source that ``valueFrom`` names."""
    parts = value.split(":")
    if len(parts) > _NAME and parts[2] == "secretsmanager":
        key = parts[_KEY] if len(parts) > _KEY else ""
        stage, version, *_ = *parts[_KEY + 1 :], "", ""
        stage = "" if stage == _CURRENT else stage
        arn, name = ":".join(parts[: _NAME + 1]), _SUFFIX.sub("", parts[_NAME])
        return SecretSource(name, arn, True, parts[_REGION], parts[_ACCOUNT], key, stage, version)
    if parts[0] == "arn":
        return SecretSource(parts[-1].removeprefix("parameter"), value, False, parts[_REGION], parts[_ACCOUNT])
    return SecretSource(value, "", False)


def secret_reference(value: str) -> str:
    """A secret or parameter as named in any region, with JSON key and version if any: no region, account or suffix."""
    source = source_of(value)
    version = source.stage or source.version
    return (f"{source.name}#{source.key}" if source.key else source.name) + (f" of {version}" if version else "")
