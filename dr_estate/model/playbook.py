"""The playbooks as data: each step's owner, the IAM actions it needs, and the control planes it depends on.

A control plane named here must answer for the step to be taken; reads and data planes are not listed. Route 53, IAM and
CloudFront are changed through us-east-1 alone, wherever the estate is (T01, T14).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Plane(StrEnum):
    """A control plane that can be down on its own."""

    PRIMARY = "primary region"
    DR = "DR region"
    GLOBAL = "us-east-1 (global services)"


@dataclass(frozen=True, slots=True)
class PlaybookStep:
    """One step. ``needs`` are the planes it cannot be taken without; ``emergency`` says what is done without them.

    ``actions`` are the IAM actions that change something in the DR region or the global one, ``failback`` those that a
    failback sends to the primary region, ``looks`` those that only look.
    """

    number: int
    name: str
    owner: str
    actions: tuple[str, ...]
    needs: tuple[Plane, ...]
    emergency: str = ""
    looks: tuple[str, ...] = ()
    failback: tuple[str, ...] = ()


# What Terraform is given where it raises a tenant's services: no action sends it.
PROVISIONING = ("ecs:CreateService", "elasticloadbalancing:CreateRule")

FAILOVER = (
    PlaybookStep(
        1,
        "detect: primary region failure confirmed",
        "Monitoring Agent",
        (),
        (),
        looks=("cloudwatch:GetMetricData",),
    ),
    PlaybookStep(2, "assess the situation", "DR Manager", (), (), looks=("sts:GetCallerIdentity",)),
    PlaybookStep(
        3,
        "decide go or no-go",
        "Platform Admin",
        ("dynamodb:PutItem", "dynamodb:UpdateItem"),
        (Plane.DR,),
        looks=("dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:Query"),
    ),
    PlaybookStep(
        4,
        "failover begins",
        "DR Manager",
        (
            *("application-autoscaling:RegisterScalableTarget", "dynamodb:UpdateItem", "ecs:UpdateService"),
            *("rds:ModifyDBParameterGroup", "sns:Publish"),
        ),
        (Plane.DR,),
    ),
    PlaybookStep(
        5,
        "provision DR infrastructure",
        "Terraform",
        PROVISIONING,
        (Plane.DR,),
        "a warm standby has it already: skip",
        looks=("ec2:DescribeSubnets",),
    ),
    PlaybookStep(
        6,
        "restore data from backups or replicas",
        "Backup Manager",
        (
            "rds:PromoteReadReplica",
            "rds:RestoreDBInstanceToPointInTime",
            "rds:RestoreDBInstanceFromDBSnapshot",
            "rds:AddTagsToResource",
            "rds:ModifyDBInstance",
            "elasticfilesystem:DeleteReplicationConfiguration",
            "backup:StartRestoreJob",
            "iam:PassRole",
            "kms:CreateGrant",
            "kms:GenerateDataKey",
            "secretsmanager:StopReplicationToReplica",
            "secretsmanager:PutSecretValue",
            "ecs:RegisterTaskDefinition",
            "ecs:RunTask",
            "ecs:TagResource",
            "ecs:UpdateService",
            "elasticfilesystem:CreateAccessPoint",
            "elasticfilesystem:CreateMountTarget",
            "elasticfilesystem:TagResource",
            "ec2:CreateNetworkInterface",
            "application-autoscaling:RegisterScalableTarget",
        ),
        (Plane.DR,),
        looks=("ecs:DescribeTaskDefinition", "kms:Decrypt", "secretsmanager:GetSecretValue"),
    ),
    PlaybookStep(
        7,
        "shift traffic in Route 53",
        "Platform Admin",
        ("elasticloadbalancing:ModifyListener", "route53:ChangeResourceRecordSets", "route53:UpdateHealthCheck"),
        (Plane.GLOBAL,),
        "a pair made beforehand moves by the health of the primary region, in the data plane",
        looks=("route53:GetChange",),
    ),
    PlaybookStep(8, "validate that tenants are reachable", "Monitoring Agent", (), (), looks=("ecs:DescribeServices",)),
    PlaybookStep(9, "notify stakeholders", "SNS", ("sns:Publish",), (Plane.DR,)),
)

# EFS asks for both of who begins a replication, of the source and of the destination (T77). The role that EFS does the
# work with is there: it made the mount targets.
_REPLICATE_FILES = ("elasticfilesystem:ReplicationRead", "elasticfilesystem:ReplicationWrite")

FAILBACK = (
    PlaybookStep(
        1,
        "confirm that the primary region recovered",
        "Monitoring Agent",
        (),
        (),
        looks=("cloudwatch:GetMetricData",),
    ),
    PlaybookStep(
        2,
        "sync data from DR to primary",
        "Backup Manager",
        (
            *("backup:StartBackupJob", "iam:PassRole", "kms:CreateGrant"),
            *("elasticfilesystem:CreateReplicationConfiguration", "elasticfilesystem:DeleteReplicationConfiguration"),
            *_REPLICATE_FILES,
            *("elasticfilesystem:DeleteFileSystemPolicy", "elasticfilesystem:PutFileSystemPolicy"),
            *("rds:AddTagsToResource", "rds:CreateDBInstanceReadReplica"),
            *("rds:ModifyDBInstance", "rds:ModifyDBParameterGroup", "ecs:RunTask", "dynamodb:PutItem"),
            "rds:StopDBInstanceAutomatedBackupsReplication",
        ),
        (Plane.PRIMARY, Plane.DR),
        looks=("dynamodb:GetItem", "s3:ListBucketVersions"),
        failback=(
            *("application-autoscaling:RegisterScalableTarget", "ecs:UpdateService"),
            *("backup:StartBackupJob", "iam:PassRole", "kms:CreateGrant", "kms:GenerateDataKey"),
            *("elasticfilesystem:DeleteReplicationConfiguration", "elasticfilesystem:UpdateFileSystemProtection"),
            *("rds:AddTagsToResource", "rds:CreateDBInstanceReadReplica", "rds:ModifyDBInstance"),
            *("rds:PromoteReadReplica", "s3:PutObject", "s3:PutObjectAnnotation", "s3:PutObjectTagging"),
        ),
    ),
    PlaybookStep(
        3,
        "validate the primary infrastructure",
        "Monitoring Agent",
        (),
        (),
        looks=("ecs:DescribeServices", "ecs:DescribeTaskDefinition", "kms:Decrypt", "secretsmanager:GetSecretValue"),
        failback=(
            *("application-autoscaling:RegisterScalableTarget", "ecs:UpdateService"),
            *("ecs:RegisterTaskDefinition", "ecs:TagResource", "iam:PassRole"),
            *("kms:GenerateDataKey", "secretsmanager:PutSecretValue"),
        ),
    ),
    PlaybookStep(
        4,
        "shift traffic in stages",
        "Platform Admin",
        ("elasticloadbalancing:ModifyListener", "route53:ChangeResourceRecordSets", "route53:UpdateHealthCheck"),
        (Plane.GLOBAL,),
        "none: weights are control-plane calls, so wait",
    ),
    PlaybookStep(
        5, "switch DNS to the primary", "Platform Admin", ("route53:ChangeResourceRecordSets",), (Plane.GLOBAL,)
    ),
    PlaybookStep(
        6,
        "stop DR services",
        "DR Manager",
        (
            *("application-autoscaling:RegisterScalableTarget", "ecs:UpdateService", "sns:Publish"),
            *("elasticfilesystem:DeleteFileSystemPolicy", "elasticfilesystem:PutFileSystemPolicy"),
            *("elasticfilesystem:UpdateFileSystemProtection", "kms:CreateGrant", "kms:Encrypt", "kms:GenerateDataKey"),
            *("rds:AddTagsToResource", "rds:CreateDBInstanceReadReplica", "rds:ModifyDBInstance"),
            *("rds:ModifyDBParameterGroup", "rds:StartDBInstanceAutomatedBackupsReplication"),
            "dynamodb:DeleteItem",
        ),
        (Plane.DR,),
        # RDS asks the source's region too, in the caller's name (RDS User Guide, cross-Region read replicas)
        failback=(
            *("elasticfilesystem:CreateReplicationConfiguration", *_REPLICATE_FILES),
            *("s3:PutObject", "s3:PutObjectAnnotation", "s3:PutObjectTagging"),
            *("rds:CreateDBInstanceReadReplica", "rds:StartDBInstanceAutomatedBackupsReplication"),
            *("kms:GenerateDataKey", "secretsmanager:ReplicateSecretToRegions"),
        ),
    ),
    PlaybookStep(7, "review the incident", "DR Manager", (), (), looks=("dynamodb:Query",)),
)

# Away from the primary region this alone is done to it: taking its services down, a last marker, and telling.
FENCING = frozenset(
    {
        *("application-autoscaling:RegisterScalableTarget", "ecs:UpdateService"),
        *("ecs:RunTask", "iam:PassRole"),
        *("rds:ModifyDBParameterGroup", "sns:Publish"),
    }
)

# What a failback does there beyond that. It deletes nothing but the dead half of a replication (T27).
FAILBACK_WRITES = frozenset(action for step in FAILBACK for action in step.failback) - FENCING

# What a failback does with its markers in the platform's tables of the DR region: with those alone, by their key.
MARKING = frozenset({"dynamodb:DeleteItem", "dynamodb:PutItem"})

# What S3 reads of an object of the DR region's bucket that it copies to the primary region (API_CopyObject).
COPIED = frozenset(
    {
        *("s3:GetObject", "s3:GetObjectAnnotation", "s3:GetObjectTagging"),
        *("s3:GetObjectVersion", "s3:GetObjectVersionAnnotation", "s3:GetObjectVersionTagging"),
    }
)
# What it reads of the object there that is replaced only while it is unchanged (S3 User Guide, "Conditional writes").
REPLACED = frozenset({"s3:GetObject"})

# What a job of S3 Batch Replication takes, where the environment file names a role for it; nobody else may start one.
REPLICATING = frozenset({"s3:CreateJob", "s3:PutJobTagging", "s3:UpdateJobStatus"})

# What a drill does beyond a recovery, in the DR region and of its canary's records: it makes, asks and takes away.
DRILLING = (
    *("ecs:RunTask", "ecs:StopTask", "ecs:TagResource"),
    *("elasticfilesystem:CreateAccessPoint", "elasticfilesystem:DeleteAccessPoint", "elasticfilesystem:TagResource"),
    *("elasticfilesystem:DeleteFileSystem", "elasticfilesystem:DeleteMountTarget"),
    *("ec2:DeleteNetworkInterface", "rds:DeleteDBInstance", "route53:ChangeResourceRecordSets"),
)

# What a restore test and its clean-up do beyond that, in the DR region, where nobody may hold a full drill.
TRYING = (
    *("backup:StartRestoreJob", "iam:PassRole", "kms:CreateGrant"),
    *("rds:AddTagsToResource", "rds:ModifyDBInstance"),
    *("rds:RestoreDBInstanceFromDBSnapshot", "rds:RestoreDBInstanceToPointInTime"),
)

# Primary data is never deleted: the operator must not even be able to.
FORBIDDEN = (
    "dynamodb:DeleteTable",
    "elasticfilesystem:DeleteFileSystem",
    "rds:DeleteDBInstance",
    "s3:DeleteBucket",
)


def changing_actions() -> tuple[str, ...]:
    """Every IAM action by which a step of either playbook changes something away from the primary region, sorted."""
    return tuple(sorted({action for step in (*FAILOVER, *FAILBACK) for action in step.actions}))


def read_actions() -> tuple[str, ...]:
    """Every IAM action by which a step of either playbook looks, sorted. Decrypting what is read is looking."""
    return tuple(sorted({action for step in (*FAILOVER, *FAILBACK) for action in step.looks}))


def needed_actions() -> tuple[str, ...]:
    """Every IAM action that a step of either playbook needs, sorted."""
    return tuple(sorted({*changing_actions(), *read_actions(), *FAILBACK_WRITES}))
