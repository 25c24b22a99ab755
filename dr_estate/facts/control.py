"""The control table in the DR region: where locks, approvals and the incident log are kept."""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.environments import Side
from dr_estate.facts import part
from dr_estate.looking import Look

READS = frozenset({"dynamodb:DescribeTable", "dynamodb:DescribeContinuousBackups"})

_ABSENT = ("ResourceNotFoundException", "TableNotFoundException")


@dataclass(frozen=True, slots=True)
class ControlTable:
    """The table; ``status`` is None where there is none. ``keys`` are its key attributes, partition key first."""

    name: str
    status: str | None
    keys: tuple[str, ...]
    recoverable: bool
    protected: bool


@part(Side.DR, reads=READS)
def table(look: Look) -> ControlTable:
    """The control table, and whether it can be restored to a point in time."""
    name = look.env.named(look.env.names.control_table)
    found = look.find("dynamodb", "describe_table", _ABSENT, TableName=name)
    if found is None:
        return ControlTable(name, None, (), recoverable=False, protected=False)
    told = found["Table"]
    backups = look.call("dynamodb", "describe_continuous_backups", TableName=name)["ContinuousBackupsDescription"]
    return ControlTable(
        name=name,
        status=told["TableStatus"],
        keys=tuple(key["AttributeName"] for key in sorted(told["KeySchema"], key=lambda k: k["KeyType"] != "HASH")),
        recoverable=backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED",
        protected=bool(told.get("DeletionProtectionEnabled")),
    )
