"""Everything the repairs add can be saved and loaded with the emulator's own backends."""

from __future__ import annotations

import io
from typing import Any

import cloudpickle
import pytest
from moto.backends import get_backend

from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, PRIMARY, Clients

OURS = {
    "rds": ("automated_backup_replications", "account_quotas"),
    "backup": ("recovery_points", "backup_jobs", "copy_jobs", "selections"),
    "efs": ("replications",),
    "dynamodb": ("unsent",),
    "ecr": ("image_replications",),
}


def _build(aws: Clients) -> None:
    source = aws("efs", PRIMARY).create_file_system(CreationToken="shop")
    aws("efs", PRIMARY).create_replication_configuration(
        SourceFileSystemId=source["FileSystemId"], Destinations=[{"Region": DR}]
    )
    database = aws("rds", PRIMARY).create_db_instance(
        DBInstanceIdentifier="shop", DBInstanceClass="db.t3.small", Engine="mysql", AllocatedStorage=20
    )["DBInstance"]["DBInstanceArn"]
    aws("rds", DR).start_db_instance_automated_backups_replication(SourceDBInstanceArn=database)
    aws("rds", DR).describe_account_attributes()
    target = aws("backup", DR).create_backup_vault(BackupVaultName="copies")["BackupVaultArn"]
    backup = aws("backup", PRIMARY)
    backup.create_backup_vault(BackupVaultName="mine")
    rule = {
        "RuleName": "hourly",
        "TargetBackupVaultName": "mine",
        "ScheduleExpression": "rate(1 hour)",
        "CopyActions": [{"DestinationBackupVaultArn": target}],
    }
    plan = backup.create_backup_plan(BackupPlan={"BackupPlanName": "shop", "Rules": [rule]})["BackupPlanId"]
    selection = {"SelectionName": "all", "IamRoleArn": "arn:aws:iam::123456789012:role/b", "Resources": ["*"]}
    backup.create_backup_selection(BackupPlanId=plan, BackupSelection=selection)
    backup.list_backup_jobs()
    aws("dynamodb", PRIMARY).list_tables()
    aws("ecr", PRIMARY).describe_registry()


def _ours(service: str) -> dict[str, Any]:
    backend: Any = get_backend(service)  # type: ignore[call-overload]
    return {
        f"{region}:{name}": backend[ACCOUNT][region].__dict__[name]
        for region in (PRIMARY, DR)
        for name in OURS[service]
        if name in backend[ACCOUNT][region].__dict__
    }


@pytest.mark.parametrize("service", sorted(OURS))
def test_the_state_of_a_service_survives_a_save(aws: Clients, service: str) -> None:
    _build(aws)
    saved_state = _ours(service)
    assert saved_state, "the service holds state of ours"
    stream = io.BytesIO()
    cloudpickle.dump(saved_state, stream)
    stream.seek(0)
    loaded = cloudpickle.load(stream)
    assert {name: set(map(repr, value)) for name, value in loaded.items()} == {
        name: set(map(repr, value)) for name, value in saved_state.items()
    }
    assert any(saved_state.values()) or service in ("dynamodb", "ecr")
