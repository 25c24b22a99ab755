"""AWS Backup: the environment's plan, its rules, copy actions and selections, and the tags selections go by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers.backup import RecoveryPoint
from dr_estate.reading.answers import At, read
from dr_estate.reading.reader import ReadContext, part

PLAN_READS = frozenset(
    {"backup:ListBackupPlans", "backup:GetBackupPlan", "backup:ListBackupSelections", "backup:GetBackupSelection"}
)
TAG_READS = frozenset({"resourcegroupstaggingapi:GetResources"})

# What AWS does where a rule says nothing (API_BackupRuleInput): a run at 05:00 UTC, and 8 hours in which it may begin.
DEFAULT_SCHEDULE = "cron(0 5 ? * * *)"
DEFAULT_START_MINUTES = 480
# The role that AWS Backup makes where none is chosen (Developer Guide, "IAM service roles").
_DEFAULT_ROLE = "role/service-role/AWSBackupDefaultServiceRole"
_PROTECTED_TYPES = ("rds:db", "elasticfilesystem:file-system", "dynamodb:table", "s3")
_TESTS = ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike")


@dataclass(frozen=True, slots=True)
class CopyAction:
    """Where a rule copies its backups to, and for how many days the copy is kept (None: for ever).

    ``cold_after_days``: after so many days it moves to cold storage (None: never).
    """

    vault_arn: str
    delete_after_days: int | None
    cold_after_days: int | None = None


@dataclass(frozen=True, slots=True)
class BackupRule:
    """A rule. Windows are in minutes: ``start`` is 8 h by default (T25), ``completion`` None where unlimited."""

    name: Annotated[str, At("RuleName", demanded=True)]
    vault: Annotated[str, At("TargetBackupVaultName", demanded=True)]
    schedule: str
    timezone: str
    start_minutes: int
    completion_minutes: Annotated[int | None, At("CompletionWindowMinutes")]
    continuous: Annotated[bool, At("EnableContinuousBackup")]
    delete_after_days: int | None
    copies: tuple[CopyAction, ...]


@dataclass(frozen=True, slots=True)
class SelectionCondition:
    """One condition of a selection: a test (StringEquals ...), a tag key, and the value it is compared with."""

    test: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class BackupSelection:
    """What a plan backs up: ARNs (with wildcards) or any of ``tags``, if ``conditions`` hold; never ``excluded``."""

    name: Annotated[str, At("SelectionName", demanded=True)]
    role: Annotated[str, At("IamRoleArn")]
    resources: Annotated[tuple[str, ...], At("Resources")]
    excluded: Annotated[tuple[str, ...], At("NotResources")]
    tags: tuple[SelectionCondition, ...]
    conditions: tuple[SelectionCondition, ...]


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """A backup plan with its rules and selections."""

    id: str
    name: str
    rules: tuple[BackupRule, ...]
    selections: tuple[BackupSelection, ...]


@dataclass(frozen=True, slots=True)
class TaggedResource:
    """A resource that AWS Backup could protect, and its tags as (key, value) pairs."""

    arn: str
    tags: tuple[tuple[str, str], ...]


@part(Side.PRIMARY, reads=PLAN_READS)
def plans(context: ReadContext) -> tuple[BackupPlan, ...]:
    """The environment's backup plan; empty where there is none of that name."""
    name = context.env.named(context.env.names.backup_plan)
    # Plans are found by name, for GetBackupPlan wants the id, which another account or a rebuilt plan has otherwise.
    listed = context.pages("backup", "list_backup_plans", "BackupPlansList")
    ours = [row for row in listed if row.get("BackupPlanName") == name]
    return context.rows(ours, lambda row: _plan(context, row["BackupPlanId"]), "BackupPlanName")


