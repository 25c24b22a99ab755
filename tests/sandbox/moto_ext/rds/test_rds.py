"""RDS replicas, automated backups and restores across two regions, as AWS answers them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT_ID
from moto.rds.models import rds_backends

from sandbox.core.state import STATE, Outage, now
from sandbox.moto_ext.cloudwatch.metrics_data import databases
from sandbox.moto_ext.data.store_sizes import set_database_gib
from sandbox.moto_ext.data.stored_data import rows_of, write_row
from sandbox.world import fault_injection
from tests.sandbox.moto_ext.conftest import DR, PRIMARY, Clients, Clock, go_dark

DATABASE = "shop-mysql"


def _database(aws: Clients, **more: Any) -> dict[str, Any]:
    db_instance: dict[str, Any] = aws("rds", PRIMARY).create_db_instance(
        DBInstanceIdentifier=DATABASE,
        DBInstanceClass="db.t3.medium",
        Engine="mysql",
        EngineVersion="8.0.40",
        AllocatedStorage=50,
        MasterUsername="admin",
        MasterUserPassword="not-a-secret",
        BackupRetentionPeriod=7,
        **more,
    )["DBInstance"]
    return db_instance


def _look(aws: Clients, region: str, name: str = DATABASE) -> dict[str, Any]:
    seen: dict[str, Any] = aws("rds", region).describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    return seen


def _replica(aws: Clients) -> dict[str, Any]:
    arn = _database(aws)["DBInstanceArn"]
    aws("rds", DR).create_db_instance_read_replica(
        DBInstanceIdentifier="shop-replica", SourceDBInstanceIdentifier=arn, SourceRegion=PRIMARY
    )
    return _look(aws, DR, "shop-replica")


def _code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def test_a_cross_region_replica_is_an_instance_of_its_own(aws: Clients) -> None:
    replica, source = _replica(aws), _look(aws, PRIMARY)
    assert replica["AvailabilityZone"] == f"{DR}a"
    assert replica["DbiResourceId"] != source["DbiResourceId"]
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == source["DBInstanceArn"]
    assert source["ReadReplicaDBInstanceIdentifiers"] == [replica["DBInstanceArn"]]
    assert replica["StatusInfos"] == [{"StatusType": "read replication", "Normal": True, "Status": "replicating"}]
    assert replica["EngineVersion"] == "8.0.40"
    assert replica["BackupRetentionPeriod"] == 0


def test_a_replica_is_creating_before_it_is_available(aws: Clients) -> None:
    STATE.extras["transition_s"] = 60
    assert _replica(aws)["DBInstanceStatus"] == "creating"
    with pytest.raises(ClientError) as refused:
        aws("rds", DR).promote_read_replica(DBInstanceIdentifier="shop-replica")
    assert _code(refused) == "InvalidDBInstanceState"


def test_a_replica_of_a_dark_region_reports_an_error(aws: Clients) -> None:
    _replica(aws)
    go_dark(PRIMARY)
    info = _look(aws, DR, "shop-replica")["StatusInfos"][0]
    assert (info["Normal"], info["Status"]) == (False, "error")


@pytest.mark.proof
def test_promotion_detaches_both_sides_and_reboots(aws: Clients, clock: Clock) -> None:
    _replica(aws)
    STATE.extras["transition_s"] = 0.2
    rds = aws("rds", DR)
    rds.promote_read_replica(DBInstanceIdentifier="shop-replica", BackupRetentionPeriod=5)
    promoted = _look(aws, DR, "shop-replica")
    assert promoted["DBInstanceStatus"] == "rebooting"
    assert "ReadReplicaSourceDBInstanceIdentifier" not in promoted
    assert promoted["StatusInfos"] == []
    assert promoted["BackupRetentionPeriod"] == 5
    assert _look(aws, PRIMARY)["ReadReplicaDBInstanceIdentifiers"] == []
    clock.shift(0.1)
    assert _look(aws, DR, "shop-replica")["DBInstanceStatus"] == "rebooting"
    clock.shift(0.2)
    assert _look(aws, DR, "shop-replica")["DBInstanceStatus"] == "available"


def test_a_promotion_needs_a_backup_window_outside_its_maintenance_window(
    aws: Clients,
) -> None:
    window = _replica(aws)["PreferredMaintenanceWindow"]
    rds, daily = aws("rds", DR), "-".join(part[4:] for part in window.split("-"))
    with pytest.raises(ClientError) as refused:
        rds.promote_read_replica(DBInstanceIdentifier="shop-replica", PreferredBackupWindow=daily)
    assert _code(refused) == "InvalidParameterValue"
    with pytest.raises(ClientError) as refused:
        rds.modify_db_instance(DBInstanceIdentifier="shop-replica", PreferredBackupWindow=daily)
    assert _code(refused) == "InvalidParameterValue"
    both = {"PreferredBackupWindow": daily, "PreferredMaintenanceWindow": "sun:22:00-sun:22:30"}
    rds.modify_db_instance(DBInstanceIdentifier="shop-replica", ApplyImmediately=True, **both)
    seen = _look(aws, DR, "shop-replica")
    assert {key: seen[key] for key in both} == both


def test_promoting_what_does_not_exist_or_is_no_replica_is_refused(aws: Clients) -> None:
    _replica(aws)
    with pytest.raises(ClientError) as refused:
        aws("rds", DR).promote_read_replica(DBInstanceIdentifier="nobody")
    assert _code(refused) == "DBInstanceNotFound"
    with pytest.raises(ClientError) as refused:
        aws("rds", PRIMARY).promote_read_replica(DBInstanceIdentifier=DATABASE)
    assert _code(refused) == "InvalidDBInstanceState"


def test_deleting_a_replica_frees_its_source(aws: Clients) -> None:
    _replica(aws)
    aws("rds", DR).delete_db_instance(DBInstanceIdentifier="shop-replica", SkipFinalSnapshot=True)
    assert _look(aws, PRIMARY)["ReadReplicaDBInstanceIdentifiers"] == []


def _left(aws: Clients, region: str) -> list[str]:
    """The names of a region's instances."""
    instances = aws("rds", region).describe_db_instances()["DBInstances"]
    return [instance["DBInstanceIdentifier"] for instance in instances]


