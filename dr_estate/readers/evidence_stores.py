"""What makes evidence believed later: the key that signs it, and the log group that journals are anchored in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.reading.part import part
from dr_estate.reading.reader import ReadContext

KEY_READS = frozenset({"kms:DescribeKey"})
LOG_READS = frozenset({"logs:DescribeLogGroups"})


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key behind ``alias``. ``state`` is KMS's word, "absent" where there is none; ``usage`` what it is for."""

    alias: str
    arn: str
    state: str
    usage: str


@dataclass(frozen=True, slots=True)
class AnchorLog:
    """The log group ``name``; ``retention_days`` is None where events stay for ever."""

    name: str
    exists: bool
    retention_days: int | None = None


@part(Side.DR, reads=KEY_READS)
def signing_key(context: ReadContext) -> SigningKey:
    """The key that signs evidence packs, in the DR region."""
    alias = context.env.named(context.env.names.evidence_key)
    found = context.find("kms", "describe_key", ("NotFoundException",), KeyId=alias)
    if found is None:
        return SigningKey(alias, "", "absent", "")
    return context.understand(lambda: _key(alias, found["KeyMetadata"]), alias)


def _key(alias: str, row: Mapping[str, Any]) -> SigningKey:
    return SigningKey(alias, str(row.get("Arn") or ""), str(row.get("KeyState") or ""), str(row.get("KeyUsage") or ""))


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
