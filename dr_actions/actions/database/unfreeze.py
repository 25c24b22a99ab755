"""Lets the DR region's parameter group be as it was: a copy to come, or a failover, could not take writes else.

The database it had frozen is renamed by then, and nobody is led to it.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import failback as home
from dr_actions.actions.database.freeze import MODIFY, call_for, is_default, value_before
from dr_actions.model.action import Confirmation, Sight, Standing, action, present
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import rds, rds_groups


def foresee(sight: Sight) -> Iterator[Step]:
    """A step for the group that was frozen; none where that was done by a group made by hand."""
    instance = home.writer(sight)
    if instance is None or is_default(home.group_of(instance)):
        return
    group, region = home.group_of(instance), sight.env.regions.dr
    value = value_before(sight, group)
    yield sight.step(
        __name__,
        group,
        side=Side.DR,
        says=f"Set {home.READ_ONLY} of the parameter group {group} in {region} to {value} again: a copy or a failover "
        "to come uses it.",
        danger=Danger.REVERSIBLE,
        undo=f"Set {home.READ_ONLY} of {group} to {home.FROZEN}.",
        budget_s=600,
        call=call_for(region, group, value),
        before={home.READ_ONLY: home.FROZEN, "frozen": instance.resource_id, "name": instance.identifier},
        after={home.READ_ONLY: value},
    )


def confirm(step: Step, sight: Sight) -> Confirmation:
    """DONE once the group says what it did before, and its instances run with that.

    Not while the database that it froze still has its name: two regions would take writes.
    """
    value = present(home.read_only(sight, Side.DR, step.subject), f"The parameter group {step.subject} is gone.")
    facts = (("group", step.subject), (home.READ_ONLY, value))
    if value == step.after[home.READ_ONLY]:
        return _applied(step, sight, facts)
    if not home.is_on(value):
        return Confirmation(Standing.CHANGED, f"{home.READ_ONLY} of {step.subject} is {value} now.", facts)
    instance = home.by_resource(sight, Side.DR, step.before["frozen"])
    if instance is not None and instance.identifier == step.before["name"]:
        return Confirmation(Standing.CHANGED, f"{instance.identifier} still has its name: it would take writes.", facts)
    return Confirmation(Standing.READY, f"{step.subject} lets its instances refuse writes.", facts)


def _applied(step: Step, sight: Sight, facts: tuple[tuple[str, str], ...]) -> Confirmation:
    used = [
        instance for instance in sight.snapshot.get(rds.instances, Side.DR) if home.group_of(instance) == step.subject
    ]
    late = [instance.identifier for instance in used if home.applying(instance)]
    if late:
        return Confirmation(Standing.WAITING, f"{', '.join(late)} is not in sync with {step.subject} yet.", facts)
    return Confirmation(Standing.DONE, f"{step.subject} is as it was.", facts)


def undo(step: Step) -> Call | None:
    """Frozen again."""
    return call_for(step.call.region, step.subject, home.FROZEN) if step.call else None


VERB = action(globals(), {MODIFY}, (rds.instances, rds_groups.parameter_groups))
