"""AWS Backup's region settings (opt-in of resource types), and when a protected resource was last restored.

Source: AWS API_DescribeRegionSettings, API_UpdateRegionSettings, API_DescribeProtectedResource.
"""

from __future__ import annotations

from typing import Any

from moto.backup.models import BackupBackend

from sandbox.core.patching import refused, state
from sandbox.moto_ext.backup.model import jobs, points
from sandbox.moto_ext.backup.simulation import serve

TYPES = ("Aurora", "DynamoDB", "EBS", "EC2", "EFS", "RDS", "S3")


def _settings(backend: BackupBackend, _params: dict[str, Any]) -> dict[str, Any]:
    opted: dict[str, bool] = dict.fromkeys(TYPES, True) | state(backend, "resource_type_opt_in")
    return {"ResourceTypeOptInPreference": opted, "ResourceTypeManagementPreference": dict.fromkeys(TYPES, False)}


def _update(backend: BackupBackend, params: dict[str, Any]) -> None:
    state(backend, "resource_type_opt_in").update(params.get("ResourceTypeOptInPreference") or {})


def _protected(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    arn = params["ResourceArn"]
    mine = [point for point in points(backend).values() if point.resource.arn == arn and point.done]
    if not mine:
        raise refused("ResourceNotFoundException", f"{arn} is not protected in this region.")
    newest = max(mine, key=lambda point: point.created)
    restores = [job for job in jobs(backend, "restore").values() if job.resource.arn == arn]
    last = max(restores, key=lambda job: job.created, default=None)
    return {
        "ResourceArn": arn,
        "ResourceType": newest.resource.kind,
        "ResourceName": newest.resource.name,
        "LastBackupTime": newest.created,
        "LastBackupVaultArn": newest.vault.backup_vault_arn,
        "LastRecoveryPointArn": newest.arn,
        "LatestRestoreJobCreationDate": last.created if last else None,
        "LatestRestoreRecoveryPointCreationDate": last.answer["RecoveryPointCreationDate"] if last else None,
    }


def install() -> None:
    """Add region settings and protected resources in full. Idempotent."""
    serve("describe_region_settings", _settings)
    serve("update_region_settings", _update)
    serve("describe_protected_resource", _protected)
