"""The records of a hosted zone as the API returns them, in its order and pages (API_ListResourceRecordSets)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from moto.route53.models import FakeZone, RecordSet
from moto.route53.utils import validate_domain_name

from sandbox.core.patching import refused
from sandbox.core.state import now
from sandbox.core.timing import lag_s
from sandbox.moto_ext.route53.names import Record, plain

# The most that ListResourceRecordSets answers.
PAGE = 300
CHANGE = "route53.change"
_KEPT, _SUPERSEDED = "records_in_order", "records_superseded"


def record_description(record: RecordSet) -> Record:
    r"""A record set as the API names its parts; a ``*`` is written ``\052`` as Route 53 does."""
    parts = {
        "Name": written_name(record.name),
        "Type": record.type,
        "SetIdentifier": record.set_identifier,
        "Weight": _number(record.weight),
        "Region": record.region,
        "GeoLocation": record.geo_location,
        "Failover": record.failover,
        "MultiValueAnswer": record.multi_value_answer,
        "TTL": _number(record.ttl),
        "ResourceRecords": record.resource_records,
        "AliasTarget": record.alias_target,
        "HealthCheckId": record.health_check_id,
    }
    return {name: value for name, value in parts.items() if value is not None}


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def written_name(name: str) -> str:
    """A name as Route 53 writes it: lower case, a last dot, wildcards escaped."""
    return plain(name).replace("*", "\\052") + "."


def identity(record: Record) -> tuple[str, str, str]:
    """Return what distinguishes a record set from all others of its zone."""
    return plain(record["Name"]), str(record["Type"]), str(record.get("SetIdentifier") or "")


def in_order(zone: FakeZone) -> list[Record]:
    """All records, sorted by reversed labels, type and set identifier; kept until the zone changes."""
    cached: tuple[int, int, list[Record]] | None = zone.__dict__.get(_KEPT)
    # Each batch makes a new list; moto's own code adds to the one there is.
    mark = (id(zone.rrsets), len(zone.rrsets))
    if cached is None or cached[:2] != mark:
        cached = (*mark, sorted((record_description(record) for record in zone.rrsets), key=order))
        zone.__dict__[_KEPT] = cached
    return cached[2]


def forget_order(zone: FakeZone) -> None:
    """Call after a record was changed."""
    zone.__dict__.pop(_KEPT, None)


def served_records(zone: FakeZone) -> list[Record]:
    """What the name servers answer from: the records as they were until a change of them has spread (dns_lag_s)."""
    return next((records for until, records in zone.__dict__.get(_SUPERSEDED, ()) if now() < until), in_order(zone))


def supersede(zone: FakeZone) -> None:
    """Call before records are changed: the name servers hear of it later."""
    lagging = timedelta(seconds=spreads_s(str(zone.name)))
    if lagging:
        spreading = [row for row in zone.__dict__.get(_SUPERSEDED, ()) if now() < row[0]]
        # Several changes may be on their way: the oldest is answered until its time is over.
        zone.__dict__[_SUPERSEDED] = [*spreading, (now() + lagging, in_order(zone))]


def spreads_s(zone: str) -> float:
    """Seconds until the name servers have heard of a change of ``zone``."""
    return lag_s("dns_lag_s", 0.0, CHANGE, zone)


def order(record: Record) -> tuple[tuple[str, ...], str, str]:
    """The key Route 53 sorts by."""
    return place(record["Name"], record["Type"], record.get("SetIdentifier") or "")


def place(name: str, kind: str = "", identifier: str = "") -> tuple[tuple[str, ...], str, str]:
    """Where a name, type and set identifier stand in the order."""
    # com.example.www: names are sorted by their labels from the right (API_ListResourceRecordSets).
    return tuple(reversed(plain(name).split("."))), kind, identifier


def list_records(zone: FakeZone, params: dict[str, Any]) -> dict[str, Any]:
    """One page of at most 300, and where the next begins. Raises InvalidInput for a type without a name."""
    name, kind = params.get("StartRecordName"), params.get("StartRecordType")
    if kind and not name:
        raise refused("InvalidInput", "The input is not valid")
    validate_domain_name(name or "")
    size = min(int(params.get("MaxItems") or PAGE), PAGE)
    found = in_order(zone)
    if name:
        start = place(name, kind or "", params.get("StartRecordIdentifier") or "")
        found = [record for record in found if order(record) >= start]
    following = found[size] if len(found) > size else None
    answer: dict[str, Any] = {
        "ResourceRecordSets": found[:size],
        "IsTruncated": following is not None,
        "MaxItems": size,
    }
    if following is not None:
        answer |= {"NextRecordName": following["Name"], "NextRecordType": following["Type"]}
        answer["NextRecordIdentifier"] = following.get("SetIdentifier")
    return answer
