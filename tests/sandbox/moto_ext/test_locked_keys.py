"""Keys named by ARN change their state, and a secret whose key does not work cannot be read."""

from __future__ import annotations

from tests.sandbox.moto_ext.conftest import DR, PRIMARY, Clients


def test_a_key_may_be_disabled_and_deleted_by_its_arn(aws: Clients) -> None:
    kms = aws("kms", DR)
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    kms.disable_key(KeyId=arn)
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "Disabled"
    kms.enable_key(KeyId=arn)
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    kms.cancel_key_deletion(KeyId=arn)
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "Disabled"


def test_a_secret_under_a_disabled_key_is_among_the_errors_of_a_batch(aws: Clients) -> None:
    kms, secrets = aws("kms", DR), aws("secretsmanager", DR)
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    secrets.create_secret(Name="locked", SecretString="one", KmsKeyId=arn)
    secrets.create_secret(Name="open", SecretString="two")
    kms.disable_key(KeyId=arn)
    response = secrets.batch_get_secret_value(SecretIdList=["locked", "open"])
    assert [(error["SecretId"], error["ErrorCode"]) for error in response["Errors"]] == [
        ("locked", "DecryptionFailure")
    ]
    assert [secret["Name"] for secret in response["SecretValues"]] == ["open"]


def test_the_replicas_key_locks_the_replica_alone(aws: Clients) -> None:
    kms = aws("kms", DR)
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    primary = aws("secretsmanager", PRIMARY)
    replica = {"Region": DR, "KmsKeyId": arn}
    primary.create_secret(Name="shop", SecretString="one", AddReplicaRegions=[replica])
    kms.disable_key(KeyId=arn)
    assert aws("secretsmanager", DR).batch_get_secret_value(SecretIdList=["shop"])["SecretValues"] == []
    assert len(primary.batch_get_secret_value(SecretIdList=["shop"])["SecretValues"]) == 1
