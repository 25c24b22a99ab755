"""Route 53's zones as AWS answers them: name servers, features, changes by the clock, TestDNSAnswer (T02, T12, T13).

Plain boto3: ``create_hosted_zone``, ``update_hosted_zone_features(EnableAcceleratedRecovery=)``,
``change_resource_record_sets``, ``get_change``, ``list_resource_record_sets``, ``test_dns_answer``.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Any

from moto.route53 import urls
from moto.route53.models import FakeZone, Route53Backend
from moto.route53.responses import Route53

from sandbox.core.patching import attach_property, catch_all, operation, refused, wrap
from sandbox.core.state import now
from sandbox.core.timing import soon
from sandbox.moto_ext.route53.changes import change, get_change, new_change
from sandbox.moto_ext.route53.health import HealthChecker
from sandbox.moto_ext.route53.names import answer, plain
from sandbox.moto_ext.route53.records import in_order, list_records

# Four top-level domains, so that the failure of one leaves three.
NAME_SERVERS = (("com", 0), ("net", 512), ("org", 1024), ("co.uk", 1536))


def name_servers(zone_id: str) -> list[str]:
    """Four name servers of four top-level domains, spread by zone as Route 53 spreads them."""
    number = int(hashlib.sha256(zone_id.encode()).hexdigest(), 16)
    return [
        f"ns-{first + (number >> (9 * place)) % 512}.awsdns-{(number >> (6 * place)) % 64:02d}.{top}"
        for place, (top, first) in enumerate(NAME_SERVERS)
    ]


@wrap(Route53Backend, "create_hosted_zone")
def _create_zone(original: Callable[..., Any], self: Route53Backend, *args: Any, **kwargs: Any) -> FakeZone:
    reference = kwargs.get("caller_reference")
    # A caller reference that was used is refused (API_CreateHostedZone, HostedZoneAlreadyExists).
    if reference and any(zone.caller_reference == reference for zone in self.zones.values()):
        raise refused("HostedZoneAlreadyExists", "A hosted zone has already been created with the caller reference.")
    zone: FakeZone = original(self, *args, **kwargs)
    if not kwargs.get("delegation_set_id") and zone.delegation_set is not None:
        zone.delegation_set.name_servers = name_servers(zone.resource_id)
    servers = [f"{name}." for name in zone.delegation_set.name_servers] if zone.delegation_set else []
    for record in zone.rrsets:
        if record.type == "NS":
            # Two days, and the servers of the zone's own delegation set: moto gives every zone the same.
            record.records, record.ttl = servers, 172800
        if record.type == "SOA":
            record.records = [f"{servers[0]} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"]
    return zone


@wrap(Route53, "create_hosted_zone")
def _create_hosted_zone(original: Callable[..., Any], self: Route53) -> Any:
    result = original(self)
    result.result["ChangeInfo"] = new_change(self.backend, "a new zone")
    return result


@attach_property(FakeZone)
def features(self: FakeZone) -> dict[str, Any]:
    """Accelerated recovery of the zone: DISABLED, ENABLING, then ENABLED (T02)."""
    wanted, when = self.__dict__.get("accelerated", (False, None))
    # Switching it on takes its time too: a run must not count on it at once (T02).
    settled, moving = ("ENABLED", "ENABLING") if wanted else ("DISABLED", "DISABLING")
    return {"AcceleratedRecoveryStatus": moving if when and now() < when else settled}


@operation(Route53, "update_hosted_zone_features")
def _update_features(self: Route53, params: dict[str, Any]) -> None:
    zone = self.backend.get_hosted_zone(params["Id"] if "Id" in params else params["HostedZoneId"])
    # Public zones only (T02).
    if zone.private_zone:
        raise refused("InvalidInput", "Accelerated recovery is not available for private hosted zones.")
    if params.get("EnableAcceleratedRecovery") is not None:
        zone.__dict__["accelerated"] = (
            bool(params["EnableAcceleratedRecovery"]),
            soon("route53.accelerate-recovery", zone.name),
        )


@operation(Route53, "list_resource_record_sets")
def _list_records(self: Route53, params: dict[str, Any]) -> dict[str, Any]:
    return list_records(self.backend.get_hosted_zone(params["HostedZoneId"]), params)


@operation(Route53, "test_dns_answer")
def _test_answer(self: Route53, params: dict[str, Any]) -> dict[str, Any]:
    zone = self.backend.get_hosted_zone(params["HostedZoneId"])
    name, kind = plain(params["RecordName"]), params["RecordType"]
    if zone.private_zone:
        raise refused("InvalidInput", "TestDNSAnswer supports public hosted zones only.")
    dns_answer = answer(in_order(zone), HealthChecker(self.current_account).health(), name, kind, secrets.randbelow)
    data = [value for _, row_kind, _, value in dns_answer.rows if row_kind == kind] or [
        row[3] for row in dns_answer.rows
    ]
    if dns_answer.alias:
        data += addresses_behind(self.current_account, dns_answer.alias["DNSName"], kind)
    servers = zone.delegation_set.name_servers if zone.delegation_set else [""]
    return {
        "Nameserver": servers[0],
        "RecordName": params["RecordName"],
        "RecordType": kind,
        "RecordData": data,
        "ResponseCode": dns_answer.code,
        "Protocol": "UDP",
    }


def addresses_of(name: str) -> list[str]:
    """The two stable addresses by which an AWS resource of this DNS name is known (198.18.0.0/15: benchmarks)."""
    digest = hashlib.sha256(plain(name).encode()).digest()
    # RFC 2544: addresses that the internet never routes.
    return [f"198.{18 + digest[place] % 2}.{digest[place + 1]}.{1 + digest[place + 2] % 254}" for place in (0, 3)]


def addresses_behind(account: str, name: str, kind: str) -> list[str]:
    """The addresses of an AWS resource that a query of ``kind`` gets: those of IPv6 where a balancer is dualstack."""
    bare = plain(name).removeprefix("dualstack.")
    found = HealthChecker(account).load_balancer(bare) if kind == "AAAA" else None
    if found and found[1].ip_address_type == "dualstack":
        # RFC 3849: addresses of documentation, which nobody routes.
        return [f"2001:db8:{part}::1" for part in re.findall("....", hashlib.sha256(bare.encode()).hexdigest())[:2]]
    return addresses_of(bare) if kind == "A" else []


operation(Route53, "change_resource_record_sets")(change)
operation(Route53, "get_change")(get_change)
catch_all(urls.url_paths, Route53.dispatch)
