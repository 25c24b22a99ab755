"""ChangeResourceRecordSets and GetChange: whole batches or nothing, PENDING before INSYNC (T02, T13)."""

from __future__ import annotations

import copy
import secrets
import string
from datetime import timedelta
from typing import Any

from moto.route53.models import FakeZone, RecordSet, Route53Backend
from moto.route53.responses import Route53
from moto.route53.utils import validate_domain_name

from sandbox.core.patching import refused, state
from sandbox.core.state import now
from sandbox.core.timing import soon
from sandbox.moto_ext.route53.names import Record, plain
from sandbox.moto_ext.route53.records import (
    CHANGE,
    forget_order,
    identity,
    record_description,
    spreads_s,
    supersede,
    written_name,
)
from sandbox.moto_ext.route53.rules import RecordChange, check, check_request

# ChangeResourceRecordSets, quotas of the API reference (T13).
MOST_RECORDS, MOST_CHARACTERS = 1_000, 32_000
ACTIONS = ("CREATE", "DELETE", "UPSERT")
_LETTERS = string.ascii_uppercase + string.digits
Book = dict[tuple[str, str, str], RecordSet]


def change(self: Route53, params: dict[str, Any]) -> dict[str, Any]:
    """Apply a batch. Raises what route53_rules says, and leaves the zone as it was."""
    zone = self.backend.get_hosted_zone(params["HostedZoneId"])
    # Names are changed to their plain form on the way: the recorder keeps what was sent.
    changes = copy.deepcopy(params["ChangeBatch"]["Changes"])
    _require_size(changes)
    zone_batch = _Batch(self.backend, zone)
    for entry in changes:
        zone_batch.apply(entry["Action"], entry["ResourceRecordSet"])
    # After the last change: within a batch SOA or NS may be replaced.
    apex = plain(zone_batch.zone.name)
    for kind, words in (("SOA", "exactly one SOA record"), ("NS", "at least one NS record")):
        if not zone_batch.by_name.get((apex, kind)):
            raise refused("InvalidChangeBatch", f"[A HostedZone must contain {words} for the zone itself.]")
    # Before the records are exchanged: what name servers go on answering is what stands here.
    supersede(zone)
    zone.rrsets = list(zone_batch.book.values())
    forget_order(zone)
    return {"ChangeInfo": new_change(self.backend, zone.name, params["ChangeBatch"].get("Comment"))}


def new_change(backend: Route53Backend, zone: str, comment: str | None = None) -> dict[str, Any]:
    """A new change of ``zone``: PENDING until its moment has come, and until every name server has heard of it."""
    spread = now() + timedelta(seconds=spreads_s(zone))
    number = "".join(secrets.choice(_LETTERS) for _ in range(20))
    # INSYNC when both are over: Route 53's own work, and the way to all name servers.
    state(backend, "changes")[f"C{number}"] = (now(), max(soon(CHANGE, zone), spread), comment)
    return _info(backend, f"C{number}")


def get_change(self: Route53, params: dict[str, Any]) -> dict[str, Any]:
    """PENDING or INSYNC by the clock. Raises NoSuchChange."""
    number = params["Id"].removeprefix("/change/")
    if number not in state(self.backend, "changes"):
        raise refused("NoSuchChange", f"A change with id {number} does not exist.")
    return {"ChangeInfo": _info(self.backend, number)}


def _info(backend: Route53Backend, number: str) -> dict[str, Any]:
    begun, done, comment = state(backend, "changes")[number]
    status = "INSYNC" if now() >= done else "PENDING"
    return {"Id": f"/change/{number}", "Status": status, "SubmittedAt": begun, "Comment": comment}


def _require_size(changes: list[dict[str, Any]]) -> None:
    """A batch takes 1,000 values and 32,000 characters; an UPSERT counts twice (T13)."""
    values = characters = 0
    for entry in changes:
        # An UPSERT is a deletion and a creation to Route 53.
        twice = 2 if entry["Action"] == "UPSERT" else 1
        rows = entry["ResourceRecordSet"].get("ResourceRecords") or []
        values += twice * len(rows)
        characters += twice * sum(len(str(row["Value"])) for row in rows)
    if values > MOST_RECORDS:
        raise refused("InvalidChangeBatch", "[Number of records limit of 1000 exceeded.]")
    if characters > MOST_CHARACTERS:
        raise refused("InvalidChangeBatch", "[Number of characters limit of 32000 exceeded.]")


