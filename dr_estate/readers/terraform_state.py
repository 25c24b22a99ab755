"""Terraform's state and lock, which provisioning needs (T39)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dr_estate.config.environment import Side
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

STATE_READS = frozenset({"s3:HeadObject"})
LOCK_READS = frozenset({"dynamodb:DescribeTable"})

_NO_OBJECT = ("404", "NoSuchKey", "NoSuchBucket", "NotFound")


@dataclass(frozen=True, slots=True)
class StateObject:
    """The state object in one region's bucket. ``size`` is in bytes; None where there is no such object.

    ``digest`` is AWS's ETag where it is of the content alone: not under a KMS key, and not in parts; else "".
    """

    bucket: str
    key: str
    size: int | None
    modified: datetime | None
    replication: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class LockTable:
    """A lock table by one of its accepted names; ``status`` is None where there is none."""

    name: str
    status: str | None


@part(*REGIONAL, reads=STATE_READS)
def state(context: ReadContext) -> StateObject:
    """The state object: in the state bucket of the primary region, in its copy in the DR region."""
    names = context.env.names
    bucket = context.env.named(names.state_bucket)
    if context.side is Side.DR:
        bucket = context.env.named(names.bucket_copy, bucket=bucket)
    key = context.env.named(names.state_key)
    found = context.find("s3", "head_object", _NO_OBJECT, Bucket=bucket, Key=key)
    if found is None:
        return StateObject(bucket, key, None, None, "")
    size, modified = context.understand(lambda: (found["ContentLength"], found["LastModified"]), key)
    etag, plain = found.get("ETag", "").strip('"'), found.get("ServerSideEncryption", "AES256") == "AES256"
    digest = etag if plain and "-" not in etag else ""
    return StateObject(bucket, key, size, modified, found.get("ReplicationStatus", ""), digest)


@part(*REGIONAL, reads=LOCK_READS)
def lock_tables(context: ReadContext) -> tuple[LockTable, ...]:
    """Every accepted lock table: the team's Terraform spells its name in more than one way."""

    def table(row: dict[str, str]) -> LockTable:
        name = row["Name"]
        found = context.find("dynamodb", "describe_table", ("ResourceNotFoundException",), TableName=name)
        return LockTable(name, found["Table"]["TableStatus"] if found else None)

    rows = [{"Name": context.env.named(pattern)} for pattern in context.env.names.state_lock_tables]
    read = context.each(lambda row: context.row(row, table, "Name"), rows)
    return tuple(found for found in read if found is not None)
