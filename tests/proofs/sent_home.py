"""Where each action of a failback sends each of its writes. The policies are judged by it, and a real run proves it."""

from __future__ import annotations

from collections.abc import Mapping

from dr_actions.actions.objects.copies import WRITES as OBJECTS
from dr_estate.config.environment import Side

_HOME, _AWAY = frozenset({Side.PRIMARY}), frozenset({Side.DR})
_BOTH = _HOME | _AWAY
_WORLD = frozenset({Side.GLOBAL})

SENT: Mapping[str, Mapping[str, frozenset[Side]]] = {
    "backup/create_backups": {"backup:StartBackupJob": _BOTH, "rds:CreateDBSnapshot": _BOTH},
    "objects/copy_to_primary": dict.fromkeys(OBJECTS, _HOME),
    "objects/replicate_to_primary": {"s3control:CreateJob": _AWAY},
    "objects/end_replication": {"s3control:UpdateJobStatus": _AWAY},
    "objects/copy_to_primary_final": dict.fromkeys(OBJECTS, _HOME),
    "database/remove_marker": {"ecs:RunTask": _HOME},
    "files/remove_marker": {"ecs:RunTask": _HOME},
    "files/verify_freeze": {"ecs:RunTask": _AWAY},
    "files/verify_marker": {"ecs:RunTask": _HOME},
    "files/write_marker": {"ecs:RunTask": _AWAY},
    "tables/remove_marker": {"dynamodb:DeleteItem": _AWAY},
    "tables/write_marker": {"dynamodb:PutItem": _AWAY},
    "database/verify_freeze": {"ecs:RunTask": _AWAY},
    "database/verify_marker": {"ecs:RunTask": _HOME},
    "database/write_marker": {"ecs:RunTask": _AWAY},
    "database/replicate_to_primary": {"rds:CreateDBInstanceReadReplica": _HOME, "rds:ModifyDBInstance": _AWAY},
    "compute/restore_dr_scaling": {"application-autoscaling:RegisterScalableTarget": _AWAY},
    "files/end_stale_replication": {"efs:DeleteReplicationConfiguration": _HOME},
    "compute/fence_scaling_again": {"application-autoscaling:RegisterScalableTarget": _HOME},
    "compute/fence_services_again": {"ecs:UpdateService": _HOME},
    "database/freeze": {"rds:ModifyDBParameterGroup": _AWAY},
    "files/freeze": {"efs:DeleteFileSystemPolicy": _AWAY, "efs:PutFileSystemPolicy": _AWAY},
    "compute/restore_primary_scaling": {"application-autoscaling:RegisterScalableTarget": _HOME},
    "database/protect_primary": {"rds:ModifyDBInstance": _HOME},
    "compute/start_primary_services": {"ecs:UpdateService": _HOME},
    "notifications/end": {"sns:Publish": _BOTH},
    "notifications/manual_step": {"sns:Publish": _BOTH},
    "notifications/start": {"sns:Publish": _BOTH},
    "files/allow_overwrite_dr": {"efs:UpdateFileSystemProtection": _AWAY},
    "files/allow_overwrite_primary": {"efs:UpdateFileSystemProtection": _HOME},
    "database/promote_primary": {"rds:PromoteReadReplica": _HOME},
    "files/protect_primary": {"efs:UpdateFileSystemProtection": _HOME},
    "files/replicate_to_dr": {"efs:CreateReplicationConfiguration": _HOME},
    "database/replicate_to_dr": {
        "rds:CreateDBInstanceReadReplica": _AWAY,
        "rds:ModifyDBInstance": _AWAY,
        "rds:StartDBInstanceAutomatedBackupsReplication": _AWAY,
    },
    "secrets/replicate_to_dr": {"secretsmanager:ReplicateSecretToRegions": _HOME},
    "files/promote_primary": {"efs:DeleteReplicationConfiguration": _AWAY},
    "files/replicate_to_primary": {"efs:CreateReplicationConfiguration": _AWAY},
    "secrets/copy_to_primary": {"secretsmanager:PutSecretValue": _HOME},
    "database/end_stale_replication": {"rds:StopDBInstanceAutomatedBackupsReplication": _AWAY},
    "database/own_group": {
        "rds:CreateDBParameterGroup": _AWAY,
        "rds:ModifyDBInstance": _AWAY,
        "rds:RebootDBInstance": _AWAY,
    },
    "database/rename_old_primary": {"rds:ModifyDBInstance": _HOME},
    "database/rename_old_dr": {"rds:ModifyDBInstance": _AWAY},
    "traffic/shift_to_primary": {"route53:ChangeResourceRecordSets": _WORLD},
    "compute/stop_dr_services": {"ecs:UpdateService": _AWAY},
    "compute/repoint_primary_tasks": {"ecs:RegisterTaskDefinition": _HOME, "ecs:TagResource": _HOME},
    "files/unfreeze": {"efs:DeleteFileSystemPolicy": _AWAY, "efs:PutFileSystemPolicy": _AWAY},
    "database/unfreeze": {"rds:ModifyDBParameterGroup": _AWAY},
    "traffic/unpin_primary": {"route53:UpdateHealthCheck": _WORLD},
    "traffic/unpin_from_dr": {"elbv2:ModifyListener": _AWAY},
    "traffic/shift_to_dr": {"route53:ChangeResourceRecordSets": _WORLD},
}


def sides_of(side: Side) -> set[str]:
    """The operations that some action sends to ``side``."""
    return {operation for sent in SENT.values() for operation, sides in sent.items() if side in sides}
