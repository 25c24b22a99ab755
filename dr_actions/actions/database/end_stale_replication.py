"""Ends the replication of the old primary's automated backups, before that of the new primary database begins.

The old primary keeps its rows, but not its name: two replicated backups would have the same name, and a later failover
could use the older one (T57). The replication ends while the old primary still has the ARN with which it began. What
was replicated stays until it expires (RDS User Guide, Stopping automated backup replication).
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import failback
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import rds

_STOP = "StopDBInstanceAutomatedBackupsReplication"
RUNNING = ("replicating", "pending")
"""How replicated backups stand that RDS adds to still."""


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where the DR region still replicates the old primary's backups."""
    copies = _stale(context) if failback.writer(context) else None
    if copies is None:
        return
    region, name = context.env.regions.dr, failback.own_name(context)
    stands = failback.by_resource(context, Side.PRIMARY, copies.resource_id) is not None  # maybe under another name
    rest = "the old database stays, and its own backups with it" if stands else "that database is gone"
    yield context.step(
        __name__,
        name,
        side=Side.DR,
        says=f"End the replication of the backups of the old {name} into {region}: the new one's take its "
        "place at the end. What was replicated stays until it expires.",
        danger=Danger.COMPENSABLE,
        undo=f"Not taken back: {rest}.",
        budget_s=600,
        call=Call("rds", _STOP, region, {"SourceDBInstanceArn": copies.instance_arn}),
        before={"resource": copies.resource_id, "copies": copies.arn},
        after={"replicates": ""},
    )


def _stale(context: PlanContext) -> rds.AutomatedBackup | None:
    """What is replicated of the old primary, or under its name of one that is gone (T57). Raises DataUnavailable."""
    old, name = failback.old(context), failback.own_name(context)
    if old is not None:
        return _copies(context, old.resource_id)
    copied_back = failback.named(context, Side.PRIMARY, name)
    own = copied_back.resource_id if copied_back else ""
    found = context.snapshot.get(rds.automated_backups, Side.DR)
    arn = failback.primary_arn(context)
    return next((r for r in found if r.instance_arn == arn and r.resource_id != own and r.status in RUNNING), None)


def _copies(context: PlanContext, resource: str) -> rds.AutomatedBackup | None:
    """The backups of that database that are being replicated. Raises DataUnavailable."""
    found = context.snapshot.get(rds.automated_backups, Side.DR)
    return next((row for row in found if row.resource_id == resource and row.status in RUNNING), None)


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once nothing replicates them."""
    copies = _copies(context, step.before["resource"])
    if copies is None:
        return StepStatus(StepState.DONE, f"Nothing replicates the backups of the old {step.subject}.")
    return StepStatus(StepState.READY, f"The backups of the old {step.subject} are {copies.status}.")


ACTION = action(globals(), {f"rds:{_STOP}"}, (rds.instances, rds.automated_backups), essential=False)
