"""Terraform's state and lock, which provisioning needs (T39)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.dynamodb_values import moment
from dr_estate.model.unavailable import Unavailable
from dr_estate.model.visible import document
from dr_estate.reading.reader import REGIONAL, ReadContext, part

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


@dataclass(frozen=True, slots=True)
class StateLock:
    """A lock on a state: its place, the ``path`` it locks, and the id by which Terraform releases it.

    ``since`` is None where the lock does not state it; ``id`` and ``operation`` are "" for a lock file of S3.
    """

    place: str
    path: str
    id: str
    operation: str
    since: datetime | None


@part(*REGIONAL, reads=frozenset({"s3:HeadObject"}))
def state(context: ReadContext) -> StateObject:
    """The state object: in the state bucket of the primary region, in its copy in the DR region."""
    names = context.env.names
    bucket = context.env.named(names.state_bucket)
    if not bucket:
        return StateObject("", "", None, None, "")  # the estate has no Terraform state
    if context.side is Side.DR:
        bucket = context.env.named(names.bucket_copy, bucket=bucket)
    key = context.env.named(names.state_key)
    found = context.find("s3", "head_object", _NO_OBJECT, Bucket=bucket, Key=key)
    if found is None:
        return StateObject(bucket, key, None, None, "")
    size, modified = context.understand(lambda: (found["ContentLength"], found["LastModified"]), key)
    etag, plain = found.get("ETag", "").strip('"'), found.get("ServerSideEncryption", "AES256") == "AES256"
    # The ETag of an object in parts has a dash, and under KMS it is no digest of the content (S3 API, Object).
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
    return context.each_row(rows, table, "Name")


@part(Side.DR, reads=LOCK_READS | {"dynamodb:GetItem", "s3:HeadObject"})
def held_locks(context: ReadContext) -> tuple[StateLock | Unavailable, ...]:
    """Locks on the state and on its copy: an item each in every lock table, and the lock file beside the copy.

    A file is replicated as any object is, and its deletion only where delete markers are. Source: Terraform, "Backend
    Type: s3", use_lockfile and dynamodb_table.
    """
    env = context.env
    bucket, key = env.named(env.names.state_bucket), env.named(env.names.state_key)
    copy = env.named(env.names.bucket_copy, bucket=bucket)
    tables = [table.name for table in context.part(lock_tables) if table.status]
    wanted = [(table, f"{name}/{key}") for table in tables for name in (bucket, copy)]
    items = context.maybe(lambda pair: _item(context, *pair), wanted)
    files = context.maybe(lambda name: _lock_file(context, name, key), [copy])
    return tuple(lock for lock in (*items, *files) if lock is not None)


def _item(context: ReadContext, table: str, path: str) -> StateLock | None:
    named = {"TableName": table, "Key": {"LockID": {"S": path}}}
    answer: dict[str, Any] = context.call("dynamodb", "get_item", **named)
    if not answer.get("Item"):
        return None
    info = document(answer["Item"].get("Info", {}).get("S") or "{}")
    since = moment(info["Created"]) if info.get("Created") else None
    return StateLock(table, path, str(info.get("ID", "")), str(info.get("Operation", "")), since)


def _lock_file(context: ReadContext, bucket: str, key: str) -> StateLock | None:
    found = context.find("s3", "head_object", _NO_OBJECT, Bucket=bucket, Key=f"{key}.tflock")
    return StateLock(bucket, f"{bucket}/{key}", "", "", found["LastModified"]) if found else None
