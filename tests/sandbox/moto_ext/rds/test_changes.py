"""Renamed instances and frozen parameter groups, as RDS answers them; a backup that is asked for twice."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.rds.models import DBInstance, rds_backends

from sandbox.core.state import STATE
from sandbox.moto_ext.data import stored_data
from sandbox.moto_ext.rds.changes import refuses_writes
from tests.sandbox.moto_ext.backup.backing_up import COPIES, ROLE
from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, PRIMARY, Clients, Clock

NAME, GROUP = "shop-mysql", "shop-params"


def _make(aws: Clients, region: str = PRIMARY, name: str = NAME) -> DBInstance:
    rds = aws("rds", region)
    rds.create_db_parameter_group(DBParameterGroupName=GROUP, DBParameterGroupFamily="mysql8.0", Description="x")
    rds.create_db_instance(
        DBInstanceIdentifier=name,
        DBInstanceClass="db.t3.medium",
        Engine="mysql",
        EngineVersion="8.0.40",
        AllocatedStorage=50,
        MasterUsername="admin",
        MasterUserPassword="not-a-secret",
        BackupRetentionPeriod=7,
        DBParameterGroupName=GROUP,
    )
    return _of(region, name)


def _of(region: str, name: str = NAME) -> DBInstance:
    found: DBInstance = rds_backends[ACCOUNT][region].databases[name]
    return found


def _described(aws: Clients, region: str, name: str = NAME) -> dict[str, Any]:
    seen: dict[str, Any] = aws("rds", region).describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    return seen


def _rename(aws: Clients, region: str, to: str) -> None:
    aws("rds", region).modify_db_instance(DBInstanceIdentifier=NAME, NewDBInstanceIdentifier=to, ApplyImmediately=True)


def _ids(instance: DBInstance) -> list[str]:
    return [row.id for row in stored_data.rows_of(instance)]


def _replicate(aws: Clients, source: DBInstance, to: str) -> None:
    aws("rds", to).create_db_instance_read_replica(
        DBInstanceIdentifier=NAME, SourceDBInstanceIdentifier=source.db_instance_arn, SourceRegion=source.region
    )


def _code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def test_a_renamed_instance_keeps_rows_and_identity_at_another_host(aws: Clients) -> None:
    instance = _make(aws)
    stored_data.write_row(instance, "one", "shop")
    before = _described(aws, PRIMARY)
    STATE.extras["transition_s"] = 60
    _rename(aws, PRIMARY, "shop-old")
    after = _described(aws, PRIMARY, "shop-old")
    assert after["DBInstanceStatus"] == "renaming"
    assert after["DbiResourceId"] == before["DbiResourceId"]
    assert after["Endpoint"]["Address"] == before["Endpoint"]["Address"].replace(NAME, "shop-old")
    assert _ids(_of(PRIMARY, "shop-old")) == ["one"]
    with pytest.raises(ClientError) as refused:
        _described(aws, PRIMARY)
    assert _code(refused) == "DBInstanceNotFound"


def test_no_instance_takes_the_name_of_another(aws: Clients) -> None:
    _make(aws)
    with pytest.raises(ClientError) as refused:
        aws("rds", PRIMARY).create_db_instance_read_replica(
            DBInstanceIdentifier=NAME, SourceDBInstanceIdentifier=_of(PRIMARY).db_instance_arn
        )
    assert _code(refused) == "DBInstanceAlreadyExists"
    aws("rds", PRIMARY).create_db_instance_read_replica(
        DBInstanceIdentifier="shop-two", SourceDBInstanceIdentifier=NAME
    )
    with pytest.raises(ClientError) as refused:
        _rename(aws, PRIMARY, "shop-two")
    assert _code(refused) == "DBInstanceAlreadyExists"


def test_replicas_and_replicated_backups_stay_with_a_renamed_instance(aws: Clients) -> None:
    source = _make(aws)
    _replicate(aws, source, DR)
    aws("rds", DR).start_db_instance_automated_backups_replication(
        SourceDBInstanceArn=source.db_instance_arn, SourceRegion=PRIMARY
    )
    _rename(aws, PRIMARY, "shop-old")
    arn = _described(aws, PRIMARY, "shop-old")["DBInstanceArn"]
    assert _described(aws, DR)["ReadReplicaSourceDBInstanceIdentifier"] == arn
    (copy,) = [
        row
        for row in aws("rds", DR).describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"]
        if row["Region"] == PRIMARY
    ]
    assert (copy["DBInstanceIdentifier"], copy["DBInstanceArn"]) == ("shop-old", arn)
    stored_data.write_row(_of(PRIMARY, "shop-old"), "later", "shop")
    STATE.extras["replica_lag_s"] = 0
    assert _ids(_of(DR)) == ["later"]


def test_a_new_instance_of_a_freed_name_has_backups_of_its_own(aws: Clients) -> None:
    """The copies of the renamed instance are kept, although a replica without backups has its name now."""
    source = _make(aws)
    start = {"SourceDBInstanceArn": source.db_instance_arn, "SourceRegion": PRIMARY}
    aws("rds", DR).start_db_instance_automated_backups_replication(**start)
    away = _make(aws, DR)
    _rename(aws, PRIMARY, "shop-old")
    _replicate(aws, away, PRIMARY)
    aws("rds", PRIMARY).promote_read_replica(DBInstanceIdentifier=NAME, BackupRetentionPeriod=7)
    aws("rds", DR).start_db_instance_automated_backups_replication(**start)
    db_instance_automated_backups = aws("rds", DR).describe_db_instance_automated_backups()[
        "DBInstanceAutomatedBackups"
    ]
    assert sorted(row["DBInstanceIdentifier"] for row in db_instance_automated_backups if row["Region"] == PRIMARY) == [
        NAME,
        "shop-old",
    ]


def test_rows_follow_into_the_primary_and_stand_still_at_the_promotion(aws: Clients) -> None:
    away = _make(aws, DR)
    aws("rds", PRIMARY).create_db_parameter_group(
        DBParameterGroupName=GROUP, DBParameterGroupFamily="mysql8.0", Description="x"
    )
    stored_data.write_row(away, "before", "shop")
    _replicate(aws, away, PRIMARY)
    STATE.extras["replica_lag_s"] = 0
    stored_data.write_row(away, "after", "shop")
    assert _ids(_of(PRIMARY)) == ["before", "after"]
    aws("rds", PRIMARY).promote_read_replica(DBInstanceIdentifier=NAME)
    stored_data.write_row(away, "too late", "shop")
    assert _ids(_of(PRIMARY)) == ["before", "after"]


def _set(aws: Clients, value: str, group: str = GROUP) -> None:
    aws("rds", PRIMARY).modify_db_parameter_group(
        DBParameterGroupName=group,
        Parameters=[{"ParameterName": "read_only", "ParameterValue": value, "ApplyMethod": "immediate"}],
    )


def _status(aws: Clients) -> str:
    return str(_described(aws, PRIMARY)["DBParameterGroups"][0]["ParameterApplyStatus"])


def test_a_frozen_group_holds_once_its_instances_are_in_sync(aws: Clients) -> None:
    instance = _make(aws)
    assert (_status(aws), refuses_writes(instance)) == ("in-sync", "")
    STATE.extras["transition_s"] = 60
    _set(aws, "1")
    assert (_status(aws), refuses_writes(instance)) == ("applying", "")
    STATE.extras["transition_s"] = 0
    _set(aws, "1")
    assert (_status(aws), refuses_writes(instance)) == ("in-sync", GROUP)
    _set(aws, "{TrueIfReplica}")
    assert refuses_writes(instance) == ""


def test_a_group_of_awss_own_cannot_be_changed(aws: Clients) -> None:
    _make(aws)
    with pytest.raises(ClientError) as refused:
        _set(aws, "1", "default.mysql8.0")
    assert _code(refused) == "InvalidParameterValue"


def test_one_token_makes_one_backup_with_the_rows_of_its_time(aws: Clients, clock: Clock) -> None:
    instance = _make(aws)
    stored_data.write_row(instance, "held", "shop")
    backup = aws("backup", PRIMARY)
    backup.create_backup_vault(BackupVaultName=COPIES)
    params = {"BackupVaultName": COPIES, "ResourceArn": instance.db_instance_arn, "IamRoleArn": ROLE}
    STATE.extras["transition_s"] = 60
    first, two, other = (backup.start_backup_job(**params, IdempotencyToken=token) for token in ("a", "a", "b"))
    assert first["BackupJobId"] == two["BackupJobId"] != other["BackupJobId"]
    clock.shift(1)
    stored_data.write_row(instance, "after", "shop")
    clock.shift(60)
    job = backup.describe_backup_job(BackupJobId=first["BackupJobId"])
    assert job["State"] == "COMPLETED"
    assert job["RecoveryPointArn"].startswith(f"arn:aws:rds:{PRIMARY}:{ACCOUNT}:snapshot:awsbackup:")
    aws("rds", PRIMARY).restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier="shop-restored",
        DBSnapshotIdentifier=job["RecoveryPointArn"].partition(":snapshot:")[2],
    )
    assert _ids(_of(PRIMARY, "shop-restored")) == ["held"]


def test_a_subnet_group_that_is_changed_is_still_there(aws: Clients) -> None:
    ec2, rds = aws("ec2", DR), aws("rds", DR)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{n}.0/24", AvailabilityZone=f"{DR}{zone}")["Subnet"]["SubnetId"]
        for n, zone in enumerate("abc")
    ]
    rds.create_db_subnet_group(DBSubnetGroupName="shop", DBSubnetGroupDescription="x", SubnetIds=subnets)
    rds.modify_db_subnet_group(DBSubnetGroupName="shop", SubnetIds=subnets[:2])
    (group,) = rds.describe_db_subnet_groups(DBSubnetGroupName="shop")["DBSubnetGroups"]
    assert [subnet["SubnetIdentifier"] for subnet in group["Subnets"]] == subnets[:2]


def test_another_parameter_group_holds_after_a_reboot(aws: Clients) -> None:
    instance, rds = _make(aws), aws("rds", PRIMARY)
    frozen = [{"ParameterName": "read_only", "ParameterValue": "1", "ApplyMethod": "immediate"}]
    rds.create_db_parameter_group(DBParameterGroupName="other", DBParameterGroupFamily="mysql8.0", Description="x")
    rds.modify_db_parameter_group(DBParameterGroupName="other", Parameters=frozen)
    rds.modify_db_instance(DBInstanceIdentifier=NAME, DBParameterGroupName="other", ApplyImmediately=True)
    (group,) = _described(aws, PRIMARY)["DBParameterGroups"]
    assert (group, refuses_writes(instance)) == (
        {"DBParameterGroupName": "other", "ParameterApplyStatus": "pending-reboot"},
        "",
    )
    rds.reboot_db_instance(DBInstanceIdentifier=NAME)
    (group,) = _described(aws, PRIMARY)["DBParameterGroups"]
    assert (group["ParameterApplyStatus"], refuses_writes(instance)) == ("in-sync", "other")


def test_an_instance_listens_on_the_port_it_is_given(aws: Clients) -> None:
    _make(aws)
    aws("rds", PRIMARY).modify_db_instance(DBInstanceIdentifier=NAME, DBPortNumber=3310, ApplyImmediately=True)
    assert _described(aws, PRIMARY)["Endpoint"]["Port"] == 3310
