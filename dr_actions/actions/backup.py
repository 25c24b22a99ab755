"""Backs up both regions' database and files before any sync to the primary region; complete recovery points prove it.

A database in a region for which no vault is named is backed up by a snapshot of RDS: files have nothing like it.

The DR region serves and takes writes meanwhile: its recovery points allow a return to this moment, and what is written
later is in its own stores, which are kept. The recovery points of the primary region hold what it alone may have. Only
the recovery point that the step's own job made counts, once AWS Backup lists it as COMPLETED; the snapshot of the run's
own name, once RDS lists it as available. Sources: AWS Backup API, StartBackupJob and ListRecoveryPointsByBackupVault;
RDS API, CreateDBSnapshot."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from dr_actions.actions.database import failback
from dr_actions.guard.backup_first import CLOCKS_APART
from dr_actions.guard.context import STORES
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import DATABASE_SNAPSHOT, FILE_SYSTEM, RECOVERY_POINT
from dr_estate.model.stores import DATABASE, FILES
from dr_estate.model.stores import STORES as DATA_STORES
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import backup, backup_jobs, backup_plan, efs, rds

START, SNAPSHOT = "backup:StartBackupJob", "rds:CreateDBSnapshot"
KEPT_DAYS = 35
_BACKUPS = {store.id: store.backup for store in DATA_STORES if store.backup}
# Longer than a database's windows delay a backup: it starts neither in a window nor in the hour before one.
#
# Source: AWS Backup guide, plan-options-and-configuration.
START_WINDOW_MINUTES = 240
_UNBEGUN = ("CREATED", "PENDING")
_OVER = ("FAILED", "ABORTED", "EXPIRED", "PARTIAL")
# A failure fails the run that sees it; a run that starts after this long makes the backup again.
_FRESH = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class BackupStore:
    """What is backed up: ``kind`` is the id of the store."""

    side: Side
    kind: str
    name: str
    arn: str


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each side's database and files."""
    for store in stores(context):
        env, region = context.env, context.env.region(store.side)
        vault, days = backup.vault_name(env, store.side), _kept_days(context, store.side)
        later = "<derived from the incident and the moment at which the run began>"
        before, after = {"arn": store.arn, "store": store.kind}, {"snapshot": "available, created in this run"}
        if store.kind == DATABASE.id and not vault:
            says = f"Make a snapshot of the database {store.name} in {region}, where no vault is named."
            undo = "The snapshot is left where it is, until somebody deletes it."
            named = {"DBInstanceIdentifier": store.name, "DBSnapshotIdentifier": later}
            call = Call("rds", "CreateDBSnapshot", region, named)
        else:
            says = f"Back up the {store.kind} {store.name} in {region} into {vault}, kept for {days} days."
            undo = f"The recovery point is left where it is, and expires after {days} days."
            points, type_ = context.snapshot.get(backup.recovery_points, Side.DR), _BACKUPS[store.kind].type
            plans = partial(context.snapshot.get, backup_plan.plans, Side.PRIMARY)
            params = {
                "BackupVaultName": vault,
                "ResourceArn": store.arn,
                "IamRoleArn": backup_plan.backup_role(context.env, type_, points, plans),
                "IdempotencyToken": later,
                "StartWindowMinutes": START_WINDOW_MINUTES,
                "Lifecycle": {"DeleteAfterDays": days},
            }
            call = Call("backup", "StartBackupJob", region, params)
            before["vault"], after = vault, {"recovery point": "COMPLETED, created in this run"}
        yield context.step(
            CREATE_BACKUPS.name,
            store.name,
            label=f"{store.side}-{store.kind}",
            side=store.side,
            says=says,
            danger=Danger.COMPENSABLE,
            undo=undo,
            budget_s=_BACKUPS[store.kind].budget_s,
            call=call,
            before=before,
            after=after,
        )


def _snapshot_name(step: Step, context: PlanContext) -> str:
    """The name of the run's own snapshot: RDS refuses a second one of that name.

    A name ends without a hyphen and has at most 255 characters (API_CreateDBSnapshot), a database's at most 63.
    """
    seed = f"{context.env.name}:{context.incident}:{step.id}:{context.begun_at}"
    return f"{step.subject}-before-failback-{uuid.uuid5(uuid.NAMESPACE_URL, seed).hex[:12]}"


