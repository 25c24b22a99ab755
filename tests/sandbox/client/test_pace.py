"""A world at the real pace: operations pass through AWS's states, and take as long, whoever looks meanwhile or not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path

import pytest

from dr_estate.config.environment import Environment
from dr_estate.model.aws_durations import operation
from dr_estate.network.http_probe import visit
from sandbox.client.endpoint import Endpoint
from sandbox.core.errors import SandboxError
from sandbox.core.timing import phases_s
from tests.sandbox.world.test_memory_snapshots import CLUSTER, DR, PRIMARY, SERVICE, WORLD_WIDE, client, service_of
from tests.worlds import borrowed

RESTORE, NAME, GIB = "rds.restore-to-point-in-time", "sit-mysql-restored", 200


@pytest.fixture(scope="module")
def seeded(sit: Environment, sandbox_home: Path) -> Iterator[Endpoint]:  # noqa: ARG001 - sets the folder
    with borrowed(sit, 1) as endpoint:
        endpoint.pace("real")
        endpoint.keep("at the real pace")
        yield endpoint


@pytest.fixture
def served(seeded: Endpoint) -> Endpoint:
    seeded.return_to("at the real pace")
    return seeded


def database(served: Endpoint) -> str:
    found = client(served, "rds", DR).describe_db_instances(DBInstanceIdentifier=NAME)["DBInstances"]
    return str(found[0]["DBInstanceStatus"])


def target_states(served: Endpoint, region: str) -> list[str]:
    elb = client(served, "elbv2", region)
    group = elb.describe_target_groups(Names=["sit-tenant-1-tg"])["TargetGroups"][0]["TargetGroupArn"]
    health = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return sorted({str(target["TargetHealth"]["State"]) for target in health})


def page(served: Endpoint) -> int:
    """What a visitor of the tenant gets from the primary region's load balancer."""
    return visit("127.0.0.1", served.sites()[PRIMARY]["http"], "tenant1.wpsit.kimmyai.io", "/wp-login.php", 5).status


def test_a_world_says_its_pace_and_refuses_one_that_there_is_not(served: Endpoint) -> None:
    assert served.state()["pace"] == "real"
    with pytest.raises(SandboxError, match="There is no pace 'slow': use quick or real"):
        served.pace("slow")


@pytest.mark.proof
def test_a_restore_passes_through_its_states_at_the_right_ages(served: Endpoint) -> None:
    rds = client(served, "rds", DR)
    backup = rds.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"][0]
    assert backup["AllocatedStorage"] == GIB
    rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceAutomatedBackupsArn=backup["DBInstanceAutomatedBackupsArn"],
        TargetDBInstanceIdentifier=NAME,
        UseLatestRestorableTime=True,
    )
    for state, seconds in phases_s(RESTORE, NAME, gib=GIB):
        assert database(served) == state
        served.age(round(seconds) - 20)
        assert database(served) == state
        served.age(25)
    assert database(served) == "available"


def test_tasks_start_by_the_size_of_their_image_and_drain_before_they_stop(served: Endpoint) -> None:
    ecs = client(served, "ecs", PRIMARY)
    before = service_of(served, PRIMARY)["runningCount"]
    ecs.update_service(cluster=CLUSTER, service=SERVICE, desiredCount=before + 1)
    service = service_of(served, PRIMARY)
    assert (service["runningCount"], service["pendingCount"]) == (before, 1)
    served.age(ceil(operation("ecs.start-task").seconds(1.0, gib=0.2)))
    assert service_of(served, PRIMARY)["runningCount"] == before + 1
    assert "initial" in target_states(served, PRIMARY)
    served.age(120)
    assert target_states(served, PRIMARY) == ["healthy"]
    assert page(served) in (200, 401)
    ecs.update_service(cluster=CLUSTER, service=SERVICE, desiredCount=0)
    assert service_of(served, PRIMARY)["runningCount"] == 0
    assert target_states(served, PRIMARY) == ["draining"]
    assert page(served) == 503, "a target that drains gets no new request"
    served.age(400)
    assert target_states(served, PRIMARY) == []


def test_name_servers_hear_of_a_change_when_it_is_in_sync(served: Endpoint) -> None:
    dns = client(served, "route53", WORLD_WIDE, "admin")
    zone = next(zone for zone in dns.list_hosted_zones()["HostedZones"] if not zone["Config"]["PrivateZone"])
    record = {"Name": f"new.{zone['Name']}", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    change = dns.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch=batch)["ChangeInfo"]["Id"]
    assert dns.get_change(Id=change)["ChangeInfo"]["Status"] == "PENDING"
    served.age(ceil(operation("route53.change").seconds(1.0)))
    assert dns.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC"


def test_a_replication_that_is_ended_takes_minutes_to_open_its_destination(served: Endpoint) -> None:
    efs = client(served, "efs", DR)
    row = efs.describe_replication_configurations()["Replications"][0]
    destination = row["Destinations"][0]["FileSystemId"]
    size = efs.describe_file_systems(FileSystemId=destination)["FileSystems"][0]["SizeInBytes"]["Value"]
    assert size > 10 * 2**30
    efs.delete_replication_configuration(SourceFileSystemId=row["SourceFileSystemId"])
    (ending,) = efs.describe_replication_configurations()["Replications"]
    assert ending["Destinations"][0]["Status"] == "DELETING"
    served.age(ceil(operation("efs.end-replication").seconds(1.0)))
    assert efs.describe_replication_configurations()["Replications"] == []
    protection = efs.describe_file_systems(FileSystemId=destination)["FileSystems"][0]["FileSystemProtection"]
    assert protection["ReplicationOverwriteProtection"] == "ENABLED"


def test_a_health_check_fails_after_three_checks_and_recovers_as_slowly(served: Endpoint) -> None:
    served.inject("primary-dark")
    served.age(20)
    assert _healthy(served), "three checks are not over"
    served.age(CHECKED_AND_PUBLISHED_S)
    assert not _healthy(served)
    served.repair("primary-dark")
    served.age(20)
    assert not _healthy(served)
    served.age(CHECKED_AND_PUBLISHED_S)
    assert _healthy(served)


CHECKED_AND_PUBLISHED_S = 160  # three checks, the rest of a minute, and how late CloudWatch tells it


def _healthy(served: Endpoint) -> bool:
    """Whether Route 53 counts each health check as healthy, as its metric says."""
    metrics = client(served, "cloudwatch", WORLD_WIDE, "admin")
    found = metrics.list_metrics(Namespace="AWS/Route53", MetricName="HealthCheckStatus")["Metrics"]
    query = [
        {"Id": f"m{n}", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Minimum"}}
        for n, metric in enumerate(found)
    ]
    until = datetime.now(UTC)
    since = until - timedelta(minutes=10)
    rows = metrics.get_metric_data(MetricDataQueries=query, StartTime=since, EndTime=until)["MetricDataResults"]
    return all(row["Values"][0] == 1 for row in rows)
