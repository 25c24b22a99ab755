"""SSM parameters of the environment by name; of values only region references are stored."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from secrets import token_bytes
from typing import Any

from dr_estate.model.references import neutral, references
from dr_estate.reading.reader import REGIONAL, ReadContext, part

READS = frozenset({"ssm:GetParametersByPath"})
_IDS = re.compile(r"\b(?:fs|sg|subnet|vpc)-(?:[0-9a-f]{17}|[0-9a-f]{8})\b")
_PROCESS_KEY = token_bytes(32)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of /<env>/. ``names_primary``: its value holds the primary region's name.

    ``ids`` are the file systems, networks, subnets and groups that its value names; ``neutral`` digests the value
    without ids and region, keyed for this process: values of two regions with equal ones differ in nothing else.
    ``leads`` are the things of AWS, the private addresses and the hosts that it names.
    """

    name: str
    type: str
    names_primary: bool
    ids: tuple[str, ...] = ()
    neutral: str = ""
    leads: tuple[str, ...] = ()


@part(*REGIONAL, reads=READS)
def parameters(context: ReadContext) -> tuple[Parameter, ...]:
    """Every parameter under the environment's path, ten a page; secure strings are not decrypted."""
    path = context.env.named(context.env.names.parameter_path)
    rows = context.pages("ssm", "get_parameters_by_path", "Parameters", Path=path, Recursive=True, WithDecryption=False)
    primary, database = context.env.regions.primary, context.env.database_on(context.side)

    def parameter(row: dict[str, Any]) -> Parameter:
        readable = row["Type"] != "SecureString"
        value = row.get("Value", "") if readable else ""
        text = neutral(value, context.region)
        # the first label of the database's endpoint is its name, and each region has its own
        text = text.replace(f"{database}.", "{database}.") if database else text
        digest = hmac.new(_PROCESS_KEY, f"{row['Name']}\0{text}".encode(), "sha256").hexdigest()[:16] if value else ""
        ids, leads = tuple(sorted(set(_IDS.findall(value)))), tuple(found.written for found in references(value))
        return Parameter(row["Name"], row["Type"], primary in value, ids, digest, leads)

    return context.rows(rows, parameter, "Name")