def backup_role(
    env: Environment, kind: str, points: Iterable[RecoveryPoint], found: Callable[[], Iterable[BackupPlan]]
) -> str:
    """The role that made the newest of the points of that resource type, else the plan's, else AWS Backup's own.

    Before the first copy arrives the plan alone shows it, and an estate with a role of its own may lack AWS Backup's.
    ``found`` reads the plans, and may raise DataUnavailable: it is asked only where no point shows a role.
    """
    own = [point for point in points if point.resource_type == kind and point.role]
    if own:
        return max(own, key=lambda point: point.created_at).role
    try:
        roles = [selection.role for plan in found() for selection in plan.selections if selection.role]
    except DataUnavailable:
        roles = []
    return next(iter(roles), f"arn:aws:iam::{env.account}:{_DEFAULT_ROLE}")


@part(Side.PRIMARY, reads=TAG_READS)
def tagged(context: ReadContext) -> tuple[TaggedResource, ...]:
    """Tagged databases, file systems, tables and buckets of the region, a hundred a page."""
    rows = context.pages(
        "resourcegroupstaggingapi",
        "get_resources",
        "ResourceTagMappingList",
        ResourceTypeFilters=list(_PROTECTED_TYPES),
    )
    return context.rows(rows, _tagged_resource, "ResourceARN")


def _tagged_resource(row: dict[str, Any]) -> TaggedResource:
    return TaggedResource(
        row["ResourceARN"], tuple(sorted((tag["Key"], tag["Value"]) for tag in row.get("Tags") or []))
    )


def _plan(context: ReadContext, plan_id: str) -> BackupPlan:
    plan = context.call("backup", "get_backup_plan", BackupPlanId=plan_id)["BackupPlan"]
    listed = context.pages("backup", "list_backup_selections", "BackupSelectionsList", BackupPlanId=plan_id)

    def read(row: dict[str, Any]) -> BackupSelection:
        request = {"BackupPlanId": plan_id, "SelectionId": row["SelectionId"]}
        return _selection(context.call("backup", "get_backup_selection", **request)["BackupSelection"])

    selections = context.each_row(listed, read, "SelectionName")
    return BackupPlan(plan_id, plan["BackupPlanName"], tuple(_rule(row) for row in plan["Rules"]), selections)


def _rule(row: dict[str, Any]) -> BackupRule:
    copies = row.get("CopyActions") or []
    return read(
        BackupRule,
        row,
        schedule=row.get("ScheduleExpression") or DEFAULT_SCHEDULE,
        timezone=row.get("ScheduleExpressionTimezone") or "Etc/UTC",
        start_minutes=row.get("StartWindowMinutes") or DEFAULT_START_MINUTES,
        delete_after_days=_kept_days(row),
        copies=tuple(
            CopyAction(copy["DestinationBackupVaultArn"], _kept_days(copy), _cold_days(copy)) for copy in copies
        ),
    )


# Some answers say -1 where others leave the days out: both mean for ever.
def _kept_days(row: dict[str, Any]) -> int | None:
    days = (row.get("Lifecycle") or {}).get("DeleteAfterDays")
    return days if days and days > 0 else None


def _cold_days(row: dict[str, Any]) -> int | None:
    days = (row.get("Lifecycle") or {}).get("MoveToColdStorageAfterDays")
    return days if days and days > 0 else None


def _selection(row: dict[str, Any]) -> BackupSelection:
    conditions = row.get("Conditions") or {}
    return read(
        BackupSelection,
        row,
        tags=tuple(
            SelectionCondition("StringEquals", tag["ConditionKey"], tag["ConditionValue"])
            for tag in row.get("ListOfTags") or []
        ),
        conditions=tuple(
            SelectionCondition(
                # Keys of Conditions have this prefix, those of ListOfTags have none (AWS Backup API, BackupSelection).
                test,
                condition["ConditionKey"].removeprefix("aws:ResourceTag/"),
                condition["ConditionValue"],
            )
            for test in _TESTS
            for condition in conditions.get(test) or []
        ),
    )
