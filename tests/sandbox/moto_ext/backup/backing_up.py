"""What the tests of AWS Backup share: a protected file system, two vaults and an hourly plan that copies."""

from __future__ import annotations

from typing import Any

from moto.backup.models import backup_backends

from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, PRIMARY, Clients

ROLE = "arn:aws:iam::123456789012:role/backup"
VAULT, COPIES = "shop-vault", "shop-dr-vault"


def file_system(aws: Clients, region: str = PRIMARY) -> str:
    """A tagged file system; its ARN."""
    response = aws("efs", region).create_file_system(
        CreationToken=f"shop-{region}", Encrypted=True, Tags=[{"Key": "Backup", "Value": "Required"}]
    )
    return str(response["FileSystemArn"])


def rule(copies_to: str | None, schedule: str = "cron(0 * ? * * *)") -> dict[str, Any]:
    """An hourly rule into the primary vault, with or without a copy."""
    copies = [{"DestinationBackupVaultArn": copies_to, "Lifecycle": {"DeleteAfterDays": 7}}] if copies_to else []
    return {
        "RuleName": "hourly",
        "TargetBackupVaultName": VAULT,
        "ScheduleExpression": schedule,
        "Lifecycle": {"DeleteAfterDays": 7},
        "CopyActions": copies,
    }


def plan(aws: Clients) -> dict[str, str]:
    """A protected file system, two vaults, and an hourly plan that copies to the DR region."""
    resource = file_system(aws)
    aws("backup", PRIMARY).create_backup_vault(BackupVaultName=VAULT)
    target = aws("backup", DR).create_backup_vault(BackupVaultName=COPIES)["BackupVaultArn"]
    backup = aws("backup", PRIMARY)
    plan = backup.create_backup_plan(BackupPlan={"BackupPlanName": "shop", "Rules": [rule(target)]})["BackupPlanId"]
    selection = backup.create_backup_selection(
        BackupPlanId=plan,
        BackupSelection={
            "SelectionName": "tagged",
            "IamRoleArn": ROLE,
            "ListOfTags": [{"ConditionType": "STRINGEQUALS", "ConditionKey": "Backup", "ConditionValue": "Required"}],
        },
    )["SelectionId"]
    return {"resource": resource, "plan": plan, "selection": selection, "target": target}


def points(aws: Clients, region: str, vault: str) -> list[dict[str, Any]]:
    """The recovery points of a vault."""
    found: list[dict[str, Any]] = aws("backup", region).list_recovery_points_by_backup_vault(BackupVaultName=vault)[
        "RecoveryPoints"
    ]
    return found


def backend(region: str) -> Any:
    """The emulator's AWS Backup of a region."""
    return backup_backends[ACCOUNT][region]


def copy(aws: Clients, arn: str, target: str) -> str:
    """Start a copy; its job id."""
    started = aws("backup", PRIMARY).start_copy_job(
        RecoveryPointArn=arn, SourceBackupVaultName=VAULT, DestinationBackupVaultArn=target, IamRoleArn=ROLE
    )
    return str(started["CopyJobId"])
