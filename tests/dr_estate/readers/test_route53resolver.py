"""Rules of the DR region's resolver are read by their associations, whatever the primary region lets see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from dr_estate.config.environment import Side
from dr_estate.config.recovery_settings import AutomationSettings
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import ecs, route53_private_names, route53resolver
from dr_estate.readers.route53_private_names import PrivateNames
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.aws_answers import read, reading
from tests.dr_checks.estates import healthy
from tests.dr_checks.worlds import DENIED, SIT

NAMES = (route53_private_names.names.name, Side.GLOBAL)
HERE = PrivateNames(Side.DR, ())
RULE = {"Id": "rslvr-rr-1", "DomainName": ".", "RuleType": "FORWARD", "TargetIps": [{"Ip": "10.9.0.2"}]}


def _upon(*rows: PrivateNames | Unavailable) -> Snapshot:
    """The healthy estate with these private names."""
    seen = healthy()
    return replace(seen, parts={**seen.parts, NAMES: replace(seen.parts[NAMES], value=rows)})


def _answers(status: str, rules: Sequence[Any]) -> dict[str, Any]:
    """One rule is associated with the VPC in this state, and AWS lists ``rules``."""
    associated = [("rslvr-rr-1", status), ("rslvr-autodefined-rr-internet-resolver", "COMPLETE")]
    rows = [{"ResolverRuleId": rule, "Status": state} for rule, state in associated]
    return {
        "list_resolver_rule_associations": {"ResolverRuleAssociations": rows},
        "list_resolver_rules": {"ResolverRules": list(rules)},
        "describe_network_interfaces": {"NetworkInterfaces": []},
    }


def _read(status: str = "COMPLETE", rules: Sequence[Any] = (RULE,), upon: Snapshot | None = None) -> list[str]:
    """The ids of rules that forward what tasks ask."""
    found = read(route53resolver.forwarded, Side.DR, _answers(status, rules), upon or _upon(HERE))
    return [row.rule for row in found or () if "10.9.0.2" in row.targets and row.hosts]


@pytest.mark.parametrize(
    ("status", "rules"),
    [("COMPLETE", ["rslvr-rr-1"]), ("CREATING", ["rslvr-rr-1"]), ("DELETING", []), ("FAILED", [])],
)
def test_a_rule_counts_while_it_is_associated(status: str, rules: list[str]) -> None:
    assert _read(status) == rules


def test_a_primary_region_that_is_dark_hides_no_rule_of_the_dr_region() -> None:
    assert _read(upon=_upon(DENIED, HERE)) == ["rslvr-rr-1"]


@pytest.mark.parametrize("rows", [(DENIED,), (PrivateNames(Side.PRIMARY, ()), DENIED)])
def test_private_names_of_the_dr_region_that_are_not_seen_are_unknown(rows: tuple[Any, ...]) -> None:
    with pytest.raises(DataUnavailable) as unseen:
        _read(upon=_upon(*rows))
    assert unseen.value.unavailable == DENIED


@pytest.mark.parametrize(
    ("automation", "hosts"),
    [
        (True, [f"{api}.af-south-1.amazonaws.com" for api in ("sts", "ecs", "rds", "elasticfilesystem", "dynamodb")]),
        (False, []),
    ],
)
def test_the_names_of_a_recovery_s_task_are_asked_for_where_aws_starts_one(automation: bool, hosts: list[str]) -> None:
    rule = RULE | {"DomainName": "af-south-1.amazonaws.com."}
    env = SIT.model_copy(update={"automation": AutomationSettings(enabled=automation)})
    found = read(route53resolver.forwarded, Side.DR, _answers("COMPLETE", [rule]), _upon(HERE), env) or ()
    assert [host for row in found for host in row.hosts] == hosts


def test_an_associated_rule_that_aws_does_not_list_is_unknown() -> None:
    context = reading(route53resolver.forwarded, Side.DR, _answers("COMPLETE", []), _upon(HERE))
    assert route53resolver.forwarded.read(context) == ()
    assert [row.name for row in context.unreadable] == ["rslvr-rr-1"]


def test_unseen_primary_services_hide_no_private_name() -> None:
    seen, key = healthy(), (ecs.services.name, Side.PRIMARY)
    blind = replace(seen, parts={**seen.parts, key: replace(seen.parts[key], value=DENIED)})
    answers = {
        "list_hosted_zones_by_vpc": {"HostedZoneSummaries": [], "MaxItems": "100"},
        "list_resource_record_sets": {"ResourceRecordSets": [], "IsTruncated": False, "MaxItems": "100"},
    }
    rows = read(route53_private_names.names, Side.GLOBAL, answers, blind)
    sites = {row.side: row.sites for row in rows if isinstance(row, PrivateNames)}
    assert sites == {Side.PRIMARY: None, Side.DR: ()}
