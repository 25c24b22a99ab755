"""Renames a database that is not used any more, so that its name is free: nothing of it is lost, nothing is deleted.

Rows, snapshots, tags, replicas and resource id stay; the endpoint follows the name, and the instance reboots. Until the
new name is effective (about ten minutes) it is not available. Source: RDS User Guide, Renaming a DB instance. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dr_actions.actions.database import failback
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.action_ids import name_of
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import DATABASE
from dr_estate.readers import rds

MODIFY = "rds:ModifyDBInstance"


@dataclass(frozen=True)
class Renaming:
    """Which database of ``side`` an action renames (None for none), why, and what it ``was``."""

    module: str
    side: Side
    of: Callable[[PlanContext], rds.Instance | None]
    why: str
    was: str


def renaming(what: Renaming) -> Action:
    """The action that renames it."""
    return Action(
        name_of(what.module),
        "",
        {MODIFY},
        (rds.instances,),
        steps=lambda context: _steps(what, context),
        status=_observe,
        rollback=_rollback_call,
        leftovers=lambda context: _kept(what, context),
    )


def _steps(what: Renaming, context: PlanContext) -> Iterator[Step]:
    if instance := what.of(context):
        yield _step(what, context, instance)


def _step(what: Renaming, context: PlanContext, instance: rds.Instance) -> Step:
    region, retained = context.env.region(what.side), failback.retained_name(instance)
    return context.step(
        what.module,
        instance.identifier,
        side=what.side,
        says=f"Rename the database {instance.identifier} in {region} to {retained}, and keep it: {what.why}.",
        danger=Danger.REVERSIBLE,
        undo=f"Rename {retained} to {instance.identifier} again, as long as no other has that name.",
        budget_s=1800,
        call=_rename(region, instance.identifier, retained),
        before={"name": instance.identifier, "resource": instance.resource_id},
        after={"name": retained, "resource": instance.resource_id},
    )


def _rename(region: str, name: str, to: str) -> Call:
    params = {"DBInstanceIdentifier": name, "NewDBInstanceIdentifier": to, "ApplyImmediately": True}
    return Call("rds", "ModifyDBInstance", region, params)


def _observe(step: Step, context: PlanContext) -> StepStatus:
    """By resource id, which the rename leaves as it is. Raises DataUnavailable."""
    instance = failback.by_resource(context, step.side, step.before["resource"])
    if instance is None:
        return StepStatus(StepState.DRIFTED, f"{step.subject} ({step.before['resource']}) is gone.")
    state = DATABASE[instance.status]
    if instance.identifier == step.after["name"] and state.changeable:
        return StepStatus(
            StepState.DONE, f"{step.subject} is kept as {instance.identifier}.", failback.evidence_of(instance)
        )
    if instance.identifier not in (step.before["name"], step.after["name"]):
        return StepStatus(
            StepState.DRIFTED, f"{step.subject} is called {instance.identifier} now.", failback.evidence_of(instance)
        )
    if state.broken or state.stopped:
        how = "start it" if state.stopped else "repair it"
        message = f"{instance.identifier} is {instance.status} and cannot be renamed: {how}, then run again."
        return StepStatus(StepState.FAILED, message, failback.evidence_of(instance))
    if not state.changeable:
        message = f"{instance.identifier} is {instance.status}."
        return StepStatus(StepState.IN_PROGRESS, message, works=state.busy)
    other = failback.named(context, step.side, step.after["name"])
    if other is not None:
        return StepStatus(StepState.DRIFTED, f"Another instance is called {other.identifier} already.")
    return StepStatus(StepState.READY, f"{instance.identifier} can be renamed.", failback.evidence_of(instance))


def _rollback_call(step: Step) -> Call | None:
    """The old name again."""
    return _rename(step.planned_call.region, step.after["name"], step.before["name"])


def _kept(what: Renaming, context: PlanContext) -> Iterator[str]:
    """The sentence of what a person is to clean up."""
    if instance := what.of(context):
        yield (
            f"{instance.identifier} in {context.env.region(what.side)} will be kept as "
            f"{failback.retained_name(instance)} ({what.was}): "
            "delete it by hand some day."
        )
