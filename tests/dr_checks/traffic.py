"""Plain values of the load balancers of both regions, as the examples of their checks need them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.readers import elbv2
from dr_estate.readers.elbv2 import Listener, ListenerAction, ListenerRule, LoadBalancer, TargetGroup
from dr_estate.reading.cloudwatch_metrics import Reading
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.worlds import NOW, SIT, world

TENANTS = ("tenant1", "tenant2")
DEFAULT = ListenerAction("fixed-response", (), "ContentType text/plain, MessageBody OK, StatusCode 200")


def balancer(side: Side, **changes: Any) -> LoadBalancer:
    region = SIT.region(side)
    base = LoadBalancer(
        name="sit-alb",
        arn=f"arn:aws:elasticloadbalancing:{region}:1:loadbalancer/app/sit-alb/1",
        state="active",
        scheme="internet-facing",
        type="application",
        address_type="ipv4",
        dns_name=f"sit-alb.{region}.elb.amazonaws.com",
        vpc=f"vpc-{side}",
        zones=(f"{region}a", f"{region}b"),
        security_groups=(f"sg-alb-{side}",),
        attributes=(("client_keep_alive.seconds", "60"), ("deletion_protection.enabled", "true")),
    )
    return replace(base, **changes)


def listener(
    side: Side, port: int = 80, default: ListenerAction = DEFAULT, certificates: tuple[str, ...] = ()
) -> Listener:
    protocol = "HTTPS" if certificates else "HTTP"
    return Listener(f"arn:listener/{side}/{port}", port, protocol, "", certificates, default)


def group(side: Side, tenant: str, **changes: Any) -> TargetGroup:
    region = SIT.region(side)
    base = TargetGroup(
        name=f"sit-{tenant}-tg",
        arn=f"arn:aws:elasticloadbalancing:{region}:1:targetgroup/sit-{tenant}-tg/1",
        protocol="HTTP",
        port=80,
        target_type="ip",
        vpc=f"vpc-{side}",
        balancers=(balancer(side).arn,),
        check_path="/wp-login.php",
        check_port="traffic-port",
        check_codes="200,401",
        check_interval_s=15,
        check_timeout_s=5,
        healthy_after=2,
        unhealthy_after=2,
        check_protocol="HTTP",
        version="HTTP1",
    )
    return replace(base, **changes)


def rule(
    side: Side, tenant: str, port: int = 80, priority: int = 1, to: str = "", others: tuple[str, ...] = ()
) -> ListenerRule:
    """The tenant's host goes to its own group, or to tenant ``to``'s."""
    forward = ListenerAction("forward", (group(side, to or tenant).arn,), "")
    return ListenerRule(
        f"arn:listener/{side}/{port}",
        priority,
        (f"{tenant}.wpsit.kimmyai.io",),
        1 + len(others),
        forward,
        others=others,
    )


def groups(side: Side, **two: Any) -> tuple[TargetGroup, ...]:
    return (group(side, "tenant1"), group(side, "tenant2", **two))


def rules(side: Side) -> tuple[ListenerRule, ...]:
    return tuple(rule(side, tenant, priority=n) for n, tenant in enumerate(TENANTS, start=1))


def healthy(side: Side, tenant: str, count: float | None) -> Reading:
    names = (("LoadBalancer", balancer(side).dimension), ("TargetGroup", group(side, tenant).dimension))
    return Reading("HealthyHostCount", names, count, None if count is None else NOW, count or 0.0)


def balanced(changes: dict[Any, Any] | None = None) -> Snapshot:
    """Both regions with a load balancer, alike but for the parts in ``changes``: {(reader, side): value}."""
    values: dict[Any, Any] = {}
    for side in (Side.PRIMARY, Side.DR):
        values |= {
            (elbv2.load_balancer, side): balancer(side),
            (elbv2.listeners, side): (listener(side),),
            (elbv2.rules, side): rules(side),
            (elbv2.target_groups, side): groups(side),
            (elbv2.healthy_hosts, side): tuple(healthy(side, tenant, 1) for tenant in TENANTS),
        }
    return world(values | (changes or {}))
