"""EFS replication between two regions: status, last sync, protection, and both ways of ending it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.core.state import STATE, Outage, now
from sandbox.moto_ext.efs.model import last_sync
from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, PRIMARY, Clients, go_dark


def _source(aws: Clients) -> str:
    response = aws("efs", PRIMARY).create_file_system(CreationToken="shop", Encrypted=True)
    return str(response["FileSystemId"])


def _replicated(aws: Clients) -> tuple[str, str]:
    source = _source(aws)
    response = aws("efs", PRIMARY).create_replication_configuration(
        SourceFileSystemId=source, Destinations=[{"Region": DR}]
    )
    return source, str(response["Destinations"][0]["FileSystemId"])


def _protection(aws: Clients, region: str, file_system: str) -> str:
    seen = aws("efs", region).describe_file_systems(FileSystemId=file_system)["FileSystems"][0]
    return str(seen["FileSystemProtection"]["ReplicationOverwriteProtection"])


def _seen(aws: Clients, region: str, file_system: str) -> dict[str, Any]:
    found = aws("efs", region).describe_replication_configurations(FileSystemId=file_system)["Replications"]
    target: dict[str, Any] = found[0]["Destinations"][0]
    return target


def test_both_regions_see_an_enabled_replication_ten_minutes_behind(served: Clients) -> None:
    source, target = _replicated(served)
    for region, file_system in ((PRIMARY, source), (DR, target)):
        seen = _seen(served, region, file_system)
        assert (seen["Status"], seen["FileSystemId"], seen["Region"]) == ("ENABLED", target, DR)
        behind = now() - seen["LastReplicatedTimestamp"]
        assert timedelta(seconds=599) <= behind < timedelta(seconds=610)
    assert served("efs", DR).describe_file_systems(FileSystemId=target)["FileSystems"][0]["Encrypted"]
    assert _protection(served, PRIMARY, source) == "ENABLED"
    assert _protection(served, DR, target) == "REPLICATING"


def test_the_last_sync_stands_still_when_the_source_is_dark(aws: Clients) -> None:
    source, target = _replicated(aws)
    go_dark(PRIMARY, minutes_ago=60)
    behind = now() - _seen(aws, DR, target)["LastReplicatedTimestamp"]
    assert timedelta(minutes=69) < behind < timedelta(minutes=71)
    assert last_sync(ACCOUNT, DR, target) == _seen(aws, DR, target)["LastReplicatedTimestamp"]
    assert last_sync(ACCOUNT, PRIMARY, "fs-unknown") is None
    assert source != target


def test_a_new_replication_is_enabling_first(aws: Clients) -> None:
    STATE.extras["transition_s"] = 60
    _, target = _replicated(aws)
    seen = _seen(aws, DR, target)
    assert seen["Status"] == "ENABLING"
    assert "LastReplicatedTimestamp" not in seen


def test_deleting_the_replication_makes_the_copy_writable(served: Clients) -> None:
    source, target = _replicated(served)
    with pytest.raises(ClientError, match="FileSystemInUse"):
        served("efs", DR).delete_file_system(FileSystemId=target)
    served("efs", DR).delete_replication_configuration(SourceFileSystemId=source)
    assert _protection(served, DR, target) == "ENABLED"
    for region in (PRIMARY, DR):
        assert served("efs", region).describe_replication_configurations()["Replications"] == []
    with pytest.raises(ClientError, match="ReplicationNotFound"):
        served("efs", PRIMARY).delete_replication_configuration(SourceFileSystemId=source)
    served("efs", DR).delete_file_system(FileSystemId=target)
    assert served("efs", DR).describe_file_systems()["FileSystems"] == []


def test_a_dark_source_is_left_behind_by_the_local_form_alone(aws: Clients) -> None:
    source, target = _replicated(aws)
    go_dark(PRIMARY)
    efs = aws("efs", DR)
    with pytest.raises(ClientError, match="LOCAL_CONFIGURATION_ONLY"):
        efs.delete_replication_configuration(SourceFileSystemId=source)
    efs.delete_replication_configuration(SourceFileSystemId=source, DeletionMode="LOCAL_CONFIGURATION_ONLY")
    assert _protection(aws, DR, target) == "ENABLED"
    assert efs.describe_replication_configurations()["Replications"] == []
    assert len(aws("efs", PRIMARY).describe_replication_configurations()["Replications"]) == 1


def test_a_sick_source_leaves_the_replica_read_only_until_the_local_form(aws: Clients) -> None:
    source, target = _replicated(aws)
    STATE.outages.append(Outage(PRIMARY, "error", writes=True))
    efs = aws("efs", DR)
    efs.delete_replication_configuration(SourceFileSystemId=source)
    assert (_seen(aws, DR, target)["Status"], _protection(aws, DR, target)) == ("DELETING", "REPLICATING")
    efs.delete_replication_configuration(SourceFileSystemId=source, DeletionMode="LOCAL_CONFIGURATION_ONLY")
    assert _protection(aws, DR, target) == "ENABLED"
    assert efs.describe_replication_configurations()["Replications"] == []


def test_a_deletion_that_was_stuck_ends_once_the_source_is_well(aws: Clients) -> None:
    source, target = _replicated(aws)
    STATE.outages.append(Outage(PRIMARY, "error", "efs"))
    aws("efs", DR).delete_replication_configuration(SourceFileSystemId=source)
    STATE.outages.clear()
    assert _protection(aws, DR, target) == "ENABLED"
    assert aws("efs", PRIMARY).describe_replication_configurations()["Replications"] == []


def test_the_half_left_behind_blocks_until_it_is_deleted_too(aws: Clients) -> None:
    source, target = _replicated(aws)
    there, here = aws("efs", DR), aws("efs", PRIMARY)
    there.delete_replication_configuration(SourceFileSystemId=source, DeletionMode="LOCAL_CONFIGURATION_ONLY")
    assert _seen(aws, PRIMARY, source)["Status"] == "ERROR"
    here.update_file_system_protection(FileSystemId=source, ReplicationOverwriteProtection="DISABLED")
    back = {"SourceFileSystemId": target, "Destinations": [{"Region": PRIMARY, "FileSystemId": source}]}
    with pytest.raises(ClientError, match="already part of a replication"):
        there.create_replication_configuration(**back)
    here.delete_replication_configuration(SourceFileSystemId=source, DeletionMode="LOCAL_CONFIGURATION_ONLY")
    there.create_replication_configuration(**back)
    assert (_seen(aws, PRIMARY, source)["Status"], _protection(aws, PRIMARY, source)) == ("ENABLED", "REPLICATING")


def test_an_existing_destination_must_have_its_protection_off(served: Clients) -> None:
    source = _source(served)
    given = served("efs", DR).create_file_system(CreationToken="given", Encrypted=True)["FileSystemId"]
    params = {"SourceFileSystemId": source, "Destinations": [{"Region": DR, "FileSystemId": given}]}
    with pytest.raises(ClientError, match="protection"):
        served("efs", PRIMARY).create_replication_configuration(**params)
    answer = served("efs", DR).update_file_system_protection(
        FileSystemId=given, ReplicationOverwriteProtection="DISABLED"
    )
    assert answer["ReplicationOverwriteProtection"] == "DISABLED"
    served("efs", PRIMARY).create_replication_configuration(**params)
    assert _seen(served, DR, given)["FileSystemId"] == given
    with pytest.raises(ClientError, match="ReplicationAlreadyExists"):
        served("efs", DR).update_file_system_protection(FileSystemId=given, ReplicationOverwriteProtection="ENABLED")


def test_throughput_and_backup_policy_are_read_back(served: Clients) -> None:
    efs, source = served("efs", PRIMARY), _source(served)
    efs.update_file_system(FileSystemId=source, ThroughputMode="elastic")
    assert efs.describe_file_systems(FileSystemId=source)["FileSystems"][0]["ThroughputMode"] == "elastic"
    for status in ("ENABLED", "DISABLED"):
        efs.put_backup_policy(FileSystemId=source, BackupPolicy={"Status": status})
        assert efs.describe_backup_policy(FileSystemId=source)["BackupPolicy"]["Status"] == status
    with pytest.raises(ClientError, match="FileSystemNotFound"):
        efs.describe_backup_policy(FileSystemId="fs-0123456789abcdef0")


def test_access_points_and_mount_targets_belong_to_a_file_system(aws: Clients) -> None:
    efs, source = aws("efs", PRIMARY), _source(aws)
    response = efs.create_access_point(
        FileSystemId=source,
        PosixUser={"Uid": 33, "Gid": 33},
        RootDirectory={"Path": "/tenant1"},
        Tags=[{"Key": "Name", "Value": "shop-tenant1-ap"}],
    )
    (seen,) = efs.describe_access_points(FileSystemId=source)["AccessPoints"]
    assert (seen["AccessPointId"], seen["Name"], seen["PosixUser"]["Uid"]) == (
        response["AccessPointId"],
        "shop-tenant1-ap",
        33,
    )
    with pytest.raises(ClientError, match="FileSystemNotFound"):
        efs.create_access_point(FileSystemId="fs-0123456789abcdef0")
    ec2 = aws("ec2", PRIMARY)
    subnet = ec2.describe_subnets()["Subnets"][0]
    efs.create_mount_target(FileSystemId=source, SubnetId=subnet["SubnetId"])
    (target,) = efs.describe_mount_targets(FileSystemId=source)["MountTargets"]
    assert target["AvailabilityZoneName"] == subnet["AvailabilityZone"]


def test_a_file_system_policy_is_read_back_until_it_is_deleted(served: Clients) -> None:
    efs = served("efs", PRIMARY)
    source = efs.create_file_system()["FileSystemId"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*"}]})
    efs.put_file_system_policy(FileSystemId=source, Policy=policy)
    assert policy == efs.describe_file_system_policy(FileSystemId=source)["Policy"]
    efs.delete_file_system_policy(FileSystemId=source)
    with pytest.raises(ClientError, match="PolicyNotFound"):
        efs.describe_file_system_policy(FileSystemId=source)


def test_files_that_are_encrypted_without_a_key_lie_under_the_key_of_efs(aws: Clients) -> None:
    aws("efs", PRIMARY).create_file_system(CreationToken="shop", Encrypted=True)
    (row,) = aws("efs", PRIMARY).describe_file_systems()["FileSystems"]
    assert aws("kms", PRIMARY).describe_key(KeyId=row["KmsKeyId"])["KeyMetadata"]["KeyManager"] == "AWS"