def _snapshot_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the run's own snapshot is available, with its ARN; one that failed keeps its name until it is gone."""
    name = _snapshot_name(step, context)
    snapshot = context.snapshot.find(rds.manual_snapshots, step.side, identifier=name)
    if snapshot is None:
        return StepStatus(StepState.READY, f"{step.subject} has no snapshot of this run.")
    state = DATABASE_SNAPSHOT[snapshot.status]
    if state.serves and snapshot.created_at is not None:
        arn, text = f"{step.before['arn'].rpartition(':db:')[0]}:snapshot:{name}", snapshot.created_at.isoformat()
        facts = (("side", str(step.side)), ("store", step.before["store"]), ("arn", arn), ("created_at", text))
        return StepStatus(StepState.DONE, f"{step.subject} is backed up in {arn}.", facts)
    if state.broken:
        region = context.env.region(step.side)
        remedy = f"aws rds delete-db-snapshot --region {region} --db-snapshot-identifier {name}"
        return StepStatus(StepState.FAILED, f"The snapshot {name} is {snapshot.status}: `{remedy}`, then run again.")
    message = f"The snapshot {name} of {step.subject} is {snapshot.status}."
    return StepStatus(StepState.IN_PROGRESS, message, progress=(snapshot.status,), works=True)


def stores(context: PlanContext) -> Iterator[BackupStore]:
    """Both sides' database and file system, as far as they are there. Raises DataUnavailable."""
    for side, instance in ((Side.DR, failback.writer(context)), (Side.PRIMARY, failback.old_primary(context))):
        if instance is not None:
            yield BackupStore(side, DATABASE.id, instance.identifier, instance.arn)
    name = context.env.named(context.env.names.file_system)
    # Without a name in the settings the estate has none: the only one of the account is somebody else's.
    for side in (Side.DR, Side.PRIMARY) if name else ():
        system = _file_system(context, side, name)
        if system is not None:
            yield BackupStore(side, FILES.id, name, system.arn)


def _file_system(context: PlanContext, side: Side, name: str) -> efs.FileSystem | None:
    """The one the failover made writable, the one of that name, or the only one: a replica's own bears no name."""
    found = [system for system in context.snapshot.get(efs.file_systems, side) if FILE_SYSTEM[system.state].serves]
    recorded = context.before("files/restore_dr", name).get("file system") if side is Side.DR else None
    for meant in (
        [system for system in found if system.id == recorded],
        [system for system in found if system.name == name],
        found,
    ):
        if len(meant) == 1:
            return meant[0]
    return None


