"""A world at the real pace: operations pass through AWS's states, and take as long, whether read meanwhile or not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil

import pytest

from dr_estate.model.aws_durations import operation
from dr_estate.network.http_probe import visit
from sandbox.client.endpoint import Endpoint
from sandbox.core.errors import SandboxError
from sandbox.core.timing import phases_s
from tests.sandbox.conftest import client_of
from tests.sandbox.world.test_memory_snapshots import CLUSTER, DR, PRIMARY, SERVICE, WORLD_WIDE, service_of

RESTORE, NAME, GIB = "rds.restore-to-point-in-time", "sit-mysql-restored", 200


@pytest.fixture(scope="module")
def seeded(seeded: Endpoint) -> Endpoint:
    """At the real pace."""
    seeded.pace("real")
    seeded.keep("healthy")
    return seeded


def database(estate: Endpoint) -> str:
    found = client_of(estate, "rds", DR).describe_db_instances(DBInstanceIdentifier=NAME)["DBInstances"]
    return str(found[0]["DBInstanceStatus"])


def target_states(estate: Endpoint, region: str) -> list[str]:
    elb = client_of(estate, "elbv2", region)
    group = elb.describe_target_groups(Names=["sit-tenant-1-tg"])["TargetGroups"][0]["TargetGroupArn"]
    health = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return sorted({str(target["TargetHealth"]["State"]) for target in health})


def page(estate: Endpoint) -> int:
    """What a visitor of the tenant gets from the primary region's load balancer."""
    return visit("127.0.0.1", estate.sites()[PRIMARY]["http"], "tenant1.wpsit.kimmyai.io", "/wp-login.php", 5).status


def test_a_world_says_its_pace_and_refuses_one_that_there_is_not(estate: Endpoint) -> None:
    assert estate.state()["pace"] == "real"
    with pytest.raises(SandboxError, match="There is no pace 'slow': use quick or real"):
        estate.pace("slow")


@pytest.mark.proof
def test_a_restore_passes_through_its_states_at_the_right_ages(estate: Endpoint) -> None:
    rds = client_of(estate, "rds", DR)
    backup = rds.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"][0]
    assert backup["AllocatedStorage"] == GIB
    rds.restore_db_instance_to_point_in_time(
        SourceDBInstanceAutomatedBackupsArn=backup["DBInstanceAutomatedBackupsArn"],
        TargetDBInstanceIdentifier=NAME,
        UseLatestRestorableTime=True,
    )
    for state, seconds in phases_s(RESTORE, NAME, gib=GIB):
        assert database(estate) == state
        estate.age(round(seconds) - 20)
        assert database(estate) == state
        estate.age(25)
    assert database(estate) == "available"


def test_tasks_start_by_the_size_of_their_image_and_drain_before_they_stop(estate: Endpoint) -> None:
    ecs = client_of(estate, "ecs", PRIMARY)
    before = service_of(estate, PRIMARY)["runningCount"]
    ecs.update_service(cluster=CLUSTER, service=SERVICE, desiredCount=before + 1)
    service = service_of(estate, PRIMARY)
    assert (service["runningCount"], service["pendingCount"]) == (before, 1)
    estate.age(ceil(operation("ecs.start-task").seconds(1.0, gib=0.2)))
    assert service_of(estate, PRIMARY)["runningCount"] == before + 1
    assert "initial" in target_states(estate, PRIMARY)
    estate.age(120)
    assert target_states(estate, PRIMARY) == ["healthy"]
    assert page(estate) in (200, 401)
    ecs.update_service(cluster=CLUSTER, service=SERVICE, desiredCount=0)
    assert service_of(estate, PRIMARY)["runningCount"] == 0
    assert target_states(estate, PRIMARY) == ["draining"]
    assert page(estate) == 503, "a target that drains gets no new request"
    estate.age(400)
    assert target_states(estate, PRIMARY) == []


def test_name_servers_hear_of_a_change_when_it_is_in_sync(estate: Endpoint) -> None:
    dns = client_of(estate, "route53", WORLD_WIDE, "admin")
    zone = next(zone for zone in dns.list_hosted_zones()["HostedZones"] if not zone["Config"]["PrivateZone"])
    record = {"Name": f"new.{zone['Name']}", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    change = dns.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch=batch)["ChangeInfo"]["Id"]
    assert dns.get_change(Id=change)["ChangeInfo"]["Status"] == "PENDING"
    estate.age(ceil(operation("route53.change").seconds(1.0)))
    assert dns.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC"


def test_a_replication_that_is_ended_takes_minutes_to_open_its_destination(estate: Endpoint) -> None:
    efs = client_of(estate, "efs", DR)
    row = efs.describe_replication_configurations()["Replications"][0]
    destination = row["Destinations"][0]["FileSystemId"]
    size = efs.describe_file_systems(FileSystemId=destination)["FileSystems"][0]["SizeInBytes"]["Value"]
    assert size > 10 * 2**30
    efs.delete_replication_configuration(SourceFileSystemId=row["SourceFileSystemId"])
    (ending,) = efs.describe_replication_configurations()["Replications"]
    assert ending["Destinations"][0]["Status"] == "DELETING"
    estate.age(ceil(operation("efs.end-replication").seconds(1.0)))
    assert efs.describe_replication_configurations()["Replications"] == []
    protection = efs.describe_file_systems(FileSystemId=destination)["FileSystems"][0]["FileSystemProtection"]
    assert protection["ReplicationOverwriteProtection"] == "ENABLED"


def test_a_health_check_fails_after_three_checks_and_recovers_as_slowly(estate: Endpoint) -> None:
    estate.inject("primary-dark")
    estate.age(20)
    assert _healthy(estate), "three checks are not over"
    estate.age(CHECKED_AND_PUBLISHED_S)
    assert not _healthy(estate)
    estate.repair("primary-dark")
    estate.age(20)
    assert not _healthy(estate)
    estate.age(CHECKED_AND_PUBLISHED_S)
    assert _healthy(estate)


CHECKED_AND_PUBLISHED_S = 160  # three checks, the rest of a minute, and how late CloudWatch publishes it


def _healthy(estate: Endpoint) -> bool:
    """Whether Route 53 counts each health check as healthy, as its metric says."""
    metrics = client_of(estate, "cloudwatch", WORLD_WIDE, "admin")
    found = metrics.list_metrics(Namespace="AWS/Route53", MetricName="HealthCheckStatus")["Metrics"]
    query = [
        {"Id": f"m{n}", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Minimum"}}
        for n, metric in enumerate(found)
    ]
    until = datetime.now(UTC)
    since = until - timedelta(minutes=10)
    rows = metrics.get_metric_data(MetricDataQueries=query, StartTime=since, EndTime=until)["MetricDataResults"]
    return all(row["Values"][0] == 1 for row in rows)


def test_stores_are_as_large_as_their_sizes_are_set(estate: Endpoint) -> None:
    estate.set_sizes(database_gib=100, files_gib=200, kfiles=300)
    efs = client_of(estate, "efs", PRIMARY)
    (system,) = efs.describe_file_systems()["FileSystems"]
    assert 200 * 1024**3 == system["SizeInBytes"]["Value"]
    (instance,) = client_of(estate, "rds", PRIMARY).describe_db_instances()["DBInstances"]
    assert 100 == instance["AllocatedStorage"]
