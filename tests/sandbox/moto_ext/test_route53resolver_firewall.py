"""DNS Firewall: groups of rules about lists of domains, and which names a VPC with them may ask for."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.moto_ext.route53resolver_firewall import blocks
from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, Clients

VPC = "vpc-1"


def _list(resolver: Any, *domains: str) -> str:
    name = "-".join(domains)
    found = str(resolver.create_firewall_domain_list(CreatorRequestId=name, Name="l")["FirewallDomainList"]["Id"])
    resolver.update_firewall_domains(FirewallDomainListId=found, Operation="ADD", Domains=list(domains))
    return found


def _group(resolver: Any, **rules: str) -> str:
    """A group that allows or blocks the domains of a list, in this order."""
    group = str(resolver.create_firewall_rule_group(CreatorRequestId="g", Name="g")["FirewallRuleGroup"]["Id"])
    for priority, (action, domains) in enumerate(rules.items(), 1):
        named = {"FirewallRuleGroupId": group, "FirewallDomainListId": domains}
        named |= {"BlockResponse": "NODATA"} if action == "BLOCK" else {}
        resolver.create_firewall_rule(
            CreatorRequestId=str(priority), Name=action, Action=action, Priority=priority, **named
        )
    return group


def _associate(resolver: Any, group: str, priority: int, **more: Any) -> str:
    answer = resolver.associate_firewall_rule_group(
        CreatorRequestId=str(priority), Name="a", FirewallRuleGroupId=group, VpcId=VPC, Priority=priority, **more
    )
    return str(answer["FirewallRuleGroupAssociation"]["Id"])


def test_the_first_rule_about_a_name_decides_and_lists_come_by_page(aws: Clients) -> None:
    resolver = aws("route53resolver", DR)
    allowed, all_names = _list(resolver, "*.example.com", "example.org"), _list(resolver, "*")
    group = _group(resolver, ALLOW=allowed, BLOCK=all_names)
    assert not blocks(ACCOUNT, DR, VPC, "a.example.net")
    _associate(resolver, group, 200)
    hosts = ("a.example.com", "example.com", "example.org", "a.example.org")
    assert [blocks(ACCOUNT, DR, VPC, host) for host in hosts] == [False, True, False, True]
    (row,) = resolver.list_firewall_rule_group_associations(VpcId=VPC)["FirewallRuleGroupAssociations"]
    assert (row["FirewallRuleGroupId"], row["Priority"], row["Status"]) == (group, 200, "COMPLETE")
    assert resolver.list_firewall_rule_group_associations(VpcId="vpc-2")["FirewallRuleGroupAssociations"] == []
    rules = resolver.list_firewall_rules(FirewallRuleGroupId=group)["FirewallRules"]
    assert [(row["Action"], row["FirewallDomainListId"]) for row in rules] == [("ALLOW", allowed), ("BLOCK", all_names)]
    assert {row["Id"] for row in resolver.list_firewall_domain_lists()["FirewallDomainLists"]} == {allowed, all_names}
    first = resolver.list_firewall_domains(FirewallDomainListId=allowed, MaxResults=1)
    assert first["Domains"] == ["*.example.com."]
    more = {"FirewallDomainListId": allowed, "NextToken": first["NextToken"]}
    assert resolver.list_firewall_domains(**more)["Domains"] == ["example.org."]
    resolver.update_firewall_domains(FirewallDomainListId=allowed, Operation="REMOVE", Domains=["example.org"])
    assert blocks(ACCOUNT, DR, VPC, "example.org")
    resolver.update_firewall_domains(FirewallDomainListId=all_names, Operation="REPLACE", Domains=["x.example"])
    assert not blocks(ACCOUNT, DR, VPC, "example.org")


def _code(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**params)
    return str(refused.value.response["Error"]["Code"])


def test_what_is_used_is_not_deleted_and_what_is_taken_off_blocks_nothing(aws: Clients) -> None:
    resolver = aws("route53resolver", DR)
    domains = _list(resolver, "*")
    group = _group(resolver, BLOCK=domains)
    taken = {"CreatorRequestId": "b", "Name": "b", "FirewallRuleGroupId": group, "VpcId": VPC}
    assert _code(resolver.associate_firewall_rule_group, Priority=100, **taken) == "ValidationException"
    association = _associate(resolver, group, 200)
    assert _code(resolver.associate_firewall_rule_group, Priority=200, **taken) == "ConflictException"
    assert blocks(ACCOUNT, DR, VPC, "a.example")
    assert _code(resolver.delete_firewall_rule_group, FirewallRuleGroupId=group) == "ConflictException"
    assert _code(resolver.delete_firewall_domain_list, FirewallDomainListId=domains) == "ConflictException"
    resolver.disassociate_firewall_rule_group(FirewallRuleGroupAssociationId=association)
    assert not blocks(ACCOUNT, DR, VPC, "a.example")
    resolver.delete_firewall_rule(FirewallRuleGroupId=group, FirewallDomainListId=domains)
    resolver.delete_firewall_rule_group(FirewallRuleGroupId=group)
    resolver.delete_firewall_domain_list(FirewallDomainListId=domains)
    assert _code(resolver.list_firewall_domains, FirewallDomainListId=domains) == "ResourceNotFoundException"
    protected = _associate(resolver, _group(resolver), 300, MutationProtection="ENABLED")
    answer = _code(resolver.disassociate_firewall_rule_group, FirewallRuleGroupAssociationId=protected)
    assert answer == "ConflictException"
