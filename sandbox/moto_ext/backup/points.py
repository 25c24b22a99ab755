"""AWS Backup recovery points and protected resources (AWS: API_ListRecoveryPointsByBackupVault and its siblings)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from moto.backup.models import BackupBackend

from sandbox.core.patching import page, refused
from sandbox.core.state import now
from sandbox.moto_ext.backup.model import BackupPoint, points
from sandbox.moto_ext.backup.simulation import serve


def aware(moment: datetime) -> datetime:
    """The moment in UTC, also when the request named no zone."""
    # A time of a query without a zone is UTC, and Python refuses to compare it with ours.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def in_span(created: datetime, params: dict[str, Any]) -> bool:
    """Whether ByCreatedAfter and ByCreatedBefore let it through."""
    after, before = params.get("ByCreatedAfter"), params.get("ByCreatedBefore")
    return not (after and created < aware(after)) and not (before and created > aware(before))


def find_point(backend: BackupBackend, arn: str, vault: str | None = None) -> BackupPoint:
    """The point of this ARN (in this vault). Raises ResourceNotFoundException."""
    point: BackupPoint | None = points(backend).get(arn)
    if point is None or vault not in (None, point.vault.backup_vault_name):
        raise refused("ResourceNotFoundException", f"Recovery point {arn} not found.")
    return point


def _newest_first(found: list[BackupPoint]) -> list[BackupPoint]:
    return sorted(found, key=lambda point: point.created, reverse=True)


@serve("list_recovery_points_by_backup_vault")
def _by_vault(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    name = params["BackupVaultName"]
    if name not in backend.vaults:
        raise refused("ResourceNotFoundException", f"Backup vault {name} does not exist.")
    resource, kind, plan = (params.get(key) for key in ("ByResourceArn", "ByResourceType", "ByBackupPlanId"))
    found = [
        point
        for point in points(backend).values()
        if point.vault.backup_vault_name == name
        and resource in (None, point.resource.arn)
        and kind in (None, point.resource.kind)
        and plan in (None, (point.by or {}).get("BackupPlanId"))
        and in_span(point.created, params)
    ]
    shown, token = page([point.describe() for point in _newest_first(found)], params)
    return {"RecoveryPoints": shown, "NextToken": token}


@serve("list_recovery_points_by_resource")
def _by_resource(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    found = [point for point in points(backend).values() if point.resource.arn == params["ResourceArn"]]
    shown, token = page([point.describe() for point in _newest_first(found)], params)
    return {"RecoveryPoints": shown, "NextToken": token}


@serve("describe_recovery_point")
def _describe(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    return find_point(backend, params["RecoveryPointArn"], params["BackupVaultName"]).describe()


@serve("delete_recovery_point")
def _delete(backend: BackupBackend, params: dict[str, Any]) -> None:
    point = find_point(backend, params["RecoveryPointArn"], params["BackupVaultName"])
    # A vault lock in compliance mode lets nobody delete before the lifecycle ends (Backup guide, vault lock).
    if point.vault.locked and (point.expires is None or point.expires > now()):
        raise refused(
            "InvalidRequestException", "The vault is locked: recovery points stay until their lifecycle ends."
        )
    del points(backend)[point.arn]


@serve("get_recovery_point_restore_metadata")
def _metadata(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    point = find_point(backend, params["RecoveryPointArn"], params["BackupVaultName"])
    if point.resource.kind == "RDS":
        values = {
            "DBInstanceIdentifier": point.resource.name,
            "DBInstanceClass": point.resource.facts["db_instance_class"],
            "Engine": point.resource.facts["engine"],
            "EngineVersion": point.resource.facts["engine_version"],
            "DBSubnetGroupName": point.resource.facts["db_subnet_group_name"] or "default",
        }
    elif point.resource.kind == "EFS":
        values = {
            "file-system-id": point.resource.arn.rsplit("/", 1)[-1],
            # Texts, not booleans: metadata of restores are maps of text (API_GetRecoveryPointRestoreMetadata).
            "Encrypted": "true",
            "newFileSystem": "false",
        }
    else:
        values = {"originalResourceName": point.resource.name}
    return {
        "BackupVaultArn": point.vault.backup_vault_arn,
        "RecoveryPointArn": point.arn,
        "RestoreMetadata": values,
        "ResourceType": point.resource.kind,
    }


@serve("list_protected_resources")
def _list_protected_resources(backend: BackupBackend, params: dict[str, Any]) -> dict[str, Any]:
    newest: dict[str, BackupPoint] = {}
    for point in points(backend).values():
        known = newest.get(point.resource.arn)
        # ListProtectedResources shows the last backup that is complete.
        if point.done and (known is None or known.created < point.created):
            newest[point.resource.arn] = point
    shown, token = page([_show_protected(point) for point in newest.values()], params)
    return {"Results": shown, "NextToken": token}


def _show_protected(point: BackupPoint) -> dict[str, Any]:
    return {
        "ResourceArn": point.resource.arn,
        "ResourceType": point.resource.kind,
        "ResourceName": point.resource.name,
        "LastBackupTime": point.created,
        "LastBackupVaultArn": point.vault.backup_vault_arn,
        "LastRecoveryPointArn": point.arn,
    }
