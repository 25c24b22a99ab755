"""Route 53 Resolver: rules that send the DR region's questions to other name servers, or block them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import ecs, route53_private_names, vpc
from dr_estate.readers.route53_private_names import PrivateNames
from dr_estate.reading.reader import ReadContext, part

READS = frozenset(
    {
        "route53resolver:ListResolverRuleAssociations",
        "route53resolver:ListResolverRules",
        "ec2:DescribeNetworkInterfaces",
    }
)
# Of the services that a recovery calls in both regions: who it is, what runs, what is stored, what is locked.
_RECOVERS_BY = ("sts", "ecs", "rds", "elasticfilesystem", "dynamodb")
_NOT_IN_FORCE = frozenset({"DELETING", "FAILED", "OVERRIDDEN"})
# How ids of rules begin that AWS makes for each VPC. Source: Route 53 API, ListResolverRuleAssociations.
_AWS_OWN = "rslvr-autodefined-"


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


@dataclass(frozen=True, slots=True)
class _Rule:
    id: str
    domain: str
    forwards: bool
    targets: tuple[str, ...]


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
    in_force = [row for row in listed if row.get("Status") not in _NOT_IN_FORCE]
    named = context.rows(in_force, lambda row: str(row.get("ResolverRuleId") or ""), "ResolverRuleId")
    ids = {id_ for id_ in named if id_ and not id_.startswith(_AWS_OWN)}
    if not ids:
        return ()
    rules, zones = _rules(context, ids), _private(context)
    found: dict[str, list[str]] = {}
    for host in lookup_names(context):
        rule = max(
            (rule for rule in rules if _is_of(host, rule.domain)), key=lambda rule: len(rule.domain), default=None
        )
        zone = max((name for name in zones if _is_of(host, name)), key=len, default="")
        # A rule goes before a private zone of the same name (Developer Guide, considerations on private hosted zones).
        if rule and rule.forwards and len(rule.domain) >= len(zone):
            found.setdefault(rule.id, []).append(host)
    targets = sorted({target for rule in rules if rule.id in found for target in rule.targets})
    faces = vpc.borne_addresses(context, here.id, targets)
    return tuple(_forwarded_names(rule, found[rule.id], faces) for rule in rules if rule.id in found)


def _rules(context: ReadContext, ids: set[str]) -> list[_Rule]:
    """The rules of these ids. One that AWS does not list is recorded as not understood: what it does is not known."""
    rows = context.rows(context.pages("route53resolver", "list_resolver_rules", "ResolverRules"), _rule, "Id")
    known = {rule.id: rule for rule in rows}

    def associated_rule(row: dict[str, str]) -> _Rule:
        if row["Id"] not in known:
            reason = f"route53resolver lists no rule {row['Id']} in {context.region}, which the VPC has."
            raise DataUnavailable(Unavailable(UnavailableKind.UNREADABLE, reason, context.region))
        return known[row["Id"]]

    odd = {row.name for row in context.unreadable}
    return list(context.rows([{"Id": id_} for id_ in sorted(ids - odd)], associated_rule, "Id"))


def _rule(row: dict[str, Any]) -> _Rule:
    targets = {str(target.get("Ip") or target.get("Ipv6") or "") for target in row.get("TargetIps") or []}
    domain = str(row.get("DomainName") or "").strip(".").lower()
    return _Rule(str(row.get("Id") or ""), domain, row.get("RuleType") == "FORWARD", tuple(sorted(targets - {""})))


def _forwarded_names(rule: _Rule, hosts: Sequence[str], faces: frozenset[str]) -> ForwardedNames:
    borne = tuple(target for target in rule.targets if target in faces)
    return ForwardedNames(rule.id, rule.domain, tuple(hosts), rule.targets, borne)


def lookup_names(context: ReadContext) -> tuple[str, ...]:
    """The names of AWS that tasks ask for, and the private ones of the database that their variables hold."""
    hosts = (*route53_private_names.asked_hosts(context), *_databases(context), *recovery_hosts(context.env))
    return tuple(dict.fromkeys(hosts))


def recovery_hosts(env: Environment) -> tuple[str, ...]:
    """Names of AWS that the task of a recovery asks for beside a tenant's; none where AWS starts no recovery."""
    regional = [f"{api}.{region}" for region in (env.regions.dr, env.regions.primary) for api in _RECOVERS_BY]
    return tuple(f"{name}.amazonaws.com" for name in (*regional, "route53", "iam")) if env.automation.enabled else ()


def _dr_names(context: ReadContext) -> PrivateNames | None:
    """Return the private names of the DR region's VPC.

    Raises DataUnavailable where they were not seen, even if the primary region's were.
    """
    rows = context.part(route53_private_names.names, Side.GLOBAL)
    here = next((row for row in rows if isinstance(row, PrivateNames) and row.side is Side.DR), None)
    for row in () if here else rows:
        if isinstance(row, Unavailable):
            raise DataUnavailable(row)
    return here


def _databases(context: ReadContext) -> Iterable[str]:
    here = _dr_names(context)
    rows = [row for row in context.part(ecs.task_definitions, Side.DR) if isinstance(row, ecs.TaskDefinition)]
    values = " ".join(value for row in rows for container in row.containers for _, value in container.environment)
    return [found.name for found in here.names or () if found.name in values.lower()] if here else ()