def test_a_source_may_be_deleted_before_its_replica(aws: Clients, clock: Clock) -> None:
    _replica(aws)
    aws("rds", DR).create_db_instance_read_replica(
        DBInstanceIdentifier="shop-second", SourceDBInstanceIdentifier=_look(aws, PRIMARY)["DBInstanceArn"]
    )
    STATE.extras["transition_s"] = 60
    aws("rds", PRIMARY).delete_db_instance(DBInstanceIdentifier=DATABASE, SkipFinalSnapshot=True)
    assert [DATABASE] == _left(aws, PRIMARY)
    clock.shift(61)
    assert [] == _left(aws, PRIMARY)
    aws("rds", DR).promote_read_replica(DBInstanceIdentifier="shop-second")
    assert "ReadReplicaSourceDBInstanceIdentifier" not in _look(aws, DR, "shop-second")
    aws("rds", DR).delete_db_instance(DBInstanceIdentifier="shop-replica", SkipFinalSnapshot=True)
    clock.shift(61)
    assert ["shop-second"] == _left(aws, DR)


def test_a_source_without_automated_backups_cannot_be_replicated(aws: Clients) -> None:
    arn = _database(aws)["DBInstanceArn"]
    aws("rds", PRIMARY).modify_db_instance(DBInstanceIdentifier=DATABASE, BackupRetentionPeriod=0)
    assert "LatestRestorableTime" not in _look(aws, PRIMARY)
    with pytest.raises(ClientError) as refused:
        aws("rds", DR).start_db_instance_automated_backups_replication(SourceDBInstanceArn=arn)
    assert _code(refused) == "InvalidDBInstanceState"


def _replicated(aws: Clients) -> dict[str, Any]:
    key = aws("kms", DR).create_key()["KeyMetadata"]["Arn"]
    arn = _database(aws, StorageEncrypted=True)["DBInstanceArn"]
    started: dict[str, Any] = aws("rds", DR).start_db_instance_automated_backups_replication(
        SourceDBInstanceArn=arn, KmsKeyId=key, BackupRetentionPeriod=14
    )["DBInstanceAutomatedBackup"]
    assert started["KmsKeyId"] == key
    return started


