"""Examples of the checks on the traffic zone and its health checks."""

from __future__ import annotations

from dataclasses import replace

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import elbv2
from dr_estate.readers.elbv2 import ListenerAction
from dr_estate.readers.route53 import ListedZone, Record
from dr_estate.readers.route53_health_checks import HealthCheck
from tests.dr_checks.edges import (
    APEX,
    CHECK_1,
    CHECK_2,
    DR_BALANCER,
    ORIGIN,
    PRIMARY,
    PRIMARY_ID,
    RECORDS,
    SECONDARY,
    SECONDARY_ID,
    THE_ZONE,
    ZONE,
    ZONES,
    status,
    traffic,
)
from tests.dr_checks.traffic import listener
from tests.dr_checks.worlds import DENIED, SIT, Example, world

NS, SOA = APEX
PARENT = SIT.traffic.parent_zone or ""
DENYING = SIT.model_copy(update={"traffic": SIT.traffic.model_copy(update={"denied_zones": (ZONE,)})})
SLOW_SOA = replace(SOA, values=(SOA.values[0].replace(" 300", " 86400"),))
ALARM = replace(CHECK_1, type="CLOUDWATCH_METRIC", host="", alarm_region=SIT.regions.primary, alarm_name="down")


VIRGINIA = SIT.model_copy(
    update={
        "regions": SIT.regions.model_copy(update={"primary": "us-east-1"}),
        "traffic": SIT.traffic.model_copy(update={"pin_port": 8053}),
    }
)
HERE = "sit-alb-11.us-east-1.elb.amazonaws.com"
SWITCH = listener(Side.DR, 8053, ListenerAction("fixed-response", (), "StatusCode 404"))
OWN = replace(CHECK_1, id="hc-own", host=HERE)
WATCHING = replace(CHECK_2, id="hc-pin", port=8053, inverted=True)
OBEYING = replace(
    CHECK_1, id="hc-1", type="CALCULATED", host="", port=0, children=("hc-own", "hc-pin"), children_needed=2
)


def held(expected: Status, *checks: object, **changed: object) -> Example:
    """An example of a primary in us-east-1 whose record obeys a switch in the DR region, but for what is changed."""
    listeners = changed.pop("listeners", (SWITCH,))
    parts = traffic(**{"checks": checks or (OBEYING, OWN, WATCHING, CHECK_2), **changed})
    parts = {**parts, (elbv2.listeners, Side.DR): listeners}
    return Example("health-checks.held-from-dr", expected, world(parts, env=VIRGINIA), env=VIRGINIA)


def given(check: str, expected: Status, *subjects: str, **changed: object) -> Example:
    """An example of ``check`` on the traffic path, with parts changed."""
    return Example(check, expected, world(traffic(**changed)), frozenset(subjects))


TENANTS = SIT.traffic.tenant_domain


def cut(name: str) -> Record:
    """An NS record that leads the name, and those below it, to somebody else's servers."""
    return replace(NS, name=name, values=("ns1.elsewhere.example.",))


def apex(*changed: object) -> dict[str, object]:
    """The zone with these records at its apex."""
    return {"records": (PRIMARY, SECONDARY, *changed)}


def checked(expected: Status, check: str, *checks: object) -> Example:
    """An example of a health-check check, with these health checks."""
    return given(f"health-checks.{check}", expected, checks=checks)


def probed(**change: object) -> Example:
    """The DR region's check, so changed, is unhealthy; its load balancer listens on port 80 alone."""
    parts = traffic(checks=(CHECK_1, replace(CHECK_2, **change)), statuses=(status("hc-1", 1.0), status("hc-2", 0.0)))  # type: ignore[arg-type]  # fields by name
    answers = listener(Side.DR, 80, ListenerAction("fixed-response", (), "StatusCode 200"))
    subjects = frozenset({f"{ORIGIN} A {SECONDARY_ID}"})
    parts = {**parts, (elbv2.listeners, Side.DR): (answers,)}
    return Example("health-checks.healthy-now", Status.FAIL, world(parts), subjects)


CHILDREN = tuple(replace(CHECK_1, id=f"child-{number}") for number in (1, 2))


NAMED = "balancer.sit.example.com"


def _named(target: str | None) -> dict[str, tuple[object, ...]]:
    """The primary's check probes a name of the zone that leads to ``target``."""
    named = replace(PRIMARY, name=NAMED, alias_target=target)
    return {"records": (PRIMARY, SECONDARY, named), "checks": (replace(CHECK_1, host=NAMED), CHECK_2)}


def _of_children(needed: int) -> HealthCheck:
    """The primary's check as a calculated one over two children."""
    children = tuple(child.id for child in CHILDREN)
    return replace(CHECK_1, type="CALCULATED", host="", children=children, children_needed=needed)


