"""Lets the DR region's parameter group be as it was: a copy to come, or a failover, could not take writes else.

The database it had frozen is renamed by then, and nobody is led to it.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import failback
from dr_actions.actions.database.freeze import MODIFY, call_for, is_default, value_before
from dr_actions.model.action import PlanContext, StepState, StepStatus, action, present
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import rds, rds_groups


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for the group that was frozen; none where that was done by a group made by hand."""
    instance = failback.writer(context)
    if instance is None or is_default(failback.group_of(instance)):
        return
    group, region = failback.group_of(instance), context.env.regions.dr
    value = value_before(context, group)
    yield context.step(
        __name__,
        group,
        side=Side.DR,
        says=f"Set {failback.READ_ONLY} of the parameter group {group} in {region} to {value} again: a copy or a "
        f"failover "
        "to come uses it.",
        danger=Danger.REVERSIBLE,
        undo=f"Set {failback.READ_ONLY} of {group} to {failback.FROZEN}.",
        budget_s=600,
        call=call_for(region, group, value),
        before={failback.READ_ONLY: failback.FROZEN, "frozen": instance.resource_id, "name": instance.identifier},
        after={failback.READ_ONLY: value},
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the group says what it did before, and its instances run with that.

    Not while the database that it froze still has its name: two regions would take writes.
    """
    value = present(failback.read_only(context, Side.DR, step.subject), f"The parameter group {step.subject} is gone.")
    facts = (("group", step.subject), (failback.READ_ONLY, value))
    if value == step.after[failback.READ_ONLY]:
        return _applied(step, context, facts)
    if not failback.is_on(value):
        return StepStatus(StepState.DRIFTED, f"{failback.READ_ONLY} of {step.subject} is {value} now.", facts)
    instance = failback.by_resource(context, Side.DR, step.before["frozen"])
    if instance is not None and instance.identifier == step.before["name"]:
        return StepStatus(StepState.DRIFTED, f"{instance.identifier} still has its name: it would take writes.", facts)
    return StepStatus(StepState.READY, f"{step.subject} lets its instances refuse writes.", facts)


def _applied(step: Step, context: PlanContext, facts: tuple[tuple[str, str], ...]) -> StepStatus:
    used = [
        instance
        for instance in context.snapshot.get(rds.instances, Side.DR)
        if failback.group_of(instance) == step.subject
    ]
    late = [instance.identifier for instance in used if failback.applying(instance)]
    if late:
        return StepStatus(StepState.IN_PROGRESS, f"{', '.join(late)} is not in sync with {step.subject} yet.", facts)
    return StepStatus(StepState.DONE, f"{step.subject} is as it was.", facts)


def rollback_call(step: Step) -> Call | None:
    """Frozen again."""
    return call_for(step.call.region, step.subject, failback.FROZEN) if step.call else None


ACTION = action(globals(), {MODIFY}, (rds.instances, rds_groups.parameter_groups))
