"""Questions about files: AWS Backup's copies and restores of EFS, and EFS replication."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from truth_kit.account import TAG, Account, TooLate, is_refused
from truth_kit.scene import Answer

# CreationDate is accurate to milliseconds (API_RecoveryPointByBackupVault): a copy's own date is seconds later.
SAME_MOMENT_S = 0.05
REFUSED = ("InvalidParameterValueException", "InvalidRequestException", "MissingParameterValueException")
IN_USE = ("FileSystemInUse", "ConflictException", "ReplicationAlreadyExists", "ValidationException", "BadRequest")


def describe(account: Account, region: str, file_system: str) -> dict[str, Any]:
    """Return the file system. Raises FileSystemNotFound."""
    efs = account.client("efs", region)
    found: dict[str, Any] = efs.describe_file_systems(FileSystemId=file_system)["FileSystems"][0]
    return found


def create(account: Account, region: str, what: str) -> dict[str, Any]:
    """Make an encrypted file system, and return it once it is available."""
    created: dict[str, Any] = account.client("efs", region).create_file_system(
        CreationToken=account.prefix + what, Encrypted=True, Tags=account.tags
    )
    name = created["FileSystemId"]
    account.until(f"{name} is available", lambda: describe(account, region, name)["LifeCycleState"] == "available")
    return created


def _copied_point(account: Account) -> tuple[dict[str, Any], dict[str, Any]]:
    """Back a new file system up, and copy the recovery point: both as they are described."""
    backup, standing = account.client("backup", account.primary), account.standing
    source = create(account, account.primary, "backed-up")
    started = backup.start_backup_job(
        BackupVaultName=standing["primary_vault"],
        ResourceArn=source["FileSystemArn"],
        IamRoleArn=standing["backup_role"],
        Lifecycle={"DeleteAfterDays": 1},
    )
    _wait_for_job(account, "the backup job", lambda: backup.describe_backup_job(BackupJobId=started["BackupJobId"]))
    point = backup.describe_backup_job(BackupJobId=started["BackupJobId"])["RecoveryPointArn"]
    target = account.client("backup", account.dr)
    copying = backup.start_copy_job(
        RecoveryPointArn=point,
        SourceBackupVaultName=standing["primary_vault"],
        DestinationBackupVaultArn=target.describe_backup_vault(BackupVaultName=standing["dr_vault"])["BackupVaultArn"],
        IamRoleArn=standing["backup_role"],
        Lifecycle={"DeleteAfterDays": 1},
    )
    _wait_for_job(account, "the copy job", lambda: backup.describe_copy_job(CopyJobId=copying["CopyJobId"])["CopyJob"])
    copy = backup.describe_copy_job(CopyJobId=copying["CopyJobId"])["CopyJob"]["DestinationRecoveryPointArn"]
    return (
        backup.describe_recovery_point(BackupVaultName=standing["primary_vault"], RecoveryPointArn=point),
        target.describe_recovery_point(BackupVaultName=standing["dr_vault"], RecoveryPointArn=copy),
    )


def _wait_for_job(account: Account, what: str, describe_job: Any) -> None:
    account.until(f"{what} ends", lambda: describe_job()["State"] in ("COMPLETED", "FAILED", "ABORTED", "EXPIRED"))
    job = describe_job()
    if job["State"] != "COMPLETED":
        raise TooLate(f"{what} ended as {job['State']}: {job.get('StatusMessage', 'AWS gives no reason')}")


def _restore(account: Account, point: dict[str, Any], **metadata: str) -> dict[str, Any]:
    """Restore a point in the DR region; the job once it ended, {} where it was refused."""
    backup = account.client("backup", account.dr)
    try:
        job = backup.start_restore_job(
            RecoveryPointArn=point["RecoveryPointArn"],
            IamRoleArn=account.standing["backup_role"],
            ResourceType="EFS",
            Metadata={"Encrypted": "true", "PerformanceMode": "generalPurpose", **metadata},
        )["RestoreJobId"]
    except ClientError as error:
        if error.response["Error"]["Code"] in REFUSED:
            return {}
        raise
    described = partial(backup.describe_restore_job, RestoreJobId=job)
    account.until("the restore job ends", lambda: described()["Status"] in ("COMPLETED", "FAILED", "ABORTED"))
    ended: dict[str, Any] = described()
    return ended


def ask_of_restores(account: Account) -> Iterator[Answer]:
    """Copy a recovery point and restore the copy three times in the DR region."""
    point, copy = _copied_point(account)
    apart = abs((copy["CreationDate"] - point["CreationDate"]).total_seconds())
    yield "backup.copy-keeps-creation-date", apart < SAME_MOMENT_S
    new = {"file-system-id": point["ResourceArn"].rpartition("/")[2], "newFileSystem": "true"}
    # the restore that must work: without it a failure of the others says nothing
    control = _restore(account, copy, **new, CreationToken=account.prefix + "restored")
    if control.get("Status") != "COMPLETED":
        raise TooLate(f"a restore into a new file system ended as {control.get('Status', 'refused')}")
    restored = describe(account, account.dr, control["CreatedResourceArn"].rpartition("/")[2])
    yield "backup.restore-bears-source-tags-unasked", TAG in {tag["Key"] for tag in restored["Tags"]}
    without = _restore(account, copy, **new)
    yield "backup.efs-restore-needs-creation-token", without.get("Status") != "COMPLETED"
    existing = create(account, account.dr, "existing")["FileSystemId"]
    into = _restore(account, copy, **{"file-system-id": existing, "newFileSystem": "false"})
    yield "backup.copy-restores-into-existing-file-system", into.get("Status") == "COMPLETED"


def _replicate(account: Account, what: str) -> tuple[str, str]:
    """Replicate a new file system to another new one: both ids."""
    source = create(account, account.primary, f"{what}-source")["FileSystemId"]
    target = create(account, account.dr, f"{what}-target")["FileSystemId"]
    # An existing file system is a destination only while it is not protected (T28).
    account.client("efs", account.dr).update_file_system_protection(
        FileSystemId=target, ReplicationOverwriteProtection="DISABLED"
    )
    efs = account.client("efs", account.primary)
    efs.create_replication_configuration(
        SourceFileSystemId=source, Destinations=[{"Region": account.dr, "FileSystemId": target}]
    )

    def is_enabled() -> bool:
        (found,) = efs.describe_replication_configurations(FileSystemId=source)["Replications"]
        return bool(found["Destinations"][0]["Status"] == "ENABLED")

    account.until("the replication is enabled", is_enabled)
    return source, target


def ask_of_replication(account: Account) -> Iterator[Answer]:
    """Try to delete a file system that is replicated; end a replication and look at the destination."""
    efs = account.client("efs", account.primary)
    source, target = _replicate(account, "first")
    undeletable = is_refused(lambda: efs.delete_file_system(FileSystemId=source), *IN_USE)
    yield "efs.replicating-file-system-cannot-be-deleted", undeletable
    if not undeletable:
        source, target = _replicate(account, "second")
    efs.delete_replication_configuration(SourceFileSystemId=source)

    def protection() -> str:
        return str(describe(account, account.dr, target)["FileSystemProtection"]["ReplicationOverwriteProtection"])

    account.until("the destination is free", lambda: protection() != "REPLICATING")
    yield "efs.protection-after-replication-ends", protection()
