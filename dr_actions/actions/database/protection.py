"""Protects the database that serves now as the one before it was: backups, deletion protection, a standby.

A failure here leaves the tenants served. In the DR region a promoted replica keeps what it had: it is given all of
that. A restored instance is made with all that but a copy in a second zone, which RDS makes once visitors are served:
nobody waits until it is there.

The replica that became the primary's database was requested with all of that, and RDS may apply it later, or not at
all. It gets the old one's windows here, both in one call: a promotion with the old backup window would be refused where
that overlaps the maintenance window that RDS chose for the replica (RDS API, PromoteReadReplica,
PreferredBackupWindow).
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import copy_selection, failback
from dr_actions.actions.database.copy_selection import CopyChoice
from dr_actions.actions.database.promotion import retention
from dr_actions.actions.database.restore_dr import STORAGE_LIMIT
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Params, Step, part_of
from dr_checks.derived.database_copies import BACKUP, REPLICA, known_database
from dr_estate.config.environment import Side
from dr_estate.model.recovery_names import RESTORED_FROM
from dr_estate.model.states import DATABASE
from dr_estate.readers import rds

MODIFY = "rds:ModifyDBInstance"
SECOND_ZONE = "second_zone"
_WINDOWS = ("PreferredBackupWindow", "PreferredMaintenanceWindow")


def dr_steps(context: PlanContext) -> Iterator[Step]:
    """A step for the replica to be promoted, where it lacks something; its promotion asks for the backups itself."""
    choice = copy_selection.choose(context)
    if choice is None:
        return
    # A restore names all protection in its own call; only a second zone is left for afterwards.
    if choice.copy.mechanism != REPLICA:
        yield from _second_zone(context, choice)
        return
    instance = copy_selection.instance(context, choice.identifier)
    lacks = {key: True for key, has in _settings(instance).items() if has is False} if instance else {}
    if instance is not None and lacks:
        name, region = instance.identifier, context.env.regions.dr
        # The promotion asks for them too: named here again, the step is done only once they are seen.
        days = context.env.thresholds.backup_retention_days
        after = {**lacks, "BackupRetentionPeriod": days}
        params = {"DBInstanceIdentifier": name, "ApplyImmediately": True, **after}
        words = {"DeletionProtection": "deletion protection", "MultiAZ": "a standby in another zone"}
        missing = " and ".join(words[key] for key in sorted(lacks))
        yield context.step(
            PROTECT_DR.name,
            name,
            side=Side.DR,
            says=f"Give {name} in {region} {missing}, and backups kept for {days} days: it is the primary "
            "database now.",
            danger=Danger.REVERSIBLE,
            undo="Left on: protection harms nobody. Take it off with aws rds modify-db-instance.",
            budget_s=1800,
            call=Call("rds", "ModifyDBInstance", region, params),
            before={"resource": instance.resource_id, **dict.fromkeys(lacks, False)},
            after=after,
        )


def _settings(instance: rds.Instance) -> Params:
    return {"DeletionProtection": instance.deletion_protection, "MultiAZ": instance.multi_az}


def _second_zone(context: PlanContext, choice: CopyChoice) -> Iterator[Step]:
    """Where the primary had one, or where nobody knows: the step that asks for it, and for what a snapshot's lacks."""
    name, region, like = choice.identifier, context.env.regions.dr, known_database(copy_selection.view_of(context))
    if like is not None and not like.multi_az:
        return
    after: Params = {"MultiAZ": True}
    # RestoreDBInstanceFromDBSnapshot takes no MaxAllocatedStorage, the restore to a point in time does.
    if like is not None and like.storage_limit_gib and choice.copy.mechanism == BACKUP:
        after = {**after, STORAGE_LIMIT: like.storage_limit_gib}
    yield context.step(
        PROTECT_DR.name,
        name,
        part=SECOND_ZONE,
        side=Side.DR,
        says=f"Ask RDS for a copy of {name} in a second zone of {region}; it serves meanwhile, and nobody waits.",
        danger=Danger.REVERSIBLE,
        undo="Left on: protection harms nobody. Take it off with aws rds modify-db-instance.",
        budget_s=300,
        call=Call("rds", "ModifyDBInstance", region, {"DBInstanceIdentifier": name, "ApplyImmediately": True, **after}),
        before={RESTORED_FROM: choice.copy.name},
        after=after,
    )


