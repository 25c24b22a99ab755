"""The caller's identity in each region, from that region's STS (T15)."""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

READS = frozenset({"sts:GetCallerIdentity"})


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """The caller as one region's STS knows it."""

    account: str
    arn: str


@part(*REGIONAL, reads=READS)
def caller(context: ReadContext) -> CallerIdentity:
    """The caller's identity by the regional endpoint."""
    identity = context.call("sts", "get_caller_identity")
    return context.understand(lambda: CallerIdentity(identity["Account"], identity["Arn"]), "The caller")
