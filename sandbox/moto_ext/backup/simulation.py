"""AWS Backup plans keep running: whenever the service is asked, its past is played up to now (T25).

Each rule's runs since the last look make recovery points, their jobs and, by copy actions, copies in other regions.
A selection that is created has a past of ``STATE.extras["backup_history_h"]`` hours (24), as if it had long run;
what began in its last minutes began some earlier, and is over. A dark region makes nothing, and the runs it missed are
not made up later.

For disasters: ``backend.__dict__["backup_hooks"]`` of the plan's region may hold, under "backups" or "copies",
``{"how": "stop" | "fail", "since": datetime, "reason": str}``: runs from then on are not made, or their jobs fail.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from moto.backup.models import BackupBackend, Plan, backup_backends
from moto.backup.responses import BackupResponse

from sandbox.core.patching import Function, operation, state
from sandbox.core.state import STATE, now
from sandbox.moto_ext.backup.copies import copy_of, key_fault
from sandbox.moto_ext.backup.durations import occurrences
from sandbox.moto_ext.backup.model import (
    JOBS_KEPT_DAYS,
    BackupPoint,
    BackupResource,
    SimulatedJob,
    SimulatedSelection,
    jobs,
    point_arn,
    points,
    selections,
    world_time,
)
from sandbox.moto_ext.backup.resources import resources, selected_resources

# With the copy some five minutes after the hour: the oldest copy is 65 minutes old (T25).
BACKUP_TAKES = timedelta(minutes=2)
COPY_TAKES = timedelta(minutes=3)
HISTORY_H = 24

_one_player = threading.RLock()


@dataclass(frozen=True)
class RuleRun:
    """One run of one rule for one resource."""

    backend: BackupBackend
    plan: Plan
    rule: dict[str, Any]
    role: str
    resource: BackupResource
    at: datetime

    @property
    def by(self) -> dict[str, str]:
        """The plan and the rule that made it, as AWS reports them."""
        return {
            "BackupPlanId": self.plan.backup_plan_id,
            "BackupPlanArn": self.plan.backup_plan_arn,
            "BackupPlanVersion": self.plan.version_id,
            "BackupRuleId": self.rule["RuleId"],
        }

    def id(self, kind: str) -> str:
        """An id that is the same whenever this run is played."""
        # uuid5 of what the run is: played twice it gives one point and one job.
        seed = f"{kind}:{self.plan.backup_plan_id}:{self.rule['RuleName']}:{self.resource.arn}:{self.at.isoformat()}"
        return str(uuid.uuid5(uuid.NAMESPACE_URL, seed)).upper()


def serve(name: str) -> Callable[[Function], Function]:
    """Answer an AWS Backup operation from ``answer(backend of the region, request)``, the past played up to now."""

    def declare(answer: Function) -> Function:
        @operation(BackupResponse, name)
        def answer_now(response: BackupResponse, params: dict[str, Any]) -> Any:
            # Every region first: the copies of another region's plan land in this one.
            simulate(response.current_account)
            return answer(response.backup_backend, params)

        return answer

    return declare


def history_start() -> datetime:
    """Since when a selection created now is taken to have run."""
    return now() - timedelta(hours=float(STATE.extras.get("backup_history_h", HISTORY_H)))


def simulate(account: str) -> None:
    """Bring every region's plans, points and jobs of ``account`` up to now. Idempotent."""
    with _one_player:
        backends: list[BackupBackend] = list(backup_backends[account].values())
        for backend in backends:
            # First all plans, then what expires: a copy may come into a region that was looked at before.
            for selection in selections(backend).values():
                _advance(backend, selection)
        for backend in backends:
            for arn, point in list(points(backend).items()):
                if point.expires is not None and point.expires < world_time(backend.region_name):
                    del points(backend)[arn]
            oldest = now() - timedelta(days=JOBS_KEPT_DAYS)
            for kind in ("backup", "copy", "restore"):
                for job_id, job in list(jobs(backend, kind).items()):
                    if job.created < oldest:
                        del jobs(backend, kind)[job_id]


