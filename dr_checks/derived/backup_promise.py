"""Worst case of the backup plan: which resources it copies, and how old a copy may get (T25). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import pairwise

from dr_checks.core.model import View
from dr_checks.derived.database_copies import BACKUP, all_copies, copy_to_use, primary_database
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.stores import DATABASE, FILES, DataStore
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import backup, backup_jobs, backup_plan, efs

# Longest gap between two runs of an AWS Backup schedule. Pure.
#
# Source: AWS Backup developer guide, cron(minute hour day-of-month month day-of-week year) and rate(n unit).

_HOUR_MINUTES, _DAY_MINUTES = 60, 1440
_UNIT_MINUTES = {"minute": 1, "hour": _HOUR_MINUTES, "day": _DAY_MINUTES}
_EVERY_DAY = (["*", "*", "?", "*"], ["?", "*", "*", "*"])
_NUMBERS = re.compile(r"[0-9]{1,2}(,[0-9]{1,2})*")
_HORIZON = timedelta(days=799)  # two years and more, so that a yearly run is seen twice


@lru_cache(maxsize=64)  # asked by each check of a rule, of few rules, on one day
def longest_gap_minutes(expression: str, today: date) -> int | None:
    """The longest time between two runs from ``today`` on, in minutes; None where the expression cannot be followed.

    A change of summer time is ignored.
    """
    kind, _, fields = expression.strip().rstrip(")").partition("(")
    if kind == "rate":
        match = re.fullmatch(r"(\d+) (minute|hour|day)s?", fields.strip())
        return int(match[1]) * _UNIT_MINUTES[match[2]] if match else None
    try:
        return _cron_gap(fields.split(), today) if kind == "cron" else None
    except ValueError:
        return None


def _cron_gap(fields: list[str], today: date) -> int | None:
    is_daily = fields[2:] in _EVERY_DAY
    if is_daily and (listed := _listed_times(*fields[:2])):
        return _daily_gap(listed)
    from aws_croniter import AwsCroniter  # its patterns take 25 ms to compile, and most rules list their times

    cron = AwsCroniter(" ".join(fields))
    times: list[int] = sorted(hour * _HOUR_MINUTES + minute for hour in cron.hours for minute in cron.minutes)
    # Else days and times are walked separately: their product would be 800 days times each minute.
    if is_daily:  # 800 days need not be walked to know it
        return _daily_gap(times)
    within = max((after - before for before, after in pairwise(times)), default=0)
    start = datetime.combine(today, time(), UTC)
    midnights = AwsCroniter(" ".join(["0", "0", *fields[2:]])).get_all_schedule_bw_dates(start, start + _HORIZON)
    apart = max(((after - before).days for before, after in pairwise(midnights)), default=0)
    return max(within, apart * _DAY_MINUTES - times[-1] + times[0]) if apart else None


def _daily_gap(times: list[int]) -> int:
    return max(after - before for before, after in pairwise([*times, _DAY_MINUTES + times[0]]))


def _listed_times(minutes: str, hours: str) -> list[int]:
    """The minutes of the day at which a rule of plain numbers, or of every hour, runs; none where it is another."""
    if not _NUMBERS.fullmatch(minutes) or not (hours == "*" or _NUMBERS.fullmatch(hours)):
        return []
    at_minutes = {int(minute) for minute in minutes.split(",")}
    at_hours = range(_DAY_MINUTES // _HOUR_MINUTES) if hours == "*" else {int(hour) for hour in hours.split(",")}
    times = sorted(hour * _HOUR_MINUTES + minute for hour in at_hours for minute in at_minutes)
    return times if max(at_minutes) < _HOUR_MINUTES and times[-1] < _DAY_MINUTES else []


_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class ProtectedStore:
    """What backups must hold of a store."""

    store: DataStore
    name: str
    arn: str

    @property
    def type(self) -> str:
        """AWS Backup's word for it."""
        return self.store.backup.type if self.store.backup else ""


@dataclass(frozen=True, slots=True)
class BackupPromise:
    """What one rule promises for a resource: the longest gap between runs, and the oldest a copy may get. Minutes.

    ``basis`` is the sum in words.
    """

    rule: backup_plan.BackupRule
    gap_minutes: float
    worst_minutes: float
    basis: str


def stores(view: View) -> list[ProtectedStore]:
    """The database and the file system of the primary region, those of them that exist. Raises DataUnavailable."""
    database = primary_database(view)
    found = [ProtectedStore(DATABASE, database.identifier, database.arn)] if database else []
    name = view.env.named(view.env.names.file_system)
    return found + [ProtectedStore(FILES, name, system.arn) for system in view.get(efs.file_systems, Side.PRIMARY)[:1]]


def relies_on_copies(view: View, store: ProtectedStore) -> bool:
    """Whether a failover would have to use AWS Backup's copy of this store. Raises DataUnavailable."""
    if store.store is DATABASE:
        copy, (_, dark) = copy_to_use(view), all_copies(view)
        # Judged by AWS Backup's hours, a store with faster copies that are only unseen would be a false gap.
        if copy is not None and copy.mechanism == BACKUP and dark:
            raise DataUnavailable(dark[0])  # a faster mechanism may well be there
        return copy is None or copy.mechanism == BACKUP
    if "replication" not in view.env.replication.files:
        return True
    synced = [
        r.synced_at
        for r in view.get(efs.replications, Side.DR)
        if states.FILE_REPLICATION[r.status].serves and r.synced_at
    ]
    return not any((view.now - moment).total_seconds() <= view.rpo_s for moment in synced)


