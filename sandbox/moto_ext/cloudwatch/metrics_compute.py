"""Metrics of load balancers, services, NAT gateways and quotas' use (AWS/ApplicationELB, AWS/ECS, AWS/NATGateway, ...).

Source: "CloudWatch metrics for your Application Load Balancer": host counts are published when the group has targets,
errors only when there are any, requests by the balancer that DNS sends them to, and those that visitors really sent.
"""

from __future__ import annotations

from collections.abc import Iterator

from moto.ec2.models import ec2_backends
from moto.ecs.models import ecs_backends
from moto.elbv2.models import elbv2_backends
from moto.rds.models import rds_backends
from moto.route53.models import route53_backends

from sandbox.moto_ext.cloudwatch.metrics import MetricSource, always, nonzero, source, until_dark
from sandbox.moto_ext.ec2 import interface_count
from sandbox.moto_ext.ecs.targets import Targets
from sandbox.moto_ext.ecs.tasks import vcpus_in_use
from sandbox.moto_ext.elbv2 import site_requests
from sandbox.moto_ext.quotas.quota_table import DEFAULTS
from sandbox.moto_ext.route53.health import HealthChecker
from sandbox.moto_ext.route53.names import Record, plain, shares

# Ten a second: one failing tenant of two hundred makes three errors a minute.
REQUESTS_A_MINUTE = 600.0
CPU, MEMORY = 24.0, 38.0
CONNECTIONS = 12.0


def load_balancers(account: str, region: str) -> Iterator[MetricSource]:
    """Hosts, requests and errors of every application load balancer and target group."""
    return (metric for metric in _of_balancers(account, region) if metric.namespace == "AWS/ApplicationELB")


def network_balancers(account: str, region: str) -> Iterator[MetricSource]:
    """Hosts of every network load balancer and target group, and its flows: one for each request."""
    return (metric for metric in _of_balancers(account, region) if metric.namespace == "AWS/NetworkELB")


def _of_balancers(account: str, region: str) -> Iterator[MetricSource]:
    backend, targets = elbv2_backends[account][region], Targets(account, region)
    # Once for the region, not for each load balancer: DNS is resolved for it.
    traffic = traffic_shares(account) if backend.load_balancers else {}
    for balancer in backend.load_balancers.values():
        requests = REQUESTS_A_MINUTE * traffic.get(plain(balancer.dns_name), 0.0)
        groups = targets.groups_of(balancer)
        failing = sum(0 if targets.counts(group)[0] else 1 for group in groups)
        whole = {"LoadBalancer": balancer.arn.partition(":loadbalancer/")[2]}
        errors = requests * failing / len(groups) if groups else 0.0
        arrivals = until_dark(site_requests.at_least(requests, balancer.arn), region)
        # One that forwards connections counts flows, and sees no requests in them.
        if is_network := balancer.type == "network":
            yield source("AWS/NetworkELB", "NewFlowCount", whole, arrivals, "Count")
        else:
            yield source("AWS/ApplicationELB", "RequestCount", whole, arrivals, "Count")
            yield _balancer_metric("HTTPCode_ELB_5XX_Count", whole, round(errors), region)
        for group in groups:
            dimensions = {
                "LoadBalancer": balancer.arn.partition(":loadbalancer/")[2],
                "TargetGroup": "targetgroup/" + group.arn.partition(":targetgroup/")[2],
            }
            healthy, unhealthy = targets.counts(group)
            # HealthyHostCount is published where targets are registered (ELB guide, CloudWatch metrics).
            if healthy or unhealthy:
                for name, number in (("HealthyHostCount", healthy), ("UnHealthyHostCount", unhealthy)):
                    value = until_dark(always(number), region)
                    yield source(
                        "AWS/NetworkELB" if is_network else "AWS/ApplicationELB", name, dimensions, value, "Count"
                    )
            if not is_network:
                yield _balancer_metric("RequestCount", dimensions, (requests / len(groups)) if healthy else 0.0, region)


def _balancer_metric(name: str, dimensions: dict[str, str], value: float, region: str) -> MetricSource:
    return source("AWS/ApplicationELB", name, dimensions, until_dark(nonzero(value), region), "Count")


def traffic_shares(account: str) -> dict[str, float]:
    """What part of the world's requests each load balancer gets, by DNS name: as the account's public records say."""
    checkers = HealthChecker(account)
    found: dict[str, float] = {}
    for zone in route53_backends[account]["aws"].zones.values():
        if zone.private_zone:
            continue
        records = checkers.zone(zone.resource_id)
        names = {record["Name"] for record in records.records if ".elb." in _target(record)}
        for name in names:
            for record, share in shares(records, checkers.health(), name, "A"):
                target = plain(_target(record)).removeprefix("dualstack.")
                # Several records may lead to one load balancer: the greatest
                # share of them, as each name has its own visitors.
                found[target] = max(found.get(target, 0.0), share)
    return found


def _target(record: Record) -> str:
    return str(record.get("AliasTarget", {}).get("DNSName", ""))


def services(account: str, region: str) -> Iterator[MetricSource]:
    """Processor and memory of each service that runs, and its task counts."""
    for service in ecs_backends[account][region].services.values():
        if service.status == "ACTIVE":
            dimensions = {"ClusterName": service.cluster_name, "ServiceName": service.name}
            running = service.running_count
            if running:
                for name, value in (("CPUUtilization", CPU), ("MemoryUtilization", MEMORY)):
                    yield source("AWS/ECS", name, dimensions, until_dark(always(value), region), "Percent")
            counts = {
                "RunningTaskCount": running,
                "PendingTaskCount": service.pending_count,
                "DesiredTaskCount": service.desired_count,
            }
            for name, value in counts.items():
                yield source("ECS/ContainerInsights", name, dimensions, until_dark(always(value), region), "Count")


def gateways(account: str, region: str) -> Iterator[MetricSource]:
    """Connections of each NAT gateway: 0 is published too ("Monitor NAT gateways with Amazon CloudWatch")."""
    for gateway in ec2_backends[account][region].nat_gateways.values():
        if gateway.state == "available":
            value = until_dark(always(CONNECTIONS), region)
            yield source("AWS/NATGateway", "ActiveConnectionCount", {"NatGatewayId": gateway.id}, value, "Count")


def usage(account: str, region: str) -> Iterator[MetricSource]:
    """What is used of the quotas that have a usage metric."""
    used = {
        ("fargate", "L-3032A538"): vcpus_in_use(ecs_backends[account][region]),
        ("elasticloadbalancing", "L-53DA6B97"): len(elbv2_backends[account][region].load_balancers),
        ("elasticloadbalancing", "L-B22855CB"): len(elbv2_backends[account][region].target_groups),
        ("rds", "L-7B6409FD"): len(rds_backends[account][region].databases),
        ("vpc", "L-DF5E4CA3"): interface_count(account, region),
    }
    for quota, value in used.items():
        dimensions = DEFAULTS[quota].usage_dimensions
        yield source("AWS/Usage", "ResourceCount", dimensions, until_dark(always(value), region))
