"""CloudWatch Logs: the log groups that the task definitions write to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import ecs, kms
from dr_estate.reading.reader import REGIONAL, ReadContext, part


@dataclass(frozen=True, slots=True)
class LogGroup:
    """One log group. ``retention_days`` is None where it keeps for ever; ``key`` is the ARN of a customer's key."""

    name: str
    retention_days: int | None
    key: str = ""


@part(*REGIONAL, reads=frozenset({"logs:DescribeLogGroups"}))
def groups(context: ReadContext) -> tuple[LogGroup, ...]:
    """The log groups named like the tenants', fifty a page, and any other that a task definition of this side names."""
    prefix = context.env.named(context.env.names.log_group, tenant="\0").partition("\0")[0]
    tenants = _log_groups(context, prefix) if prefix else ()  # many pages: while the definitions are still read
    named = {
        container.log_group
        for definition in context.part(ecs.task_definitions)
        if isinstance(definition, ecs.TaskDefinition)
        for container in definition.containers
        if container.log_group and not (prefix and container.log_group.startswith(prefix))
    }
    found = {row.name: row for row in tenants}
    for rows in context.each(lambda wanted: _log_groups(context, wanted), sorted(named)):
        found |= {row.name: row for row in rows}
    return tuple(found[name] for name in sorted(found))


def _log_groups(context: ReadContext, prefix: str) -> Sequence[LogGroup]:
    rows = context.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix)

    def log_group(row: dict[str, Any]) -> LogGroup:
        return LogGroup(row["logGroupName"], row.get("retentionInDays"), row.get("kmsKeyId") or "")

    return context.rows(rows, log_group, "logGroupName")


@part(Side.DR, reads=kms.KEY_READS)
def keys(context: ReadContext) -> tuple[kms.KmsKey | Unavailable, ...]:
    """The keys under which the log groups encrypt, two calls each: they are few, and none in most estates."""
    wanted = sorted({group.key for group in context.part(groups) if group.key})
    return tuple(context.maybe(lambda ref: kms.find_key(context, ref, {"log groups"}), wanted))
