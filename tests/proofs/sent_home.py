"""Where each verb of a failback sends each of its writes. The policies are judged by it, and a real run proves it."""

from __future__ import annotations

from collections.abc import Mapping

from dr_estate.config.environment import Side

_HOME, _AWAY = frozenset({Side.PRIMARY}), frozenset({Side.DR})
_BOTH = _HOME | _AWAY
_WORLD = frozenset({Side.GLOBAL})

SENT: Mapping[str, Mapping[str, frozenset[Side]]] = {
    "back_up": {"backup:StartBackupJob": _BOTH},
    "copy_objects_home": {"s3:CopyObject": _HOME},
    "copy_objects_last": {"s3:CopyObject": _HOME},
    "database_home": {"rds:CreateDBInstanceReadReplica": _HOME, "rds:ModifyDBInstance": _AWAY},
    "dr_minimum": {"application-autoscaling:RegisterScalableTarget": _AWAY},
    "end_old_replication": {"efs:DeleteReplicationConfiguration": _HOME},
    "fence_returned_minimum": {"application-autoscaling:RegisterScalableTarget": _HOME},
    "fence_returned_services": {"ecs:UpdateService": _HOME},
    "freeze_database": {"rds:ModifyDBParameterGroup": _AWAY},
    "freeze_files": {"efs:DeleteFileSystemPolicy": _AWAY, "efs:PutFileSystemPolicy": _AWAY},
    "home_minimum": {"application-autoscaling:RegisterScalableTarget": _HOME},
    "home_protection": {"rds:ModifyDBInstance": _HOME},
    "home_services": {"ecs:UpdateService": _HOME},
    "notify_end": {"sns:Publish": _BOTH},
    "notify_manual": {"sns:Publish": _BOTH},
    "notify_start": {"sns:Publish": _BOTH},
    "open_dr_files": {"efs:UpdateFileSystemProtection": _AWAY},
    "open_files": {"efs:UpdateFileSystemProtection": _HOME},
    "promoted_home": {"rds:PromoteReadReplica": _HOME},
    "protect_files": {"efs:UpdateFileSystemProtection": _HOME},
    "protect_files_again": {"efs:CreateReplicationConfiguration": _HOME},
    "protected_database": {
        "rds:CreateDBInstanceReadReplica": _AWAY,
        "rds:ModifyDBInstance": _AWAY,
        "rds:StartDBInstanceAutomatedBackupsReplication": _AWAY,
    },
    "protected_secrets": {"secretsmanager:ReplicateSecretToRegions": _HOME},
    "release_files_home": {"efs:DeleteReplicationConfiguration": _AWAY},
    "replicate_files_home": {"efs:CreateReplicationConfiguration": _AWAY},
    "secrets_home": {"secretsmanager:PutSecretValue": _HOME},
    "set_aside": {"rds:ModifyDBInstance": _HOME},
    "set_aside_dr": {"rds:ModifyDBInstance": _AWAY},
    "stage_traffic": {"route53:ChangeResourceRecordSets": _WORLD},
    "stop_dr_services": {"ecs:UpdateService": _AWAY},
    "task_definitions_home": {"ecs:RegisterTaskDefinition": _HOME, "ecs:TagResource": _HOME},
    "thaw_files": {"efs:DeleteFileSystemPolicy": _AWAY, "efs:PutFileSystemPolicy": _AWAY},
    "thawed_database": {"rds:ModifyDBParameterGroup": _AWAY},
    "unpin_primary": {"route53:UpdateHealthCheck": _WORLD},
}


def sides_of(side: Side) -> set[str]:
    """The operations that some verb sends to ``side``."""
    return {operation for sent in SENT.values() for operation, sides in sent.items() if side in sides}
