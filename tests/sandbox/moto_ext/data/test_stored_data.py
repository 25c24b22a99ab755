"""Rows and files can be lost: they follow the stores that hold them, and none shows what never reached it."""

from __future__ import annotations

from typing import Any
from urllib import error, request

import pytest

from dr_actions.actions.files.mover import SCRIPT
from dr_estate.config.environment import Environment, Side
from sandbox.client.endpoint import Endpoint
from sandbox.client.traffic_writer import Sites
from tests.sandbox.conftest import client_of, standby_at_once

PRIMARY, DR = "af-south-1", "eu-west-1"
MYSQL = "sit-mysql"


@pytest.fixture(scope="module")
def seeded(seeded: Endpoint, sit: Environment) -> Endpoint:
    """At once, and a task of the DR region runs."""
    return standby_at_once(seeded, sit)


@pytest.fixture
def sites(estate: Endpoint, sit: Environment) -> Sites:
    return Sites(estate, sit)


def write(sites: Sites, kind: str, row_id: str, region: str = PRIMARY) -> tuple[int, str]:
    status, response = sites.ask(region, "POST", sites.hosts[0], kind, {"id": row_id})
    return status, str(response.get("error", ""))


def ids(sites: Sites, kind: str, region: str) -> Any:
    return sites.ask(region, "GET", sites.hosts[0], kind)[1].get(kind)


def admin(estate: Endpoint, service: str, region: str = DR) -> Any:
    return client_of(estate, service, region, person="admin")


def backups_arn(estate: Endpoint) -> str:
    found = admin(estate, "rds").describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"]
    return str(next(backup for backup in found if backup["Region"] == PRIMARY)["DBInstanceAutomatedBackupsArn"])


def restore(estate: Endpoint, **more: Any) -> None:
    wanted = more or {"UseLatestRestorableTime": True}
    admin(estate, "rds").restore_db_instance_to_point_in_time(
        SourceDBInstanceAutomatedBackupsArn=backups_arn(estate), TargetDBInstanceIdentifier=MYSQL, **wanted
    )


def replica(estate: Endpoint, sit: Environment) -> None:
    source = admin(estate, "rds", PRIMARY).describe_db_instances(DBInstanceIdentifier=MYSQL)["DBInstances"][0]
    keys = admin(estate, "kms").list_aliases()["Aliases"]
    alias = sit.named(sit.names.db_copy_key_alias)
    key = next(entry["TargetKeyId"] for entry in keys if entry["AliasName"] == alias)
    admin(estate, "rds").create_db_instance_read_replica(
        DBInstanceIdentifier=MYSQL, SourceDBInstanceIdentifier=source["DBInstanceArn"], KmsKeyId=key
    )


def test_an_acknowledged_write_is_served_by_the_region_that_took_it(sites: Sites) -> None:
    assert (201, "") == write(sites, "rows", "a") == write(sites, "files", "f")
    assert (["a"], ["f"]) == (ids(sites, "rows", PRIMARY), ids(sites, "files", PRIMARY))
    write(sites, "rows", "a")
    assert ["a"] == ids(sites, "rows", PRIMARY)


def test_a_region_without_a_database_acknowledges_nothing_and_says_why(sites: Sites) -> None:
    status, reason = write(sites, "rows", "a", DR)
    assert (503, True) == (status, f"leads to no database of {DR}" in reason)


def test_whoever_has_no_token_is_asked_for_the_password(estate: Endpoint, sit: Environment) -> None:
    place, host = estate.sites()[PRIMARY], f"tenant1.{sit.traffic.tenant_domain}"
    http_request = request.Request(
        f"http://{place['address']}:{place['http']}/wp-json/dr/v1/rows", headers={"Host": host}
    )
    with pytest.raises(error.HTTPError) as refused:
        request.urlopen(http_request)  # noqa: S310 - our own http URL on loopback
    with refused.value as answer:
        assert (401, f'Basic realm="{host}"') == (answer.status, answer.headers["WWW-Authenticate"])


def test_a_body_without_an_id_is_refused(sites: Sites) -> None:
    assert 400 == sites.ask(PRIMARY, "POST", sites.hosts[0], "rows", {"name": "a"})[0]


def test_a_replica_shows_what_arrived_and_takes_no_writes_until_promoted(
    estate: Endpoint, sites: Sites, sit: Environment
) -> None:
    write(sites, "rows", "before")
    replica(estate, sit)
    assert ["before"] == ids(sites, "rows", DR)
    status, reason = write(sites, "rows", "refused", DR)
    assert (503, True) == (status, "is a read replica and takes no writes" in reason)
    estate.timing(replica_lag_s=60)
    assert [] == ids(sites, "rows", DR)
    estate.timing(replica_lag_s=0)
    admin(estate, "rds").promote_read_replica(DBInstanceIdentifier=MYSQL)
    write(sites, "rows", "after")
    assert 201 == write(sites, "rows", "own", DR)[0]
    assert ["before", "own"] == ids(sites, "rows", DR)
    assert ["before", "after"] == ids(sites, "rows", PRIMARY)


