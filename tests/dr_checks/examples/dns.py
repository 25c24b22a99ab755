"""Examples of the checks on the traffic records and on Route 53's choice among them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_checks.derived import record_pins
from dr_estate.config.environment import Environment, Side
from dr_estate.readers import ecs, elbv2
from tests.dr_checks.edges import (
    APEX,
    CHECK_1,
    CHECK_2,
    CLOUDFRONT_ZONE,
    DOMAIN,
    DR_BALANCER,
    FIRST,
    HOSTS,
    ORIGIN,
    PRIMARY,
    PRIMARY_BALANCER,
    SECOND,
    SECONDARY,
    SECONDARY_ID,
    alias,
    balancer,
    probe,
    record,
    traffic,
)
from tests.dr_checks.traffic import DEFAULT, group, healthy, listener
from tests.dr_checks.traffic import balancer as shared_balancer
from tests.dr_checks.worlds import DENIED, SIT, Example, service, world

PAIR, WELL = (PRIMARY, SECONDARY), traffic()
STRAY = replace(SECONDARY, set_identifier="old-test", alias_target="elsewhere.example")
SLOW = replace(PRIMARY, alias_target=None, alias_zone_id=None, values=(f"{PRIMARY_BALANCER}.",), type="CNAME", ttl_s=61)
BLIND = [replace(r, health_check_id=None, evaluate_target_health=False) for r in PAIR]
UNCHECKED = [replace(r, evaluate_target_health=False) for r in PAIR]
FAILOVER = SIT.model_copy(update={"traffic": SIT.traffic.model_copy(update={"policy": "failover"})})
BY_DAY = SIT.model_copy(update={"scaling_schedule": None})
STAGED = SIT.model_copy(update={"failback": SIT.failback.model_copy(update={"staged": True})})
CALCULATED = replace(CHECK_1, id="hc-3", type="CALCULATED", host="", children=("hc-1",), children_needed=1)
ALARM = replace(CHECK_1, type="CLOUDWATCH_METRIC", host="", alarm_region=SIT.regions.primary)
EDGE = alias(f"tenant1.{SIT.traffic.tenant_domain}", DOMAIN, CLOUDFRONT_ZONE, False, set_identifier="a", weight=1)


AWAY = [replace(PRIMARY, weight=0), replace(SECONDARY, weight=100)]
TURNED = [replace(FIRST, alias_target=DR_BALANCER), replace(SECOND, alias_target=PRIMARY_BALANCER)]
PIN = (replace(CHECK_1, port=1), CHECK_2)
FULL_PIN = (CHECK_1, CHECK_2, replace(CALCULATED, children_needed=2))


def records(*some: object) -> dict[str, object]:
    """The traffic zone with these records beside its apex's."""
    return {"records": (*some, *APEX)}


def given(check: str, expected: Status, **changed: object) -> Example:
    """An example of ``check`` on the traffic path, with parts changed."""
    return Example(f"dns.{check}", expected, world(traffic(**changed)))


def choice(check: str, expected: Status, **changed: object) -> Example:
    """An example of a check on Route 53's choice."""
    return Example(f"dns-choice.{check}", expected, world(traffic(**changed)))


def shared(
    expected: Status,
    *healthy_targets: float | None,
    wanted: int = 2,
    evaluate: bool = True,
    env: Environment = BY_DAY,
    side: Side = Side.PRIMARY,
    measured: int = 2,
) -> Example:
    """Whether a tenant moves all: the side's record, its balancer's groups with healthy targets, wanted tasks.

    ``measured`` is of how many groups there is a reading at all.
    """
    groups = [group(side, name) for name in ("tenant1", "tenant2")[: len(healthy_targets)]]
    rows = zip(("tenant1", "tenant2")[:measured], healthy_targets, strict=False)
    pair = {Side.PRIMARY: PRIMARY, Side.DR: replace(SECONDARY, evaluate_target_health=False)}
    if side is Side.DR:
        pair[Side.PRIMARY] = replace(PRIMARY, evaluate_target_health=False)
    pair[side] = replace(pair[side], evaluate_target_health=evaluate)
    path: dict[Any, Any] = dict(traffic(**records(*pair.values())))
    values = path | {
        (elbv2.load_balancer, side): shared_balancer(side),
        (elbv2.target_groups, side): tuple(groups),
        (elbv2.healthy_hosts, side): tuple(healthy(side, name, count) for name, count in rows),
        (ecs.services, side): (service("sit-tenant1-service"), service("sit-tenant2-service", desired=wanted)),
    }
    named = {f"{ORIGIN} evaluates sit-tenant2-tg"} if 0 in (*healthy_targets, wanted) else set()
    subjects = frozenset(named if expected is Status.FAIL else ())
    return Example("dns-choice.no-tenant-moves-all", expected, world(values), subjects, env)


