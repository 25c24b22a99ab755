"""Where a listener's rules lead a tenant's visitors, by tables of rules that are alike or not in both regions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_checks.core.model import Finding, Status
from dr_checks.core.registry import checks, judge
from dr_checks.derived.listener_table import ListenerTable
from dr_estate.config.environment import Side
from dr_estate.readers import elbv2, route53
from dr_estate.readers.elbv2 import ListenerAction, ListenerRule
from dr_estate.readers.route53 import Record
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.traffic import balanced, group, groups, listener, rule
from tests.dr_checks.worlds import DENIED, SIT

DR, PRIMARY = Side.DR, Side.PRIMARY
HOST = "tenant2.wpsit.kimmyai.io"
STATIC, STAFF, HEADER = ("path-pattern  1",), ("path-pattern  2",), ("http-header x-origin-verify 3",)
Row = tuple[tuple[str, ...], str, bool]  # further conditions, the tenant whose group it leads to, sign-in before it
OPEN: Row = ((), "tenant2", False)
SIGNED: Row = ((), "tenant2", True)
PICTURES: Row = (STATIC, "tenant2", False)
OFFICE: Row = (STAFF, "tenant2", True)
ADDED: Row = (HEADER, "tenant2", False)
ADDED_SIGNED: Row = (HEADER, "tenant2", True)
ANOTHERS: Row = ((), "tenant1", False)
ELSEWHERE: Row = (STATIC, "tenant1", False)


def table(side: Side, *rows: Row) -> tuple[ListenerRule, ...]:
    """The second tenant's rules in their order, after the first tenant's."""
    found = [rule(side, "tenant1")]
    for priority, (others, to, signed) in enumerate(rows, start=2):
        row = rule(side, "tenant2", priority=priority, to=to, others=others)
        first = ("authenticate-oidc",) if signed else ()
        found.append(replace(row, action=replace(row.action, first=first)))
    return tuple(found)


def judged(here: tuple[Row, ...], there: tuple[Row, ...] | None) -> tuple[Status, str]:
    """How the check judges the host, and why; ``there`` is None where the primary region is dark."""
    theirs = DENIED if there is None else table(PRIMARY, *there)
    found = _host_finding(balanced({(elbv2.rules, DR): table(DR, *here), (elbv2.rules, PRIMARY): theirs}))
    return found.status, found.because


def _host_finding(seen: Snapshot) -> Finding:
    result = judge(checks()["elbv2-routing.host-rules"], seen, SIT)
    (found,) = [finding for finding in result.findings if finding.subject == HOST]
    return found


@pytest.mark.parametrize(
    "rows",
    [
        (OFFICE, OPEN),
        (ADDED_SIGNED,),
        (ADDED_SIGNED, OPEN),
        (PICTURES, SIGNED),
        (PICTURES, OFFICE, OPEN),
        (ADDED,),
        (ELSEWHERE, OPEN),
        (ELSEWHERE, OFFICE, OPEN),
    ],
)
def test_the_same_rules_in_both_regions_serve_the_tenant(rows: tuple[Row, ...]) -> None:
    assert judged(rows, rows)[0] is Status.PASS


def test_a_rule_that_names_a_host_and_a_pattern_of_it_is_one_rule() -> None:
    rules = {side: [*table(side, PICTURES, OFFICE, OPEN)] for side in (DR, PRIMARY)}
    seen = balanced(
        {
            (elbv2.rules, side): tuple(
                replace(found, hosts=(*found.hosts, f"*{HOST.removeprefix('tenant2')}")) if found.further else found
                for found in of_side
            )
            for side, of_side in rules.items()
        }
    )
    result = judge(checks()["elbv2-routing.host-rules"], seen, SIT)
    assert [Status.PASS] == [finding.status for finding in result.findings if finding.subject == HOST]


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ((PICTURES, SIGNED), (PICTURES, OPEN)),
        ((PICTURES, ANOTHERS), (PICTURES, OPEN)),
        ((PICTURES,), (PICTURES, OPEN)),
        ((ELSEWHERE, ANOTHERS), (ELSEWHERE, OPEN)),
        ((OFFICE, SIGNED), (OFFICE, OPEN)),
        ((OFFICE, ANOTHERS), (OFFICE, OPEN)),
        (((STAFF, "tenant2", False),), (OPEN,)),
        ((PICTURES, OFFICE), (OPEN,)),
    ],
)
def test_equal_rules_for_some_paths_say_nothing_of_the_others(here: tuple[Row, ...], there: tuple[Row, ...]) -> None:
    assert judged(here, there)[0] is Status.FAIL


def test_a_path_to_a_group_of_no_tenant_is_unknown() -> None:
    """The primary region's tasks may answer behind it, and nobody behind the DR region's."""
    shared: Row = (STATIC, "shared", False)
    rules = {(elbv2.rules, side): table(side, shared, OPEN) for side in (DR, PRIMARY)}
    known = {(elbv2.target_groups, side): (*groups(side), group(side, "shared")) for side in (DR, PRIMARY)}
    assert _host_finding(balanced(rules | known)).status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("here", "status"), [("StatusCode 403", Status.PASS), ("StatusCode 200, MessageBody closed", Status.UNKNOWN)]
)
def test_a_path_answered_by_the_balancer_is_compared_with_the_primary(here: str, status: Status) -> None:
    def closed(side: Side, detail: str) -> tuple[ListenerRule, ...]:
        first, path, host = table(side, ELSEWHERE, OPEN)
        return (first, replace(path, action=ListenerAction("fixed-response", (), detail)), host)

    rules = {(elbv2.rules, DR): closed(DR, here), (elbv2.rules, PRIMARY): closed(PRIMARY, "StatusCode 403")}
    assert _host_finding(balanced(rules)).status is status


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ((OFFICE, OPEN), (OPEN,)),
        ((PICTURES, SIGNED), (SIGNED,)),
        ((ELSEWHERE, OPEN), (OPEN,)),
        ((ELSEWHERE, OFFICE, OPEN), (OFFICE, ELSEWHERE, OPEN)),
    ],
)
def test_a_path_that_one_region_alone_treats_otherwise_is_not_known(
    here: tuple[Row, ...], there: tuple[Row, ...]
) -> None:
    assert judged(here, there)[0] is Status.UNKNOWN


@pytest.mark.parametrize("here", [(OFFICE, OPEN), (ADDED_SIGNED,), (PICTURES, SIGNED)])
def test_a_sign_in_that_a_dark_primary_explains_names_it(here: tuple[Row, ...]) -> None:
    assert judged(here, None) == (Status.UNKNOWN, DENIED.why)


@pytest.mark.parametrize(
    ("paths", "others", "by_regex", "status"),
    [
        (("/alive",), ("path-pattern  1",), False, Status.PASS),
        (("/*",), ("path-pattern  1",), False, Status.UNKNOWN),
        (("/alive",), ("path-pattern  1", "http-request-method  2"), False, Status.UNKNOWN),
        (("/alive",), ("path-pattern  1",), True, Status.UNKNOWN),
    ],
)
def test_a_path_beside_the_page_refuses_no_failover_from_a_dark_primary(
    paths: tuple[str, ...], others: tuple[str, ...], by_regex: bool, status: Status
) -> None:
    """While it answered, status held its rules against those of the DR region."""
    first, path, host = table(DR, ELSEWHERE, OPEN)
    answered = ListenerAction("fixed-response", (), "StatusCode 200")
    path = replace(path, hosts=(), conditions=len(others), action=answered, others=others, paths=paths)
    rules = {(elbv2.rules, DR): (first, replace(path, by_regex=by_regex), host), (elbv2.rules, PRIMARY): DENIED}
    assert _host_finding(balanced(rules)).status is status


SECOND = "shop.example.org"


def _of_second_host(here: tuple[str, ...], there: tuple[str, ...] = (HOST, SECOND)) -> dict[str, Status]:
    """How the hosts of the second tenant come out, whose rule has these hosts in each region."""
    hosts = {DR: here, PRIMARY: there}
    rules = {
        side: (rule(side, "tenant1"), replace(rule(side, "tenant2", priority=2), hosts=hosts[side])) for side in hosts
    }
    seen = balanced({(elbv2.rules, side): rows for side, rows in rules.items()})
    result = judge(checks()["elbv2-routing.host-rules"], seen, SIT)
    return {found.subject: found.status for found in result.findings if found.tenant == "tenant2"}


def test_a_second_host_of_primary_rules_must_be_in_those_of_the_dr_region() -> None:
    assert {HOST: Status.PASS, SECOND: Status.FAIL} == _of_second_host((HOST,))
    assert {HOST: Status.PASS, SECOND: Status.PASS} == _of_second_host((HOST, SECOND))
    assert {HOST: Status.PASS, SECOND: Status.PASS} == _of_second_host((HOST, "*.example.org"))


def test_a_host_of_the_dr_regions_rules_alone_is_nobodys_matter() -> None:
    assert {HOST: Status.PASS} == _of_second_host((HOST, SECOND), (HOST,))


def test_a_host_that_a_primary_pattern_leads_to_a_tenant_is_led_in_dr_too() -> None:
    rows = {side: (rule(side, "tenant1"), rule(side, "tenant2", priority=2)) for side in (DR, PRIMARY)}
    pattern = replace(rule(PRIMARY, "tenant2", priority=3), hosts=("shop*.wpsit.kimmyai.io",))
    record = Record("shop1.wpsit.kimmyai.io", "A", None, (), None, None, None, None, "d1.cloudfront.net", None, None)
    seen = balanced(
        {
            (elbv2.rules, DR): rows[DR],
            (elbv2.rules, PRIMARY): (*rows[PRIMARY], pattern),
            (route53.records, Side.GLOBAL): (record,),
        }
    )
    result = judge(checks()["elbv2-routing.host-rules"], seen, SIT)
    assert "shop1.wpsit.kimmyai.io" in {found.subject for found in result.findings if found.status is Status.FAIL}


def _by_default(side: Side, tenant: str) -> tuple[elbv2.Listener, ...]:
    return (listener(side, default=ListenerAction("forward", (group(side, tenant).arn,), "")),)


@pytest.mark.parametrize(("tenant", "status"), [("tenant2", Status.PASS), ("tenant1", Status.FAIL)])
def test_a_tenant_without_a_rule_is_served_by_the_default_action(tenant: str, status: Status) -> None:
    parts: dict[Any, Any] = {(elbv2.rules, side): table(side) for side in (DR, PRIMARY)}
    parts |= {
        (elbv2.listeners, DR): _by_default(DR, tenant),
        (elbv2.listeners, PRIMARY): _by_default(PRIMARY, "tenant2"),
    }
    assert status is _host_finding(balanced(parts)).status


def test_by_default_a_recorded_name_is_nobodys_host() -> None:
    mail = Record("mail.wpsit.kimmyai.io", "A", None, (), None, None, None, None, "d1.cloudfront.net", None, None)
    parts: dict[Any, Any] = {(elbv2.listeners, side): _by_default(side, "tenant2") for side in (DR, PRIMARY)}
    parts |= {(route53.records, Side.GLOBAL): (mail,)}
    result = judge(checks()["elbv2-routing.host-rules"], balanced(parts), SIT)
    assert mail.name not in {finding.subject for finding in result.findings}


def test_of_a_host_that_several_share_the_place_of_a_path_is_the_primarys() -> None:
    """The rules of both regions alike, each path to its own group; any other order is an open question."""
    api, web = (
        ListenerRule("l", n, (HOST,), 2, ListenerAction("forward", (name,), ""), others=(f"path-pattern  {n}",))
        for n, name in enumerate(("api", "web"), start=1)
    )
    here, there = ListenerTable([api, web], {}), ListenerTable([api, web], {})
    assert ["api", "web"] == [here.shared_route(HOST, "/", name, there) for name in ("api", "web")]
    assert here.shared_route(HOST, "/", "api", ListenerTable([web, api], {})) is None
