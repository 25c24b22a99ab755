"""Faults of DNS Firewall: rules of the VPC's resolver that block what tasks ask for, or something else."""

from __future__ import annotations

from collections.abc import Callable

from dr_checks.derived.need_kinds import NeedKind
from dr_estate.config.environment import Side
from tests.proofs.changes import Aws
from tests.proofs.fault import Fault
from tests.proofs.faults_of_network import _network

_Group = tuple[int, tuple[tuple[str, str, str], ...]]


def firewall(*groups: _Group) -> Callable[[Aws], object]:
    """Associate groups of a priority with the VPC, each with rules of an action, a domain and a query type."""

    def make(aws: Aws) -> object:
        _, vpc = _network(aws)
        resolver = aws.client("route53resolver", Side.DR)
        for order, rules in groups:
            named = {"CreatorRequestId": str(order), "Name": f"group-{order}"}
            group = resolver.create_firewall_rule_group(**named)["FirewallRuleGroup"]["Id"]
            for priority, (action, domain, kind) in enumerate(rules, 1):
                name = {"CreatorRequestId": f"{order}-{priority}", "Name": f"{action}-{priority}"}
                domains = resolver.create_firewall_domain_list(**name)["FirewallDomainList"]["Id"]
                text = domain.replace("{dr}", aws.env.regions.dr).replace("{env}", aws.env.name)
                resolver.update_firewall_domains(FirewallDomainListId=domains, Operation="ADD", Domains=[text])
                more = {"BlockResponse": "NXDOMAIN"} if action == "BLOCK" else {}
                more |= {"Qtype": kind} if kind else {}
                resolver.create_firewall_rule(
                    FirewallRuleGroupId=group,
                    FirewallDomainListId=domains,
                    Priority=priority,
                    Action=action,
                    **name,
                    **more,
                )
            resolver.associate_firewall_rule_group(FirewallRuleGroupId=group, VpcId=vpc, Priority=order, **named)
        return vpc

    return make


_ALL, _AWS, _OWN = ("BLOCK", "*", ""), ("ALLOW", "*.amazonaws.com", ""), ("ALLOW", "*.{env}.internal", "")
_FIREWALLS: dict[str, Callable[[Aws], object]] = {
    "firewall blocks all": firewall((200, (_ALL,))),
    "firewall blocks all but AWS and its own": firewall((200, (_AWS, _OWN, _ALL))),
    "firewall blocks all before AWS": firewall((200, (_ALL, _AWS, _OWN))),
    "firewall's group blocks all before another": firewall((300, (_AWS, _OWN)), (200, (_ALL,))),
    "firewall's group allows before another blocks": firewall((300, (_ALL,)), (200, (_AWS, _OWN))),
    "firewall blocks the registry": firewall((200, (("BLOCK", "*.ecr.{dr}.amazonaws.com", ""),))),
    "firewall blocks files": firewall((200, (("BLOCK", "*.efs.{dr}.amazonaws.com", ""),))),
    "firewall blocks secrets alone": firewall((200, (("BLOCK", "secretsmanager.{dr}.amazonaws.com", ""),))),
    "firewall blocks below secrets": firewall((200, (("BLOCK", "*.secretsmanager.{dr}.amazonaws.com", ""),))),
    "firewall alerts": firewall((200, (("ALERT", "*", ""), _ALL))),
    "firewall blocks another region": firewall((200, (("BLOCK", "*.af-south-1.amazonaws.com", ""),))),
    "firewall blocks mail servers": firewall((200, (("BLOCK", "*", "MX"),))),
}
FIREWALLS = tuple(Fault(name, NeedKind.RESOLVER, ("route53resolver",), make) for name, make in _FIREWALLS.items())
