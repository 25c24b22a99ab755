"""Which resources of a region AWS Backup can protect, and which of them a plan's selection takes."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.efs.models import efs_backends
from moto.rds.models import rds_backends
from moto.s3.models import s3_backends

from sandbox.moto_ext.backup.model import Resource
from sandbox.moto_ext.rds.rds import facts_of


def _tags(pairs: list[dict[str, str]] | None) -> dict[str, str]:
    return {pair["Key"]: pair["Value"] for pair in pairs or []}


def _databases(account: str, region: str) -> Iterator[Resource]:
    for one in rds_backends[account][region].databases.values():
        facts = facts_of(one) | {
            "db_subnet_group_name": getattr(one, "_db_subnet_group_name", None),
            "dbi_resource_id": one.dbi_resource_id,
        }
        yield Resource(one.db_instance_arn, "RDS", one.db_instance_identifier, _tags(one.tags), facts)


def _file_systems(account: str, region: str) -> Iterator[Resource]:
    backend = efs_backends[account][region]
    for one in backend.file_systems_by_id.values():
        tags = _tags(backend.list_tags_for_resource(one.file_system_id))
        facts = {"performance_mode": one.performance_mode, "throughput_mode": one.throughput_mode}
        yield Resource(one.file_system_arn, "EFS", tags.get("Name", one.file_system_id), tags, facts)


def _tables(account: str, region: str) -> Iterator[Resource]:
    for one in dynamodb_backends[account][region].tables.values():
        yield Resource(one.table_arn, "DynamoDB", one.name, _tags(one.tags), {})


def _buckets(account: str, region: str) -> Iterator[Resource]:
    backend = s3_backends[account]["aws"]
    for one in backend.buckets.values():
        if one.region_name == region:
            yield Resource(one.arn, "S3", one.name, backend.tagger.get_tag_dict_for_resource(one.arn), {})


def resources(account: str, region: str) -> list[Resource]:
    """Databases, file systems, tables and buckets of a region."""
    readers = (_databases, _file_systems, _tables, _buckets)
    return [one for read in readers for one in read(account, region)]


def selected(asked: dict[str, Any], every: list[Resource]) -> list[Resource]:
    """The resources a selection takes: named (with wildcards) or tagged, all conditions met, none excluded."""
    return [one for one in every if _taken(asked, one)]


def _taken(asked: dict[str, Any], one: Resource) -> bool:
    named, tagged = asked.get("Resources") or [], asked.get("ListOfTags") or []
    if any(fnmatchcase(one.arn, pattern) for pattern in asked.get("NotResources") or []):
        return False
    if not _conditions_met(asked.get("Conditions") or {}, one.tags):
        return False
    by_name = any(fnmatchcase(one.arn, pattern) for pattern in named)
    by_tag = any(one.tags.get(tag["ConditionKey"]) == tag["ConditionValue"] for tag in tagged)
    return by_name or by_tag or not (named or tagged)


def _conditions_met(conditions: dict[str, list[dict[str, str]]], tags: dict[str, str]) -> bool:
    for test, wanted in conditions.items():
        for one in wanted:
            value = tags.get(one["ConditionKey"].removeprefix("aws:ResourceTag/"))
            alike = value is not None and (
                fnmatchcase(value, one["ConditionValue"]) if "Like" in test else value == one["ConditionValue"]
            )
            if alike == ("Not" in test):
                return False
    return True
