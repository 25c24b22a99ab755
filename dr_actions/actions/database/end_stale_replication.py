"""Ends the replication of the old primary's automated backups, before that of the database at home begins.

The old primary keeps its rows, but not its name: two replicated backups would bear one name, and a failover to come
could take the older (T57). It is ended while the old primary still has the ARN that it was begun with. What was
replicated stays until it expires (RDS User Guide, Stopping automated backup replication).
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import failback
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import rds

_STOP = "StopDBInstanceAutomatedBackupsReplication"
_RUNNING = ("replicating", "pending")


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where the DR region still replicates the old primary's backups."""
    old, source = failback.old(context), failback.writer(context)
    copies = _copies(context, old.resource_id) if old and source else None
    if old is None or copies is None:
        return
    region = context.env.regions.dr
    yield context.step(
        __name__,
        old.identifier,
        side=Side.DR,
        says=f"End the replication of the backups of the old {old.identifier} into {region}: the new one's take its "
        "place at the end. What was replicated stays until it expires.",
        danger=Danger.COMPENSABLE,
        undo="Not taken back: the old database stays, and its own backups with it.",
        budget_s=600,
        call=Call("rds", _STOP, region, {"SourceDBInstanceArn": copies.instance_arn}),
        before={"resource": old.resource_id, "copies": copies.arn},
        after={"replicates": ""},
    )


def _copies(context: PlanContext, resource: str) -> rds.AutomatedBackup | None:
    """The backups of that database that are being replicated. Raises DataUnavailable."""
    found = context.snapshot.get(rds.automated_backups, Side.DR)
    return next((row for row in found if row.resource_id == resource and row.status in _RUNNING), None)


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once nothing replicates them."""
    copies = _copies(context, step.before["resource"])
    if copies is None:
        return StepStatus(StepState.DONE, f"Nothing replicates the backups of the old {step.subject}.")
    return StepStatus(StepState.READY, f"The backups of the old {step.subject} are {copies.status}.")


ACTION = action(globals(), {f"rds:{_STOP}"}, (rds.instances, rds.automated_backups), essential=False)
