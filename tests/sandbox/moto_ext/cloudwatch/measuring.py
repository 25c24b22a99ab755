"""Metrics for tests: named, read for the last ten minutes, and a database to measure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sandbox.core.state import now
from tests.sandbox.moto_ext.compute import Platform
from tests.sandbox.moto_ext.conftest import Clients

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
