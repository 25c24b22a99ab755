"""Keys that no longer open what was encrypted under them (T19)."""

from __future__ import annotations

import json

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.world.world import World


def _key(world: World, side: Side, purpose: str) -> str:
    """The ARN of the key that the alias of ``purpose`` names on ``side``."""
    alias = f"alias/{world.environment.name}-{purpose}"
    return str(world.call(side, "kms", "DescribeKey", KeyId=alias)["KeyMetadata"]["Arn"])


@disaster(
    "kms-secrets-key-disabled",
    "The key of the tenants' secrets was disabled in the DR region",
    trips=("kms.key-usable", "secrets.decryptable"),
)
def secrets_key_disabled(world: World) -> None:
    """Disable the DR region's half of the key: no secret can be read there."""
    key = _key(world, Side.DR, "secrets")
    world.undo(Side.DR, "kms", "EnableKey", KeyId=key)
    world.call(Side.DR, "kms", "DisableKey", KeyId=key)


@disaster(
    "kms-files-key-deleted",
    "The key of the DR region's file system is scheduled for deletion",
    trips=("kms.key-usable",),
)
def files_key_deleted(world: World) -> None:
    """Schedule the deletion of the key that the copies of the files are encrypted under."""
    key = _key(world, Side.DR, "efs")
    # In this order, for the last is replayed first: a cancelled key is Disabled (API_CancelKeyDeletion).
    for operation in ("EnableKey", "CancelKeyDeletion"):
        world.undo(Side.DR, "kms", operation, KeyId=key)
    world.call(Side.DR, "kms", "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)


@disaster(
    "kms-objects-key-closed",
    "One bucket copy encrypts uploads under a key that no policy lets the tasks use",
    trips=("roles.store-keys-allowed",),
)
def objects_key_closed(world: World) -> None:
    """Encrypt what is uploaded to the copy under the files' key: IAM lets the tasks use none."""
    env = world.environment
    copy = env.named(env.names.bucket_copy, bucket=env.named(env.names.buckets[0]))
    before = world.call(Side.DR, "s3", "GetBucketEncryption", Bucket=copy)["ServerSideEncryptionConfiguration"]
    how = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": _key(world, Side.DR, "efs")}
    closed = {"Rules": [{"ApplyServerSideEncryptionByDefault": how}]}
    for turn, configuration in ((world.undo, before), (world.call, closed)):
        turn(Side.DR, "s3", "PutBucketEncryption", Bucket=copy, ServerSideEncryptionConfiguration=configuration)


@disaster(
    "kms-source-key-disabled", "The key of the primary region's files was disabled", trips=("kms.source-key-usable",)
)
def source_key_disabled(world: World) -> None:
    """Disable the key that the originals of the files are encrypted under."""
    key = _key(world, Side.PRIMARY, "efs")
    world.undo(Side.PRIMARY, "kms", "EnableKey", KeyId=key)
    world.call(Side.PRIMARY, "kms", "DisableKey", KeyId=key)


@disaster(
    "kms-key-not-related",
    "One secret was moved to a multi-Region key that the DR region does not have",
    trips=("kms.related-key",),
)
def key_not_related(world: World) -> None:
    """Make a multi-Region key without a replica, and encrypt the master credentials under it."""
    name = world.environment.named(world.environment.names.master_secret)
    before = _key(world, Side.PRIMARY, "secrets")
    key = world.call(Side.PRIMARY, "kms", "CreateKey", MultiRegion=True)["KeyMetadata"]["Arn"]
    # Recorded before the secret's undo: no secret uses the key when it goes. Seven days are KMS's least.
    world.undo(Side.PRIMARY, "kms", "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    for turn, wanted in ((world.undo, before), (world.call, key)):
        turn(Side.PRIMARY, "secretsmanager", "UpdateSecret", SecretId=name, KmsKeyId=wanted)


@disaster(
    "kms-policy-narrowed",
    "The policy of a key in the DR region admits nobody but an administrator",
    trips=("kms.policy-parity", "roles.tasks-allowed"),
)
def policy_narrowed(world: World) -> None:
    """Put a policy that names one role alone: the tasks' roles are refused, whatever IAM says."""
    key = _key(world, Side.DR, "secrets")
    admin = f"arn:aws:iam::{world.environment.account}:role/key-administrator"
    statement = {"Effect": "Allow", "Principal": {"AWS": admin}, "Action": "kms:*", "Resource": "*"}
    narrow = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    before = world.call(Side.DR, "kms", "GetKeyPolicy", KeyId=key, PolicyName="default")["Policy"]
    for turn, policy in ((world.undo, before), (world.call, narrow)):
        turn(Side.DR, "kms", "PutKeyPolicy", KeyId=key, PolicyName="default", Policy=policy)


disaster(
    "secrets-key-denies-tasks",
    "The policy of the secrets' key in the DR region denies everybody to decrypt",
    trips=("roles.tasks-allowed",),
    # Add a deny to the key's policy: it wins over all that IAM allows.
    run=lambda world: _deny_decryption(world, _key(world, Side.DR, "secrets")),
)

disaster(
    "kms-files-key-denies",
    "The policy of the files' key in the DR region denies everybody to decrypt, EFS too",
    trips=("kms.services-admitted",),
    # Add a deny to the key's policy: it wins over the grant by which EFS uses the key.
    run=lambda world: _deny_decryption(world, _key(world, Side.DR, "efs")),
)

disaster(
    "kms-source-key-denies",
    "The policy of the database's key in the primary region denies everybody to decrypt, RDS too",
    trips=("kms.source-key-usable",),
    # Add a deny to the key's policy: what is under it can be copied no more.
    run=lambda world: _deny_decryption(world, _key(world, Side.PRIMARY, "rds"), Side.PRIMARY),
)


@disaster(
    "kms-copy-alias-deleted",
    "The alias of the key for copies of the database was deleted in the DR region",
    trips=("rds-copy.key-usable",),
)
def copy_alias_deleted(world: World) -> None:
    """Delete the alias: today's copies have their key, and no replication can be started with it."""
    alias = world.environment.named(world.environment.names.db_copy_key_alias)
    key = world.call(Side.DR, "kms", "DescribeKey", KeyId=alias)["KeyMetadata"]["Arn"]
    world.undo(Side.DR, "kms", "CreateAlias", AliasName=alias, TargetKeyId=key)
    world.call(Side.DR, "kms", "DeleteAlias", AliasName=alias)


def _deny_decryption(world: World, key: str, side: Side = Side.DR) -> None:
    before = world.call(side, "kms", "GetKeyPolicy", KeyId=key, PolicyName="default")["Policy"]
    # A deny of kms:* would refuse the PutKeyPolicy of the repair too.
    denial = {"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}
    found = json.loads(before)
    closed = json.dumps({**found, "Statement": [*found["Statement"], denial]})
    for turn, policy in ((world.undo, before), (world.call, closed)):
        turn(side, "kms", "PutKeyPolicy", KeyId=key, PolicyName="default", Policy=policy)
