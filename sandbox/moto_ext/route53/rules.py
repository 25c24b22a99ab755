"""What Route 53 refuses in a change batch, in its own words (ResourceRecordTypes, resource-record-sets-values).

Each rule gets the change and the zone as it stands with the batch's earlier changes, and raises. AWS answers
InvalidInput where the request itself is malformed, InvalidChangeBatch where it does not fit the zone.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.core.patching import ServiceError, refused
from sandbox.moto_ext.route53.names import Record, plain

CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"
# Names of resources that an alias may target outside of the zone (API_AliasTarget).
AWS_NAMES = (".amazonaws.com", ".cloudfront.net", ".awsglobalaccelerator.com", ".elasticbeanstalk.com", ".on.aws")
ROUTING = {
    "Weight": "weighted",
    "Failover": "failover",
    "Region": "latency",
    "GeoLocation": "geolocation",
    "MultiValueAnswer": "multivalue answer",
}
MOST_WEIGHT = 255
LONGEST_LABEL = 63
RecordSets = Mapping[tuple[str, str], list[Record]]


@dataclass(frozen=True)
class RecordChange:
    """A change in its zone. ``record_sets`` are the zone's, by name and type; ``known_check`` knows check ids."""

    zone: str
    zone_id: str
    action: str
    record: Record
    record_sets: RecordSets
    known_check: Callable[[str], bool]

    @property
    def name(self) -> str:
        """The record's name, plain."""
        return plain(self.record["Name"])

    @property
    def label(self) -> str:
        """The record as AWS's sentences begin."""
        return f"RRSet of type {self.record['Type']} with DNS name {self.name}."

    @property
    def other_records(self) -> list[Record]:
        """The other record sets of the same name and type."""
        identifier = self.record.get("SetIdentifier")
        sets = self.record_sets.get((self.name, self.record["Type"]), [])
        return [record_set for record_set in sets if record_set.get("SetIdentifier") != identifier]

    def batch_error(self, message: str) -> ServiceError:
        """The zone does not take it."""
        return refused("InvalidChangeBatch", f"[{message}]")

    def input_error(self, message: str) -> ServiceError:
        """The request is malformed."""
        name, identifier = self.record["Name"], self.record.get("SetIdentifier") or "null"
        where = f"[Action={self.action}, Name={name}, Type={self.record['Type']}, SetIdentifier={identifier}]"
        return refused("InvalidInput", f"Invalid request: {message} in Change with {where}")


def check_request(setting: RecordChange) -> None:
    """Require values or an alias, and what a routing policy needs, of a DELETE too. Raises InvalidInput."""
    plain_record = "TTL" in setting.record or bool(setting.record.get("ResourceRecords"))
    wanted = "Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId]"
    if plain_record and "AliasTarget" in setting.record:
        raise setting.input_error(f"{wanted}, but found more than one")
    if "AliasTarget" not in setting.record and not ("TTL" in setting.record and setting.record.get("ResourceRecords")):
        raise setting.input_error(f"{wanted}, but found none")
    used = [name for name in ROUTING if setting.record.get(name) is not None]
    # Every policy but simple needs one (API_ResourceRecordSet).
    if used and not setting.record.get("SetIdentifier"):
        raise setting.input_error("Missing field 'SetIdentifier'")
    if setting.record.get("SetIdentifier") and len(used) != 1:
        found = "none" if not used else "more than one"
        raise setting.input_error(f"Expected exactly one of [{', '.join(ROUTING)}], but found {found}")
    weight = setting.record.get("Weight")
    if weight is not None and not 0 <= int(weight) <= MOST_WEIGHT:
        raise setting.input_error(f"Value '{weight}' at 'Weight' failed to satisfy constraint: between 0 and 255,")


def check(setting: RecordChange) -> None:
    """Apply every rule to a CREATE or UPSERT. Raises InvalidInput, InvalidChangeBatch or NoSuchHealthCheck."""
    # AWS may name several faults of a batch at once (InvalidChangeBatch, messages); here it is the first.
    for rule in (_in_zone, _values, _cname, _mixing, _alias, _health_check):
        rule(setting)


def _in_zone(s: RecordChange) -> None:
    if s.name != s.zone and not s.name.endswith(f".{s.zone}"):
        raise s.batch_error(f"RRSet with DNS name {s.name}. is not permitted in zone {s.zone}.")
    if any(not label or len(label) > LONGEST_LABEL for label in s.name.split(".")):
        words = "FATAL problem: DomainLabelTooLong (Domain label is too long) encountered with"
        raise s.batch_error(f"{words} '{s.name}'")


