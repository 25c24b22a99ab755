"""Examples of listeners, rules and target groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import cloudfront, ecs, elbv2
from dr_estate.readers.elbv2 import HeaderDemand, ListenerAction
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.compute import ONE, TWO, both_services
from tests.dr_checks.edges import DISTRIBUTION
from tests.dr_checks.traffic import balanced, balancer, group, groups, healthy, listener, rule, rules
from tests.dr_checks.worlds import DENIED, Example, service

PRIMARY, DR = Side.PRIMARY, Side.DR
LISTENERS, RULES, GROUPS = (elbv2.listeners, DR), (elbv2.rules, DR), (elbv2.target_groups, DR)
TENANT2 = frozenset({"sit-tenant2-tg"})
HOST2 = frozenset({"tenant2.wpsit.kimmyai.io"})
REDIRECT = ListenerAction("redirect", (), "Port 443, Protocol HTTPS")
ANY = replace(rule(DR, "tenant1", to="tenant1"), hosts=("*.wpsit.kimmyai.io",), priority=1)
LAST = replace(ANY, priority=9)

SECRET = ("http-header x-origin-verify 1",)


def _groups(**two: Any) -> Snapshot:
    return balanced({GROUPS: groups(DR, **two)})


def _healthy(*counts: Any, services: Any = None) -> Snapshot:
    readings = tuple(healthy(DR, tenant, n) for tenant, n in zip(("tenant1", "tenant2"), counts, strict=True))
    return balanced({(elbv2.healthy_hosts, DR): readings, (ecs.services, DR): services or both_services()})


def _behind_a_header(here: tuple[str, ...]) -> Snapshot:
    """Both regions' rules want a header that the distribution adds."""
    tenants = ("tenant1", "tenant2")
    return balanced(
        {
            RULES: tuple(rule(DR, tenant, others=here) for tenant in tenants),
            (elbv2.rules, PRIMARY): tuple(rule(PRIMARY, tenant, others=SECRET) for tenant in tenants),
        }
    )


def _demanding(*wanted: str, patterned: bool = False, http_port: int = 80) -> Snapshot:
    """The DR region's rules alone demand a header of one of the ``wanted`` digests; CloudFront sends ``new``."""
    demand = HeaderDemand("x-origin-verify", wanted, patterned)
    demanding = (replace(rule(DR, tenant, others=SECRET), demands=(demand,)) for tenant in ("tenant1", "tenant2"))
    origin = replace(DISTRIBUTION.origins[0], headers=(("x-origin-verify", "new"),), ports=(http_port, 443))
    there = {
        (cloudfront.distributions, Side.GLOBAL): (replace(DISTRIBUTION, origins=(origin,)),),
        RULES: tuple(demanding),
    }
    return balanced(there)


def _signing_in(**sides: tuple[str, ...]) -> dict[Any, Any]:
    """The second tenant's visitors sign in first, in these regions by these kinds of actions."""
    return {(elbv2.rules, side): _gated(side, *sides.get(side.value, ())) for side in (PRIMARY, DR)}


def _gated(side: Side, *first: str) -> tuple[elbv2.ListenerRule, ...]:
    *others, last = rules(side)
    return (*others, replace(last, action=replace(last.action, first=first)))


OIDC, JWT = ("authenticate-oidc",), ("jwt-validation",)
BOTH_HOSTS = frozenset({"tenant1.wpsit.kimmyai.io", *HOST2})

