"""Renames a database that is not used any more, so that its name is free: nothing of it is lost, nothing is deleted.

Rows, snapshots, tags, replicas and resource id stay; the endpoint follows the name, and the instance reboots. Until the
new name is effective (about ten minutes) it is not available. Source: RDS User Guide, Renaming a DB instance. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dr_actions.actions.database import failback as home
from dr_actions.model.action import Confirmation, Sight, Standing, Verb
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
    of: Callable[[Sight], rds.Instance | None]
    why: str
    was: str


def renaming(what: Renaming) -> Verb:
    """The action that renames it."""
    return Verb(
        what.module,
        frozenset({MODIFY}),
        (rds.instances,),
        foresee=lambda sight: _steps(what, sight),
        confirm=_confirm,
        undo=_undo,
        leaves=lambda sight: _kept(what, sight),
    )


def _steps(what: Renaming, sight: Sight) -> Iterator[Step]:
    if instance := what.of(sight):
        yield _step(what, sight, instance)


def _step(what: Renaming, sight: Sight, instance: rds.Instance) -> Step:
    region, retained = sight.env.region(what.side), home.aside_name(instance)
    return sight.step(
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


def _confirm(step: Step, sight: Sight) -> Confirmation:
    """By resource id, which the rename leaves as it is. Raises CannotSee."""
    instance = home.by_resource(sight, step.side, step.before["resource"])
    if instance is None:
        return Confirmation(Standing.CHANGED, f"{step.subject} ({step.before['resource']}) is gone.")
    state = DATABASE[instance.status]
    if instance.identifier == step.after["name"] and state.changeable:
        return Confirmation(Standing.DONE, f"{step.subject} is kept as {instance.identifier}.", home.facts_of(instance))
    if instance.identifier not in (step.before["name"], step.after["name"]):
        return Confirmation(
            Standing.CHANGED, f"{step.subject} is called {instance.identifier} now.", home.facts_of(instance)
        )
    if state.broken or state.stopped:
        how = "start it" if state.stopped else "repair it"
        message = f"{instance.identifier} is {instance.status} and cannot be renamed: {how}, then run again."
        return Confirmation(Standing.FAILED, message, home.facts_of(instance))
    if not state.changeable:
        return Confirmation(Standing.WAITING, f"{instance.identifier} is {instance.status}.")
    other = home.named(sight, step.side, step.after["name"])
    if other is not None:
        return Confirmation(Standing.CHANGED, f"Another instance is called {other.identifier} already.")
    return Confirmation(Standing.READY, f"{instance.identifier} can be renamed.", home.facts_of(instance))


def _undo(step: Step) -> Call | None:
    """The old name again."""
    return _rename(step.planned_call.region, step.after["name"], step.before["name"])


def _kept(what: Renaming, sight: Sight) -> Iterator[str]:
    """The sentence of what a person is to clean up."""
    if instance := what.of(sight):
        yield (
            f"{instance.identifier} in {sight.env.region(what.side)} will be kept as "
            f"{home.aside_name(instance)} ({what.was}): "
            "delete it by hand some day."
        )
