"""Route 53 Resolver DNS Firewall: rules that block names which tasks of the DR region's VPC ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.readers import route53resolver, vpc
from dr_estate.reading.part import part
from dr_estate.reading.reader import ReadContext

READS = frozenset(
    {
        "route53resolver:ListFirewallRuleGroupAssociations",
        "route53resolver:ListFirewallRules",
        "route53resolver:ListFirewallDomainLists",
        "route53resolver:ListFirewallDomains",
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


@part(Side.DR, reads=READS)
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
    rules = [rule for found in context.each(lambda group: _rules(context, group), groups) for rule in found]
    lists = _lists(context, rules) if rules else {}
    found: dict[tuple[str, str], list[str]] = {}
    for host in route53resolver.names_asked(context) if lists else ():
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


def _rules(context: ReadContext, group: str) -> list[_FirewallRule]:
    """The group's rules about addresses of names, in the order in which they are asked."""
    rows = context.pages("route53resolver", "list_firewall_rules", "FirewallRules", FirewallRuleGroupId=group)
    rules = context.rows(rows, lambda row: _rule(group, row), "Name")
    return sorted((rule for rule in rules if rule.domains), key=lambda rule: rule.priority)


def _rule(group: str, row: Mapping[str, Any]) -> _FirewallRule:
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
