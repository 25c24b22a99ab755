"""DNS Firewall: lists of domains, rules in groups, and groups associated with a VPC, which decide what it may ask.

Source: Route 53 API, the Firewall operations of Route 53 Resolver.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.moto_api._internal import mock_random
from moto.route53resolver.models import route53resolver_backends
from moto.route53resolver.responses import Route53ResolverResponse

from sandbox.core.patching import operation, page, refused, state

LISTS, GROUPS, RULES, ASSOCIATIONS = "firewall_lists", "firewall_groups", "firewall_rules", "firewall_associations"
_PAGE = 100
_FIRST, _LAST = 101, 9899  # priorities of associations (API_AssociateFirewallRuleGroup)
_Row = dict[str, Any]


def blocks(account: str, region: str, vpc: str, host: str) -> bool:
    """Whether a rule of the VPC blocks the host: of groups and rules by priority, the first about it decides."""
    backend = route53resolver_backends[account][region]
    groups = [row for row in state(backend, ASSOCIATIONS).values() if row["VpcId"] == vpc]
    # The lowest number first (Route 53 guide, rule groups and rules).
    for group in sorted(groups, key=lambda row: int(row["Priority"])):
        rules = [
            row for row in state(backend, RULES).values() if row["FirewallRuleGroupId"] == group["FirewallRuleGroupId"]
        ]
        for rule in sorted(rules, key=lambda row: int(row["Priority"])):
            domains = state(backend, LISTS)[rule["FirewallDomainListId"]]["Domains"]
            # Tasks ask for addresses: a rule about another type does not meet them.
            if rule.get("Qtype") in (None, "A", "TYPE1") and any(
                _is_about(domain.rstrip("."), host) for domain in domains
            ):
                # ALLOW ends the search as BLOCK does; ALERT is played as ALLOW.
                return bool(rule["Action"] == "BLOCK")
    return False


def _is_about(domain: str, host: str) -> bool:
    # *.example.com covers what is below it, and not the domain itself.
    return domain in ("*", host) or (domain.startswith("*.") and host.endswith(domain[1:]))


def _row_of(self: Route53ResolverResponse, kind: str, name: str) -> _Row:
    try:
        row: _Row = state(self.route53resolver_backend, kind)[name]
    except KeyError:
        raise refused("ResourceNotFoundException", f"Resource with id {name} was not found") from None
    return row


def _create_row(self: Route53ResolverResponse, kind: str, prefix: str, row: _Row) -> _Row:
    name = f"{prefix}-{mock_random.get_random_hex(17)}"
    # UPDATING for some seconds on AWS.
    stored = {**row, "Id": name, "Status": "COMPLETE"}
    state(self.route53resolver_backend, kind)[name] = stored
    return stored


@operation(Route53ResolverResponse, "create_firewall_domain_list")
def _create_list(self: Route53ResolverResponse, params: _Row) -> _Row:
    row = {"Name": params["Name"], "CreatorRequestId": params["CreatorRequestId"], "Domains": []}
    return {"FirewallDomainList": _create_row(self, LISTS, "rslvr-fdl", row)}


@operation(Route53ResolverResponse, "update_firewall_domains")
def _update_domains(self: Route53ResolverResponse, params: _Row) -> _Row:
    row = _row_of(self, LISTS, params["FirewallDomainListId"])
    # Route 53 lists domains with their last dot.
    named = [f"{domain.rstrip('.').lower()}." for domain in params["Domains"]]
    left = [] if params["Operation"] == "REPLACE" else [domain for domain in row["Domains"] if domain not in named]
    row["Domains"] = left if params["Operation"] == "REMOVE" else [*left, *named]
    return {"Id": row["Id"], "Name": row["Name"], "Status": "COMPLETE"}


@operation(Route53ResolverResponse, "create_firewall_rule_group")
def _create_group(self: Route53ResolverResponse, params: _Row) -> _Row:
    row = {"Name": params["Name"], "CreatorRequestId": params["CreatorRequestId"]}
    return {"FirewallRuleGroup": _create_row(self, GROUPS, "rslvr-frg", row)}


@operation(Route53ResolverResponse, "create_firewall_rule")
def _create_rule(self: Route53ResolverResponse, params: _Row) -> _Row:
    _row_of(self, GROUPS, params["FirewallRuleGroupId"])
    _row_of(self, LISTS, params["FirewallDomainListId"])
    if params["Action"] == "BLOCK" and not params.get("BlockResponse"):
        raise refused("ValidationException", "BlockResponse is required for the action BLOCK")
    state(self.route53resolver_backend, RULES)[_rule_key(params)] = dict(params)
    return {"FirewallRule": params}


def _rule_key(params: _Row) -> tuple[str, str]:
    return params["FirewallRuleGroupId"], params["FirewallDomainListId"]


@operation(Route53ResolverResponse, "associate_firewall_rule_group")
def _associate(self: Route53ResolverResponse, params: _Row) -> _Row:
    _row_of(self, GROUPS, params["FirewallRuleGroupId"])
    taken = state(self.route53resolver_backend, ASSOCIATIONS).values()
    if not _FIRST <= int(params["Priority"]) <= _LAST:
        raise refused("ValidationException", "Priority must be greater than 100 and less than 9,900")
    if any((row["VpcId"], row["Priority"]) == (params["VpcId"], params["Priority"]) for row in taken):
        raise refused("ConflictException", "The priority is used by another association of the VPC")
    row = {"MutationProtection": "DISABLED", **params}
    return {"FirewallRuleGroupAssociation": _create_row(self, ASSOCIATIONS, "rslvr-frgassoc", row)}


@operation(Route53ResolverResponse, "disassociate_firewall_rule_group")
def _disassociate(self: Route53ResolverResponse, params: _Row) -> _Row:
    row = _row_of(self, ASSOCIATIONS, params["FirewallRuleGroupAssociationId"])
    if row["MutationProtection"] == "ENABLED":
        raise refused("ConflictException", "The association is protected against mutation")
    del state(self.route53resolver_backend, ASSOCIATIONS)[row["Id"]]
    return {"FirewallRuleGroupAssociation": {**row, "Status": "DELETING"}}


@operation(Route53ResolverResponse, "delete_firewall_rule")
def _delete_rule(self: Route53ResolverResponse, params: _Row) -> _Row:
    found = state(self.route53resolver_backend, RULES).pop(_rule_key(params), None)
    if found is None:
        raise refused("ResourceNotFoundException", "The rule was not found")
    return {"FirewallRule": found}


@operation(Route53ResolverResponse, "delete_firewall_rule_group")
def _delete_group(self: Route53ResolverResponse, params: _Row) -> _Row:
    row = _row_of(self, GROUPS, params["FirewallRuleGroupId"])
    used = [*state(self.route53resolver_backend, ASSOCIATIONS).values()]
    used += state(self.route53resolver_backend, RULES).values()
    if any(other["FirewallRuleGroupId"] == row["Id"] for other in used):
        raise refused("ConflictException", "The group has rules or is associated with a VPC")
    del state(self.route53resolver_backend, GROUPS)[row["Id"]]
    return {"FirewallRuleGroup": row}


@operation(Route53ResolverResponse, "delete_firewall_domain_list")
def _delete_list(self: Route53ResolverResponse, params: _Row) -> _Row:
    row = _row_of(self, LISTS, params["FirewallDomainListId"])
    if any(rule["FirewallDomainListId"] == row["Id"] for rule in state(self.route53resolver_backend, RULES).values()):
        raise refused("ConflictException", "The list is used by a rule")
    del state(self.route53resolver_backend, LISTS)[row["Id"]]
    return {"FirewallDomainList": row}


def _listing(kind: str, key: str, *filters: str) -> Callable[[Route53ResolverResponse, _Row], _Row]:
    """An operation that lists rows of a kind, those of the members ``filters`` where they are given."""

    def answer(self: Route53ResolverResponse, params: _Row) -> _Row:
        wanted = {name: params[name] for name in filters if params.get(name) is not None}
        rows = state(self.route53resolver_backend, kind).values()
        found = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
        shown, token = page(found, params, _PAGE, "InvalidNextTokenException")
        return {key: shown, "NextToken": token}

    return answer


@operation(Route53ResolverResponse, "list_firewall_domains")
def _list_domains(self: Route53ResolverResponse, params: _Row) -> _Row:
    domains = _row_of(self, LISTS, params["FirewallDomainListId"])["Domains"]
    shown, token = page(domains, params, _PAGE, "InvalidNextTokenException")
    return {"Domains": shown, "NextToken": token}


for _name, _answer in (
    ("list_firewall_domain_lists", _listing(LISTS, "FirewallDomainLists")),
    ("list_firewall_rules", _listing(RULES, "FirewallRules", "FirewallRuleGroupId")),
    (
        "list_firewall_rule_group_associations",
        _listing(ASSOCIATIONS, "FirewallRuleGroupAssociations", "FirewallRuleGroupId", "VpcId"),
    ),
):
    operation(Route53ResolverResponse, _name)(_answer)