def is_dr_vault(view: View, arn: str) -> bool:
    """Whether ``arn`` is that of the environment's vault in the DR region."""
    return _is_vault(view, arn, Side.DR)


def is_primary_vault(view: View, arn: str) -> bool:
    """Whether ``arn`` is that of the environment's vault in the primary region: other vaults are other people's."""
    return _is_vault(view, arn, Side.PRIMARY)


def _is_vault(view: View, arn: str, side: Side) -> bool:
    name = backup.vault_name(view.env, side)
    return arn.endswith(f":{view.env.region(side)}:{view.env.account}:backup-vault:{name}")


def tags_of(view: View) -> dict[str, dict[str, str]]:
    """The tags of every tagged resource that AWS Backup could protect, by ARN. Raises DataUnavailable."""
    return {resource.arn: dict(resource.tags) for resource in view.get(backup_plan.tagged, Side.PRIMARY)}


def takes(selection: backup_plan.BackupSelection, arn: str, tags: dict[str, str]) -> bool:
    """Whether a selection takes a resource. Named or tagged, all conditions met, not excluded; without any: everything.

    Source: AWS Backup API, BackupSelection.
    """
    # First: NotResources wins over whatever else takes the resource.
    if any(fnmatchcase(arn, pattern) for pattern in selection.excluded):
        return False
    if not all(_holds(condition, tags.get(condition.key)) for condition in selection.conditions):
        return False
    named = any(fnmatchcase(arn, pattern) for pattern in selection.resources)
    tagged = any(tags.get(tag.key) == tag.value for tag in selection.tags)
    return named or tagged or not (selection.resources or selection.tags)


def _holds(condition: backup_plan.SelectionCondition, value: str | None) -> bool:
    like = "Like" in condition.test
    # A resource without the tag fulfils each Not... condition.
    alike = value is not None and (fnmatchcase(value, condition.value) if like else value == condition.value)
    return alike != ("Not" in condition.test)


def copying_rules(view: View, arn: str) -> list[backup_plan.BackupRule]:
    """The rules that back this resource up and copy it to the DR vault. Raises DataUnavailable."""
    tags = tags_of(view).get(arn, {})
    return [
        rule
        for plan in view.get(backup_plan.plans, Side.PRIMARY)
        if any(takes(selection, arn, tags) for selection in plan.selections)
        for rule in plan.rules
        if any(is_dr_vault(view, copy.vault_arn) for copy in rule.copies)
    ]


def copied_resources(view: View) -> list[str]:
    """The ARNs of all resources that the plan copies to the DR vault, in order. Raises DataUnavailable."""
    known = set(tags_of(view)) | {store.arn for store in stores(view)}
    return sorted(arn for arn in known if copying_rules(view, arn))


def promise(view: View, arn: str) -> BackupPromise | None:
    """The best promise of the rules that copy this resource, None where none does.

    Raises DataUnavailable where a schedule cannot be followed and no other rule promises anything.
    """
    rules = copying_rules(view, arn)
    promises = [found for rule in rules if (found := _of_rule(view, rule, arn))]
    if rules and not promises:
        reason = f"The schedule {rules[0].schedule} of rule {rules[0].name} cannot be followed."
        raise DataUnavailable(Unavailable(UnavailableKind.UNSUPPORTED, reason))
    return min(promises, key=lambda promised: promised.worst_minutes, default=None)


def _of_rule(view: View, rule: backup_plan.BackupRule, arn: str) -> BackupPromise | None:
    """Gap between runs + start window + completion window + copy: until then only the older copy is there (T25)."""
    gap = longest_gap_minutes(rule.schedule, view.now.date())
    if gap is None:
        return None
    copying = _longest_minutes(view.get(backup_jobs.copies, Side.PRIMARY), arn)
    backing_up = rule.completion_minutes
    unlimited = "" if backing_up is not None else " (no limit: as measured)"
    if backing_up is None:
        backing_up = round(_longest_minutes(view.get(backup_jobs.backups, Side.PRIMARY), arn))
    # All of it: right before a copy arrives, the newest one is a whole gap, both windows and a copy old (T25).
    worst = gap + rule.start_minutes + backing_up + copying
    basis = (
        f"rule {rule.name}: {gap} min between runs + {rule.start_minutes} start window + {backing_up} completion"
        f"{unlimited} + {copying:.0f} copying"
    )
    return BackupPromise(rule, gap, worst, basis)


def _longest_minutes(jobs: tuple[backup_jobs.BackupJob, ...], arn: str) -> float:
    """The longest completed job of this resource, in minutes; 0 where none is known."""
    spans = [
        (job.completed_at - job.created_at).total_seconds() / _MINUTE_S
        for job in jobs
        if job.resource_arn == arn and job.completed_at and job.state == "COMPLETED"
    ]
    return max(spans, default=0.0)