def _values(s: RecordChange) -> None:
    values = [str(row["Value"]) for row in s.record.get("ResourceRecords") or ()]
    problem = {"A": _bad_ipv4, "AAAA": _bad_ipv6, "CNAME": _bad_name, "NS": _bad_name}.get(s.record["Type"])
    for value in values if problem else ():
        if problem and (found := problem(value)):
            raise s.batch_error(f"Invalid Resource Record: 'FATAL problem: {found} encountered with '{value}''")
    if len(set(values)) != len(values):
        raise s.batch_error(f"Duplicate Resource Record: '{values[0]}'")
    if s.record["Type"] == "CNAME" and len(values) > 1:
        raise s.batch_error(f"{s.label} can have only one value")


def _bad_ipv4(value: str) -> str:
    return _not_an(ipaddress.IPv4Address, value, "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)")


def _bad_ipv6(value: str) -> str:
    return _not_an(ipaddress.IPv6Address, value, "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)")


def _not_an(kind: Callable[[str], Any], value: str, words: str) -> str:
    try:
        kind(value)
    except ValueError:
        return words
    return ""


def _bad_name(value: str) -> str:
    labels = value.rstrip(".").split(".")
    bad = " " in value or any(not label or len(label) > LONGEST_LABEL for label in labels)
    return "UnsupportedCharacter (Value contains unsupported characters)" if bad else ""


def _cname(s: RecordChange) -> None:
    kind = s.record["Type"]
    # A CNAME at the apex would stand beside SOA and NS (RFC 1034).
    if kind == "CNAME" and s.name == s.zone:
        raise s.batch_error(f"{s.label} is not permitted at apex in zone {s.zone}.")
    beside = [
        other_kind
        for (name, other_kind), sets in s.record_sets.items()
        if sets and name == s.name and other_kind != kind
    ]
    clash = beside if kind == "CNAME" else [other_kind for other_kind in beside if other_kind == "CNAME"]
    if clash:
        words = f"is not permitted because a conflicting RRSet of type {clash[0]} with the same DNS name"
        raise s.batch_error(f"{s.label} {words} already exists in zone {s.zone}.")


def _mixing(s: RecordChange) -> None:
    identifier = s.record.get("SetIdentifier") or "null"
    words = f"RRSet with DNS name {s.name}., type {s.record['Type']}, SetIdentifier {identifier} cannot be created"
    for other in s.other_records:
        policy, present = _policy(s.record), _policy(other)
        # All record sets of a name and type have one policy: why a run never converts one (T12).
        if policy != present:
            raise s.batch_error(f"{words} as a {present} RRSet exists with the same name and type.")
        if policy == "failover" and other["Failover"] == s.record["Failover"]:
            raise s.batch_error(f"{words} as there already is a {other['Failover']} failover RRSet.")


def _policy(record: Record) -> str:
    return next((word for name, word in ROUTING.items() if record.get(name) is not None), "simple")


def _alias(s: RecordChange) -> None:
    alias = s.record.get("AliasTarget")
    if not alias:
        return
    target, kind = plain(alias["DNSName"]), s.record["Type"]
    zone = alias["HostedZoneId"].removeprefix("/hostedzone/")
    words = f"Tried to create an alias that targets {target}., type {kind} in zone {zone}, but"
    if zone == s.zone_id:
        if target == s.name:
            raise s.batch_error(f"{words} that is the record itself")
        if not s.record_sets.get((target, kind)):
            raise s.batch_error(f"{words} that target was not found")
    elif not target.endswith(AWS_NAMES):
        raise s.batch_error(f"{words} the alias target name does not lie within the target zone")
    # Route 53 cannot evaluate a distribution (T08).
    if zone == CLOUDFRONT_ZONE and alias.get("EvaluateTargetHealth"):
        raise s.batch_error(f"{words} EvaluateTargetHealth must be false for a CloudFront distribution")


def _health_check(s: RecordChange) -> None:
    """A primary that is no alias needs a check (AWS's words: external-dns issue 2362); one that is named must be."""
    wanted = s.record.get("HealthCheckId")
    if s.record.get("Failover") == "PRIMARY" and not wanted and "AliasTarget" not in s.record:
        words = "A non-alias primary ResourceRecordSet must have an associated health check."
        raise s.batch_error(words)
    if wanted and not s.known_check(wanted):
        raise refused("NoSuchHealthCheck", f"No health check exists with the ID {wanted}")
