"""Renames a database that is not used any more, so that its name is free: nothing of it is lost, nothing is deleted.

Rows, snapshots, tags, replicas and resource id stay; the endpoint follows the name, and the instance reboots. Until the
new name is effective (about ten minutes) it is not available. Source: RDS User Guide, Renaming a DB instance. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dr_actions.actions.database import failback
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import DATABASE
from dr_estate.readers import rds

MODIFY = "rds:ModifyDBInstance"


@dataclass(frozen=True)
class Renaming:
    """An action that renames a database of ``side`` (``of`` gives it, None for none): why, and what it ``was``."""

    name: str
    does: str
    side: Side
    of: Callable[[PlanContext], rds.Instance | None]
    why: str
    was: str

    def action(self) -> Action:
        """The action."""
        return Action(
            *(self.name, self.does, {MODIFY}, (rds.instances,), self.steps, rename_status),
            rollback=lambda step: _rename_call(step.planned_call.region, step.after["name"], step.before["name"]),
            leftovers=self.leftovers,
        )

    def steps(self, context: PlanContext) -> Iterator[Step]:
        """The one step, where there is such a database."""
        instance, region = self.of(context), context.env.region(self.side)
        if instance is None:
            return
        retained = failback.retained_name(instance)
        yield context.step(
            self.name,
            instance.identifier,
            side=self.side,
            says=f"Rename the database {instance.identifier} in {region} to {retained}, and keep it: {self.why}.",
            danger=Danger.REVERSIBLE,
            undo=f"Rename {retained} to {instance.identifier} again, as long as no other has that name.",
            budget_s=1800,
            call=_rename_call(region, instance.identifier, retained),
            before={"name": instance.identifier, "resource": instance.resource_id},
            after={"name": retained, "resource": instance.resource_id},
        )

    def leftovers(self, context: PlanContext) -> Iterator[str]:
        """The sentence of what a person is to clean up."""
        if instance := self.of(context):
            yield (
                f"{instance.identifier} in {context.env.region(self.side)} will be kept as "
                f"{failback.retained_name(instance)} ({self.was}): delete it when it is no longer needed."
            )


def _rename_call(region: str, name: str, to: str) -> Call:
    # Without ApplyImmediately the rename waits for the maintenance window (API_ModifyDBInstance).
    params = {"DBInstanceIdentifier": name, "NewDBInstanceIdentifier": to, "ApplyImmediately": True}
    return Call("rds", "ModifyDBInstance", region, params)


def rename_status(step: Step, context: PlanContext) -> StepStatus:
    """By resource id, which the rename leaves as it is. Raises DataUnavailable."""
    instance = failback.instance_of_resource(context, step.side, step.before["resource"])
    if instance is None:
        return StepStatus(StepState.DRIFTED, f"{step.subject} ({step.before['resource']}) is gone.")
    state, facts = DATABASE[instance.status], failback.evidence_of(instance)
    # The new name shows before the reboot is over; until it is, the next call on the instance would be refused.
    if instance.identifier == step.after["name"] and state.changeable:
        return StepStatus(StepState.DONE, f"{step.subject} is kept as {instance.identifier}.", facts)
    if instance.identifier not in (step.before["name"], step.after["name"]):
        return StepStatus(StepState.DRIFTED, f"{step.subject} is called {instance.identifier} now.", facts)
    if state.broken or state.is_stopped:
        how = "start it" if state.is_stopped else "repair it"
        message = f"{instance.identifier} is {instance.status} and cannot be renamed: {how}, then run again."
        return StepStatus(StepState.FAILED, message, facts)
    if not state.changeable:
        message = f"{instance.identifier} is {instance.status}."
        return StepStatus(StepState.IN_PROGRESS, message, works=state.busy)
    # Names are unique per account and region: RDS would refuse the call.
    other = failback.instance_by_name(context, step.side, step.after["name"])
    if other is not None:
        return StepStatus(StepState.DRIFTED, f"Another instance is called {other.identifier} already.")
    return StepStatus(StepState.READY, f"{instance.identifier} can be renamed.", facts)


OLD_PRIMARY = Renaming(
    "database/rename_old_primary",
    "Keeps the old primary database under another name: what it alone may hold is not lost, and its name is free.",
    Side.PRIMARY,
    lambda context: failback.old_primary(context) if failback.writer(context) else None,
    "the copy of the failback takes its name, at the host that the tasks there name",
    "the primary's database of before the failover",
).action()
OLD_DR = Renaming(
    "database/rename_old_dr",
    "Keeps the DR region's database under another name: the next failover needs its name, and nothing is deleted.",
    Side.DR,
    failback.writer,
    "its data is in the primary region, and a failover to come restores under this name",
    "the database that served during the failover",
).action()
