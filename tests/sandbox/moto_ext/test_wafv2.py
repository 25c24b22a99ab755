"""Web ACLs as AWS changes them."""

from __future__ import annotations

from typing import Any

from tests.sandbox.moto_ext.conftest import Clients

UNSEEN = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "edge"}
COUNTRY = {
    "Name": "countries",
    "Priority": 0,
    "Statement": {"GeoMatchStatement": {"CountryCodes": ["KP"]}},
    "Action": {"Block": {}},
    "VisibilityConfig": UNSEEN,
}


def _updated(aws: Clients, **changes: Any) -> dict[str, Any]:
    waf = aws("wafv2", "eu-west-1")
    settings = {"Name": "edge", "Scope": "REGIONAL"}
    wanted = {"DefaultAction": {"Allow": {}}, "VisibilityConfig": UNSEEN}
    summary = waf.create_web_acl(**settings, **wanted, Rules=[COUNTRY])["Summary"]
    waf.update_web_acl(**settings, **wanted, Id=summary["Id"], LockToken=summary["LockToken"], **changes)
    found: dict[str, Any] = waf.get_web_acl(**settings, Id=summary["Id"])["WebACL"]
    return found


def test_an_update_without_rules_leaves_none(aws: Clients) -> None:
    assert _updated(aws, Rules=[])["Rules"] == []


def test_an_update_that_names_no_rules_leaves_none(aws: Clients) -> None:
    assert _updated(aws)["Rules"] == []


def test_an_update_keeps_the_rules_that_it_names(aws: Clients) -> None:
    assert [rule["Name"] for rule in _updated(aws, Rules=[COUNTRY])["Rules"]] == ["countries"]
