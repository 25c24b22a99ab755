"""Which resources of a region AWS Backup can protect, and which of them a plan's selection takes."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.efs.models import efs_backends
from moto.rds.models import rds_backends
from moto.s3.models import s3_backends

from sandbox.moto_ext.backup.model import BackupResource
from sandbox.moto_ext.rds.rds import facts_of


def _tags(pairs: list[dict[str, str]] | None) -> dict[str, str]:
    return {pair["Key"]: pair["Value"] for pair in pairs or []}


def _databases(account: str, region: str) -> Iterator[BackupResource]:
    for database in rds_backends[account][region].databases.values():
        # Kept with the point: a restore must work when the database itself is gone.
        facts = facts_of(database) | {
            "db_subnet_group_name": getattr(database, "_db_subnet_group_name", None),
            "dbi_resource_id": database.dbi_resource_id,
        }
        yield BackupResource(
            database.db_instance_arn, "RDS", database.db_instance_identifier, _tags(database.tags), facts
        )


def _file_systems(account: str, region: str) -> Iterator[BackupResource]:
    backend = efs_backends[account][region]
    for system in backend.file_systems_by_id.values():
        tags = _tags(backend.list_tags_for_resource(system.file_system_id))
        facts = {"performance_mode": system.performance_mode, "throughput_mode": system.throughput_mode}
        yield BackupResource(system.file_system_arn, "EFS", tags.get("Name", system.file_system_id), tags, facts)


def _tables(account: str, region: str) -> Iterator[BackupResource]:
    for table in dynamodb_backends[account][region].tables.values():
        yield BackupResource(table.table_arn, "DynamoDB", table.name, _tags(table.tags), {})


def _buckets(account: str, region: str) -> Iterator[BackupResource]:
    backend = s3_backends[account]["aws"]
    for bucket in backend.buckets.values():
        if bucket.region_name == region:
            yield BackupResource(
                bucket.arn, "S3", bucket.name, backend.tagger.get_tag_dict_for_resource(bucket.arn), {}
            )


def resources(account: str, region: str) -> list[BackupResource]:
    """Databases, file systems, tables and buckets of a region."""
    readers = (_databases, _file_systems, _tables, _buckets)
    return [resource for read in readers for resource in read(account, region)]


def selected_resources(selection: dict[str, Any], every: list[BackupResource]) -> list[BackupResource]:
    """The resources a selection takes: named (with wildcards) or tagged, all conditions met, none excluded."""
    return [resource for resource in every if _is_selected(selection, resource)]


def _is_selected(selection: dict[str, Any], resource: BackupResource) -> bool:
    named, tagged = selection.get("Resources") or [], selection.get("ListOfTags") or []
    # fnmatchcase, as names of AWS differ by case.
    if any(fnmatchcase(resource.arn, pattern) for pattern in selection.get("NotResources") or []):
        return False
    if not _conditions_met(selection.get("Conditions") or {}, resource.tags):
        return False
    by_name = any(fnmatchcase(resource.arn, pattern) for pattern in named)
    # ListOfTags are joined by OR, Conditions by AND (API_BackupSelection).
    by_tag = any(resource.tags.get(tag["ConditionKey"]) == tag["ConditionValue"] for tag in tagged)
    # A selection that names nothing takes every resource that is opted in (API_BackupSelection).
    return by_name or by_tag or not (named or tagged)


def _conditions_met(conditions: dict[str, list[dict[str, str]]], tags: dict[str, str]) -> bool:
    for test, wanted in conditions.items():
        for condition in wanted:
            value = tags.get(condition["ConditionKey"].removeprefix("aws:ResourceTag/"))
            alike = value is not None and (
                fnmatchcase(value, condition["ConditionValue"])
                if "Like" in test
                else value == condition["ConditionValue"]
            )
            if alike == ("Not" in test):
                return False
    return True
