"""Makes sure that the new primary database is protected as the old one was: backups, deletion protection, a standby.

The replica was requested with all of that, and RDS may apply it later, or not at all. A failure leaves the tenants
served. The database gets the old one's windows here, both in one call: a promotion with the old backup window would be
refused where that overlaps the maintenance window that RDS chose for the replica (RDS API, PromoteReadReplica,
PreferredBackupWindow).
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import failback
from dr_actions.actions.database.promote_primary import retention
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Params, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import DATABASE
from dr_estate.readers import rds

MODIFY = "rds:ModifyDBInstance"
_WINDOWS = ("PreferredBackupWindow", "PreferredMaintenanceWindow")


def plan_steps(context: PlanContext) -> Iterator[Step]:
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
        __name__,
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


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once all of it is set; while the instance is being changed or still boots, it is waited for."""
    instance = failback.named(context, Side.PRIMARY, step.subject)
    if instance is None or instance.source or dict(instance.tags).get(failback.COME_FROM) != step.before["resource"]:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is not the promoted copy that came home.")
    seen = {"DeletionProtection": instance.deletion_protection, "MultiAZ": instance.multi_az}
    open_ = [key for key, has in seen.items() if step.after.get(key) and not has]
    if instance.retention_days < step.after["BackupRetentionPeriod"]:
        open_.append("BackupRetentionPeriod")
    windows = _windows(instance)
    open_ += [key for key in _WINDOWS if key in step.after and step.after[key] != windows.get(key)]
    if not open_:
        return StepStatus(
            StepState.DONE, f"{instance.identifier} is protected and backed up.", failback.evidence_of(instance)
        )
    message = f"{instance.identifier} is {instance.status} and lacks {', '.join(sorted(open_))}"
    return StepStatus(StepState.READY if DATABASE[instance.status].changeable else StepState.IN_PROGRESS, f"{message}.")


ACTION = action(globals(), {MODIFY}, (rds.instances,), essential=False)
