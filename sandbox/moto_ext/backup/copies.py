"""How AWS Backup copies a recovery point into another vault (AWS: recov-point-create-a-copy; T25)."""

from __future__ import annotations

from typing import Any

from moto.backup.models import BackupBackend, Vault

from sandbox.core import truth
from sandbox.moto_ext.backup.model import BackupPoint, SimulatedJob, jobs, point_arn, points


def copy_of(
    source: BackupBackend, target: BackupBackend, vault: Vault | None, point: BackupPoint, how: dict[str, Any]
) -> SimulatedJob:
    """Copy a point into a vault of another (or the same) region; the job stands in the source region.

    ``how``: id, begins, ends, lifecycle, failure ("" when it works) and target_arn.
    """
    # From the source's ARN: whenever the same run is played the copy has the same ARN.
    copy_arn = point_arn(target, point.resource.kind, f"{how['id']}:{point.arn}")
    answer = {
        "SourceBackupVaultArn": point.vault.backup_vault_arn,
        "SourceRecoveryPointArn": point.arn,
        "DestinationBackupVaultArn": how["target_arn"],
        "DestinationRecoveryPointArn": None if how["failure"] else copy_arn,
        "ResourceArn": point.resource.arn,
        "IamRoleArn": point.role,
        "CreatedBy": point.by,
        "AccountId": source.account_id,
    }
    region = source.region_name
    job = SimulatedJob(how["id"], how["begins"], how["ends"], region, point.resource, answer, how["failure"])
    jobs(source, "copy")[job.id] = job
    if vault is not None and not how["failure"]:
        points(target)[copy_arn] = BackupPoint(
            copy_arn,
            vault,
            point.resource,
            # Of the source region: a copy is complete when that region's
            # work has gone so far, and stands still with it.
            region,
            point.created if truth.answer("backup.copy-keeps-creation-date") else how["begins"],
            how["ends"],
            point.role,
            point.by,
            how["lifecycle"],
            point.vault.backup_vault_arn,
        )
    return job
