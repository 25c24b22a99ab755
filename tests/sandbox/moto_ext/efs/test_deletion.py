"""What is deleted leaves as AWS lets it: refused while something holds it, deleting for a moment, then gone."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.core.state import STATE
from tests.sandbox.moto_ext.compute import platform
from tests.sandbox.moto_ext.conftest import DR, Clients, Clock

GONE_AFTER_S = 0.4


def _database(aws: Clients, **more: Any) -> None:
    aws("rds", DR).create_db_instance(
        DBInstanceIdentifier="shop",
        DBInstanceClass="db.t3.small",
        Engine="mysql",
        EngineVersion="8.0.40",
        AllocatedStorage=30,
        MasterUsername="admin",
        MasterUserPassword="not-a-secret",
        **more,
    )


def _status(aws: Clients) -> str:
    try:
        return str(
            aws("rds", DR).describe_db_instances(DBInstanceIdentifier="shop")["DBInstances"][0]["DBInstanceStatus"]
        )
    except ClientError as absent:
        return str(absent.response["Error"]["Code"])


def test_a_protected_database_is_not_deleted(aws: Clients) -> None:
    _database(aws, DeletionProtection=True)
    with pytest.raises(ClientError, match="disable deletion protection"):
        aws("rds", DR).delete_db_instance(DBInstanceIdentifier="shop", SkipFinalSnapshot=True)
    assert _status(aws) == "available"


def test_a_database_is_not_deleted_without_a_word_about_its_last_snapshot(aws: Clients) -> None:
    _database(aws)
    with pytest.raises(ClientError, match="FinalDBSnapshotIdentifier is required"):
        aws("rds", DR).delete_db_instance(DBInstanceIdentifier="shop")
    aws("rds", DR).delete_db_instance(DBInstanceIdentifier="shop", FinalDBSnapshotIdentifier="last")
    assert [snapshot["DBSnapshotIdentifier"] for snapshot in aws("rds", DR).describe_db_snapshots()["DBSnapshots"]] == [
        "last"
    ]


def test_a_database_is_deleting_and_holds_its_name_until_it_is_gone(aws: Clients, clock: Clock) -> None:
    _database(aws)
    STATE.extras["transition_s"] = GONE_AFTER_S
    rds = aws("rds", DR)
    db_instance = rds.delete_db_instance(DBInstanceIdentifier="shop", SkipFinalSnapshot=True)["DBInstance"]
    assert (db_instance["DBInstanceStatus"], _status(aws)) == ("deleting", "deleting")
    with pytest.raises(ClientError, match="InvalidDBInstanceState"):
        rds.delete_db_instance(DBInstanceIdentifier="shop", SkipFinalSnapshot=True)
    with pytest.raises(ClientError, match="InvalidDBInstanceState"):
        rds.modify_db_instance(DBInstanceIdentifier="shop", DeletionProtection=True)
    with pytest.raises(ClientError, match="DBInstanceAlreadyExists"):
        _database(aws)
    clock.shift(GONE_AFTER_S)
    assert _status(aws) == "DBInstanceNotFound"
    _database(aws)


def test_a_file_system_is_not_deleted_while_a_mount_target_stands(aws: Clients) -> None:
    efs, subnets = aws("efs", DR), platform(aws, DR).subnets
    name = efs.create_file_system(CreationToken="restored")["FileSystemId"]
    target = efs.create_mount_target(FileSystemId=name, SubnetId=subnets[0])["MountTargetId"]
    with pytest.raises(ClientError, match="FileSystemInUse"):
        efs.delete_file_system(FileSystemId=name)
    efs.delete_mount_target(MountTargetId=target)
    efs.delete_file_system(FileSystemId=name)
    assert efs.describe_file_systems()["FileSystems"] == []


def test_a_file_system_is_deleting_until_it_and_its_access_points_are_gone(aws: Clients, clock: Clock) -> None:
    efs = aws("efs", DR)
    name = efs.create_file_system(CreationToken="restored")["FileSystemId"]
    efs.create_access_point(ClientToken="one", FileSystemId=name)
    STATE.extras["transition_s"] = GONE_AFTER_S
    efs.delete_file_system(FileSystemId=name)
    assert [system["LifeCycleState"] for system in efs.describe_file_systems()["FileSystems"]] == ["deleting"]
    with pytest.raises(ClientError, match="IncorrectFileSystemLifeCycleState"):
        efs.create_access_point(ClientToken="two", FileSystemId=name)
    clock.shift(GONE_AFTER_S)
    assert efs.describe_file_systems()["FileSystems"] == efs.describe_access_points()["AccessPoints"] == []
    assert efs.create_file_system(CreationToken="restored")["FileSystemId"] != name


def test_an_access_point_is_tagged_as_it_is_made_and_deleted_once(aws: Clients) -> None:
    efs = aws("efs", DR)
    name = efs.create_file_system(CreationToken="restored")["FileSystemId"]
    efs.tag_resource(ResourceId=name, Tags=[{"Key": "Name", "Value": "a-drill"}])
    assert efs.describe_file_systems()["FileSystems"][0]["Name"] == "a-drill"
    params = {"ClientToken": "one", "FileSystemId": name, "PosixUser": {"Uid": 33, "Gid": 33}}
    response = efs.create_access_point(
        RootDirectory={"Path": "/shop"}, Tags=[{"Key": "dr:drill", "Value": "TRIAL-1"}], **params
    )
    (access_point,) = efs.describe_access_points(FileSystemId=name)["AccessPoints"]
    assert (
        access_point["RootDirectory"]["Path"],
        access_point["PosixUser"]["Uid"],
        access_point["LifeCycleState"],
    ) == (
        "/shop",
        33,
        "available",
    )
    assert access_point["Tags"] == [{"Key": "dr:drill", "Value": "TRIAL-1"}]
    efs.delete_access_point(AccessPointId=response["AccessPointId"])
    with pytest.raises(ClientError, match="AccessPointNotFound"):
        efs.delete_access_point(AccessPointId=response["AccessPointId"])
