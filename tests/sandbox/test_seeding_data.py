"""The seeded estate's data: what is kept, what is copied, and what is not where no replication is expected."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from dr_estate.config.environment import Side
from tests.sandbox.seeding_worlds import SIDES, Seeded, seeded

TENANTS = ("tenant-1", "tenant2", "tenant3")


@pytest.fixture(scope="module", params=["sit", pytest.param("prod", marks=pytest.mark.proof)])
def world(request: pytest.FixtureRequest) -> Iterator[Seeded]:
    yield from seeded(request.param)


@pytest.fixture(scope="module")
def lonely() -> Iterator[Seeded]:
    yield from seeded("dev")


@pytest.mark.proof
def test_the_database_is_protected_and_replicates_backups_under_a_dr_key(world: Seeded) -> None:
    (instance,) = world.client("rds", Side.PRIMARY).describe_db_instances()["DBInstances"]
    assert instance["DBInstanceIdentifier"] == world.named(world.env.names.database)
    assert instance["MultiAZ"]
    assert instance["StorageEncrypted"]
    assert instance["DeletionProtection"]
    assert instance["BackupRetentionPeriod"] >= world.env.thresholds.backup_retention_days
    rds = world.client("rds", Side.DR)
    (backup,) = rds.describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"]
    assert backup["Status"] == "replicating"
    keys = world.client("kms", Side.DR).list_aliases()["Aliases"]
    alias = next(a for a in keys if a["AliasName"] == world.named(world.env.names.db_copy_key_alias))
    assert backup["KmsKeyId"].endswith(alias["TargetKeyId"])


def test_subnet_and_parameter_groups_are_alike_in_both_regions(world: Seeded) -> None:
    changed = []
    for side in SIDES:
        rds = world.client("rds", side)
        group = world.named(world.env.names.db_subnet_group)
        (subnets,) = rds.describe_db_subnet_groups(DBSubnetGroupName=group)["DBSubnetGroups"]
        assert len({subnet["SubnetAvailabilityZone"]["Name"] for subnet in subnets["Subnets"]}) == 3
        group = world.named(world.env.names.db_parameter_group)
        answer = rds.describe_db_parameters(DBParameterGroupName=group)
        changed.append({p["ParameterName"]: p["ParameterValue"] for p in answer["Parameters"]})
    assert changed[0] == changed[1] != {}


def test_files_replicate_to_mount_targets_and_equal_access_points(world: Seeded) -> None:
    points = []
    for side in SIDES:
        efs = world.client("efs", side)
        (system,) = efs.describe_file_systems()["FileSystems"]
        assert system["Encrypted"]
        mounts = efs.describe_mount_targets(FileSystemId=system["FileSystemId"])["MountTargets"]
        assert len({mount["AvailabilityZoneName"] for mount in mounts}) == 3
        found = efs.describe_access_points(FileSystemId=system["FileSystemId"])["AccessPoints"]
        points.append({(p["Name"], p["RootDirectory"]["Path"], p["PosixUser"]["Uid"]) for p in found})
    assert points[0] == points[1]
    assert len(points[0]) == 3
    (replication,) = world.client("efs", Side.PRIMARY).describe_replication_configurations()["Replications"]
    (destination,) = replication["Destinations"]
    assert destination["Status"] == "ENABLED"
    assert destination["Region"] == world.env.region(Side.DR)


def test_every_bucket_has_a_versioned_copy_a_rule_and_metrics(world: Seeded) -> None:
    names = (*world.env.names.buckets, world.env.names.state_bucket)
    for bucket in (world.named(pattern) for pattern in names):
        s3 = world.client("s3", Side.PRIMARY)
        (rule,) = s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]["Rules"]
        assert rule["Status"] == "Enabled"
        assert rule["DeleteMarkerReplication"]["Status"] == "Enabled"
        assert rule["Destination"]["Metrics"]["Status"] == "Enabled"
        copy = rule["Destination"]["Bucket"].rpartition(":")[2]
        assert copy == world.env.named(world.env.names.bucket_copy, bucket=bucket)
        assert world.client("s3", Side.DR).get_bucket_versioning(Bucket=copy)["Status"] == "Enabled"
        keys = [
            {o["Key"] for o in client.list_objects_v2(Bucket=name)["Contents"]}
            for client, name in ((s3, bucket), (world.client("s3", Side.DR), copy))
        ]
        assert keys[0] == keys[1]


def test_terraform_state_reads_as_state_from_the_dr_region(world: Seeded) -> None:
    bucket = world.env.named(world.env.names.bucket_copy, bucket=world.named(world.env.names.state_bucket))
    key = world.named(world.env.names.state_key)
    state = json.loads(world.client("s3", Side.DR).get_object(Bucket=bucket, Key=key)["Body"].read())
    assert state["version"] == 4
    assert state["lineage"]
    assert world.client("dynamodb", Side.DR).describe_table(
        TableName=world.named(world.env.names.state_lock_tables[0])
    )["Table"]


def test_tables_have_active_replicas_recovery_on_both_sides_and_items(world: Seeded) -> None:
    for table in (world.named(pattern) for pattern in world.env.names.tables):
        described = world.client("dynamodb", Side.PRIMARY).describe_table(TableName=table)["Table"]
        replicas = {r["RegionName"]: r["ReplicaStatus"] for r in described["Replicas"]}
        assert replicas[world.env.region(Side.DR)] == "ACTIVE"
        for side in SIDES:
            dynamodb = world.client("dynamodb", side)
            assert dynamodb.scan(TableName=table, Select="COUNT")["Count"] == 3
            backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
            assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_secrets_are_in_sync_and_name_no_region(world: Seeded) -> None:
    for tenant in TENANTS:
        name = world.named(world.env.names.tenant_secret, tenant)
        described = world.client("secretsmanager", Side.PRIMARY).describe_secret(SecretId=name)
        (replica,) = described["ReplicationStatus"]
        assert replica["Status"] == "InSync"
        copy = world.client("secretsmanager", Side.DR).get_secret_value(SecretId=name)
        value = json.loads(copy["SecretString"])
        assert set(value) >= {"host", "username", "password", "dbname"}
        assert not any(world.env.region(side) in value["host"] for side in SIDES)


def test_the_newest_copies_in_the_locked_dr_vault_cover_every_store(world: Seeded) -> None:
    backup = world.client("backup", Side.DR)
    vault = backup.describe_backup_vault(BackupVaultName=world.named(world.env.names.dr_vault))
    assert vault["Locked"]
    pages = backup.get_paginator("list_recovery_points_by_backup_vault").paginate(
        BackupVaultName=vault["BackupVaultName"]
    )
    points = [point for page in pages for point in page["RecoveryPoints"]]
    kinds = {point["ResourceType"] for point in points if point["Status"] == "COMPLETED"}
    assert kinds == {"RDS", "EFS", "DynamoDB", "S3"}


def test_database_and_files_were_restored_in_dr_and_nothing_is_left(world: Seeded) -> None:
    jobs = world.client("backup", Side.DR).list_restore_jobs()["RestoreJobs"]
    assert {(job["ResourceType"], job["Status"]) for job in jobs} == {("RDS", "COMPLETED"), ("EFS", "COMPLETED")}
    assert world.client("rds", Side.DR).describe_db_instances()["DBInstances"] == []
    assert len(world.client("efs", Side.DR).describe_file_systems()["FileSystems"]) == 1


@pytest.mark.proof
def test_where_nothing_is_expected_no_data_is_copied(lonely: Seeded) -> None:
    env = lonely.env
    assert lonely.client("rds", Side.DR).describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"] == []
    replications = lonely.client("efs", Side.PRIMARY).describe_replication_configurations()["Replications"]
    assert replications == []
    tables = lonely.client("dynamodb", Side.DR).list_tables()["TableNames"]
    assert not set(tables) & {lonely.named(table) for table in env.names.tables}
    for bucket in (lonely.named(pattern) for pattern in env.names.buckets):
        with pytest.raises(ClientError, match="ReplicationConfigurationNotFoundError"):
            lonely.client("s3", Side.PRIMARY).get_bucket_replication(Bucket=bucket)
    secret = lonely.named(env.names.tenant_secret, "tenant2")
    described = lonely.client("secretsmanager", Side.PRIMARY).describe_secret(SecretId=secret)
    assert not described.get("ReplicationStatus")
    points = lonely.client("backup", Side.DR).list_recovery_points_by_backup_vault(
        BackupVaultName=lonely.named(env.names.dr_vault)
    )
    assert points["RecoveryPoints"] == []


@pytest.mark.proof
def test_an_unexpected_dr_region_still_has_network_secrets_and_state(lonely: Seeded) -> None:
    env = lonely.env
    secret = lonely.named(env.names.tenant_secret, "tenant2")
    assert lonely.client("secretsmanager", Side.DR).describe_secret(SecretId=secret)["ARN"]
    state = env.named(env.names.bucket_copy, bucket=lonely.named(env.names.state_bucket))
    assert lonely.client("s3", Side.DR).head_object(Bucket=state, Key=lonely.named(env.names.state_key))
    control = lonely.named(env.names.control_table)
    assert lonely.client("dynamodb", Side.DR).describe_table(TableName=control)["Table"]["TableStatus"] == "ACTIVE"