def _of_second_zone(step: Step, instance: rds.Instance | None) -> StepStatus:
    if instance is None:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is gone: what this plan restored is not there any more.")
    if dict(instance.tags).get(RESTORED_FROM) != step.before[RESTORED_FROM]:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is not the database that this plan restores.")
    # Begun is enough: the second zone's copy takes its time, and a run that waits for it helps no visitor.
    if instance.multi_az or instance.becomes_multi_az:
        how = "has" if instance.multi_az else "is being given"
        return StepStatus(StepState.DONE, f"{instance.identifier} {how} a copy in a second zone.")
    message = f"{instance.identifier} is {instance.status} and stands in one zone."
    return StepStatus(StepState.READY if DATABASE[instance.status].changeable else StepState.IN_PROGRESS, message)


def dr_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once all of it is set; while the instance is being changed or still boots, it is waited for."""
    instance = copy_selection.instance(context, step.subject)
    if part_of(step.id) == SECOND_ZONE:
        return _of_second_zone(step, instance)
    if instance is None or instance.resource_id != step.before["resource"]:
        return StepStatus(StepState.DRIFTED, f"The instance {step.subject} that was planned upon is gone.")
    seen = {**_settings(instance), "BackupRetentionPeriod": instance.retention_days}
    open_ = sorted(key for key, wanted in step.after.items() if _short(seen[key], wanted))
    if not open_:
        return StepStatus(StepState.DONE, f"{instance.identifier} is protected and backed up.")
    if instance.source:
        return StepStatus(StepState.DRIFTED, f"{instance.identifier} is still a read replica.")
    message = f"{instance.identifier} is {instance.status} and lacks {', '.join(open_)}"
    return StepStatus(StepState.READY if DATABASE[instance.status].changeable else StepState.IN_PROGRESS, f"{message}.")


def _short(seen: object, wanted: object) -> bool:
    """More days than wanted are as good; a switch is on or off."""
    if isinstance(seen, bool) or not isinstance(seen, int) or not isinstance(wanted, int):
        return seen != wanted
    return seen < wanted


def primary_steps(context: PlanContext) -> Iterator[Step]:
    """The one step: what it finds as wanted it leaves alone."""
    source, like = failback.writer(context), failback.model(context)
    if source is None:
        return
    name, region = failback.own_name(context), context.env.regions.primary
    after: Params = {"BackupRetentionPeriod": retention(context), "DeletionProtection": True}
    if (like or source).multi_az:
        after = {**after, "MultiAZ": True}
    if like is not None:
        after = {**after, **_windows(like)}
    yield context.step(
        PROTECT_PRIMARY.name,
        name,
        side=Side.PRIMARY,
        says=f"Make sure that {name} in {region} is protected as the database of before was: backups, deletion "
        "protection, standby.",
        danger=Danger.REVERSIBLE,
        undo="Left on: protection harms nobody. Take it off with aws rds modify-db-instance.",
        budget_s=1800,
        call=Call("rds", "ModifyDBInstance", region, {"DBInstanceIdentifier": name, "ApplyImmediately": True, **after}),
        before={"resource": source.resource_id},
        after=after,
    )


def _windows(instance: rds.Instance) -> Params:
    """Return the windows that RDS reports for the instance, as ModifyDBInstance takes them."""
    found = dict(zip(_WINDOWS, (instance.backup_window, instance.maintenance_window), strict=True))
    return {key: window for key, window in found.items() if window}


def primary_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once all of it is set; while the instance is being changed or still boots, it is waited for."""
    instance = failback.instance_by_name(context, Side.PRIMARY, step.subject)
    if instance is None or instance.source or dict(instance.tags).get(failback.COME_FROM) != step.before["resource"]:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is not the promoted copy of the failback.")
    seen = {"DeletionProtection": instance.deletion_protection, "MultiAZ": instance.multi_az}
    open_ = [key for key, has in seen.items() if step.after.get(key) and not has]
    if instance.retention_days < step.after["BackupRetentionPeriod"]:
        open_.append("BackupRetentionPeriod")
    windows = _windows(instance)
    open_ += [key for key in _WINDOWS if key in step.after and step.after[key] != windows.get(key)]
    if not open_:
        message = f"{instance.identifier} is protected and backed up."
        return StepStatus(StepState.DONE, message, failback.evidence_of(instance))
    message = f"{instance.identifier} is {instance.status} and lacks {', '.join(sorted(open_))}"
    return StepStatus(StepState.READY if DATABASE[instance.status].changeable else StepState.IN_PROGRESS, f"{message}.")


PROTECT_DR = Action(
    "database/protect_dr",
    "Protects the DR region's database as the primary database it now is. A failure here leaves the tenants served.",
    {MODIFY},
    (rds.instances,),
    dr_steps,
    dr_status,
    essential=False,
)
PROTECT_PRIMARY = Action(
    "database/protect_primary",
    "Makes sure that the new primary database is protected as the old one was: backups, deletion "
    "protection, a standby.",
    {MODIFY},
    (rds.instances,),
    primary_steps,
    primary_status,
    essential=False,
)
