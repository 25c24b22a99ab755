"""Every example is judged alike where the DR region's database bears a name of its own."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from typing import Any

from dr_checks.core.registry import checks, judge
from dr_estate.config.environment import Environment, Side
from dr_estate.readers import rds
from dr_estate.readers.rds import DIMENSION
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.databases import ACCOUNT, AWAY, NAME
from tests.dr_checks.test_examples import EXAMPLES
from tests.dr_checks.worlds import SIT, Example

ITS = "standby-of-tenant2"  # of which a tenant has the name of a part
# endpoints and ARNs of the DR region, whichever side names them
_THERE = re.compile(rf"(?<![\w.-]){NAME}(?=[\w-]*\.\w+\.{AWAY}\.rds\.)|(?<=:{AWAY}:{ACCOUNT}:db:){NAME}")


def _renamed(value: Any, side: Side) -> Any:
    """The value as it is where the DR region's database, and all that is called after it, is called otherwise."""
    if type(value) is str:  # a member of a StrEnum stays one
        return _THERE.sub(ITS, value)
    if type(value) is tuple:
        if side is Side.DR and value[:1] == (DIMENSION,):
            return tuple(text.replace(NAME, ITS) for text in value)
        return tuple(_renamed(row, side) for row in value)
    if is_dataclass(value) and not isinstance(value, type):
        other = {row.name: _renamed(getattr(value, row.name), side) for row in fields(value) if row.init}
        if side is Side.DR and isinstance(value, rds.Instance):
            other["identifier"] = value.identifier.replace(NAME, ITS)
        return replace(value, **other)
    return value


def _elsewhere(snapshot: Snapshot) -> Snapshot:
    parts = {key: replace(part, value=_renamed(part.value, key[1])) for key, part in snapshot.parts.items()}
    return replace(snapshot, parts=parts)


def _named(env: Environment) -> Environment:
    return env.model_copy(update={"names_in_dr": env.names_in_dr.model_copy(update={"database": ITS})})


def _has_one_name(example: Example) -> bool:
    return example.env.names.database == SIT.names.database and not example.env.names_in_dr.database


def test_every_example_is_judged_alike_under_another_name() -> None:
    different, judged = [], set()
    for number, example in enumerate(EXAMPLES):
        other = _elsewhere(example.snapshot)
        if other == example.snapshot or not _has_one_name(example):
            continue
        found = judge(checks()[example.check], other, _named(example.env))
        judged.add(example.check)
        if found.status is not example.expected:
            different.append(f"{number} {example.check}, {example.expected}: {found.findings}")
    assert [] == different
    assert {"rds-copy.usable", "rds-replica.state", "rds.name-free", "private-names.database"} <= judged
    assert {"supported.database", "validation-data.database-writable", "variables.database-host"} <= judged
