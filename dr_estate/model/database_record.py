"""The database when it was last seen healthy: identity and settings that its restored copy is to have. Pure.

A restore without these takes AWS's defaults (T56), and two automated backups may have the same name (T57): the resource
id distinguishes them. The record is kept in the control table while the primary region is up: it may be down when the
record is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from dr_estate.model.dynamodb_values import instant, moment


@dataclass(frozen=True, slots=True)
class DatabaseRecord:
    """One instance as seen ``at`` (UTC). Groups are names, "" where AWS's default group was used.

    ``storage_gib`` and ``storage_limit_gib`` (0: no storage autoscaling) are GiB, ``throughput`` MiB/s. ``iops`` and
    ``throughput`` are 0 where the storage type has none of its own.
    """

    resource_id: str
    identifier: str
    at: datetime
    instance_class: str
    storage_type: str
    storage_gib: int
    storage_limit_gib: int
    iops: int
    throughput: int
    option_group: str
    parameter_group: str
    log_exports: tuple[str, ...]
    iam_authentication: bool
    multi_az: bool
    deletion_protection: bool
    copy_tags: bool
    auto_minor_upgrade: bool


def to_item(record: DatabaseRecord) -> dict[str, Any]:
    """The record as plain attributes of an item."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return values | {"at": instant(record.at), "log_exports": list(record.log_exports)}


def from_item(item: Mapping[str, Any]) -> DatabaseRecord:
    """The record of an item that ``control_items`` can read."""
    values = {field.name: item[field.name] for field in fields(DatabaseRecord)}
    return DatabaseRecord(**values | {"at": moment(item["at"]), "log_exports": tuple(item["log_exports"])})
