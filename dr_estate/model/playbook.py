"""The playbooks as data: each step's owner and the control planes it depends on, and the IAM actions that both need.

A control plane named here must answer for the step to be taken; reads and data planes are not listed. Route 53, IAM and
CloudFront are changed through us-east-1 alone, wherever the estate is (T01, T14).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dr_estate.model.playbook_actions import RECOVERY_READS, RECOVERY_WRITES


class Plane(StrEnum):
    """A control plane that can be down on its own."""

    PRIMARY = "primary region"
    DR = "DR region"
    GLOBAL = "us-east-1 (global services)"


@dataclass(frozen=True, slots=True)
class PlaybookStep:
    """One step. ``needs`` are the planes it cannot be taken without; ``emergency`` says what is done without them."""

    number: int
    name: str
    owner: str
    needs: tuple[Plane, ...] = ()
    emergency: str = ""


FAILOVER = (
    PlaybookStep(1, "detect: primary region failure confirmed", "Monitoring Agent"),
    PlaybookStep(2, "assess the situation", "DR Manager"),
    PlaybookStep(3, "decide go or no-go", "Platform Admin", (Plane.DR,)),
    PlaybookStep(4, "failover begins", "DR Manager", (Plane.DR,)),
    PlaybookStep(5, "provision DR infrastructure", "Terraform", (Plane.DR,), "a warm standby has it already: skip"),
    PlaybookStep(6, "restore data from backups or replicas", "Backup Manager", (Plane.DR,)),
    PlaybookStep(
        7,
        "shift traffic in Route 53",
        "Platform Admin",
        (Plane.GLOBAL,),
        "a pair made beforehand moves by the health of the primary region, in the data plane",
    ),
    PlaybookStep(8, "validate that tenants are reachable", "Monitoring Agent"),
    PlaybookStep(9, "notify stakeholders", "SNS", (Plane.DR,)),
)
FAILBACK = (
    PlaybookStep(1, "confirm that the primary region recovered", "Monitoring Agent"),
    PlaybookStep(2, "sync data from DR to primary", "Backup Manager", (Plane.PRIMARY, Plane.DR)),
    PlaybookStep(3, "validate the primary infrastructure", "Monitoring Agent"),
    PlaybookStep(
        4,
        "shift traffic in stages",
        "Platform Admin",
        (Plane.GLOBAL,),
        "none: weights are control-plane calls, so wait",
    ),
    PlaybookStep(5, "switch DNS to the primary", "Platform Admin", (Plane.GLOBAL,)),
    PlaybookStep(6, "stop DR services", "DR Manager", (Plane.DR,)),
    PlaybookStep(7, "review the incident", "DR Manager"),
)

# What Terraform is given where it raises a tenant's services: no action sends it.
PROVISIONING = ("ecs:CreateService", "elasticloadbalancing:CreateRule")

# EFS asks for both of who begins a replication, of the source and of the destination (T77). The role that EFS does the
# work with is there: it made the mount targets.
REPLICATE_FILES = ("elasticfilesystem:ReplicationRead", "elasticfilesystem:ReplicationWrite")

# What a job of S3 Batch Replication takes, where the environment file names a role for it; nobody else may start one.
REPLICATING = frozenset({"s3:CreateJob", "s3:PutJobTagging", "s3:UpdateJobStatus"})

# A failback's backup of a database for which no vault is named: asked for in such a region alone.
SNAPSHOTS = frozenset({"rds:CreateDBSnapshot"})

# What goes to the primary region alone: the objects' copies, and the secrets' replication in its own direction again.
_AT_PRIMARY_ALONE = frozenset(
    {*("s3:PutObject", "s3:PutObjectAnnotation", "s3:PutObjectTagging"), "secretsmanager:ReplicateSecretToRegions"}
)

# The IAM actions by which a recovery and its failback change something in the DR region or the global one: what the
# actions declare (Action.writes), the control table sends and Terraform is given.
_CHANGING = tuple(sorted({*RECOVERY_WRITES, *PROVISIONING} - REPLICATING - _AT_PRIMARY_ALONE))

# Those by which they look. The others are what the readers and Terraform look at meanwhile.
_LOOKS = tuple(
    sorted(
        {
            *RECOVERY_READS,
            *("cloudwatch:GetMetricData", "ec2:DescribeSubnets", "ecs:DescribeServices", "route53:GetChange"),
            "sts:GetCallerIdentity",
        }
    )
)

# Away from the primary region this alone is done to it: taking its services down, a last marker, and telling.
FENCING = frozenset(
    {
        *("application-autoscaling:RegisterScalableTarget", "ecs:UpdateService"),
        *("ecs:RunTask", "iam:PassRole"),
        *("rds:ModifyDBParameterGroup", "sns:Publish"),
    }
)

# What a failback sends to the primary region beyond that. It deletes nothing but the dead half of a replication (T27).
# For a replica RDS asks the source's region too, in the caller's name (RDS User Guide, cross-Region read replicas).
FAILBACK_WRITES = frozenset(
    (
        *REPLICATE_FILES,
        "backup:StartBackupJob",
        *("ecs:RegisterTaskDefinition", "ecs:TagResource"),
        "elasticfilesystem:CreateReplicationConfiguration",
        *("elasticfilesystem:DeleteReplicationConfiguration", "elasticfilesystem:UpdateFileSystemProtection"),
        *("kms:CreateGrant", "kms:GenerateDataKey"),
        *("rds:AddTagsToResource", "rds:CreateDBInstanceReadReplica"),
        *SNAPSHOTS,
        *("rds:ModifyDBInstance", "rds:PromoteReadReplica", "rds:StartDBInstanceAutomatedBackupsReplication"),
        *_AT_PRIMARY_ALONE,
        "secretsmanager:PutSecretValue",
    )
)

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
FORBIDDEN = ("dynamodb:DeleteTable", "elasticfilesystem:DeleteFileSystem", "rds:DeleteDBInstance", "s3:DeleteBucket")


def changing_actions() -> tuple[str, ...]:
    """Every IAM action by which a step of either playbook changes something away from the primary region, sorted."""
    return _CHANGING


def read_actions() -> tuple[str, ...]:
    """Every IAM action by which a step of either playbook looks, sorted."""
    return _LOOKS


def needed_actions() -> tuple[str, ...]:
    """Every IAM action that a step of either playbook needs, sorted."""
    return tuple(sorted({*_CHANGING, *_LOOKS, *FAILBACK_WRITES}))