def _private(context: ReadContext) -> frozenset[str]:
    """Domains that the VPC answers by itself: its private zones, and those of endpoints with private names."""
    here, ending = _dr_names(context), f".{context.env.regions.dr}.amazonaws.com"
    doors = [door for door in context.part(vpc.endpoints, Side.DR) if door.kind == "Interface" and door.private_names]
    named = {".".join(reversed(door.service.split("."))) + ending for door in doors}
    return frozenset(named | set(here.zones if here else ()))


def _is_of(host: str, domain: str) -> bool:
    return not domain or f".{host}".endswith(f".{domain}")


# Route 53 Resolver DNS Firewall: rules that block names which tasks of the DR region's VPC ask for.

FIREWALL_READS = frozenset(
    {
        *("route53resolver:ListFirewallRuleGroupAssociations", "route53resolver:ListFirewallRules"),
        *("route53resolver:ListFirewallDomainLists", "route53resolver:ListFirewallDomains"),
    }
)
_PAGE = {"PageSize": 5000}
_LEAVING, _BLOCK = "DELETING", "BLOCK"
# Query types of a rule that is about the addresses that tasks ask for; "" is all.
_ADDRESSES = frozenset({"", "A", "TYPE1"})


@dataclass(frozen=True, slots=True)
class BlockedNames:
    """Names that tasks ask for and the rule ``rule`` of the group ``group`` blocks."""

    group: str
    rule: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _FirewallRule:
    """A rule about names: ``domains`` is the id of its list."""

    group: str
    name: str
    priority: int
    blocks: bool
    domains: str


@part(Side.DR, reads=FIREWALL_READS)
def blocked(context: ReadContext) -> tuple[BlockedNames, ...] | None:
    """The names that are blocked, by rule; None where there is no VPC. Of a VPC without a firewall it is one call.

    Groups are asked by their priority in the VPC, rules by theirs in the group, and the first about a name decides.
    AWS's own lists hold no name of AWS and cannot be read. Source: Route 53 Developer Guide, "How DNS Firewall works",
    "Rule groups and rules".
    """
    here = context.part(vpc.vpc)
    if here is None:
        return None
    listed = context.pages(
        "route53resolver", "list_firewall_rule_group_associations", "FirewallRuleGroupAssociations", VpcId=here.id
    )
    in_force = [row for row in listed if row.get("Status") != _LEAVING]
    groups = [group for _, group in sorted(context.rows(in_force, _priority_and_group, "Id"))]
    rules = [rule for found in context.each(lambda group: _firewall_rules(context, group), groups) for rule in found]
    lists = _lists(context, rules) if rules else {}
    found: dict[tuple[str, str], list[str]] = {}
    for host in lookup_names(context) if lists else ():
        rule = next((rule for rule in rules if _is_about(lists.get(rule.domains, ()), host)), None)
        if rule is not None and rule.blocks:
            found.setdefault((rule.group, rule.name), []).append(host)
    return tuple(BlockedNames(group, name, tuple(hosts)) for (group, name), hosts in sorted(found.items()))


def _priority_and_group(row: Mapping[str, Any]) -> tuple[int, str]:
    """An association's priority and group. Raises ValueError where it names none."""
    group = str(row["FirewallRuleGroupId"])
    if not group:
        raise ValueError("an association of no group")
    return int(row["Priority"]), group


def _firewall_rules(context: ReadContext, group: str) -> list[_FirewallRule]:
    """The group's rules about addresses of names, in the order in which they are asked."""
    rows = context.pages("route53resolver", "list_firewall_rules", "FirewallRules", FirewallRuleGroupId=group)
    rules = context.rows(rows, lambda row: _firewall_rule(group, row), "Name")
    return sorted((rule for rule in rules if rule.domains), key=lambda rule: rule.priority)


def _firewall_rule(group: str, row: Mapping[str, Any]) -> _FirewallRule:
    domains = str(row.get("FirewallDomainListId") or "") if str(row.get("Qtype") or "") in _ADDRESSES else ""
    return _FirewallRule(group, str(row.get("Name") or ""), int(row["Priority"]), row["Action"] == _BLOCK, domains)


def _lists(context: ReadContext, rules: Sequence[_FirewallRule]) -> dict[str, tuple[str, ...]]:
    """The domains of the lists that the rules are about, by id; none of those that AWS keeps."""
    rows = context.pages("route53resolver", "list_firewall_domain_lists", "FirewallDomainLists")
    of_aws = {str(row.get("Id") or "") for row in rows if row.get("ManagedOwnerName")}
    wanted = sorted({rule.domains for rule in rules} - of_aws)

    def read(name: str) -> tuple[str, ...]:
        about = {"FirewallDomainListId": name, "PaginationConfig": _PAGE}
        domains = context.pages("route53resolver", "list_firewall_domains", "Domains", **about)
        return tuple(str(domain).rstrip(".").lower() for domain in domains)

    return dict(zip(wanted, context.each(read, wanted), strict=True))


def _is_about(domains: Iterable[str], host: str) -> bool:
    """Whether one of the domains is the host, or all names, or all below one of the host's parents."""
    return any(domain in ("*", host) or (domain[:2] == "*." and host.endswith(domain[1:])) for domain in domains)
