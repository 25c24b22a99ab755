"""AWS Cloud Map: the services in which ECS registers tasks, so that others find them by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dr_estate.readers import ecs
from dr_estate.reading.reader import REGIONAL, ReadContext, part

READS = frozenset({"servicediscovery:ListServices"})


@dataclass(frozen=True, slots=True)
class DiscoveryService:
    """A Cloud Map service. ``ttl_s``: for so long an answer of DNS is kept, the longest of its records; 0 of none."""

    arn: str
    name: str = ""
    ttl_s: int = 0


@part(*REGIONAL, reads=READS)
def registries(context: ReadContext) -> tuple[DiscoveryService, ...]:
    """The region's Cloud Map services, a hundred a call; not asked where none of its ECS services names one."""
    if all(service.registries == () for service in context.part(ecs.services)):
        return ()
    rows = context.pages("servicediscovery", "list_services", "Services", MaxResults=100)
    return tuple(sorted(context.rows(rows, _registry, "Name"), key=lambda row: row.arn))


def _registry(row: Mapping[str, Any]) -> DiscoveryService:
    records = (row.get("DnsConfig") or {}).get("DnsRecords") or ()
    longest = max((int(record.get("TTL") or 0) for record in records), default=0)
    return DiscoveryService(str(row["Arn"]), str(row.get("Name") or ""), longest)
