"""Plain values of the traffic path: records, health checks, the distribution, certificates. All well unless varied."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.readers import acm, cloudfront, elbv2, route53, route53_health_checks
from dr_estate.reading.cloudwatch_metrics import Reading
from dr_estate.reading.reader import Reader
from tests.dr_checks.worlds import NOW, SIT, Values

ORIGIN, ZONE = SIT.traffic.origin_record, SIT.traffic.zone
PRIMARY_ID, SECONDARY_ID = SIT.traffic.primary_set_identifier, SIT.traffic.secondary_set_identifier
PRIMARY_BALANCER = f"sit-alb-11.{SIT.regions.primary}.elb.amazonaws.com"
DR_BALANCER = f"sit-alb-22.{SIT.regions.dr}.elb.amazonaws.com"
DOMAIN = "d111.cloudfront.net"
CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"
SERVERS = ("ns-1.awsdns-01.com", "ns-2.awsdns-02.net", "ns-3.awsdns-03.org", "ns-4.awsdns-04.co.uk")

ZONES = (route53.ListedZone("Z1", ZONE, False), route53.ListedZone("Z2", "sit.internal", True))
THE_ZONE = route53.HostedZone("Z1", ZONE, SERVERS, "ENABLED")


def record(name: str, kind: str = "A", **more: Any) -> route53.Record:
    """A simple record with a TTL of a minute, unless ``more`` says otherwise."""
    plain = route53.Record(name, kind, 60, (), None, None, None, None, None, None, None)
    return replace(plain, **more)


def alias(name: str, target: str, zone: str, evaluate: bool, **more: Any) -> route53.Record:
    """An alias record."""
    return record(name, ttl_s=None, alias_target=target, alias_zone_id=zone, evaluate_target_health=evaluate, **more)


PRIMARY = alias(ORIGIN, PRIMARY_BALANCER, "ZALB1", True, set_identifier=PRIMARY_ID, weight=100, health_check_id="hc-1")
SECONDARY = alias(ORIGIN, DR_BALANCER, "ZALB2", True, set_identifier=SECONDARY_ID, weight=0, health_check_id="hc-2")
# the same two as a failover pair
FIRST = replace(PRIMARY, weight=None, failover="PRIMARY")
SECOND = replace(SECONDARY, weight=None, failover="SECONDARY")
APEX = (
    record(ZONE, "NS", ttl_s=172800, values=tuple(f"{server}." for server in SERVERS)),
    record(ZONE, "SOA", ttl_s=900, values=(f"{SERVERS[0]}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 300",)),
)
HOSTS = tuple(alias(f"tenant{n}.{SIT.traffic.tenant_domain}", DOMAIN, CLOUDFRONT_ZONE, False) for n in (1, 2))
RECORDS = (PRIMARY, SECONDARY, *APEX, *HOSTS)


def probe(identifier: str, host: str, **more: Any) -> route53_health_checks.HealthCheck:
    """An HTTP health check of ``host``."""
    found = route53_health_checks.HealthCheck(
        id=identifier,
        type="HTTP",
        host=host,
        address="",
        port=80,
        path="/",
        search="",
        interval_s=10,
        failure_threshold=3,
        inverted=False,
        disabled=False,
        sni=False,
        regions=(),
        children=(),
        children_needed=0,
        alarm_region="",
        alarm_name="",
        without_data="",
    )
    return replace(found, **more)


CHECK_1, CHECK_2 = probe("hc-1", PRIMARY_BALANCER), probe("hc-2", DR_BALANCER)


def status(identifier: str, value: float | None, minutes_ago: float = 1) -> Reading:
    """A HealthCheckStatus reading; None: nothing was published."""
    at = None if value is None else NOW - timedelta(minutes=minutes_ago)
    return Reading("HealthCheckStatus", (("HealthCheckId", identifier),), value, at, value or 0.0)


ALL_VIEWER = cloudfront.HostPolicy("p-all", "AllViewer", forwards_host=True)
NO_CACHE = cloudfront.HostPolicy("p-cache", "CachingDisabled", forwards_host=False)
READS, WRITES = ("GET", "HEAD"), ("DELETE", "PATCH", "POST", "PUT")
BEHAVIOUR = cloudfront.Behaviour(
    cloudfront.DEFAULT_BEHAVIOUR, "platform-origin", ALL_VIEWER.id, NO_CACHE.id, False, False, (*READS, *WRITES)
)
DISTRIBUTION = cloudfront.Distribution(
    id="E1",
    domain=DOMAIN,
    status="Deployed",
    enabled=True,
    aliases=(SIT.traffic.distribution_alias,),
    origins=(cloudfront.Origin("platform-origin", ORIGIN, "http-only", 2, 5),),
    groups=(),
    target="platform-origin",
    other_targets=(),
    viewer_protocol="redirect-to-https",
    certificate="arn:aws:acm:r:1:certificate/c1",
    minimum_tls="TLSv1.2_2021",
    staging=False,
    behaviours=(BEHAVIOUR,),
    errors=(),
    countries=(),
)

CERTIFICATE = acm.Certificate(
    arn="arn:aws:acm:r:1:certificate/c1",
    domain=f"*.{SIT.traffic.tenant_domain}",
    names=(f"*.{SIT.traffic.tenant_domain}", SIT.traffic.tenant_domain),
    status="ISSUED",
    type="AMAZON_ISSUED",
    not_after=NOW + timedelta(days=200),
    in_use_by=("arn:aws:elasticloadbalancing:r:1:loadbalancer/app/sit-alb/1",),
    renewal_eligibility="ELIGIBLE",
    renewal_status="",
    pending_names=(),
)


def balancer(dns_name: str) -> elbv2.LoadBalancer:
    """A load balancer with this DNS name."""
    return elbv2.LoadBalancer(
        name="sit-alb",
        arn="arn:aws:elasticloadbalancing:r:1:loadbalancer/app/sit-alb/1",
        state="active",
        scheme="internet-facing",
        type="application",
        address_type="ipv4",
        dns_name=dns_name,
        vpc="vpc-1",
        zones=("a", "b"),
        security_groups=("sg-1",),
        attributes=(),
    )


def traffic(**changed: Any) -> Values:
    """The traffic path with every part seen and well; ``changed`` replaces parts by their reader's name."""
    parts: dict[str, tuple[Reader[Any], Any]] = {
        "zones": (route53.zones, ZONES),
        "zone": (route53.zone, THE_ZONE),
        "records": (route53.records, RECORDS),
        "customer_hosts": (route53.customer_hosts, ()),
        "checks": (route53_health_checks.checks, (CHECK_1, CHECK_2)),
        "statuses": (route53_health_checks.statuses, (status("hc-1", 1.0), status("hc-2", 1.0))),
        "failures": (route53_health_checks.failures, ()),
        "distributions": (cloudfront.distributions, (DISTRIBUTION,)),
        "host_policies": (cloudfront.host_policies, (ALL_VIEWER, NO_CACHE)),
    }
    doors = {
        (elbv2.load_balancer, Side.PRIMARY): changed.get("primary_balancer", balancer(PRIMARY_BALANCER)),
        (elbv2.load_balancer, Side.DR): changed.get("dr_balancer", balancer(DR_BALANCER)),
    }
    return doors | {(reader, Side.GLOBAL): changed.get(name, value) for name, (reader, value) in parts.items()}


def certificates(**changed: Any) -> Values:
    """The certificates of the three places, each well; ``primary``, ``dr`` and ``edge`` replace one place's."""
    places = (("primary", Side.PRIMARY), ("dr", Side.DR), ("edge", Side.GLOBAL))
    parts = {(acm.certificates, side): changed.pop(name, (CERTIFICATE,)) for name, side in places}
    return {**traffic(**changed), **parts}