def _copies(aws: Clients) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = aws("rds", DR).describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"]
    return found


def test_replicated_backups_trail_the_clock_by_five_minutes(aws: Clients) -> None:
    started = _replicated(aws)
    (copy,) = _copies(aws)
    assert copy["Status"] == "replicating"
    assert copy["BackupRetentionPeriod"] == 14
    assert copy["Region"] == PRIMARY
    assert copy["Encrypted"]
    behind = now() - copy["RestoreWindow"]["LatestTime"]
    assert timedelta(seconds=299) <= behind < timedelta(seconds=310)
    source = _look(aws, PRIMARY)
    assert source["DBInstanceAutomatedBackupsReplications"] == [
        {"DBInstanceAutomatedBackupsArn": started["DBInstanceAutomatedBackupsArn"]}
    ]
    assert timedelta(seconds=299) <= now() - source["LatestRestorableTime"] < timedelta(seconds=310)


def test_the_restore_window_stands_still_once_the_source_is_dark(aws: Clients) -> None:
    _replicated(aws)
    go_dark(PRIMARY, minutes_ago=30)
    behind = now() - _copies(aws)[0]["RestoreWindow"]["LatestTime"]
    assert timedelta(minutes=34) < behind < timedelta(minutes=36)


def test_replication_ends_when_stopped_or_when_the_source_keeps_no_backups(aws: Clients) -> None:
    started = _replicated(aws)
    aws("rds", DR).stop_db_instance_automated_backups_replication(SourceDBInstanceArn=started["DBInstanceArn"])
    assert _copies(aws) == []
    aws("rds", DR).start_db_instance_automated_backups_replication(
        SourceDBInstanceArn=started["DBInstanceArn"], KmsKeyId=started["KmsKeyId"]
    )
    assert len(_copies(aws)) == 1
    aws("rds", PRIMARY).modify_db_instance(DBInstanceIdentifier=DATABASE, BackupRetentionPeriod=0)
    assert _copies(aws) == []


def test_an_encrypted_source_needs_a_key_of_the_copy_region(aws: Clients) -> None:
    arn = _database(aws, StorageEncrypted=True)["DBInstanceArn"]
    foreign = aws("kms", PRIMARY).create_key()["KeyMetadata"]["Arn"]
    for key in ({}, {"KmsKeyId": foreign}):
        with pytest.raises(ClientError) as refused:
            aws("rds", DR).start_db_instance_automated_backups_replication(SourceDBInstanceArn=arn, **key)
        assert _code(refused) == "KMSKeyNotAccessibleFault"


def test_a_database_is_restored_from_replicated_backups_of_a_dark_source(aws: Clients) -> None:
    started = _replicated(aws)
    go_dark(PRIMARY, minutes_ago=10)
    aws("rds", DR).restore_db_instance_to_point_in_time(
        SourceDBInstanceAutomatedBackupsArn=started["DBInstanceAutomatedBackupsArn"],
        TargetDBInstanceIdentifier="shop-recovered",
        UseLatestRestorableTime=True,
    )
    restored = _look(aws, DR, "shop-recovered")
    assert restored["AllocatedStorage"] == 50
    assert restored["KmsKeyId"] == started["KmsKeyId"]
    assert restored["DBInstanceStatus"] == "available"
    with pytest.raises(ClientError) as refused:
        aws("rds", DR).restore_db_instance_to_point_in_time(
            SourceDBInstanceAutomatedBackupsArn=started["DBInstanceAutomatedBackupsArn"],
            TargetDBInstanceIdentifier="shop-too-late",
            RestoreTime=now(),
        )
    assert _code(refused) == "InvalidRestoreFault"


def test_a_snapshot_copy_names_where_it_came_from(aws: Clients) -> None:
    _database(aws)
    snapshot = aws("rds", PRIMARY).create_db_snapshot(DBSnapshotIdentifier="before", DBInstanceIdentifier=DATABASE)
    arn = snapshot["DBSnapshot"]["DBSnapshotArn"]
    rds = aws("rds", DR)
    rds.copy_db_snapshot(SourceDBSnapshotIdentifier=arn, TargetDBSnapshotIdentifier="copied", SourceRegion=PRIMARY)
    copied = rds.describe_db_snapshots(DBSnapshotIdentifier="copied")["DBSnapshots"][0]
    assert (copied["SourceRegion"], copied["SourceDBSnapshotIdentifier"]) == (PRIMARY, arn)
    assert copied["Status"] == "available"
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="again", DBSnapshotIdentifier="copied")
    assert _look(aws, DR, "again")["DbiResourceId"] != _look(aws, PRIMARY)["DbiResourceId"]