EXAMPLES = [
    Example("elbv2-routing.host-rules", Status.PASS, _demanding("new"), BOTH_HOSTS),
    Example("elbv2-routing.host-rules", Status.PASS, _demanding("old", "new"), BOTH_HOSTS),
    Example("elbv2-routing.host-rules", Status.FAIL, _demanding("old"), BOTH_HOSTS),
    Example("elbv2-routing.host-rules", Status.UNKNOWN, _demanding(patterned=True), BOTH_HOSTS),
    Example("elbv2-routing.host-rules", Status.PASS, _demanding("new", http_port=8080), BOTH_HOSTS),
    Example("elbv2-routing.host-rules", Status.UNKNOWN, _demanding("old", http_port=8080), BOTH_HOSTS),
    Example(
        "elbv2-routing.host-rules",
        Status.NOT_APPLICABLE,
        balanced({LISTENERS: (replace(listener(DR), default=REDIRECT),)}),
    ),
    Example("elbv2-routing.listeners", Status.PASS, balanced()),
    Example("elbv2-routing.listeners", Status.PASS, balanced({LISTENERS: (listener(DR), listener(DR, 8080))})),
    Example(
        "elbv2-routing.listeners",
        Status.FAIL,
        balanced({LISTENERS: (listener(DR, 81),)}),
        frozenset({"sit-alb HTTP:80"}),
    ),
    Example("elbv2-routing.listeners", Status.FAIL, balanced({LISTENERS: (), (elbv2.listeners, PRIMARY): ()})),
    Example("elbv2-routing.listeners", Status.PASS, balanced({(elbv2.listeners, PRIMARY): ()})),
    *(
        Example(
            "elbv2-routing.listeners",
            expected,
            balanced(
                {
                    LISTENERS: (replace(listener(DR), mutual=mine),),
                    (elbv2.listeners, PRIMARY): (replace(listener(PRIMARY), mutual=theirs),),
                }
            ),
            frozenset({"sit-alb HTTP:80"}),
        )
        for mine, theirs, expected in (
            ("verify", "", Status.FAIL),
            ("verify", "passthrough", Status.FAIL),
            ("verify", "verify", Status.PASS),
            ("passthrough", "off", Status.PASS),
            ("off", "verify", Status.PASS),
        )
    ),
    Example("elbv2-routing.listeners", Status.UNKNOWN, balanced({LISTENERS: DENIED})),
    Example("elbv2-routing.host-rules", Status.PASS, balanced()),
    Example("elbv2-routing.host-rules", Status.PASS, balanced({RULES: (*rules(DR), LAST)})),
    Example("elbv2-routing.host-rules", Status.FAIL, balanced({RULES: rules(DR)[:1]}), HOST2),
    Example("elbv2-routing.host-rules", Status.FAIL, balanced({RULES: (ANY, rule(DR, "tenant2", priority=2))}), HOST2),
    Example(
        "elbv2-routing.host-rules",
        Status.FAIL,
        balanced({RULES: (rule(DR, "tenant1"), rule(DR, "tenant2", to="tenant1"))}),
        HOST2,
    ),
    Example(
        "elbv2-routing.host-rules",
        Status.UNKNOWN,
        balanced({RULES: (rule(DR, "tenant1"), rule(DR, "tenant2", others=SECRET))}),
        HOST2,
    ),
    Example("elbv2-routing.host-rules", Status.PASS, _behind_a_header(SECRET)),
    Example("elbv2-routing.host-rules", Status.PASS, balanced({(elbv2.rules, PRIMARY): DENIED})),
    Example("elbv2-routing.host-rules", Status.UNKNOWN, _behind_a_header(("http-header x-other 2",))),
    Example(
        "elbv2-routing.host-rules",
        Status.PASS,
        balanced({RULES: (*rules(DR), rule(DR, "tenant2", priority=9, others=SECRET))}),
    ),
    Example("elbv2-routing.host-rules", Status.PASS, balanced({LISTENERS: (listener(DR), listener(DR, 443))})),
    Example(
        "elbv2-routing.host-rules",
        Status.FAIL,
        balanced({LISTENERS: (listener(DR), listener(DR, 443)), (elbv2.rules, PRIMARY): DENIED}),
        HOST2,
    ),
    Example(
        "elbv2-routing.host-rules",
        Status.FAIL,
        balanced(
            {
                LISTENERS: (listener(DR), listener(DR, 443)),
                (elbv2.listeners, PRIMARY): (listener(PRIMARY), listener(PRIMARY, 443)),
                (elbv2.rules, PRIMARY): (*rules(PRIMARY), rule(PRIMARY, "tenant2", 443)),
            }
        ),
        HOST2,
    ),
    Example(
        "elbv2-routing.host-rules",
        Status.PASS,
        balanced({LISTENERS: (listener(DR), listener(DR, 81, REDIRECT))}),
    ),
    Example("elbv2-routing.host-rules", Status.FAIL, balanced(_signing_in(dr=OIDC)), HOST2),
    Example("elbv2-routing.host-rules", Status.FAIL, balanced(_signing_in(dr=OIDC, primary=JWT)), HOST2),
    Example("elbv2-routing.host-rules", Status.PASS, balanced(_signing_in(dr=OIDC, primary=OIDC))),
    Example("elbv2-routing.host-rules", Status.PASS, balanced(_signing_in(primary=OIDC))),
    Example(
        "elbv2-routing.host-rules",
        Status.UNKNOWN,
        balanced(_signing_in(dr=OIDC) | {(elbv2.rules, PRIMARY): DENIED}),
        HOST2,
    ),
    Example("elbv2-routing.host-rules", Status.NOT_APPLICABLE, balanced({LISTENERS: (), RULES: ()})),
    Example("elbv2-routing.host-rules", Status.UNKNOWN, balanced({RULES: DENIED})),
    Example("elbv2-routing.default-action", Status.PASS, balanced()),
    Example("elbv2-routing.default-action", Status.FAIL, balanced({LISTENERS: (listener(DR, 80, REDIRECT),)})),
    Example(
        "elbv2-routing.default-action",
        Status.FAIL,
        balanced({LISTENERS: (listener(DR, 80, ListenerAction("forward", (group(DR, "tenant1").arn,), "")),)}),
    ),
    Example("elbv2-routing.default-action", Status.NOT_APPLICABLE, balanced({LISTENERS: ()})),
    Example("elbv2-routing.default-action", Status.UNKNOWN, balanced({(elbv2.listeners, PRIMARY): DENIED})),
    Example("elbv2-routing.target-groups", Status.PASS, balanced()),
    Example("elbv2-routing.target-groups", Status.PASS, _groups(check_interval_s=30)),
    *(
        Example("elbv2-routing.target-groups", Status.PASS, _groups(check_codes=codes))
        for codes in ("401,200", "200-299,401", "200,302, 401")
    ),
    # ECS registers each task with its container's port.
    Example("elbv2-routing.target-groups", Status.PASS, _groups(port=8080)),
    Example("elbv2-routing.target-groups", Status.PASS, _groups(check_timeout_s=6)),
    Example("elbv2-routing.target-groups", Status.WARN, _groups(check_timeout_s=4), TENANT2),
    Example("elbv2-routing.target-groups", Status.PASS, _groups(check_timeout_s=0)),
    Example("elbv2-routing.target-groups", Status.FAIL, balanced({GROUPS: groups(DR)[:1]}), TENANT2),
    *(
        Example("elbv2-routing.target-groups", Status.FAIL, _groups(**changed), TENANT2)
        for changed in (
            {"protocol": "HTTPS"},
            {"target_type": "instance"},
            {"check_path": "/"},
            {"check_port": "9999"},
            {"check_codes": "200"},
            {"check_codes": "200-299"},
            {"check_codes": "200-499"},
            {"check_codes": ""},
            {"check_protocol": "HTTPS"},
            {"version": "HTTP2"},
            {"balancers": ()},
        )
    ),
    Example("elbv2-routing.target-groups", Status.UNKNOWN, balanced({GROUPS: DENIED})),
    Example("elbv2-routing.healthy-targets", Status.PASS, _healthy(1, 2)),
    Example("elbv2-routing.healthy-targets", Status.FAIL, _healthy(1, 0), TENANT2),
    Example("elbv2-routing.healthy-targets", Status.UNKNOWN, _healthy(1, None), TENANT2),
    Example(
        "elbv2-routing.healthy-targets", Status.PASS, _healthy(1, None, services=(service(ONE), service(TWO, 0, 0)))
    ),
    Example(
        "elbv2-routing.healthy-targets",
        Status.PASS,
        _healthy(None, None, services=(service(ONE, 0, 0), service(TWO, 0, 0))),
    ),
    Example(
        "elbv2-routing.healthy-targets",
        Status.FAIL,
        balanced(
            {
                (ecs.services, DR): both_services(),
                (elbv2.load_balancer, PRIMARY): balancer(PRIMARY),
                (elbv2.healthy_hosts, PRIMARY): (healthy(PRIMARY, "tenant1", 1), healthy(PRIMARY, "tenant2", 0)),
            }
        ),
        TENANT2,
    ),
]
