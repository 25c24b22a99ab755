"""SSM parameters of the environment by name; of values only region references are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

READS = frozenset({"ssm:GetParametersByPath"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of /<env>/. ``names_primary``: its value holds the primary region's name."""

    name: str
    type: str
    names_primary: bool


@part(*REGIONAL, reads=READS)
def parameters(context: ReadContext) -> tuple[Parameter, ...]:
    """Every parameter under the environment's path, ten a page; secure strings are not decrypted."""
    path = context.env.named(context.env.names.parameter_path)
    rows = context.pages("ssm", "get_parameters_by_path", "Parameters", Path=path, Recursive=True, WithDecryption=False)
    primary = context.env.regions.primary

    def parameter(row: dict[str, Any]) -> Parameter:
        readable = row["Type"] != "SecureString"
        return Parameter(row["Name"], row["Type"], readable and primary in row.get("Value", ""))

    return context.rows(rows, parameter, "Name")
