"""AWS Backup's region settings (opt-in of resource types), policies of vaults, and when a resource was last restored.

Source: AWS API_DescribeRegionSettings, API_UpdateRegionSettings, API_GetBackupVaultAccessPolicy and the like,
API_DescribeProtectedResource.
"""

from __future__ import annotations

from typing import Any

from moto.backup.models import BackupBackend

from sandbox.core.patching import refused, state
from sandbox.moto_ext.backup.model import jobs, points
from sandbox.moto_ext.backup.simulation import serve

# The types that an estate of this kind can have; AWS lists more (API_DescribeRegionSettings).
TYPES = ("Aurora", "DynamoDB", "EBS", "EC2", "EFS", "RDS", "S3")


@serve("describe_region_settings")
def _settings(backend: BackupBackend, _params: dict[str, Any]) -> dict[str, Any]:
    # Each type is opted in until somebody changes that: the seeded plan would otherwise select nothing.
    opted: dict[str, bool] = dict.fromkeys(TYPES, True) | state(backend, "resource_type_opt_in")
    return {"ResourceTypeOptInPreference": opted, "ResourceTypeManagementPreference": dict.fromkeys(TYPES, False)}


@serve("update_region_settings")
def _update(backend: BackupBackend, params: dict[str, Any]) -> None:
    state(backend, "resource_type_opt_in").update(params.get("ResourceTypeOptInPreference") or {})


@serve("get_backup_vault_access_policy")
def _vault_policy(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    name = params["BackupVaultName"]
    policy = state(backend, "vault_policies").get(name)
    if name not in backend.vaults or policy is None:
        raise refused("ResourceNotFoundException", f"Backup vault {name} has no access policy.")
    return {"BackupVaultName": name, "BackupVaultArn": backend.vaults[name].backup_vault_arn, "Policy": policy}


@serve("put_backup_vault_access_policy")
def _put_vault_policy(backend: BackupBackend, params: dict[str, Any]) -> None:
    if params["BackupVaultName"] not in backend.vaults:
        raise refused("ResourceNotFoundException", f"Backup vault {params['BackupVaultName']} does not exist.")
    state(backend, "vault_policies")[params["BackupVaultName"]] = params.get("Policy")


@serve("delete_backup_vault_access_policy")
def _delete_vault_policy(backend: BackupBackend, params: dict[str, Any]) -> None:
    state(backend, "vault_policies").pop(params["BackupVaultName"], None)


@serve("describe_protected_resource")
def _describe_protected_resource(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
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