def _kept_days(context: PlanContext, side: Side) -> int:
    """A locked vault refuses a point that it would have to delete too early or too late."""
    name = backup.vault_name(context.env, side)
    vault = context.snapshot.find(backup.vaults, side, name=name)
    days = max(KEPT_DAYS, context.env.thresholds.backup_retention_days)
    if vault is None:
        return days
    return min(max(days, vault.min_retention_days or days), vault.max_retention_days or days)


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE by a complete point of this run, with its ARN; IN_PROGRESS while its job is at work."""
    if _is_snapshot(step):
        return _snapshot_status(step, context)
    vault = context.snapshot.find(backup.vaults, step.side, name=step.before["vault"])
    if vault is None:
        message = f"{context.env.region(step.side)} has no vault {step.before['vault']}: provision it, then run again."
        return StepStatus(StepState.FAILED, message)
    job = _own_job(step, context)
    if job is None:
        return StepStatus(StepState.READY, f"{step.subject} is not backed up in this run.")
    points = (p for p in _points(step, context) if RECOVERY_POINT[p.status].serves)
    point = next((p for p in points if p.arn == job.point_arn), None)
    if job.state == "COMPLETED" and point is not None:
        text = point.created_at.isoformat()
        facts = (("side", str(step.side)), ("store", step.before["store"]), ("arn", point.arn), ("created_at", text))
        return StepStatus(StepState.DONE, f"{step.subject} is backed up in {point.arn}.", facts)
    if job.state not in _OVER:
        message = f"The backup of {step.subject} ({job.id}) is {job.state}, {job.percent or '0'} % done."
        message += _windows(step, context) if job.state in _UNBEGUN else ""
        return StepStatus(StepState.IN_PROGRESS, message, progress=(job.state, job.percent), works=True)
    if context.snapshot.taken_at - (job.completed_at or job.created_at) > _FRESH:
        return StepStatus(StepState.READY, f"The backup of {step.subject} ({job.id}) was {job.state}: once more.")
    return StepStatus(StepState.FAILED, f"The backup of {step.subject} ({job.id}) is {job.state}: {job.message}")


def _windows(step: Step, context: PlanContext) -> str:
    """Return when AWS Backup begins no backup of the database; "" for files, and where its windows were not seen."""
    try:
        instance = context.snapshot.find(rds.instances, step.side, arn=step.before["arn"])
    except DataUnavailable:
        return ""
    windows = [window for window in (instance.backup_window, instance.maintenance_window) if window] if instance else []
    if not windows:
        return ""
    return f" None begins in the database's windows ({', '.join(windows)}, UTC) or in the hour before them: it waits."


def _own_job(step: Step, context: PlanContext) -> backup_jobs.BackupJob | None:
    """The job that this step started: of those since the run began the one nearest to its call.

    Where the call was not recorded (a crash), the newest since then; where neither is known, none.
    """
    own = context.sent_at.get(step.id)
    begun_at = context.begun_at or own
    since = begun_at - CLOCKS_APART if begun_at else None
    jobs = [job for job in _jobs(step, context) if since is not None and job.created_at >= since]
    if own is None:
        return max(jobs, key=lambda job: job.created_at, default=None)
    return min(jobs, key=lambda job: abs(job.created_at - own), default=None)


def _points(step: Step, context: PlanContext) -> list[backup.RecoveryPoint]:
    found = context.snapshot.get(backup.recovery_points, step.side)
    return [point for point in found if point.resource_arn == step.before["arn"]]


def _jobs(step: Step, context: PlanContext) -> list[backup_jobs.BackupJob]:
    """The on-demand jobs of this store: what a backup plan's rule asked for in the same minute is not the step's."""
    found = [job for job in context.snapshot.get(backup_jobs.backups, step.side) if not job.plan_id]
    vault = f":backup-vault:{step.before['vault']}"
    return [job for job in found if job.resource_arn == step.before["arn"] and job.vault_arn.endswith(vault)]


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with a token that is new after a failure and in each run. Raises ValueError without a call."""
    if _is_snapshot(step):
        return step.call_with({"DBSnapshotIdentifier": _snapshot_name(step, context)})
    try:
        failed = sorted(job.id for job in _jobs(step, context) if job.state in _OVER)
    except DataUnavailable:
        failed = []
    seed = f"{context.env.name}:{context.incident}:{step.id}:{step.before['arn']}:{context.begun_at}:{failed}"
    token = str(uuid.uuid5(uuid.NAMESPACE_URL, seed))
    return step.call_with({"IdempotencyToken": token})


def _is_snapshot(step: Step) -> bool:
    return step.call is not None and step.call.name == SNAPSHOT


def notes(context: PlanContext) -> Iterator[str]:
    """What is absent, and so neither backed up nor overwritten."""
    there = {(store.side, store.kind) for store in stores(context)}
    names = {DATABASE.id: context.env.names.database, FILES.id: context.env.names.file_system}
    for side, kind in STORES:
        if names[kind] and (side, kind) not in there:
            yield f"{context.env.region(side)} has no {kind} of the estate to back up before the sync."


CREATE_BACKUPS = Action(
    "backup/create_backups",
    "Backs up both regions' database and files before any sync to the primary region; complete recovery "
    "points prove it.",
    {START, SNAPSHOT},
    (
        *(backup.vaults, backup.recovery_points, backup_jobs.backups, backup_plan.plans),
        *(rds.instances, rds.manual_snapshots, efs.file_systems),
    ),
    plan_steps,
    observe,
    build_call=build_call,
    omissions=notes,
)
