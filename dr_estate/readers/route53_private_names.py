"""Private names by which tasks reach a database: records of the private zones that each region's VPC resolves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import vpc
from dr_estate.reading.part import GLOBAL, part
from dr_estate.reading.reader import ReadContext

READS = frozenset({"route53:ListHostedZonesByVPC", "route53:ListResourceRecordSets"})
_DATABASES = ".rds.amazonaws.com"
_MOST = "100"


@dataclass(frozen=True, slots=True)
class PrivateName:
    """A name that leads to an endpoint of RDS, both without the last dot."""

    name: str
    target: str


@dataclass(frozen=True, slots=True)
class PrivateNames:
    """The names that lead to databases in the VPC of one side; None where there is no VPC."""

    side: Side
    names: tuple[PrivateName, ...] | None


@part(*GLOBAL, reads=READS)
def names(context: ReadContext) -> tuple[PrivateNames | Unavailable, ...]:
    """The names of both VPCs: one call for each VPC, and the pages of each of its zones that the account owns."""
    return tuple(context.maybe(lambda side: _names(context, side), (Side.PRIMARY, Side.DR)))


def _names(context: ReadContext, side: Side) -> PrivateNames:
    here = context.part(vpc.vpc, side)
    if here is None:
        return PrivateNames(side, None)
    wanted = {"VPCId": here.id, "VPCRegion": context.env.region(side), "MaxItems": _MOST}
    zones = context.pages("route53", "list_hosted_zones_by_vpc", "HostedZoneSummaries", **wanted)
    account = context.env.account
    own = [z["HostedZoneId"] for z in zones if z["Owner"].get("OwningAccount") == account]
    rows = [
        row
        for zone in sorted(own)
        for row in context.pages("route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone)
    ]
    return PrivateNames(side, tuple(sorted({name for row in rows for name in _databases(row)}, key=lambda n: n.name)))


def _databases(row: dict[str, Any]) -> Iterator[PrivateName]:
    for record in row.get("ResourceRecords") or []:
        target = str(record["Value"]).rstrip(".").lower()
        if target.endswith(_DATABASES):
            yield PrivateName(str(row["Name"]).rstrip(".").lower(), target)
