"""What the files of variables that containers fetch from S3 name; no value is kept.

Source: ECS Developer Guide, "Pass environment variables to an Amazon ECS container" (one VARIABLE=VALUE a line).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from secrets import token_bytes

from dr_estate.model.references import references
from dr_estate.model.regional_names import neutral
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import ecs
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

READS = frozenset({"s3:GetObject"})
_ABSENT = ("NoSuchKey", "NoSuchBucket", "404")
_MOST = 1_000_000
_PROCESS_KEY = token_bytes(32)


@dataclass(frozen=True, slots=True)
class FileVariable:
    """A variable of a file. ``leads`` are the things of AWS, the private addresses and the hosts that it names.

    ``neutral`` digests the value without its region, keyed for this process; ``names_primary``: it holds the primary
    region's name.
    """

    name: str
    neutral: str
    leads: tuple[str, ...] = ()
    names_primary: bool = False


@dataclass(frozen=True, slots=True)
class VariablesFile:
    """A file of variables, as ``bucket/key``; ``variables`` is None where there is no such file."""

    name: str
    variables: tuple[FileVariable, ...] | None


@part(*REGIONAL, reads=READS)
def files(context: ReadContext) -> tuple[VariablesFile | Unavailable, ...]:
    """Every file that a container definition of this side names, one call each: tenants share them, they are few."""
    rows = [row for row in context.part(ecs.task_definitions) if isinstance(row, ecs.TaskDefinition)]
    names = {file for row in rows for container in row.containers for file in container.files}
    return tuple(context.maybe(lambda name: _file(context, name), sorted(names)))


def _file(context: ReadContext, name: str) -> VariablesFile:
    bucket, _, key = name.partition("/")
    found = context.find("s3", "get_object", _ABSENT, Bucket=bucket, Key=key)
    if found is None:
        return VariablesFile(name, None)
    body = found["Body"].read(_MOST + 1)
    if len(body) > _MOST:
        reason = f"The file of variables {name} is longer than {_MOST} bytes: it was not read to its end."
        raise DataUnavailable(Unavailable(UnavailableKind.UNREADABLE, reason, context.region))
    lines = (line.strip() for line in body.decode("utf-8", "replace").splitlines())
    pairs = (line.partition("=")[::2] for line in lines if "=" in line and not line.startswith("#"))
    return VariablesFile(name, tuple(_variable(context, variable.strip(), value.strip()) for variable, value in pairs))


def _variable(context: ReadContext, name: str, value: str) -> FileVariable:
    text = neutral(value, context.region)
    digest = hmac.new(_PROCESS_KEY, f"{name}\0{text}".encode(), "sha256").hexdigest()[:16]
    leads = tuple(found.written for found in references(value))
    return FileVariable(name, digest, leads, context.env.regions.primary in value)
