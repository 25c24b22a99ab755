"""Route 53 Resolver: rules that send the questions of the DR region's VPC to other name servers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import ecs, route53_private_names, vpc
from dr_estate.readers.route53_private_names import PrivateNames
from dr_estate.reading.part import part
from dr_estate.reading.reader import ReadContext

READS = frozenset(
    {
        "route53resolver:ListResolverRuleAssociations",
        "route53resolver:ListResolverRules",
        "ec2:DescribeNetworkInterfaces",
    }
)
_FORWARDS = "FORWARD"
_AWS_OWN = "rslvr-autodefined-"
"""How ids of rules begin that AWS makes for each VPC. Source: Route 53 API, ListResolverRuleAssociations."""


@dataclass(frozen=True, slots=True)
class ForwardedNames:
    """Names that tasks ask for and a rule sends to ``targets``, addresses of name servers.

    ``borne`` are those that an interface of the VPC has. ``domain`` has no last dot, "" is the rule of all names.
    """

    rule: str
    domain: str
    hosts: tuple[str, ...]
    targets: tuple[str, ...]
    borne: tuple[str, ...] = ()


@part(Side.DR, reads=READS)
def forwarded(context: ReadContext) -> tuple[ForwardedNames, ...] | None:
    """The forwarded names of the VPC's tasks, by rule; None where there is no VPC.

    Of a VPC that has AWS's own rules alone it is one call.
    """
    here = context.part(vpc.vpc)
    if here is None:
        return None
    of_vpc = [{"Name": "VPCId", "Values": [here.id]}]
    listed = context.pages(
        "route53resolver", "list_resolver_rule_associations", "ResolverRuleAssociations", Filters=of_vpc
    )
    ids = {row["ResolverRuleId"] for row in listed if not row["ResolverRuleId"].startswith(_AWS_OWN)}
    if not ids:
        return ()
    rows = context.pages("route53resolver", "list_resolver_rules", "ResolverRules")
    rules = [row for row in rows if row["Id"] in ids]
    zones, hosts = _private(context), _asked(context)
    found: dict[str, list[str]] = {}
    for host in hosts:
        rule = _nearest(rules, host)
        zone = max((name for name in zones if _is_of(host, name)), key=len, default="")
        if rule and rule["RuleType"] == _FORWARDS and len(_domain(rule)) >= len(zone):
            found.setdefault(rule["Id"], []).append(host)
    faces = _faces(context, here.id, [row for row in rules if row["Id"] in found])
    return tuple(_forwarded(row, found[row["Id"]], faces) for row in rules if row["Id"] in found)


def _forwarded(row: dict[str, Any], hosts: Sequence[str], faces: frozenset[str]) -> ForwardedNames:
    targets = _targets(row)
    borne = tuple(target for target in targets if target in faces)
    return ForwardedNames(row["Id"], _domain(row), tuple(hosts), targets, borne)


def _targets(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(str(found.get("Ip") or found.get("Ipv6")) for found in row.get("TargetIps") or []))


def _asked(context: ReadContext) -> tuple[str, ...]:
    """The names of AWS that tasks ask for, and the private ones of the database that their variables hold."""
    return tuple(dict.fromkeys((*route53_private_names.asked_hosts(context), *_databases(context))))


def _here(context: ReadContext) -> PrivateNames | None:
    """The private names of the DR region's VPC. Raises DataUnavailable."""
    for row in context.part(route53_private_names.names, Side.GLOBAL):
        if not isinstance(row, PrivateNames):
            raise DataUnavailable(row)
        if row.side is Side.DR:
            return row
    return None


def _databases(context: ReadContext) -> Iterable[str]:
    here = _here(context)
    rows = [row for row in context.part(ecs.task_definitions, Side.DR) if isinstance(row, ecs.TaskDefinition)]
    values = " ".join(value for row in rows for container in row.containers for _, value in container.environment)
    return [found.name for found in here.names or () if found.name in values.lower()] if here else ()


def _private(context: ReadContext) -> frozenset[str]:
    """Domains that the VPC answers by itself: its private zones, and those of endpoints with private names."""
    here, ending = _here(context), f".{context.env.regions.dr}.amazonaws.com"
    doors = [door for door in context.part(vpc.endpoints, Side.DR) if door.kind == "Interface" and door.private_names]
    named = {".".join(reversed(door.service.split("."))) + ending for door in doors}
    return frozenset(named | set(here.zones if here else ()))


def _nearest(rules: Iterable[dict[str, Any]], host: str) -> dict[str, Any] | None:
    """The most specific of the rules that are about the host."""
    about = [row for row in rules if _is_of(host, _domain(row))]
    return max(about, key=lambda row: len(_domain(row)), default=None)


def _domain(row: dict[str, Any]) -> str:
    return str(row["DomainName"]).strip(".").lower()


def _is_of(host: str, domain: str) -> bool:
    return not domain or f".{host}".endswith(f".{domain}")


def _faces(context: ReadContext, vpc_id: str, rules: Iterable[dict[str, Any]]) -> frozenset[str]:
    """Those of the rules' targets that an interface of the VPC has."""
    wanted = sorted({target for row in rules for target in _targets(row)})
    if not wanted:
        return frozenset()
    inside = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "addresses.private-ip-address", "Values": wanted}]
    faces = context.pages("ec2", "describe_network_interfaces", "NetworkInterfaces", Filters=inside)
    return frozenset(str(pair["PrivateIpAddress"]) for row in faces for pair in row.get("PrivateIpAddresses", []))
