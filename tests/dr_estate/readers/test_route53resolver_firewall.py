"""What a DNS firewall blocks is read by the priorities of its groups and rules, and AWS's own lists are left out."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from dr_estate.config.environment import Side
from dr_estate.readers import route53resolver
from tests.dr_checks.aws_answers import read
from tests.dr_checks.estates import healthy

ALL, AWS = "list-all", "list-aws"
ASSOCIATED = {"FirewallRuleGroupId": "g", "Priority": 200, "Status": "COMPLETE"}
BLOCK = {"Name": "rest", "Priority": 20, "Action": "BLOCK", "FirewallDomainListId": ALL}
ALLOW = {"Name": "aws", "Priority": 10, "Action": "ALLOW", "FirewallDomainListId": AWS}
THREATS = {"Name": "tunnels", "Priority": 5, "Action": "BLOCK", "DnsThreatProtection": "DNS_TUNNELING"}


def _blocked(
    *rules: dict[str, Any], domain: Any = "*", owner: str | None = None, groups: tuple[Any, ...] = (ASSOCIATED,)
) -> list[str]:
    """The rules that block what tasks ask for; all lists hold this domain, and the list of all names is ``owner``'s."""
    owned = {"ManagedOwnerName": owner} if owner else {}
    found = read(
        route53resolver.blocked,
        Side.DR,
        {
            "list_firewall_rule_group_associations": {"FirewallRuleGroupAssociations": list(groups)},
            "list_firewall_rules": {"FirewallRules": list(rules)},
            "list_firewall_domain_lists": {"FirewallDomainLists": [{"Id": ALL, **owned}]},
            "list_firewall_domains": domain if callable(domain) else {"Domains": [domain]},
        },
        healthy(),
    )
    return [row.rule for row in found or () if row.hosts]


@pytest.mark.parametrize(
    ("rules", "blocked"),
    [
        ((BLOCK,), ["rest"]),
        ((BLOCK, ALLOW), []),
        ((BLOCK, ALLOW | {"Priority": 30}), ["rest"]),
        ((BLOCK, ALLOW | {"Action": "ALERT"}), []),
        ((BLOCK | {"Qtype": "MX"},), []),
        ((BLOCK | {"Qtype": "A"},), ["rest"]),
        ((BLOCK | {"Qtype": "TYPE1"},), ["rest"]),
        ((BLOCK | {"Qtype": "TYPE28"},), []),
        ((THREATS,), []),
        ((), []),
    ],
)
def test_the_first_rule_about_addresses_of_a_name_decides(rules: Any, blocked: list[str]) -> None:
    assert _blocked(*rules) == blocked


@pytest.mark.parametrize(
    ("domain", "blocked"),
    [
        ("*.Amazonaws.com.", ["rest"]),
        ("logs.eu-west-1.amazonaws.com.", ["rest"]),
        ("*.logs.eu-west-1.amazonaws.com.", []),
        ("amazonaws.com.", []),
        ("*azonaws.com", []),
    ],
)
def test_a_domain_is_the_name_itself_or_all_below_it(domain: str, blocked: list[str]) -> None:
    assert _blocked(BLOCK, domain=domain) == blocked


def test_a_list_that_aws_keeps_blocks_no_name_of_aws() -> None:
    assert _blocked(BLOCK, owner="Route 53 Resolver DNS Firewall") == []


def test_a_list_of_many_domains_is_read_in_pages_as_large_as_aws_allows() -> None:
    sizes: list[Any] = []

    def domains(**params: Any) -> dict[str, Any]:
        sizes.append(params["PaginationConfig"]["PageSize"])
        return {"Domains": ["*"]}

    assert _blocked(BLOCK, domain=domains) == ["rest"]
    model = botocore.session.get_session().get_service_model("route53resolver").operation_model("ListFirewallDomains")
    assert sizes == [model.input_shape.members["MaxResults"].metadata["max"]]


@pytest.mark.parametrize(("status", "blocked"), [("UPDATING", ["rest"]), ("DELETING", [])])
def test_a_group_counts_until_it_is_taken_off(status: str, blocked: list[str]) -> None:
    assert _blocked(BLOCK, groups=(ASSOCIATED | {"Status": status},)) == blocked


def test_a_network_without_a_firewall_is_one_call() -> None:
    assert (
        read(
            route53resolver.blocked,
            Side.DR,
            {"list_firewall_rule_group_associations": {"FirewallRuleGroupAssociations": []}},
            healthy(),
        )
        == ()
    )
