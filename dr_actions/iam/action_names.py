"""Which IAM actions an API operation needs. Most have the operation's own name; the exceptions are here. Pure.

Source: AWS Service Authorization Reference, "Actions, resources, and condition keys". A test compares every action of
every policy with the published table of actions.
"""

from __future__ import annotations

from collections.abc import Iterable

from dr_actions.actions.registry import actions
from dr_actions.control_table.table import CONTROL_CALLS
from dr_actions.guard.destructive_operations import is_read
from dr_actions.model.action import TO_DR, TO_PRIMARY
from dr_estate.model.playbook import COPIED

# Services whose IAM prefix is not their name in botocore.
_PREFIX = {
    "efs": "elasticfilesystem",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "resourcegroupstaggingapi": "tag",
    "s3control": "s3",
    "service-quotas": "servicequotas",
    "sesv2": "ses",
    "stepfunctions": "states",
}
_EXCEPTIONS: dict[str, tuple[str, ...]] = {
    "dynamodb:ExecuteStatement": ("dynamodb:PartiQLSelect",),
    "dynamodb:TransactGetItems": ("dynamodb:GetItem",),
    "dynamodb:TransactWriteItems": ("dynamodb:ConditionCheckItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
    "lambda:Invoke": ("lambda:InvokeFunction",),
    "s3:CopyObject": (
        *("s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionTagging"),
        *("s3:GetObjectAnnotation", "s3:GetObjectVersionAnnotation"),
        *("s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectAnnotation"),
    ),
    "s3:CompleteMultipartUpload": ("s3:PutObject",),
    "s3:CreateMultipartUpload": ("s3:PutObject", "s3:PutObjectTagging"),
    "s3:DeleteObjects": ("s3:DeleteObject",),
    "s3:GetBucketAccelerateConfiguration": ("s3:GetAccelerateConfiguration",),
    "s3:GetBucketCors": ("s3:GetBucketCORS",),
    "s3:GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
    "s3:GetBucketLifecycleConfiguration": ("s3:GetLifecycleConfiguration",),
    "s3:GetBucketNotificationConfiguration": ("s3:GetBucketNotification",),
    "s3:GetBucketReplication": ("s3:GetReplicationConfiguration",),
    "s3:GetObjectLockConfiguration": ("s3:GetBucketObjectLockConfiguration",),
    "s3:GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:GetObjectTagging": ("s3:GetObjectTagging", "s3:GetObjectVersionTagging"),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:ListBuckets": ("s3:ListAllMyBuckets",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:ListObjects": ("s3:ListBucket",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:PutBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "s3:PutBucketReplication": ("s3:PutReplicationConfiguration",),
    "s3:PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "s3:UploadPartCopy": ("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"),
    "secretsmanager:BatchGetSecretValue": ("secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue"),
}
# What AWS does in the caller's name while it serves the call.
_BESIDE: dict[str, tuple[str, ...]] = {
    "backup:StartBackupJob": ("iam:PassRole",),
    "backup:StartRestoreJob": ("iam:PassRole", "kms:CreateGrant"),
    "ecs:RegisterTaskDefinition": ("iam:PassRole",),
    "ecs:RunTask": ("ecs:TagResource", "iam:PassRole"),
    "elasticfilesystem:CreateAccessPoint": ("elasticfilesystem:TagResource",),
    "elasticfilesystem:CreateMountTarget": ("ec2:CreateNetworkInterface",),
    "elasticfilesystem:CreateReplicationConfiguration": (
        *("elasticfilesystem:ReplicationRead", "elasticfilesystem:ReplicationWrite"),
    ),
    "elasticfilesystem:DeleteMountTarget": ("ec2:DeleteNetworkInterface",),
    "rds:CreateDBInstanceReadReplica": ("kms:CreateGrant", "rds:AddTagsToResource"),
    "rds:PromoteReadReplica": ("rds:AddTagsToResource",),
    "rds:RestoreDBInstanceFromDBSnapshot": ("kms:CreateGrant", "rds:AddTagsToResource"),
    "rds:RestoreDBInstanceToPointInTime": ("kms:CreateGrant", "rds:AddTagsToResource"),
    "rds:StartDBInstanceAutomatedBackupsReplication": ("kms:CreateGrant",),
    "s3:CopyObject": ("kms:Decrypt", "kms:GenerateDataKey"),
    "s3:CreateJob": ("iam:PassRole", "s3:PutJobTagging"),
    "s3:CreateMultipartUpload": ("kms:Decrypt", "kms:GenerateDataKey"),
    "s3:UploadPartCopy": ("kms:Decrypt", "kms:GenerateDataKey"),
    "secretsmanager:GetSecretValue": ("kms:Decrypt",),
    "secretsmanager:BatchGetSecretValue": ("kms:Decrypt",),
    "secretsmanager:PutSecretValue": ("kms:Decrypt", "kms:GenerateDataKey"),
    "secretsmanager:ReplicateSecretToRegions": ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"),
    "secretsmanager:StopReplicationToReplica": ("kms:Decrypt", "kms:GenerateDataKey"),
    "secretsmanager:UpdateSecret": ("kms:Decrypt", "kms:GenerateDataKey"),
    "ssm:GetParametersByPath": ("kms:Decrypt",),
    "wafv2:GetWebACLForResource": ("wafv2:GetWebACL",),
}


def actions_of(operation: str) -> frozenset[str]:
    """The IAM actions that ``service:Operation`` (botocore's names, or IAM's) needs."""
    service, name = operation.split(":")
    prefix = _PREFIX.get(service, service)
    mapped = f"{prefix}:{name}"
    return frozenset((*_EXCEPTIONS.get(mapped, (mapped,)), *_BESIDE.get(mapped, ())))


# The IAM actions of a recovery and its failback, from what the actions declare and the control table sends. Pure.
#
# The rooms below, which judge whether an operator has these rights, read them in `dr_estate/model/playbook_actions.py`:
# `make docs` writes that file, and a test keeps it fresh.

_DECRYPT = "kms:Decrypt"  # a service asks for it in the caller's name: it changes nothing, whatever its name is


def recovery_writes() -> tuple[str, ...]:
    """What changes something, sorted."""
    recovering = (action for action in actions().values() if action.goals & (TO_DR | TO_PRIMARY))
    sent = _in_iams_words(CONTROL_CALLS, *(action.writes for action in recovering))
    return tuple(sorted(name for name in sent if not _looks(name)))


def recovery_reads() -> tuple[str, ...]:
    """What the actions and the control table look at while they act, sorted; of objects failback policies say which."""
    read = _in_iams_words(*(action.reads for action in actions().values()))
    record = {name for name in _in_iams_words(CONTROL_CALLS) if _looks(name)}
    return tuple(sorted((read | record) - COPIED))


def _looks(name: str) -> bool:
    return name == _DECRYPT or is_read(name.partition(":")[2])


def _in_iams_words(*operations: Iterable[str]) -> set[str]:
    return {name for group in operations for operation in group for name in actions_of(operation)}