def test_a_restore_gives_the_rows_until_the_restorable_time_and_no_later(estate: Endpoint, sites: Sites) -> None:
    write(sites, "rows", "kept")
    estate.age(1)  # copies' times are whole seconds
    restore(estate)
    write(sites, "rows", "later")
    assert ["kept"] == ids(sites, "rows", DR)
    assert 201 == write(sites, "rows", "own", DR)[0]


def test_logs_that_were_not_uploaded_when_the_region_went_dark_are_lost(estate: Endpoint, sites: Sites) -> None:
    write(sites, "rows", "too young")
    estate.timing(log_upload_s=None)
    estate.inject("primary-dark")
    estate.timing(log_upload_s=None)
    restore(estate)
    assert [] == ids(sites, "rows", DR)


def test_a_snapshot_holds_the_rows_of_its_time_in_either_region(
    estate: Endpoint, sites: Sites, sit: Environment
) -> None:
    write(sites, "rows", "held")
    response = admin(estate, "rds", PRIMARY).create_db_snapshot(DBInstanceIdentifier=MYSQL, DBSnapshotIdentifier="now")
    write(sites, "rows", "later")
    keys = admin(estate, "kms").list_aliases()["Aliases"]
    alias = sit.named(sit.names.db_copy_key_alias)
    admin(estate, "rds").copy_db_snapshot(
        SourceDBSnapshotIdentifier=response["DBSnapshot"]["DBSnapshotArn"],
        TargetDBSnapshotIdentifier="copied",
        KmsKeyId=next(key["TargetKeyId"] for key in keys if key["AliasName"] == alias),
        SourceRegion=PRIMARY,
    )
    admin(estate, "rds").restore_db_instance_from_db_snapshot(DBInstanceIdentifier=MYSQL, DBSnapshotIdentifier="copied")
    assert ["held"] == ids(sites, "rows", DR)


def test_a_replicated_file_system_is_read_only_and_keeps_its_files_after(estate: Endpoint, sites: Sites) -> None:
    write(sites, "files", "synced")
    estate.age(1)  # copies' times are whole seconds
    assert ["synced"] == ids(sites, "files", DR)
    status, reason = write(sites, "files", "refused", DR)
    assert (503, True) == (status, "is the destination of a replication and read-only" in reason)
    efs = admin(estate, "efs")
    replication = efs.describe_replication_configurations()["Replications"][0]
    estate.timing(files_lag_s=600)
    assert [] == ids(sites, "files", DR)
    estate.timing(files_lag_s=0)
    efs.delete_replication_configuration(SourceFileSystemId=replication["SourceFileSystemId"])
    write(sites, "files", "later")
    assert 201 == write(sites, "files", "own", DR)[0]
    assert ["synced", "own"] == ids(sites, "files", DR)


@pytest.mark.parametrize("kind", ["rows", "files"])
def test_a_recovery_point_gives_back_what_was_there_when_it_was_made(
    estate: Endpoint, sites: Sites, sit: Environment, kind: str
) -> None:
    write(sites, kind, "held")
    backup = admin(estate, "backup", PRIMARY)
    rds, efs = admin(estate, "rds", PRIMARY), admin(estate, "efs", PRIMARY)
    vault, role = sit.named(sit.names.primary_vault), f"arn:aws:iam::{sit.account}:role/backup"
    resource = {
        "rows": lambda: rds.describe_db_instances()["DBInstances"][0]["DBInstanceArn"],
        "files": lambda: efs.describe_file_systems()["FileSystems"][0]["FileSystemArn"],
    }[kind]()
    point = backup.start_backup_job(BackupVaultName=vault, ResourceArn=resource, IamRoleArn=role)["RecoveryPointArn"]
    write(sites, kind, "later")
    metadata = {
        "rows": {"DBInstanceIdentifier": "restored"},
        "files": {"newFileSystem": "true", "CreationToken": "restored"},
    }[kind]
    job = backup.start_restore_job(RecoveryPointArn=point, Metadata=metadata, IamRoleArn=role)["RestoreJobId"]
    created_resource_arn = backup.describe_restore_job(RestoreJobId=job)["CreatedResourceArn"]
    repoint(estate, sit, created_resource_arn)
    if kind == "files":
        assert ["held", "later"] == ids(sites, kind, PRIMARY), "no task starts well upon an empty folder"
        move_to_root(estate)
    assert ["held"] == ids(sites, kind, PRIMARY)


