"""Metrics come from the live world, until somebody puts datapoints; broken replication says nothing (T23)."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.core.state import STATE, Outage, now
from sandbox.world import fault_injection
from tests.sandbox.moto_ext.compute import Platform, platform
from tests.sandbox.moto_ext.conftest import DR, PRIMARY, Clients, go_dark

Metric = dict[str, Any]


def metric(namespace: str, name: str, **dimensions: str) -> Metric:
    rows = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    return {"Namespace": namespace, "MetricName": name, "Dimensions": rows}


def read(aws: Clients, region: str, *metrics: Metric, stat: str = "Average", **more: Any) -> list[Any]:
    """Values of the last ten minutes, newest first, one list a metric."""
    queries = [
        {"Id": f"m{n}", "MetricStat": {"Metric": metric_query, "Period": 60, "Stat": stat}}
        for n, metric_query in enumerate(metrics)
    ]
    window = {"StartTime": now() - timedelta(minutes=10), "EndTime": now() + timedelta(minutes=1)}
    response = aws("cloudwatch", region).get_metric_data(MetricDataQueries=queries, **(window | more))
    return [row["Values"] for row in response["MetricDataResults"]]


def hosts(there: Platform, name: str = "HealthyHostCount") -> Metric:
    return metric(
        "AWS/ApplicationELB",
        name,
        LoadBalancer=there.balancer.partition(":loadbalancer/")[2],
        TargetGroup="targetgroup/" + there.target_group.partition(":targetgroup/")[2],
    )


def database(aws: Clients, region: str, name: str, **more: Any) -> str:
    response = aws("rds", region).create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.t3.medium",
        Engine="mysql",
        AllocatedStorage=50,
        MasterUsername="admin",
        MasterUserPassword="not-a-secret",
        BackupRetentionPeriod=7,
        **more,
    )
    return str(response["DBInstance"]["DBInstanceArn"])


def test_host_counts_follow_the_targets_and_are_absent_without_any(aws: Clients) -> None:
    there = platform(aws, DR)
    assert read(aws, DR, hosts(there)) == [[]]
    there.serve(tasks=2)
    healthy, unhealthy = read(aws, DR, hosts(there), hosts(there, "UnHealthyHostCount"))
    assert (set(healthy), set(unhealthy)) == ({2.0}, {0.0})
    there.client("elbv2").modify_target_group(TargetGroupArn=there.target_group, HealthCheckPort="81")
    healthy, unhealthy = read(aws, DR, hosts(there), hosts(there, "UnHealthyHostCount"))
    assert (set(healthy), set(unhealthy)) == ({0.0}, {2.0})
    assert read(aws, PRIMARY, hosts(there)) == [[]]


def test_datapoints_are_minutes_of_the_last_minutes_in_the_order_asked_for(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1)
    query = [{"Id": "m", "MetricStat": {"Metric": hosts(there), "Period": 60, "Stat": "Maximum"}}]
    cloudwatch = aws("cloudwatch", DR)
    orders = {}
    for order in ("TimestampDescending", "TimestampAscending"):
        response = cloudwatch.get_metric_data(
            MetricDataQueries=query, StartTime=now() - timedelta(minutes=5), EndTime=now(), ScanBy=order
        )
        orders[order] = response["MetricDataResults"][0]["Timestamps"]
    newest = orders["TimestampDescending"][0]
    assert orders["TimestampDescending"] == orders["TimestampAscending"][::-1]
    assert timedelta() <= now() - newest < timedelta(minutes=3)
    assert all(moment.second == 0 for moment in orders["TimestampAscending"])


def test_a_datapoint_put_by_hand_replaces_the_live_ones(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=2)
    put = {"MetricName": "HealthyHostCount", "Dimensions": hosts(there)["Dimensions"], "Value": 7.0, "Timestamp": now()}
    aws("cloudwatch", DR).put_metric_data(Namespace="AWS/ApplicationELB", MetricData=[put])
    assert read(aws, DR, hosts(there), hosts(there, "UnHealthyHostCount"))[0] == [7.0]


def test_requests_go_where_dns_sends_them(aws: Clients) -> None:
    here, there = platform(aws, PRIMARY), platform(aws, DR)
    route53 = aws("route53", "us-east-1")
    zone = route53.create_hosted_zone(Name="shop.example", CallerReference="z")["HostedZone"]["Id"]
    for side, weight in ((here, 100), (there, 0)):
        side.serve(tasks=1)
        target = {"HostedZoneId": side.dns_zone, "DNSName": side.dns_name, "EvaluateTargetHealth": True}
        record = {"Name": "o.shop.example", "Type": "A", "SetIdentifier": side.region, "Weight": weight}
        change = {"Action": "CREATE", "ResourceRecordSet": record | {"AliasTarget": target}}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})

    def requests(side: Platform) -> set[float]:
        return set(read(aws, side.region, hosts(side, "RequestCount"), stat="Sum")[0])

    assert (requests(here), requests(there)) == ({600.0}, set())
    here.scale(0)
    assert (requests(here), requests(there)) == (set(), {600.0})


def test_a_health_checks_status_is_published_in_us_east_1_alone(aws: Clients) -> None:
    there = platform(aws, DR)
    config = {"Type": "HTTP", "FullyQualifiedDomainName": there.dns_name}
    response = aws("route53", "us-east-1").create_health_check(CallerReference="h", HealthCheckConfig=config)
    status = metric("AWS/Route53", "HealthCheckStatus", HealthCheckId=response["HealthCheck"]["Id"])
    assert set(read(aws, "us-east-1", status)[0]) == {1.0}
    assert read(aws, DR, status) == [[]]
    go_dark(DR)
    values = read(aws, "us-east-1", status)[0]
    assert [0.0] + [1.0] * (len(values) - 1) == values, "the newest first: the minutes before it stay healthy"


def test_an_outage_that_is_over_stays_a_gap_in_the_regions_metrics_alone(aws: Clients) -> None:
    cpu = metric("AWS/RDS", "CPUUtilization", DBInstanceIdentifier="shop")
    for region in (DR, PRIMARY):
        database(aws, region, "shop")
    whole = len(read(aws, DR, cpu)[0])
    outage = Outage(DR, "refuse")
    fault_injection.begin(outage)
    STATE.stopped[DR] = now() - timedelta(minutes=5)
    assert len(read(aws, DR, cpu)[0]) < whole
    fault_injection.end(outage)
    STATE.past = [(DR, now() - timedelta(minutes=5), now() - timedelta(minutes=2))]
    query = [{"Id": "m", "MetricStat": {"Metric": cpu, "Period": 60, "Stat": "Average"}}]
    response = aws("cloudwatch", DR).get_metric_data(
        MetricDataQueries=query, StartTime=now() - timedelta(minutes=10), EndTime=now(), ScanBy="TimestampAscending"
    )
    moments = response["MetricDataResults"][0]["Timestamps"]
    between = [later - sooner for sooner, later in itertools.pairwise(moments)]
    assert (len(moments), max(between)) == (whole - 3, timedelta(minutes=4))
    assert len(read(aws, PRIMARY, cpu)[0]) == whole


def test_services_and_quotas_in_use_are_measured(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=3)
    cpu = metric("AWS/ECS", "CPUUtilization", ClusterName="shop", ServiceName="tenant-a")
    vcpu = metric(
        "AWS/Usage", "ResourceCount", Service="Fargate", Type="Resource", Resource="vCPU", Class="Standard/OnDemand"
    )
    running, used = read(aws, DR, cpu, vcpu)
    assert running
    assert set(used) == {1.5}
    there.scale(0)
    idle, used = read(aws, DR, cpu, vcpu)
    assert idle == []
    assert set(used) == {0.0}


def test_percentiles_and_math_are_answered(aws: Clients) -> None:
    cloudwatch, moment = aws("cloudwatch", DR), now()
    data = [{"MetricName": "t", "Value": float(value), "Timestamp": moment} for value in range(1, 101)]
    cloudwatch.put_metric_data(Namespace="Own", MetricData=data)
    own = {"Metric": {"Namespace": "Own", "MetricName": "t"}, "Period": 3600, "Stat": "p99"}
    response = cloudwatch.get_metric_data(
        MetricDataQueries=[
            {"Id": "high", "MetricStat": own, "ReturnData": False},
            {"Id": "low", "MetricStat": own | {"Stat": "Minimum"}, "ReturnData": False},
            {"Id": "most", "Expression": "MAX([high, low])"},
            {"Id": "sum", "Expression": "(high + low) * 2"},
        ],
        StartTime=moment - timedelta(hours=1),
        EndTime=moment + timedelta(hours=1),
    )
    assert {row["Id"]: row["Values"] for row in response["MetricDataResults"]} == {"most": [99.0], "sum": [200.0]}
    statistics = cloudwatch.get_metric_statistics(
        Namespace="Own",
        MetricName="t",
        Period=3600,
        StartTime=moment - timedelta(hours=1),
        EndTime=moment + timedelta(hours=1),
        ExtendedStatistics=["p50"],
    )
    assert [point["ExtendedStatistics"] for point in statistics["Datapoints"]] == [{"p50": 50.0}]


@pytest.mark.proof
def test_five_hundred_queries_are_one_call_and_one_more_is_too_many(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1)
    assert read(aws, DR, *[hosts(there)] * 500)[499]
    with pytest.raises(ClientError) as many:
        read(aws, DR, *[hosts(there)] * 501)
    assert many.value.response["Error"]["Code"].startswith("Validation")


def test_metrics_are_listed_with_their_dimensions(aws: Clients) -> None:
    there = platform(aws, DR)
    there.serve(tasks=1)
    database(aws, DR, "db")

    def listed(**more: Any) -> set[tuple[str, str]]:
        rows = aws("cloudwatch", DR).list_metrics(**more)["Metrics"]
        return {(row["Namespace"], row["MetricName"]) for row in rows}

    assert {("AWS/RDS", "FreeStorageSpace"), ("AWS/ApplicationELB", "HealthyHostCount")} <= listed()
    assert listed(Namespace="AWS/RDS", MetricName="CPUUtilization") == {("AWS/RDS", "CPUUtilization")}
    assert listed(Dimensions=[{"Name": "DBInstanceIdentifier", "Value": "nobody"}]) == set()