class _Batch:
    """The zone as it stands while a batch is applied."""

    def __init__(self, backend: Route53Backend, zone: FakeZone) -> None:
        self.backend, self.zone = backend, zone
        self.book: Book = {identity(record_description(record)): record for record in zone.rrsets}
        self.by_name: dict[tuple[str, str], list[Record]] = {}
        for record in zone.rrsets:
            parts = record_description(record)
            self.by_name.setdefault((plain(parts["Name"]), parts["Type"]), []).append(parts)
        self._names: dict[str, set[str]] = {}
        for name, kind in self.by_name:
            self._names.setdefault(name, set()).add(kind)

    def apply(self, action: str, record: Record) -> None:
        if action not in ACTIONS:
            enumeration = f"is not facet-valid with respect to enumeration '[{', '.join(sorted(ACTIONS))}]'"
            message = f"Value '{action}' {enumeration}. It must be a value from the enumeration."
            raise refused("InvalidInput", f"Invalid XML ; cvc-enumeration-valid: {message}")
        validate_domain_name(record["Name"], "InvalidChangeBatch")
        # The request itself first: AWS answers InvalidInput before it looks at the zone.
        check_request(self._setting(action, record, {}))
        record["Name"] = plain(record["Name"])
        key = identity(record)
        if action == "DELETE":
            words = f"[Tried to delete resource record set [name='{key[0]}.', type='{key[1]}'"
            words += f", set-identifier='{key[2]}']" if key[2] else "]"
            if key not in self.book:
                raise refused("InvalidChangeBatch", f"{words} but it was not found]")
            # A DELETE must name the values as they stand (API_Change).
            if _comparable(record_description(self.book[key])) != _comparable(record):
                raise refused("InvalidChangeBatch", f"{words} but the values provided do not match the current values]")
            self._remove(key)
            return
        name = f"[name='{record['Name']}.', type='{record['Type']}'"
        name += f", set-identifier='{record['SetIdentifier']}']" if record.get("SetIdentifier") else "]"
        if action == "CREATE" and key in self.book:
            message = f"[Tried to create resource record set {name} but it already exists]"
            raise refused("InvalidChangeBatch", message)
        self._check(action, record)
        # An UPSERT keeps nothing of the former record set.
        self._remove(key)
        self._add(key, record)

    def _check(self, action: str, record: Record) -> None:
        near = {(record["Name"], kind): self.by_name[record["Name"], kind] for kind in self._kinds(record["Name"])}
        if alias := record.get("AliasTarget"):
            target = (plain(alias["DNSName"]), record["Type"])
            # An alias within the zone needs its target there (API_AliasTarget).
            near[target] = self.by_name.get(target, [])
        check(self._setting(action, record, near))

    def _setting(self, action: str, record: Record, near: dict[tuple[str, str], list[Record]]) -> RecordChange:
        known = self.backend.health_checks
        return RecordChange(plain(self.zone.name), self.zone.resource_id, action, record, near, known.__contains__)

    def _kinds(self, name: str) -> set[str]:
        return {kind for kind in self._names.get(name, ()) if self.by_name.get((name, kind))}

    def _remove(self, key: tuple[str, str, str]) -> None:
        if self.book.pop(key, None) is not None:
            record_sets = self.by_name[key[:2]]
            self.by_name[key[:2]] = [rrset for rrset in record_sets if identity(rrset) != key]

    def _add(self, key: tuple[str, str, str], record: Record) -> None:
        values = [row["Value"] for row in record.get("ResourceRecords") or ()]
        parts = {**record, "Name": f"{record['Name']}.", "ResourceRecords": values}
        record_set = RecordSet(parts)  # type: ignore[abstract] # the emulator makes it so, too
        self.book[key] = record_set
        self.by_name.setdefault(key[:2], []).append(record_description(record_set))
        self._names.setdefault(key[0], set()).add(key[1])


def _comparable(record: Record) -> dict[str, Any]:
    parts = {name: value for name, value in record.items() if value is not None}
    parts["Name"] = written_name(parts["Name"])
    parts["TTL"] = int(parts["TTL"]) if "TTL" in parts else None
    # The order of values says nothing.
    parts["ResourceRecords"] = sorted(str(row["Value"]) for row in parts.get("ResourceRecords") or ())
    if alias := parts.get("AliasTarget"):
        zone = alias["HostedZoneId"].removeprefix("/hostedzone/")
        parts["AliasTarget"] = (zone, plain(alias["DNSName"]), bool(alias.get("EvaluateTargetHealth")))
    if "Weight" in parts:
        parts["Weight"] = int(parts["Weight"])
    return parts