def _advance(backend: BackupBackend, selection: SimulatedSelection) -> None:
    plan = backend.plans[selection.plan_id]
    until = world_time(backend.region_name)
    if plan.deletion_date is None and until > selection.played_until:
        runs = [
            (rule, at)
            for rule in plan.backup_plan["Rules"]
            for at in occurrences(
                rule["ScheduleExpression"], rule["ScheduleExpressionTimezone"], selection.played_until, until
            )
        ]
        every = resources(backend.account_id, backend.region_name) if runs else []
        for resource in selected_resources(selection.request, every):
            for rule, at in runs:
                began = _begin_time(at, selection.created)
                _make(RuleRun(backend, plan, rule, selection.request["IamRoleArn"], resource, began))
    # The clock, not the region's own time: what a dark region missed is not made up.
    selection.played_until = now()


def _begin_time(at: datetime, created: datetime) -> datetime:
    """When a run began: one of a new world's past is over, so that a world of any minute has this hour's copy."""
    # Two minutes for the backup, three for the copy, and one to be sure.
    return at if at > created else min(at, created - BACKUP_TAKES - COPY_TAKES - timedelta(minutes=1))


def _hook(run: RuleRun, what: str) -> tuple[str, str]:
    found = state(run.backend, "backup_hooks").get(what)
    if not found or run.at < found["since"]:
        return "", ""
    return found["how"], found.get("reason", "The job was stopped by a fault.")


def _make(run: RuleRun) -> None:
    vault = run.backend.vaults.get(run.rule["TargetBackupVaultName"])
    how, reason = _hook(run, "backups")
    if how == "stop" or vault is None:
        return
    ends = run.at + BACKUP_TAKES
    arn = point_arn(run.backend, run.resource.kind, run.id("backup"))
    answer: dict[str, Any] = {
        "BackupVaultName": vault.backup_vault_name,
        "BackupVaultArn": vault.backup_vault_arn,
        "RecoveryPointArn": arn,
        "ResourceArn": run.resource.arn,
        "IamRoleArn": run.role,
        "CreatedBy": run.by,
        "AccountId": run.backend.account_id,
    }
    if minutes := run.rule.get("StartWindowMinutes"):
        answer["StartBy"] = run.at + timedelta(minutes=minutes)
    job = SimulatedJob(run.id("backup"), run.at, ends, run.backend.region_name, run.resource, answer, reason)
    jobs(run.backend, "backup")[job.id] = job
    setattr(run.plan, "last_execution_date", run.at.timestamp())  # noqa: B010 - the emulator types it as never set
    if how == "fail":
        return
    lifecycle = run.rule.get("Lifecycle") or {}
    region = run.backend.region_name
    point = BackupPoint(arn, vault, run.resource, region, run.at, ends, run.role, run.by, lifecycle)
    points(run.backend)[arn] = point
    for action in run.rule.get("CopyActions") or []:
        _copy(run, point, action)


def _copy(run: RuleRun, point: BackupPoint, action: dict[str, Any]) -> None:
    how, reason = _hook(run, "copies")
    if how == "stop":
        return
    arn = action["DestinationBackupVaultArn"]
    target: BackupBackend = backup_backends[run.backend.account_id][arn.split(":")[3]]
    vault = target.vaults.get(arn.split(":")[-1])
    if vault is None:
        reason = f"Destination vault {arn} does not exist."
    # A disaster's reason goes before that of a key.
    elif not reason:
        reason = key_fault(run.backend.account_id, run.role, point.vault.encryption_key_arn, vault.encryption_key_arn)
    copy_of(
        run.backend,
        target,
        vault,
        point,
        {
            "id": run.id(f"copy:{arn}"),
            "begins": point.completed,
            "ends": point.completed + COPY_TAKES,
            "lifecycle": action.get("Lifecycle") or {},
            "failure": reason,
            "target_arn": arn,
        },
    )
