"""The baseline: what an ordinary boto3 script does, one call after another and one resource a call."""

from __future__ import annotations

from typing import Any

import boto3

from dr_estate.config.environment import Environment, Side


def read_estate(environment: Environment, limit: int | None) -> tuple[int, int]:
    """Read each tenant's service, tasks, definition, target group, health, secret and record in both regions.

    Returns the API calls made and the tenants read: all of them, or the first ``limit``.
    """
    calls = 0

    def count(**_: Any) -> None:
        nonlocal calls
        calls += 1

    session = boto3.Session()
    # Once a call, however often botocore sends it again.
    session.events.register("before-parameter-build", count)
    tenants: list[str] = []
    for side in (Side.PRIMARY, Side.DR):
        region = environment.region(side)
        tenants = tenants or _tenants(session.client("ecs", region), environment)[:limit]
        for tenant in tenants:
            _read_tenant(session, region, environment, tenant)
    zone = _zone(session.client("route53", "us-east-1"), environment)
    for tenant in tenants:
        _record(session, zone, f"{tenant.replace('-', '')}.{environment.traffic.tenant_domain}")
    return calls, len(tenants)


def _tenants(ecs: Any, environment: Environment) -> list[str]:
    cluster = environment.named(environment.names.cluster)
    pages = ecs.get_paginator("list_services").paginate(cluster=cluster)
    names = sorted(arn.rpartition("/")[2] for page in pages for arn in page["serviceArns"])
    return [tenant for name in names if (tenant := environment.tenant_of(environment.names.service, name))]


def _read_tenant(session: boto3.Session, region: str, environment: Environment, tenant: str) -> None:
    names, named = environment.names, environment.named
    ecs, elb = _client(session, "ecs", region), _client(session, "elbv2", region)
    cluster, service = named(names.cluster), named(names.service, tenant=tenant)
    found = ecs.describe_services(cluster=cluster, services=[service])["services"][0]
    tasks = ecs.list_tasks(cluster=cluster, serviceName=service)["taskArns"]
    if tasks:
        ecs.describe_tasks(cluster=cluster, tasks=tasks)
    ecs.describe_task_definition(taskDefinition=found["taskDefinition"])
    for group in found["loadBalancers"]:
        elb.describe_target_groups(TargetGroupArns=[group["targetGroupArn"]])
        elb.describe_target_health(TargetGroupArn=group["targetGroupArn"])
    secret = named(names.tenant_secret, tenant=tenant)
    secrets = _client(session, "secretsmanager", region)
    secrets.describe_secret(SecretId=secret)
    secrets.get_secret_value(SecretId=secret)


# Kept as an ordinary script keeps them: the baseline must not be slow for another reason than its calls.
_CLIENTS: dict[tuple[str, str], Any] = {}


def _client(session: boto3.Session, service: str, region: str) -> Any:
    if (service, region) not in _CLIENTS:
        _CLIENTS[service, region] = session.client(service, region)
    return _CLIENTS[service, region]


def _zone(route53: Any, environment: Environment) -> str:
    zones = route53.list_hosted_zones_by_name(DNSName=environment.traffic.zone)["HostedZones"]
    return str(zones[0]["Id"])


def _record(session: boto3.Session, zone: str, host: str) -> None:
    route53 = _client(session, "route53", "us-east-1")
    route53.list_resource_record_sets(HostedZoneId=zone, StartRecordName=host, StartRecordType="A", MaxItems="1")