EVERY_CHECKER = (
    *("ap-northeast-1", "ap-southeast-1", "ap-southeast-2", "eu-west-1"),
    *("sa-east-1", "us-east-1", "us-west-1", "us-west-2"),
)
EXAMPLES = [
    given("route53.zone-accessible", Status.PASS),
    given("route53.zone-accessible", Status.PASS, zones=(*ZONES, ListedZone("Z9", ZONE, True))),
    given("route53.zone-accessible", Status.FAIL, ZONE, zones=(ZONES[1],)),
    given("route53.zone-accessible", Status.FAIL, ZONE, zones=(*ZONES, ListedZone("Z9", ZONE, False))),
    given("route53.zone-accessible", Status.UNKNOWN, zones=DENIED),
    given("route53.own-name-servers", Status.PASS),
    given("route53.own-name-servers", Status.PASS, **apex(replace(NS, values=NS.values[::-1]), SOA)),
    given("route53.own-name-servers", Status.NOT_APPLICABLE, zone=None),
    given("route53.own-name-servers", Status.FAIL, **apex(replace(NS, values=("ns1.elsewhere.example.",)), SOA)),
    given("route53.own-name-servers", Status.FAIL, **apex(SOA)),
    given("route53.own-name-servers", Status.UNKNOWN, zone=DENIED),
    given("route53.not-delegated-away", Status.PASS, ZONE),
    given("route53.not-delegated-away", Status.PASS, records=(*RECORDS, cut(f"mail.{ZONE}"))),
    given("route53.not-delegated-away", Status.PASS, records=(*RECORDS[:4], cut(f"tenant1.{TENANTS}"))),
    given(
        "route53.not-delegated-away",
        Status.PASS,
        records=(*RECORDS[:4], cut(f"tenant1.{TENANTS}"), replace(cut(f"tenant1.{TENANTS}"), type="DS")),
    ),
    given("route53.not-delegated-away", Status.FAIL, ORIGIN, records=(*RECORDS, cut(ORIGIN))),
    given(
        "route53.not-delegated-away", Status.FAIL, f"tenant1.{TENANTS}", records=(*RECORDS, cut(f"tenant1.{TENANTS}"))
    ),
    given("route53.not-delegated-away", Status.NOT_APPLICABLE, zone=None),
    given("route53.not-delegated-away", Status.UNKNOWN, zone=DENIED),
    given("route53.not-delegated-away", Status.UNKNOWN, records=DENIED),
    given("route53.accelerated-recovery", Status.PASS),
    given("route53.accelerated-recovery", Status.NOT_APPLICABLE, zone=None),
    given("route53.accelerated-recovery", Status.FAIL, ZONE, zone=replace(THE_ZONE, accelerated_recovery="")),
    given("route53.accelerated-recovery", Status.FAIL, zone=replace(THE_ZONE, accelerated_recovery="ENABLING")),
    given("route53.accelerated-recovery", Status.UNKNOWN, zone=DENIED),
    given("route53.denied-zones", Status.PASS),
    given("route53.denied-zones", Status.PASS, zones=(*ZONES, ListedZone("Z0", PARENT, False))),
    given("route53.denied-zones", Status.NOT_APPLICABLE, zones=()),
    given("route53.denied-zones", Status.FAIL, ORIGIN, zones=(*ZONES, ListedZone("Z3", ORIGIN, False))),
    Example("route53.denied-zones", Status.FAIL, world(traffic(), env=DENYING), env=DENYING),
    given("route53.denied-zones", Status.UNKNOWN, zones=DENIED),
    given("route53.negative-ttl", Status.PASS),
    given("route53.negative-ttl", Status.PASS, **apex(NS, replace(SLOW_SOA, ttl_s=900))),
    given("route53.negative-ttl", Status.NOT_APPLICABLE, zone=None),
    given("route53.negative-ttl", Status.FAIL, ZONE, **apex(NS, replace(SLOW_SOA, ttl_s=901))),
    given("route53.negative-ttl", Status.UNKNOWN, **apex(NS)),
    given("route53.negative-ttl", Status.UNKNOWN, records=DENIED),
    checked(Status.PASS, "attached", CHECK_1, CHECK_2),
    checked(Status.FAIL, "attached", CHECK_1),
    given(
        "health-checks.attached",
        Status.FAIL,
        f"{ORIGIN} A {SECONDARY_ID}",
        records=(PRIMARY, replace(SECONDARY, health_check_id=None)),
    ),
    given("health-checks.attached", Status.NOT_APPLICABLE, records=APEX),
    given("health-checks.attached", Status.UNKNOWN, checks=DENIED),
    checked(Status.PASS, "enabled", CHECK_1, CHECK_2),
    checked(Status.PASS, "enabled", CHECK_1, CHECK_2, replace(CHECK_1, id="of somebody else", disabled=True)),
    checked(Status.FAIL, "enabled", CHECK_1, replace(CHECK_2, disabled=True)),
    checked(Status.NOT_APPLICABLE, "enabled"),
    checked(Status.FAIL, "enabled", _of_children(0), CHECK_2, *CHILDREN),
    checked(Status.PASS, "enabled", _of_children(1), CHECK_2, *CHILDREN),
    given("health-checks.enabled", Status.UNKNOWN, checks=DENIED),
    checked(Status.PASS, "not-inverted", CHECK_1, CHECK_2),
    checked(Status.FAIL, "not-inverted", replace(CHECK_1, inverted=True), CHECK_2),
    given("health-checks.not-inverted", Status.UNKNOWN, checks=DENIED),
    checked(Status.PASS, "probes-own-target", CHECK_1, CHECK_2),
    checked(Status.PASS, "probes-own-target", _of_children(1), CHECK_2, *CHILDREN),
    checked(Status.PASS, "probes-own-target", _of_children(2), CHECK_2, *CHILDREN),
    checked(
        Status.FAIL, "probes-own-target", _of_children(1), CHECK_2, CHILDREN[0], replace(CHILDREN[1], host=DR_BALANCER)
    ),
    checked(
        Status.FAIL, "probes-own-target", _of_children(1), CHECK_2, *(replace(c, host=DR_BALANCER) for c in CHILDREN)
    ),
    checked(
        Status.FAIL, "probes-own-target", _of_children(1), CHECK_2, CHILDREN[0], replace(CHILDREN[1], disabled=True)
    ),
    checked(Status.UNKNOWN, "probes-own-target", replace(CHECK_1, host="", address="192.0.2.1"), CHECK_2),
    checked(Status.UNKNOWN, "probes-own-target", replace(CHECK_1, host=NAMED), CHECK_2),
    given("health-checks.probes-own-target", Status.PASS, **_named(PRIMARY.alias_target)),
    given("health-checks.probes-own-target", Status.FAIL, **_named(DR_BALANCER)),
    checked(Status.PASS, "probes-own-target", replace(ALARM, without_data="Unhealthy"), CHECK_2),
    checked(Status.FAIL, "probes-own-target", replace(ALARM, without_data="LastKnownStatus"), CHECK_2),
    checked(Status.FAIL, "probes-own-target", replace(CHECK_1, host=DR_BALANCER), CHECK_2),
    checked(Status.FAIL, "probes-own-target", replace(CHECK_1, host=ORIGIN), CHECK_2),
    given("health-checks.probes-own-target", Status.UNKNOWN, checks=DENIED),
    given("health-checks.healthy-now", Status.PASS),
    given(
        "health-checks.healthy-now",
        Status.FAIL,
        f"{ORIGIN} A {PRIMARY_ID}",
        statuses=(status("hc-1", 0.0), status("hc-2", 1.0)),
    ),
    probed(port=81),
    probed(type="HTTPS"),
    probed(host="shop.example"),
    probed(type="TCP"),
    probed(type="CALCULATED", host=""),
    given("health-checks.healthy-now", Status.UNKNOWN, statuses=(status("hc-1", None), status("hc-2", 1.0))),
    given("health-checks.healthy-now", Status.UNKNOWN, statuses=(status("hc-1", 1.0, 16), status("hc-2", 1.0))),
    given("health-checks.healthy-now", Status.UNKNOWN, statuses=DENIED),
    given("health-checks.healthy-now", Status.NOT_APPLICABLE, records=RECORDS[2:]),
    checked(Status.PASS, "set-alike", CHECK_1, CHECK_2),
    checked(Status.PASS, "set-alike", CHECK_1),
    checked(Status.FAIL, "set-alike", CHECK_1, replace(CHECK_2, interval_s=30)),
    given("health-checks.set-alike", Status.FAIL, "path", checks=(CHECK_1, replace(CHECK_2, path="/other"))),
    checked(Status.PASS, "set-alike", CHECK_1, replace(CHECK_2, failure_threshold=2)),
    checked(Status.PASS, "set-alike", CHECK_1, replace(CHECK_2, regions=EVERY_CHECKER)),
    checked(Status.FAIL, "set-alike", CHECK_1, replace(CHECK_2, regions=EVERY_CHECKER[:3])),
    checked(Status.FAIL, "set-alike", CHECK_1, replace(CHECK_2, failure_threshold=1)),
    checked(Status.FAIL, "set-alike", CHECK_1, replace(CHECK_2, failure_threshold=10)),
    given("health-checks.set-alike", Status.UNKNOWN, checks=DENIED),
    given("health-checks.held-from-dr", Status.NOT_APPLICABLE),
    held(Status.PASS),
    held(Status.PASS, OBEYING, OWN, replace(WATCHING, type="HTTPS"), CHECK_2),
    held(Status.FAIL, CHECK_1, CHECK_2),
    held(Status.FAIL, replace(OBEYING, children_needed=1), OWN, WATCHING),
    held(Status.FAIL, replace(OBEYING, disabled=True), OWN, WATCHING),
    held(Status.FAIL, OBEYING, OWN, replace(WATCHING, inverted=False)),
    held(Status.FAIL, OBEYING, OWN, replace(WATCHING, disabled=True)),
    held(Status.FAIL, OBEYING, OWN, replace(WATCHING, host=HERE)),
    held(Status.FAIL, OBEYING, OWN, replace(WATCHING, port=80)),
    held(Status.FAIL, listeners=()),
    held(Status.NOT_APPLICABLE, records=APEX),
    held(Status.UNKNOWN, listeners=DENIED),
    held(Status.UNKNOWN, checks=DENIED),
]