def switched(expected: Status, port: int = 8053, status: int = record_pins.HELD_STATUS) -> Example:
    """Route 53's control plane is silent, and the DR region has a listener that answers with this status."""
    answer = replace(DEFAULT, detail=f"ContentType text/plain, StatusCode {status}")
    values = {**traffic(records=DENIED), (elbv2.listeners, Side.DR): (listener(Side.DR, port, answer),)}
    env = SIT.model_copy(update={"traffic": SIT.traffic.model_copy(update={"pin_port": 8053})})
    return Example("dns-choice.stays-away", expected, world(values), frozenset({ORIGIN}), env)


def obeying(check: str, expected: Status, status: int | None) -> Example:
    """The primary's record obeys the DR region's switch, which answers with this status; None: nothing listens."""
    answer = replace(DEFAULT, detail=f"ContentType text/plain, StatusCode {status}")
    own, watching = replace(CHECK_1, id="hc-own"), replace(CHECK_2, id="hc-pin", port=8053, inverted=True)
    both = replace(CALCULATED, id="hc-1", children=("hc-own", "hc-pin"), children_needed=2)
    listeners = (listener(Side.DR, 8053, answer),) if status else ()
    values = {**traffic(checks=(both, own, watching, CHECK_2)), (elbv2.listeners, Side.DR): listeners}
    env = SIT.model_copy(update={"traffic": SIT.traffic.model_copy(update={"pin_port": 8053})})
    return Example(f"dns-choice.{check}", expected, world(values), env=env)