def test_deletion_protection_is_honoured(aws: Clients) -> None:
    _database(aws, DeletionProtection=True)
    with pytest.raises(ClientError) as refused:
        aws("rds", PRIMARY).delete_db_instance(DBInstanceIdentifier=DATABASE, SkipFinalSnapshot=True)
    assert _code(refused) == "InvalidParameterCombination"
    assert _look(aws, PRIMARY)["DeletionProtection"]


def test_quotas_show_use_and_maximum(aws: Clients) -> None:
    _database(aws)
    quotas = aws("rds", PRIMARY).describe_account_attributes()["AccountQuotas"]
    by_name = {quota["AccountQuotaName"]: (quota["Used"], quota["Max"]) for quota in quotas}
    assert by_name["DBInstances"] == (1, 40)
    assert by_name["AllocatedStorage"] == (50, 100_000)
    assert aws("rds", PRIMARY).describe_pending_maintenance_actions()["PendingMaintenanceActions"] == []


def test_parameter_and_option_groups_are_read_back(aws: Clients) -> None:
    rds = aws("rds", DR)
    rds.create_db_parameter_group(
        DBParameterGroupName="shop-params", DBParameterGroupFamily="mysql8.0", Description="shop"
    )
    rds.modify_db_parameter_group(
        DBParameterGroupName="shop-params",
        Parameters=[{"ParameterName": "max_connections", "ParameterValue": "500", "ApplyMethod": "immediate"}],
    )
    (parameter,) = rds.describe_db_parameters(DBParameterGroupName="shop-params")["Parameters"]
    assert (parameter["ParameterName"], parameter["ParameterValue"], parameter["Source"]) == (
        "max_connections",
        "500",
        "user",
    )
    with pytest.raises(ClientError) as refused:
        rds.describe_db_parameter_groups(DBParameterGroupName="nobody")
    assert _code(refused) == "DBParameterGroupNotFound"
    rds.create_option_group(
        OptionGroupName="shop-options",
        EngineName="mysql",
        MajorEngineVersion="8.0",
        OptionGroupDescription="shop",
    )
    assert rds.describe_option_groups(OptionGroupName="shop-options")["OptionGroupsList"][0]["EngineName"] == "mysql"


def test_a_replica_with_a_broken_link_reports_an_error_until_repaired(aws: Clients) -> None:
    _replica(aws)
    link = Outage(DR, "link-broken", "rds")
    fault_injection.begin(link)
    (info,) = _look(aws, DR, "shop-replica")["StatusInfos"]
    assert (False, "error") == (info["Normal"], info["Status"])
    replica = rds_backends[ACCOUNT_ID][DR].databases["shop-replica"]
    write_row(rds_backends[ACCOUNT_ID][PRIMARY].databases[DATABASE], "later", "tenant-1")
    STATE.extras["replica_lag_s"] = 0
    assert "later" not in [row.id for row in rows_of(replica)]
    assert [] == [metric for metric in databases(ACCOUNT_ID, DR) if metric.name == "ReplicaLag"]
    fault_injection.end(link)
    assert "later" in [row.id for row in rows_of(replica)]


def test_storage_that_is_set_is_that_of_the_database_and_its_copies(aws: Clients) -> None:
    arn = _replica(aws)["ReadReplicaSourceDBInstanceIdentifier"]
    aws("rds", DR).start_db_instance_automated_backups_replication(SourceDBInstanceArn=arn, BackupRetentionPeriod=7)
    set_database_gib(ACCOUNT_ID, 100)
    (copy,) = aws("rds", DR).describe_db_instance_automated_backups()["DBInstanceAutomatedBackups"]
    sizes = [_look(aws, PRIMARY), _look(aws, DR, "shop-replica"), copy]
    assert [100, 100, 100] == [row["AllocatedStorage"] for row in sizes]
