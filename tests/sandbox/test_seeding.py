"""The seeded estate's infrastructure: what serves the tenants, and how traffic reaches it, in both regions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dr_estate.config.environment import Side
from sandbox.core.state import STATE
from tests.sandbox.seeding_worlds import SIDES, Seeded, seeded

TENANTS = ("tenant-1", "tenant2", "tenant3")


@pytest.fixture(
    scope="module", params=["sit", *(pytest.param(name, marks=pytest.mark.proof) for name in ("prod", "dev"))]
)
def world(request: pytest.FixtureRequest) -> Iterator[Seeded]:
    yield from seeded(request.param)


def _services(world: Seeded, side: Side) -> list[dict[str, Any]]:
    names = [world.named(world.env.names.service, tenant) for tenant in TENANTS]
    cluster = world.named(world.env.names.cluster)
    answer = world.client("ecs", side).describe_services(cluster=cluster, services=names, include=["TAGS"])
    services: list[dict[str, Any]] = answer["services"]
    return services


def _records(world: Seeded) -> list[dict[str, Any]]:
    pages = world.client("route53", Side.GLOBAL).get_paginator("list_resource_record_sets")
    zone = _zone(world)
    return [record for page in pages.paginate(HostedZoneId=zone) for record in page["ResourceRecordSets"]]


def _zone(world: Seeded) -> str:
    zones = world.client("route53", Side.GLOBAL).list_hosted_zones()["HostedZones"]
    return next(str(z["Id"]) for z in zones if z["Name"] == f"{world.env.traffic.zone}.")


@pytest.mark.proof
@pytest.mark.parametrize("side", SIDES)
def test_each_tenant_has_a_service_of_the_planned_size(world: Seeded, side: Side) -> None:
    planned = {
        Side.PRIMARY: world.env.capacity.tasks_per_service,
        Side.DR: world.env.standby.tasks_per_service,
    }[side]
    services = _services(world, side)
    assert [service["desiredCount"] for service in services] == [planned] * 3
    assert all(service["loadBalancers"] for service in services)


def test_the_older_spelling_of_a_tenant_is_mapped_to_its_label_by_a_tag(world: Seeded) -> None:
    tags = {tag["key"]: tag["value"] for tag in _services(world, Side.PRIMARY)[0]["tags"]}
    assert tags["Tenant"] == "tenant1"
    assert STATE.tenants == TENANTS


@pytest.mark.parametrize("side", SIDES)
def test_a_task_definition_names_nothing_of_the_other_region(world: Seeded, side: Side) -> None:
    other = world.env.region(Side.DR if side is Side.PRIMARY else Side.PRIMARY)
    for service in _services(world, side):
        described = world.client("ecs", side).describe_task_definition(taskDefinition=service["taskDefinition"])
        definition = described["taskDefinition"]
        assert other not in json.dumps(definition, default=str)
        assert definition["containerDefinitions"][0]["secrets"]


def test_both_registries_hold_the_digest_that_the_tasks_run(world: Seeded) -> None:
    repository = world.named(world.env.names.repository)
    image_digests = [
        {
            image["imageDigest"]
            for image in world.client("ecr", side).describe_images(repositoryName=repository)["imageDetails"]
        }
        for side in SIDES
    ]
    assert image_digests[0] == image_digests[1] != set()


@pytest.mark.parametrize("side", SIDES)
def test_each_listener_has_a_rule_per_tenant_and_answers_strangers_by_200(world: Seeded, side: Side) -> None:
    elb = world.client("elbv2", side)
    balancer = elb.describe_load_balancers(Names=[world.named(world.env.names.load_balancer)])["LoadBalancers"][0]
    listeners = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    assert sorted(listener["Port"] for listener in listeners) == [80, 443]
    for listener in listeners:
        rules = elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
        hosts = [c["HostHeaderConfig"]["Values"][0] for rule in rules for c in rule["Conditions"]]
        assert sorted(hosts) == [f"tenant{n}.{world.env.traffic.tenant_domain}" for n in (1, 2, 3)]
        default = next(rule for rule in rules if rule["IsDefault"])
        assert default["Actions"][0]["FixedResponseConfig"]["StatusCode"] == "200"


@pytest.mark.parametrize("side", SIDES)
def test_the_load_balancer_is_protected_and_lets_clients_go_soon(world: Seeded, side: Side) -> None:
    elb = world.client("elbv2", side)
    balancer = elb.describe_load_balancers(Names=[world.named(world.env.names.load_balancer)])["LoadBalancers"][0]
    answer = elb.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])
    attributes = {a["Key"]: a["Value"] for a in answer["Attributes"]}
    assert attributes["deletion_protection.enabled"] == "true"
    assert int(attributes["client_keep_alive.seconds"]) <= world.env.thresholds.alb_keep_alive_s


def test_the_origin_is_a_pair_of_final_records_with_health_checks(world: Seeded) -> None:
    traffic = world.env.traffic
    pair = {r["SetIdentifier"]: r for r in _records(world) if r["Name"] == f"{traffic.origin_record}."}
    assert set(pair) == {traffic.primary_set_identifier, traffic.secondary_set_identifier}
    roles = {name: record.get("Failover", record.get("Weight")) for name, record in pair.items()}
    primary, secondary = ("PRIMARY", "SECONDARY") if traffic.policy == "failover" else (100, 0)
    assert roles == {traffic.primary_set_identifier: primary, traffic.secondary_set_identifier: secondary}
    assert all(r["HealthCheckId"] and not r["AliasTarget"]["EvaluateTargetHealth"] for r in pair.values())
    dr = pair[traffic.secondary_set_identifier]["AliasTarget"]["DNSName"]
    assert world.env.region(Side.DR) in dr


def test_tenants_point_at_the_distribution_with_the_origin_name(world: Seeded) -> None:
    listed = world.client("cloudfront", Side.GLOBAL).list_distributions()["DistributionList"]["Items"]
    (distribution,) = listed
    assert distribution["Aliases"]["Items"] == [world.env.traffic.distribution_alias]
    assert [o["DomainName"] for o in distribution["Origins"]["Items"]] == [world.env.traffic.origin_record]
    targets = {r["Name"]: r["AliasTarget"]["DNSName"] for r in _records(world) if "AliasTarget" in r}
    for n in (1, 2, 3):
        assert targets[f"tenant{n}.{world.env.traffic.tenant_domain}."].rstrip(".") == distribution["DomainName"]


def test_only_the_zone_without_a_parent_delegates_the_others(world: Seeded) -> None:
    delegated = {r["Name"] for r in _records(world) if r["Type"] == "NS" and r["Name"] != f"{world.env.traffic.zone}."}
    zones = world.client("route53", Side.GLOBAL).list_hosted_zones()["HostedZones"]
    public = {zone["Name"] for zone in zones if not zone["Config"]["PrivateZone"]}
    customers = {host for hosts in world.env.traffic.customer_hosts.values() for host in hosts}
    assert public == {f"{world.env.traffic.zone}."} | {f"{host.partition('.')[2]}." for host in customers}
    assert bool(delegated) is (world.env.traffic.parent_zone is None)


def test_the_traffic_zone_recovers_fast_and_forgets_negative_answers_soon(world: Seeded) -> None:
    zone = world.client("route53", Side.GLOBAL).get_hosted_zone(Id=_zone(world))["HostedZone"]
    assert zone["Features"]["AcceleratedRecoveryStatus"] == "ENABLED"
    soa = next(r for r in _records(world) if r["Type"] == "SOA")
    negative_s = min(soa["TTL"], int(soa["ResourceRecords"][0]["Value"].split()[-1]))
    assert negative_s <= world.env.thresholds.soa_negative_ttl_s


def test_each_region_resolves_the_same_database_name_to_its_own_database(world: Seeded) -> None:
    route53 = world.client("route53", Side.GLOBAL)
    found = {}
    for zone in (z for z in route53.list_hosted_zones()["HostedZones"] if z["Config"]["PrivateZone"]):
        region = route53.get_hosted_zone(Id=zone["Id"])["VPCs"][0]["VPCRegion"]
        records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
        found[region] = next(r for r in records if r["Type"] == "CNAME")
    assert set(found) == {world.env.region(side) for side in SIDES}
    assert len({record["Name"] for record in found.values()}) == 1
    assert all(region in record["ResourceRecords"][0]["Value"] for region, record in found.items())


@pytest.mark.parametrize("side", [*SIDES, Side.GLOBAL])
def test_an_issued_certificate_covers_the_tenants_wherever_they_are_served(world: Seeded, side: Side) -> None:
    acm = world.client("acm", side)
    (summary,) = acm.list_certificates()["CertificateSummaryList"]
    certificate = acm.describe_certificate(CertificateArn=summary["CertificateArn"])["Certificate"]
    assert certificate["Status"] == "ISSUED"
    covered = {certificate["DomainName"], *certificate["SubjectAlternativeNames"]}
    customers = {host for hosts in world.env.traffic.customer_hosts.values() for host in hosts}
    assert covered >= {world.env.traffic.distribution_alias, *customers}


@pytest.mark.parametrize("side", SIDES)
def test_topics_have_a_confirmed_subscription_and_alarms_reach_them(world: Seeded, side: Side) -> None:
    sns, cloudwatch = world.client("sns", side), world.client("cloudwatch", side)
    topics = [topic["TopicArn"] for topic in sns.list_topics()["Topics"]]
    assert [arn.rpartition(":")[2] for arn in topics] == [world.named(name) for name in world.env.names.topics]
    for topic in topics:
        (subscription,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        assert subscription["SubscriptionArn"].startswith(topic)
    everything = cloudwatch.describe_alarms()["MetricAlarms"]
    alarms = [alarm for alarm in everything if not alarm["AlarmName"].startswith("TargetTracking-")]  # of scaling
    assert {alarm["AlarmName"] for alarm in alarms} == {world.named(name) for name in world.env.names.alarms}
    assert all(alarm["AlarmActions"] == topics for alarm in alarms)


def test_both_regions_have_the_same_parameters(world: Seeded) -> None:
    names = [{p["Name"] for p in world.client("ssm", side).describe_parameters()["Parameters"]} for side in SIDES]
    assert names[0] == names[1] != set()