EXAMPLES = [
    obeying("all-well", Status.PASS, record_pins.OPEN_STATUS),
    obeying("all-well", Status.PASS, None),
    obeying("all-well", Status.FAIL, record_pins.HELD_STATUS),
    obeying("dr-down", Status.PASS, record_pins.HELD_STATUS),
    obeying("primary-down", Status.PASS, record_pins.OPEN_STATUS),
    switched(Status.WARN),
    switched(Status.UNKNOWN, status=record_pins.OPEN_STATUS),
    switched(Status.UNKNOWN, port=80),
    shared(Status.PASS, 1, 0, evaluate=False),
    shared(Status.PASS, 1),
    shared(Status.WARN, 1, 1),
    shared(Status.FAIL, 1, 0),
    shared(Status.FAIL, 1, 1, wanted=0),
    shared(Status.FAIL, 1, 1, env=SIT),
    shared(Status.UNKNOWN, 1, 1, measured=1),
    shared(Status.UNKNOWN, 1, None),
    shared(Status.PASS, 1, 0, evaluate=False, side=Side.DR),
    shared(Status.PASS, 0, side=Side.DR),
    shared(Status.FAIL, 1, 0, side=Side.DR),
    shared(Status.FAIL, 1, 1, wanted=0, side=Side.DR),
    shared(Status.WARN, 1, 1, side=Side.DR),
    shared(Status.WARN, 1, 1, env=SIT, side=Side.DR),
    choice("stays-away", Status.PASS, **records(*AWAY)),
    choice("stays-away", Status.PASS, **records(*TURNED)),
    choice("stays-away", Status.PASS, checks=PIN),
    choice("stays-away", Status.PASS, **records(replace(PRIMARY, health_check_id="hc-3"), SECONDARY), checks=FULL_PIN),
    choice("stays-away", Status.NOT_APPLICABLE, **records()),
    choice("stays-away", Status.FAIL),
    choice("stays-away", Status.FAIL, **records(FIRST, SECOND)),
    choice("stays-away", Status.FAIL, checks=(replace(PIN[0], disabled=True), CHECK_2)),
    choice("stays-away", Status.FAIL, **records(replace(PRIMARY, weight=50), replace(SECONDARY, weight=50))),
    choice("stays-away", Status.UNKNOWN, records=DENIED),
    choice("stays-away", Status.UNKNOWN, checks=DENIED),
    given("pair-present", Status.PASS),
    given("pair-present", Status.PASS, **records(SECONDARY, PRIMARY)),
    given("pair-present", Status.FAIL, **records(PRIMARY)),
    given("pair-present", Status.FAIL, **records(*PAIR, STRAY)),
    given("pair-present", Status.FAIL, **records(*PAIR, record(ORIGIN, "AAAA", values=("2001:db8::1",)))),
    given("pair-present", Status.FAIL, **records()),
    given("pair-present", Status.NOT_APPLICABLE, zone=None, records=()),
    given("pair-present", Status.UNKNOWN, records=DENIED),
    given("final-policy", Status.PASS),
    given("final-policy", Status.NOT_APPLICABLE, **records()),
    given("final-policy", Status.FAIL, **records(record(ORIGIN, values=("192.0.2.1",)))),
    given("final-policy", Status.FAIL, **records(FIRST, SECOND)),
    given("final-policy", Status.UNKNOWN, records=DENIED),
    Example("dns.final-policy", Status.PASS, world(traffic(**records(FIRST, SECOND)), env=FAILOVER), env=FAILOVER),
    Example(
        "dns.final-policy",
        Status.FAIL,
        world(traffic(**records(replace(FIRST, failover="SECONDARY"), SECOND)), env=FAILOVER),
        env=FAILOVER,
    ),
    given("can-be-staged", Status.PASS),
    given("can-be-staged", Status.NOT_APPLICABLE, **records()),
    given("can-be-staged", Status.PASS, **records(replace(PRIMARY, weight=90), replace(SECONDARY, weight=10))),
    given("can-be-staged", Status.WARN, **records(FIRST, SECOND)),
    given("can-be-staged", Status.WARN, **records(PRIMARY, record(ORIGIN, values=("192.0.2.1",)))),
    given("can-be-staged", Status.UNKNOWN, records=DENIED),
    Example("dns.can-be-staged", Status.PASS, world(WELL, env=STAGED), env=STAGED),
    Example("dns.can-be-staged", Status.FAIL, world(traffic(**records(FIRST, SECOND)), env=STAGED), env=STAGED),
    given("own-load-balancer", Status.PASS),
    given("own-load-balancer", Status.PASS, dr_balancer=balancer(DR_BALANCER.upper())),
    given("own-load-balancer", Status.NOT_APPLICABLE, **records()),
    given("own-load-balancer", Status.FAIL, dr_balancer=balancer(DR_BALANCER.replace("22", "33"))),
    given("own-load-balancer", Status.FAIL, dr_balancer=None),
    given("own-load-balancer", Status.FAIL, **records(PRIMARY, replace(SECONDARY, alias_target=PRIMARY_BALANCER))),
    given("own-load-balancer", Status.UNKNOWN, dr_balancer=DENIED),
    given("short-ttl", Status.PASS),
    given("short-ttl", Status.PASS, **records(replace(SLOW, ttl_s=60), SECONDARY)),
    given("short-ttl", Status.PASS, **records(*PAIR, record("mail.wpsit.kimmyai.io", "MX", ttl_s=86400))),
    given(
        "short-ttl",
        Status.PASS,
        **records(
            *PAIR,
            record("_0a1b2c.tenant1.wpsit.kimmyai.io", "CNAME", ttl_s=3600),
            record("autodiscover.wpsit.kimmyai.io", "CNAME", ttl_s=3600),
        ),
    ),
    given("short-ttl", Status.FAIL, **records(*PAIR, record("*.wpsit.kimmyai.io", "CNAME", ttl_s=3600))),
    given("short-ttl", Status.PASS, **records(*PAIR, *HOSTS, record("*.wpsit.kimmyai.io", "CNAME", ttl_s=3600))),
    given("short-ttl", Status.FAIL, **records(SLOW, SECONDARY)),
    given("short-ttl", Status.FAIL, **records(*PAIR, record("tenant1.wpsit.kimmyai.io", "CNAME", ttl_s=3600))),
    given("short-ttl", Status.UNKNOWN, records=DENIED),
    given("cloudfront-alias", Status.NOT_APPLICABLE),
    given("cloudfront-alias", Status.PASS, **records(*PAIR, replace(EDGE, health_check_id="hc-1"))),
    given("cloudfront-alias", Status.FAIL, **records(*PAIR, EDGE)),
    given("cloudfront-alias", Status.UNKNOWN, records=DENIED),
    choice("all-well", Status.PASS),
    choice("all-well", Status.PASS, **records(FIRST, SECOND)),
    choice("all-well", Status.FAIL, **records(replace(PRIMARY, weight=90), replace(SECONDARY, weight=10))),
    choice("all-well", Status.FAIL, checks=(replace(CHECK_1, inverted=True), CHECK_2)),
    choice("all-well", Status.FAIL, **records(replace(PRIMARY, alias_target=DR_BALANCER), SECONDARY)),
    choice("all-well", Status.UNKNOWN, **records(record(ORIGIN, set_identifier="x", other_policy="GeoLocation"))),
    choice("all-well", Status.UNKNOWN, checks=DENIED),
    choice("primary-down", Status.PASS),
    choice("primary-down", Status.PASS, **records(FIRST, SECOND)),
    choice("primary-down", Status.PASS, **records(*UNCHECKED)),
    choice("primary-down", Status.PASS, **records(*UNCHECKED), checks=(replace(CHECK_1, host=""), CHECK_2)),
    choice(
        "primary-down",
        Status.PASS,
        **records(replace(UNCHECKED[0], health_check_id="hc-3"), SECONDARY),
        checks=(CHECK_1, CHECK_2, CALCULATED),
    ),
    choice(
        "primary-down", Status.PASS, **records(*UNCHECKED), checks=(replace(ALARM, without_data="Unhealthy"), CHECK_2)
    ),
    choice(
        "primary-down", Status.FAIL, **records(*UNCHECKED), checks=(replace(ALARM, without_data="Healthy"), CHECK_2)
    ),
    choice(
        "primary-down", Status.FAIL, **records(*UNCHECKED), checks=(replace(ALARM, without_data="LastKnownStatus"),)
    ),
    choice("primary-down", Status.FAIL, **records(*UNCHECKED), checks=(replace(CHECK_1, disabled=True), CHECK_2)),
    choice("primary-down", Status.FAIL, **records(*UNCHECKED), checks=(replace(CHECK_1, type="RECOVERY_CONTROL"),)),
    choice("primary-down", Status.FAIL, **records(*BLIND)),
    choice("primary-down", Status.FAIL, **records(PRIMARY)),
    choice(
        "primary-down",
        Status.FAIL,
        **records(replace(FIRST, evaluate_target_health=False, health_check_id=None), SECOND),
    ),
    choice("primary-down", Status.UNKNOWN, records=DENIED),
    choice("dr-down", Status.PASS),
    choice("dr-down", Status.PASS, **records(FIRST, SECOND)),
    choice("dr-down", Status.FAIL, **records(SECONDARY)),
    choice("dr-down", Status.FAIL, **records(UNCHECKED[0], BLIND[1]), checks=(probe("hc-1", DR_BALANCER), CHECK_2)),
    choice("dr-down", Status.UNKNOWN, records=DENIED),
    choice("both-down", Status.PASS),
    choice("both-down", Status.PASS, **records(FIRST, SECOND)),
    choice("both-down", Status.FAIL, **records(*PAIR, replace(STRAY, health_check_id=None))),
    choice("both-down", Status.UNKNOWN, records=DENIED),
    choice("pin-holds", Status.PASS),
    choice("pin-holds", Status.PASS, **records(FIRST, SECOND)),
    choice("pin-holds", Status.PASS, checks=(replace(CHECK_1, disabled=True), CHECK_2)),
    choice("pin-holds", Status.FAIL, **records(replace(PRIMARY, health_check_id=None), SECONDARY)),
    choice("pin-holds", Status.FAIL, checks=(CHECK_2,)),
    choice("pin-holds", Status.UNKNOWN, checks=DENIED),
    Example("dns.pair-present", Status.FAIL, world(traffic(**records(PRIMARY))), frozenset({f"{ORIGIN} A"})),
    Example(
        "dns.short-ttl",
        Status.FAIL,
        world(traffic(**records(SLOW, replace(SECONDARY, type="CNAME", ttl_s=3600), *HOSTS))),
        frozenset({f"{ORIGIN} CNAME {SECONDARY_ID}"}),
    ),
]
