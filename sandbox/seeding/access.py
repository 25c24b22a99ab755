"""IAM roles and KMS keys.

Secrets share one multi-Region key, so that a replica opens with the DR region's own half of it (T18, T19). All other
copies are encrypted again under a key that lives in the DR region.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from moto.kms.models import kms_backends

from sandbox.seeding.site import Estate, Site, as_list, tag_map

ROLES = {
    "execution": ("{env}-ecs-execution-role", "ecs-tasks.amazonaws.com"),
    "task": ("{env}-ecs-task-role", "ecs-tasks.amazonaws.com"),
    "backup": ("{env}-backup-role", "backup.amazonaws.com"),
    "replication": ("{env}-s3-replication-role", "s3.amazonaws.com"),
}
ALLOWED = {
    # S3 Batch Replication (S3 guide, configuring an IAM role for S3 Batch Replication).
    "batch": ["s3:GetReplicationConfiguration", "s3:InitiateReplication", "s3:PutInventoryConfiguration"],
    # Image, secrets and log stream are fetched by the execution role
    # before a container runs (ECS guide, task execution role).
    "execution": [
        "ecr:GetAuthorizationToken",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
        "secretsmanager:GetSecretValue",
        "kms:Decrypt",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    ],
    "task": ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite", "s3:GetObject", "s3:PutObject"],
    "backup": [
        "backup:*",
        # AWS Backup keeps a database's recovery point as a snapshot of RDS.
        "rds:*Snapshot*",
        "elasticfilesystem:Backup",
        "elasticfilesystem:CreateFileSystem",
        "elasticfilesystem:Restore",
        "dynamodb:*Backup*",
        "kms:CreateGrant",
        "kms:DescribeKey",
        "s3:Get*",
        "tag:*",
    ],
    # What S3 itself does in the name of the role (S3 guide, setting up permissions for live replication).
    "replication": [
        "s3:GetReplicationConfiguration",
        "s3:ListBucket",
        "s3:GetObjectVersion*",
        "s3:Replicate*",
        "kms:Decrypt",
        "kms:Encrypt",
    ],
}


def build(estate: Estate) -> None:
    """Make the roles of the account and the keys of both regions."""
    for purpose, (pattern, service) in ROLES.items():
        estate.roles[purpose] = _role(estate, purpose, estate.environment.named(pattern), service)
    if batch_role := estate.environment.failback.objects_batch_role:
        _role(estate, "batch", batch_role.rpartition("/")[2], "batchoperations.s3.amazonaws.com")
    _secrets_key(estate)
    _evidence_key(estate)
    env = estate.environment
    estate.dr.client("logs").create_log_group(logGroupName=env.named(env.names.anchor_log), tags=tag_map(env))
    for site in estate.sites:
        for purpose in ("efs", "backup"):
            site.keys[purpose] = _key(site, f"alias/{site.environment.name}-{purpose}", purpose)
    env = estate.environment
    estate.primary.keys["rds"] = _key(estate.primary, f"alias/{env.name}-rds", "rds")
    estate.dr.keys["rds"] = _copy_key(estate.dr, env.named(env.names.db_copy_key_alias))


def _evidence_key(estate: Estate) -> None:
    """The control stack's key that signs evidence."""
    env, kms = estate.environment, estate.dr.client("kms")
    alias = env.named(env.names.evidence_key)
    tags = as_list(tag_map(env, alias), "TagKey", "TagValue")
    # An asymmetric key has no rotation and cannot encrypt: it is for signatures alone (KMS guide, asymmetric keys).
    key = kms.create_key(Description="Signs evidence", KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256", Tags=tags)
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyMetadata"]["KeyId"])


def _role(estate: Estate, purpose: str, name: str, service: str) -> str:
    iam = estate.world_wide("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    policy = {"Effect": "Allow", "Action": ALLOWED[purpose], "Resource": "*"}
    response = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=_document(trust), Tags=as_list(tag_map(estate.environment, name))
    )
    iam.put_role_policy(RoleName=name, PolicyName=purpose, PolicyDocument=_document(policy))
    return str(response["Role"]["Arn"])


def _document(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _secrets_key(estate: Estate) -> None:
    alias = f"alias/{estate.environment.name}-secrets"
    tags = as_list(tag_map(estate.environment, alias), "TagKey", "TagValue")
    primary, dr = estate.primary.client("kms"), estate.dr.client("kms")
    # A key is multi-Region from its creation or never (KMS guide, multi-Region keys).
    key = primary.create_key(Description="Tenants' secrets", MultiRegion=True, Tags=tags)["KeyMetadata"]
    primary.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    # The replica has the same key material and id, but aliases, tags and policy of its own.
    copy = primary.replicate_key(
        KeyId=key["KeyId"], ReplicaRegion=estate.dr.region, Description="Tenants' secrets", Tags=tags
    )["ReplicaKeyMetadata"]
    dr.create_alias(AliasName=alias, TargetKeyId=copy["KeyId"])
    estate.primary.keys["secrets"], estate.dr.keys["secrets"] = key["Arn"], copy["Arn"]


def _copy_key(site: Site, ref: str) -> str:
    """The key of the database's copies as the settings name it: an alias of the team's or of AWS's, or a key."""
    if ref.startswith("alias/aws/"):
        return str(site.client("kms").describe_key(KeyId=ref)["KeyMetadata"]["Arn"])
    if ref.startswith("alias/"):
        return _key(site, ref, "rds copies")
    arn = _key(site, f"alias/{site.environment.name}-rds-copies", "rds copies")
    # KMS chooses a key's id, and the settings know it already.
    kms = kms_backends[site.environment.account][site.region]
    key = kms.keys.pop(arn.rpartition("/")[2])
    kms.tagger.copy_tags(key.id, ref.rpartition("/")[2])
    key.id, key.arn = ref.rpartition("/")[2], ref
    kms.keys[key.id] = key
    return ref


def _key(site: Site, alias: str, purpose: str) -> str:
    kms = site.client("kms")
    tags = as_list(tag_map(site.environment, alias), "TagKey", "TagValue")
    key = kms.create_key(Description=f"{site.environment.name} {purpose}", Tags=tags)["KeyMetadata"]
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    kms.enable_key_rotation(KeyId=key["KeyId"])
    return str(key["Arn"])