def move_to_root(estate: Endpoint) -> None:
    """Let a task of the tenant's newest definition put what was restored into its place, and deploy again."""
    ecs = admin(estate, "ecs", PRIMARY)
    override = {"name": "wordpress", "command": ["php", "-r", SCRIPT]}
    service = ecs.describe_services(cluster="sit-cluster", services=["sit-tenant-1-service"])["services"][0]
    task = ecs.run_task(
        cluster="sit-cluster",
        taskDefinition="sit-tenant-1",
        launchType="FARGATE",
        networkConfiguration=service["networkConfiguration"],
        overrides={"containerOverrides": [override]},
    )["tasks"][0]["taskArn"]
    estate.age(60)
    (ended,) = ecs.describe_tasks(cluster="sit-cluster", tasks=[task])["tasks"]
    assert (ended["lastStatus"], ended["containers"][0]["exitCode"]) == ("STOPPED", 0)
    ecs.update_service(cluster="sit-cluster", service="sit-tenant-1-service", forceNewDeployment=True)


def repoint(estate: Endpoint, sit: Environment, arn: str) -> None:
    """Let the tenant's service of the primary region use the restored database or file system."""
    ecs, rds, efs = (admin(estate, name, sit.region(Side.PRIMARY)) for name in ("ecs", "rds", "efs"))
    cluster = sit.named(sit.names.cluster)
    service = ecs.describe_services(cluster=cluster, services=["sit-tenant-1-service"])["services"][0]
    revision = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    if ":db:" in arn:
        found = rds.describe_db_instances(DBInstanceIdentifier=arn.rpartition(":")[2])["DBInstances"][0]
        for variable in revision["containerDefinitions"][0]["environment"]:
            if variable["name"] == "WORDPRESS_DB_HOST":
                variable["value"] = f"{found['Endpoint']['Address']}:3306"
    else:
        identifier = arn.rpartition("/")[2]
        subnets = service["networkConfiguration"]["awsvpcConfiguration"]["subnets"]
        for subnet in subnets:
            efs.create_mount_target(FileSystemId=identifier, SubnetId=subnet)
        volume = revision["volumes"][0]["efsVolumeConfiguration"]
        former = efs.describe_access_points(AccessPointId=volume["authorizationConfig"]["accessPointId"])
        point = efs.create_access_point(
            FileSystemId=identifier, RootDirectory=former["AccessPoints"][0]["RootDirectory"], ClientToken=identifier
        )
        volume["fileSystemId"] = identifier
        volume["authorizationConfig"]["accessPointId"] = point["AccessPointId"]
    keys = ("family", "containerDefinitions", "volumes", "networkMode", "cpu", "memory", "requiresCompatibilities")
    params: dict[str, Any] = {key: revision[key] for key in (*keys, "executionRoleArn", "taskRoleArn")}
    registered = ecs.register_task_definition(**params)["taskDefinition"]["taskDefinitionArn"]
    ecs.update_service(cluster=cluster, service="sit-tenant-1-service", taskDefinition=registered)


def test_the_region_neutral_name_leads_each_region_to_its_own_database(
    estate: Endpoint, sites: Sites, sit: Environment
) -> None:
    restore(estate)
    for region in (PRIMARY, DR):
        ecs = admin(estate, "ecs", region)
        cluster = sit.named(sit.names.cluster)
        revision = ecs.describe_task_definition(taskDefinition="sit-tenant-1")["taskDefinition"]
        for variable in revision["containerDefinitions"][0]["environment"]:
            if variable["name"] == "WORDPRESS_DB_HOST":
                variable["value"] = f"db.{sit.name}.internal"
        keys = ("family", "containerDefinitions", "volumes", "networkMode", "cpu", "memory", "requiresCompatibilities")
        response = ecs.register_task_definition(**{key: revision[key] for key in (*keys, "executionRoleArn")})
        arn = response["taskDefinition"]["taskDefinitionArn"]
        ecs.update_service(cluster=cluster, service="sit-tenant-1-service", taskDefinition=arn)
        assert (201, "") == write(sites, "rows", region, region)
    assert ([PRIMARY], [DR]) == (ids(sites, "rows", PRIMARY), ids(sites, "rows", DR))


def test_a_task_that_names_the_other_regions_database_reaches_none(estate: Endpoint, sites: Sites) -> None:
    restore(estate)
    estate.inject("definition-primary-database")
    service = {"cluster": "sit-cluster", "service": "sit-tenant-1-service"}
    admin(estate, "ecs").update_service(**service, desiredCount=0)
    admin(estate, "ecs").update_service(**service, taskDefinition="sit-tenant-1", desiredCount=1)
    status, reason = write(sites, "rows", "a", DR)
    assert (503, True) == (status, f"leads to no database of {DR}" in reason)
