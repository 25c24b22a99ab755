"""Secrets Manager replicas: the same versions in both regions, read-only in one, promoted when it must be."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.secretsmanager.models import FakeSecret, secretsmanager_backends

from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, PRIMARY, Clients

NAME = "shop-tenant1-db-credentials"


def _pair(aws: Clients, **replica: str) -> tuple[Any, Any]:
    primary = aws("secretsmanager", PRIMARY)
    primary.create_secret(Name=NAME, SecretString="one", AddReplicaRegions=[{"Region": DR, **replica}])
    return primary, aws("secretsmanager", DR)


def _versions(client: Any) -> dict[str, list[str]]:
    version_ids: dict[str, list[str]] = client.describe_secret(SecretId=NAME)["VersionIdsToStages"]
    return version_ids


def test_the_replica_follows_its_primary(served: Clients) -> None:
    primary, standby = _pair(served)
    primary.put_secret_value(SecretId=NAME, SecretString="two")
    assert standby.get_secret_value(SecretId=NAME)["SecretString"] == "two"
    assert _versions(standby) == _versions(primary)
    status = primary.describe_secret(SecretId=NAME)["ReplicationStatus"]
    assert [(replica["Region"], replica["Status"]) for replica in status] == [(DR, "InSync")]
    seen = standby.describe_secret(SecretId=NAME)
    assert seen["PrimaryRegion"] == PRIMARY
    assert seen["ARN"].split(":")[3] == DR
    (listed,) = standby.list_secrets()["SecretList"]
    assert (listed["Name"], listed["PrimaryRegion"]) == (NAME, PRIMARY)


def test_a_secret_has_the_value_of_the_version_that_bears_the_label(aws: Clients) -> None:
    primary, standby = _pair(aws)
    (former,) = _versions(primary)
    latest = primary.put_secret_value(SecretId=NAME, SecretString="two")["VersionId"]
    moved = {"VersionStage": "AWSCURRENT", "MoveToVersionId": former, "RemoveFromVersionId": latest}
    primary.update_secret_version_stage(SecretId=NAME, **moved)
    assert [client.get_secret_value(SecretId=NAME)["SecretString"] for client in (primary, standby)] == ["one", "one"]
    (row,) = standby.batch_get_secret_value(SecretIdList=[NAME])["SecretValues"]
    assert row["VersionId"] == former


def test_a_replica_returns_the_policy_of_its_primary(aws: Clients) -> None:
    primary, standby = _pair(aws)
    assert "ResourcePolicy" not in standby.get_resource_policy(SecretId=NAME)
    primary.put_resource_policy(SecretId=NAME, ResourcePolicy='{"Statement": []}')
    answer = standby.get_resource_policy(SecretId=NAME)
    assert answer["ResourcePolicy"] == '{"Statement": []}'
    assert answer["ARN"].split(":")[3] == DR


@pytest.mark.parametrize("change", ["put_resource_policy", "delete_resource_policy"])
def test_a_change_of_its_policy_modifies_a_secret_and_its_replica(aws: Clients, change: str) -> None:
    primary, standby = _pair(aws)
    primary.put_resource_policy(SecretId=NAME, ResourcePolicy='{"Statement": []}')
    secret = secretsmanager_backends[ACCOUNT][PRIMARY].secrets[NAME]
    assert isinstance(secret, FakeSecret)
    secret.last_changed_date = 1
    more = {"ResourcePolicy": '{"Statement": []}'} if change == "put_resource_policy" else {}
    getattr(primary, change)(SecretId=NAME, **more)
    for client in (primary, standby):
        assert client.describe_secret(SecretId=NAME)["LastChangedDate"].year > 2000


def test_a_secret_can_be_replicated_later_and_once(aws: Clients) -> None:
    primary = aws("secretsmanager", PRIMARY)
    primary.create_secret(Name=NAME, SecretString="one")
    assert "ReplicationStatus" not in primary.describe_secret(SecretId=NAME)
    primary.replicate_secret_to_regions(SecretId=NAME, AddReplicaRegions=[{"Region": DR}])
    assert aws("secretsmanager", DR).get_secret_value(SecretId=NAME)["SecretString"] == "one"
    with pytest.raises(ClientError, match="already replicated"):
        primary.replicate_secret_to_regions(SecretId=NAME, AddReplicaRegions=[{"Region": DR}])
    assert len(primary.describe_secret(SecretId=NAME)["ReplicationStatus"]) == 1


def test_a_replica_is_read_only_and_has_a_key_of_its_own(aws: Clients) -> None:
    key = aws("kms", DR).create_key()["KeyMetadata"]["Arn"]
    primary, standby = _pair(aws, KmsKeyId=key)
    value = {"SecretString": "x"}
    for write, params in (
        (standby.put_secret_value, value),
        (standby.update_secret, value),
        (standby.delete_secret, {}),
    ):
        with pytest.raises(ClientError, match="replica"):
            write(SecretId=NAME, **params)
    assert standby.describe_secret(SecretId=NAME)["KmsKeyId"] == key
    assert "KmsKeyId" not in primary.describe_secret(SecretId=NAME)
    assert primary.describe_secret(SecretId=NAME)["ReplicationStatus"][0]["KmsKeyId"] == key


def test_a_removed_region_holds_nothing(aws: Clients) -> None:
    primary, standby = _pair(aws)
    primary.remove_regions_from_replication(SecretId=NAME, RemoveReplicaRegions=[DR])
    assert standby.list_secrets()["SecretList"] == []
    assert "ReplicationStatus" not in primary.describe_secret(SecretId=NAME)
    assert primary.get_secret_value(SecretId=NAME)["SecretString"] == "one"


def test_a_promoted_replica_stands_alone(aws: Clients) -> None:
    primary, standby = _pair(aws)
    before, arn = _versions(standby), standby.describe_secret(SecretId=NAME)["ARN"]
    standby.stop_replication_to_replica(SecretId=NAME)
    seen = standby.describe_secret(SecretId=NAME)
    assert "PrimaryRegion" not in seen
    assert (seen["ARN"], _versions(standby)) == (arn, before)
    assert "ReplicationStatus" not in primary.describe_secret(SecretId=NAME)
    standby.put_secret_value(SecretId=NAME, SecretString="recovered")
    assert standby.get_secret_value(SecretId=NAME)["SecretString"] == "recovered"
    assert primary.get_secret_value(SecretId=NAME)["SecretString"] == "one"
    with pytest.raises(ClientError, match="not a replica"):
        standby.stop_replication_to_replica(SecretId=NAME)


def test_twenty_secrets_are_read_at_once_from_the_replica_region(aws: Clients) -> None:
    primary = aws("secretsmanager", PRIMARY)
    names = [f"secret-{number}" for number in range(20)]
    for name in names:
        primary.create_secret(Name=name, SecretString=name, AddReplicaRegions=[{"Region": DR}])
    standby = aws("secretsmanager", DR)
    answer = standby.batch_get_secret_value(SecretIdList=names)
    assert {secret["Name"]: secret["SecretString"] for secret in answer["SecretValues"]} == {
        name: name for name in names
    }
    missing = standby.batch_get_secret_value(SecretIdList=["nobody"])
    assert missing["Errors"][0]["SecretId"] == "nobody"
    with pytest.raises(ClientError):
        standby.batch_get_secret_value(SecretIdList=[*names, "one-too-many"])


def test_a_secret_is_found_by_name_arn_and_partial_arn_alone(aws: Clients) -> None:
    primary, standby = _pair(aws)
    for client in (primary, standby):
        arn = client.describe_secret(SecretId=NAME)["ARN"]
        for key in (NAME, arn, arn.rpartition("-")[0]):
            assert client.get_secret_value(SecretId=key)["ARN"] == arn
        for key in (NAME[:-1], f"{arn[:-1]}_", arn.replace(client.meta.region_name, "us-east-1")):
            with pytest.raises(ClientError, match="ResourceNotFoundException"):
                client.get_secret_value(SecretId=key)
