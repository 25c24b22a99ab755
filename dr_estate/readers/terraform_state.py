"""Terraform's state and lock, which provisioning needs (T39)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dr_estate.config.environment import Side
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import Look

STATE_READS = frozenset({"s3:HeadObject"})
LOCK_READS = frozenset({"dynamodb:DescribeTable"})

_NO_OBJECT = ("404", "NoSuchKey", "NoSuchBucket", "NotFound")


@dataclass(frozen=True, slots=True)
class State:
    """The state object in one region's bucket. ``size`` is in bytes; None where there is no such object."""

    bucket: str
    key: str
    size: int | None
    modified: datetime | None
    replication: str


@dataclass(frozen=True, slots=True)
class LockTable:
    """A lock table by one of its accepted names; ``status`` is None where there is none."""

    name: str
    status: str | None


@part(*REGIONAL, reads=STATE_READS)
def state(look: Look) -> State:
    """The state object: in the state bucket of the primary region, in its copy in the DR region."""
    names = look.env.names
    bucket = look.env.named(names.state_bucket)
    if look.side is Side.DR:
        bucket = look.env.named(names.bucket_copy, bucket=bucket)
    key = look.env.named(names.state_key)
    found = look.find("s3", "head_object", _NO_OBJECT, Bucket=bucket, Key=key)
    if found is None:
        return State(bucket, key, None, None, "")
    size, modified = look.understand(lambda: (found["ContentLength"], found["LastModified"]), key)
    return State(bucket, key, size, modified, found.get("ReplicationStatus", ""))


@part(*REGIONAL, reads=LOCK_READS)
def lock_tables(look: Look) -> tuple[LockTable, ...]:
    """Every accepted lock table: the team's Terraform spells its name in more than one way."""

    def table(pattern: str) -> LockTable:
        name = look.env.named(pattern)
        found = look.find("dynamodb", "describe_table", ("ResourceNotFoundException",), TableName=name)
        return LockTable(name, look.understand(lambda: found["Table"]["TableStatus"], name) if found else None)

    return tuple(look.each(table, look.env.names.state_lock_tables))
