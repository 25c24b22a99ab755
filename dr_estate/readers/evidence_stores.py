"""What makes evidence believed later: the key that signs it, the anchors of journals, and what AWS anchors itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import control_table
from dr_estate.reading.reader import ReadContext, part

KEY_READS = frozenset({"kms:DescribeKey", "kms:GetKeyPolicy"})
# How evidence is signed.
ALGORITHM = "ECDSA_SHA_256"
LOG_READS = frozenset({"logs:DescribeLogGroups"})
STREAM_READS = frozenset({"lambda:ListEventSourceMappings", "s3:GetObjectLockConfiguration"})
_NO_FUNCTION = ("ResourceNotFoundException",)
_UNLOCKED = ("ObjectLockConfigurationNotFoundError", "NoSuchBucket")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key behind ``alias``. ``state`` is KMS's word, "absent" where there is none; ``usage`` what it is for.

    ``algorithms`` are those it signs by, and ``policy`` is its own; None where they were not read.
    """

    alias: str
    arn: str
    state: str
    usage: str
    algorithms: tuple[str, ...] | None = None
    policy: str | Unavailable | None = None


@dataclass(frozen=True, slots=True)
class AnchorLog:
    """The log group ``name``; ``retention_days`` is None where events stay for ever."""

    name: str
    exists: bool
    retention_days: int | None = None


@dataclass(frozen=True, slots=True)
class TableWitness:
    """What AWS anchors the control table by. ``stream`` is the ARN of the table's stream, "" where it is off.

    ``mapping`` is Lambda's word on the stream's way to ``function``, "absent" where there is none and "filtered" where
    it lets not all through, and ``mapping_id`` its UUID; ``lock`` is the mode in which ``bucket`` keeps each version,
    "" where it keeps none.
    """

    table: str
    stream: str
    function: str
    mapping: str
    mapping_id: str
    bucket: str
    lock: str


@part(Side.DR, reads=KEY_READS)
def signing_key(context: ReadContext) -> SigningKey:
    """The key that signs evidence packs, in the DR region."""
    alias = context.env.named(context.env.names.evidence_key)
    found = context.find("kms", "describe_key", ("NotFoundException",), KeyId=alias)
    if found is None:
        return SigningKey(alias, "", "absent", "")
    key = context.understand(lambda: _key(alias, found["KeyMetadata"]), alias)
    if not key.arn:
        return key
    (policy,) = context.maybe(
        lambda arn: str(context.call("kms", "get_key_policy", KeyId=arn, PolicyName="default")["Policy"]), [key.arn]
    )
    return replace(key, policy=policy)


def _key(alias: str, row: Mapping[str, Any]) -> SigningKey:
    state, usage = str(row.get("KeyState") or ""), str(row.get("KeyUsage") or "")
    return SigningKey(alias, str(row.get("Arn") or ""), state, usage, tuple(row.get("SigningAlgorithms") or ()))


@part(Side.DR, reads=LOG_READS)
def anchors(context: ReadContext) -> AnchorLog:
    """The log group of the heads of journals, in the DR region: of those that begin with its name it is the first."""
    name = context.env.named(context.env.names.anchor_log)
    rows = context.call("logs", "describe_log_groups", logGroupNamePrefix=name, limit=1).get("logGroups") or []
    return context.understand(lambda: _anchors(name, rows), name)


def _anchors(name: str, rows: Sequence[Mapping[str, Any]]) -> AnchorLog:
    found = next((row for row in rows if row.get("logGroupName") == name), None)
    days = (found or {}).get("retentionInDays")
    return AnchorLog(name, found is not None, None if days is None else int(days))


@part(Side.DR, reads=STREAM_READS)
def witness(context: ReadContext) -> TableWitness | None:
    """Stream, mapping and bucket by which AWS anchors the control table; None where the environment names none."""
    env = context.env
    bucket, function = env.named(env.names.stream_bucket), env.named(env.names.stream_function)
    if not bucket:
        return None
    table, key = context.part(control_table.table), "EventSourceMappings"
    rows = context.find_pages("lambda", "list_event_source_mappings", key, _NO_FUNCTION, FunctionName=function) or []
    own = {"Bucket": bucket, "ExpectedBucketOwner": env.account}
    found = context.find("s3", "get_object_lock_configuration", _UNLOCKED, **own) or {}
    mapping = context.understand(lambda: _mapping(table.stream, rows), function)
    retention = found.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention", {})
    return TableWitness(table.name, table.stream, function, *mapping, bucket, str(retention.get("Mode") or ""))


def _mapping(stream: str, rows: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The state and the UUID of the mapping from the stream."""
    # A stream that was switched off and on has another ARN: an old mapping anchors nothing of the new one.
    own = [row for row in rows if stream and row.get("EventSourceArn") == stream]
    return next(((_state(row), str(row.get("UUID") or "")) for row in own), ("absent", ""))


def _state(row: Mapping[str, Any]) -> str:
    """Lambda's word, or that the mapping drops what its filter does not let through: it says Enabled of such a one."""
    return "filtered" if row.get("FilterCriteria", {}).get("Filters") else str(row.get("State") or "")
