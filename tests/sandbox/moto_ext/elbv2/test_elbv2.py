"""Target health follows the tasks; load balancers keep every attribute and refuse what AWS refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from dr_estate.model.references import balancer_region
from tests.sandbox.moto_ext.compute import HTTP_FROM_ANYWHERE, platform
from tests.sandbox.moto_ext.conftest import DR, Clients


def test_targets_are_healthy_while_the_services_tasks_run(aws: Clients) -> None:
    there = platform(aws, DR)
    assert there.health() == []
    there.serve(tasks=2)
    assert there.health() == ["healthy", "healthy"]
    there.scale(0)
    assert there.health() == []


def test_a_listener_shows_how_it_treats_certificates_of_clients(aws: Clients) -> None:
    there = platform(aws, DR)
    elb = there.client("elbv2")
    (plain,) = elb.describe_listeners(ListenerArns=[there.listener])["Listeners"]
    assert "MutualAuthentication" not in plain
    wanted = {"Mode": "verify", "TrustStoreArn": there.balancer.replace(":loadbalancer/app/", ":truststore/")}
    (changed,) = elb.modify_listener(ListenerArn=there.listener, MutualAuthentication=wanted)["Listeners"]
    elb.modify_listener(ListenerArn=there.listener, Port=81)
    (found,) = elb.describe_listeners(ListenerArns=[there.listener])["Listeners"]
    assert changed["MutualAuthentication"] == found["MutualAuthentication"] == wanted


def test_targets_are_the_addresses_of_the_tasks(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=2)
    response = there.client("elbv2").describe_target_health(TargetGroupArn=there.target_group)
    targets = {row["Target"]["Id"] for row in response["TargetHealthDescriptions"]}
    details = [task["attachments"][0]["details"] for task in there.tasks()]
    assert targets == {row["value"] for rows in details for row in rows if row["name"] == "privateIPv4Address"}


def test_a_health_check_on_a_port_nobody_listens_on_fails(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1)
    elb = there.client("elbv2")
    elb.modify_target_group(TargetGroupArn=there.target_group, HealthCheckPort="8081")
    assert there.health() == ["unhealthy"]
    elb.modify_target_group(TargetGroupArn=there.target_group, HealthCheckPort="traffic-port")
    assert there.health() == ["healthy"]


def test_a_closed_security_group_makes_targets_unhealthy(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1)
    ec2 = there.client("ec2")
    ec2.revoke_security_group_ingress(GroupId=there.group, IpPermissions=HTTP_FROM_ANYWHERE)
    assert there.health() == ["unhealthy"]
    ec2.authorize_security_group_ingress(GroupId=there.group, IpPermissions=HTTP_FROM_ANYWHERE)
    assert there.health() == ["healthy"]


def test_a_target_can_be_taken_out_by_hand_and_put_back(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=2)
    elb = there.client("elbv2")
    rows = elb.describe_target_health(TargetGroupArn=there.target_group)["TargetHealthDescriptions"]
    targets = [{"Id": rows[0]["Target"]["Id"]}]
    elb.deregister_targets(TargetGroupArn=there.target_group, Targets=targets)
    assert there.health() == ["healthy"]
    response = elb.describe_target_health(TargetGroupArn=there.target_group, Targets=targets)
    assert response["TargetHealthDescriptions"][0]["TargetHealth"]["Reason"] == "Target.NotRegistered"
    elb.register_targets(TargetGroupArn=there.target_group, Targets=targets)
    assert there.health() == ["healthy", "healthy"]


def test_an_address_where_nothing_runs_is_unhealthy(aws: Clients) -> None:
    there = platform(aws, DR)
    elb = there.client("elbv2")
    elb.register_targets(TargetGroupArn=there.target_group, Targets=[{"Id": "10.0.0.200"}])
    assert there.health() == ["unhealthy"]


def test_a_group_behind_no_rule_is_unused(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1)
    there.client("elbv2").delete_rule(RuleArn=there.rule)
    assert there.health() == ["unused"]
    group = there.client("elbv2").describe_target_groups(TargetGroupArns=[there.target_group])
    assert group["TargetGroups"][0]["LoadBalancerArns"] == []


def test_attributes_have_awss_defaults_and_keep_what_was_set(aws: Clients) -> None:
    there = platform(aws, DR)
    elb = there.client("elbv2")

    def attributes() -> dict[str, str]:
        listed = elb.describe_load_balancer_attributes(LoadBalancerArn=there.balancer)["Attributes"]
        return {row["Key"]: row["Value"] for row in listed}

    before = attributes()
    assert before["client_keep_alive.seconds"] == "3600"
    assert before["idle_timeout.timeout_seconds"] == "60"
    assert before["deletion_protection.enabled"] == "false"
    elb.modify_load_balancer_attributes(
        LoadBalancerArn=there.balancer, Attributes=[{"Key": "client_keep_alive.seconds", "Value": "60"}]
    )
    assert attributes() == before | {"client_keep_alive.seconds": "60"}


def test_a_protected_load_balancer_is_not_deleted(aws: Clients) -> None:
    there = platform(aws, DR)
    elb = there.client("elbv2")

    def protect(word: str) -> None:
        wanted = [{"Key": "deletion_protection.enabled", "Value": word}]
        elb.modify_load_balancer_attributes(LoadBalancerArn=there.balancer, Attributes=wanted)

    protect("true")
    with pytest.raises(ClientError) as refused:
        elb.delete_load_balancer(LoadBalancerArn=there.balancer)
    assert refused.value.response["Error"]["Code"] == "OperationNotPermitted"
    assert len(elb.describe_load_balancers()["LoadBalancers"]) == 1
    protect("false")
    elb.delete_load_balancer(LoadBalancerArn=there.balancer)
    assert elb.describe_load_balancers()["LoadBalancers"] == []


def test_a_load_balancer_names_the_hosted_zone_of_its_region(aws: Clients) -> None:
    assert platform(aws, DR).dns_zone == "Z3Q77PNBQS71R4"


def test_rules_and_groups_come_in_pages_of_the_size_asked_for(aws: Clients) -> None:
    there = platform(aws, DR)
    elb = there.client("elbv2")
    for number in range(2, 8):
        elb.create_rule(
            ListenerArn=there.listener,
            Priority=number,
            Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": [f"t{number}.shop.example"]}}],
            Actions=[{"Type": "forward", "TargetGroupArn": there.target_group}],
        )
    pages = list(elb.get_paginator("describe_rules").paginate(ListenerArn=there.listener, PageSize=3))
    assert [len(page["Rules"]) for page in pages] == [3, 3, 2]
    hosts = {h for p in pages for r in p["Rules"] for c in r["Conditions"] for h in c["HostHeaderConfig"]["Values"]}
    assert hosts == {"a.shop.example"} | {f"t{number}.shop.example" for number in range(2, 8)}
    assert len(elb.describe_rules(ListenerArn=there.listener)["Rules"]) == 8
    target_group = elb.describe_target_groups(TargetGroupArns=[there.target_group])["TargetGroups"][0]
    assert target_group["LoadBalancerArns"] == [there.balancer]


def test_an_http_listener_shows_and_keeps_its_attributes(aws: Clients) -> None:
    there = platform(aws, DR)
    elb = there.client("elbv2")
    wanted = {"Key": "routing.http.response.server.enabled", "Value": "false"}
    assert elb.describe_listener_attributes(ListenerArn=there.listener)["Attributes"] == [wanted | {"Value": "true"}]
    elb.modify_listener_attributes(ListenerArn=there.listener, Attributes=[wanted])
    assert elb.describe_listener_attributes(ListenerArn=there.listener)["Attributes"] == [wanted]


def test_a_target_group_speaks_http_1_unless_another_version_is_given(aws: Clients) -> None:
    there = platform(aws, DR)
    elb = there.client("elbv2")
    (plain,) = elb.describe_target_groups(TargetGroupArns=[there.target_group])["TargetGroups"]
    wanted = {"Protocol": "HTTP", "Port": 80, "VpcId": plain["VpcId"], "TargetType": "ip"}
    (other,) = elb.create_target_group(Name="h2", ProtocolVersion="HTTP2", **wanted)["TargetGroups"]
    assert (plain["ProtocolVersion"], other["ProtocolVersion"]) == ("HTTP1", "HTTP2")


def test_a_network_load_balancer_has_a_name_of_its_own_form(aws: Clients) -> None:
    subnet = platform(aws, DR).subnets[0]
    options = {"Name": "lines", "Type": "network", "Subnets": [subnet]}
    (balancer,) = aws("elbv2", DR).create_load_balancer(**options)["LoadBalancers"]
    assert DR == balancer_region(balancer["DNSName"])
    assert balancer["DNSName"].endswith(f".elb.{DR}.amazonaws.com")


@pytest.mark.parametrize("check", [{}, {"HealthCheckProtocol": "HTTP", "HealthCheckPath": "/"}])
def test_tasks_behind_a_network_balancer_are_checked_by_tcp_or_by_a_page(aws: Clients, check: dict[str, str]) -> None:
    there = platform(aws, DR)
    elb = there.client("elbv2")
    (front,) = elb.create_load_balancer(Name="lines", Type="network", Subnets=there.subnets)["LoadBalancers"]
    vpc = front["VpcId"]
    group = {"Name": "lines", "Protocol": "TCP", "Port": 80, "VpcId": vpc, "TargetType": "ip", **check}
    (row,) = elb.create_target_group(**group)["TargetGroups"]
    forward = [{"Type": "forward", "TargetGroupArn": row["TargetGroupArn"]}]
    elb.create_listener(LoadBalancerArn=front["LoadBalancerArn"], Protocol="TCP", Port=80, DefaultActions=forward)
    behind = replace(there, target_group=row["TargetGroupArn"])
    behind.serve(tasks=1)
    assert behind.health() == ["healthy"]
    dimensions = {
        "LoadBalancer": front["LoadBalancerArn"].partition(":loadbalancer/")[2],
        "TargetGroup": behind.target_group.rpartition(":")[2],
    }
    listed = aws("cloudwatch", DR).list_metrics(MetricName="HealthyHostCount")["Metrics"]
    found = [(metric["Namespace"], {d["Name"]: d["Value"] for d in metric["Dimensions"]}) for metric in listed]
    assert ("AWS/NetworkELB", dimensions) in found
    elb.modify_target_group(TargetGroupArn=behind.target_group, HealthCheckPort="8081")
    assert behind.health() == ["unhealthy"]
