"""Restores a frozen parameter group; otherwise a later copy or a later failover could not take writes.

In a failback the database that the group had frozen is renamed by then, and no visitor is routed to it. A group of the
primary region that a fence froze is restored before the copy of the DR region's database uses it. A release lets the
fenced region's database take writes again, an abort the DR region's: until the copy in the primary region is promoted,
the DR region's database holds every acknowledged write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from dr_actions.actions.database import close_primary, failback
from dr_actions.actions.database.freeze import MODIFY, call_for, is_default, value_before
from dr_actions.actions.database.verify_primary_in_sync import copied_back
from dr_actions.model.action import PlanContext, StepState, StepStatus, action, if_seen, present
from dr_actions.model.plan import Call, Danger, Goal, Step
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import rds, rds_groups

FREEZE = "database/freeze"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each group that was frozen; none where that was done by a group made by hand."""
    if context.goal is Goal.RELEASE:
        yield from _released(context)
        return
    if context.goal is Goal.ABORT:
        yield from _aborted(context)
        return
    instance = failback.writer(context)
    if instance is not None and not is_default(failback.group_of(instance)):
        group = failback.group_of(instance)
        yield _step(context, group, Side.DR, value_before(context, group), instance)
    yield from _of_a_fenced_primary(context)


def _released(context: PlanContext) -> Iterator[Step]:
    """The group that the incident's fence of this side froze, as it was recorded before."""
    recorded = context.before_fence(FREEZE, failback.own_name(context))
    if recorded and not is_default(recorded["group"]):
        yield _step(context, recorded["group"], context.fence, recorded[failback.READ_ONLY])


def _aborted(context: PlanContext) -> Iterator[Step]:
    """The group that the failback froze, as it was recorded before."""
    source = failback.writer(context)
    recorded = context.before(FREEZE, source.identifier) if source is not None else {}
    if source is not None and recorded and not is_default(recorded["group"]):
        step = _step(context, recorded["group"], Side.DR, recorded[failback.READ_ONLY])
        yield replace(step, before={**step.before, "source": source.resource_id})


@if_seen
def _of_a_fenced_primary(context: PlanContext) -> Iterator[Step]:
    """The group of the primary's old database, where a fence or a failover froze it."""
    old = failback.old(context)
    if old is not None and failback.is_on(failback.read_only(context, Side.PRIMARY, failback.group_of(old))):
        recorded = context.before(FREEZE, old.identifier) or context.before(close_primary.__name__, old.identifier)
        value = recorded.get(failback.READ_ONLY, failback.UNSET)
        yield _step(context, failback.group_of(old), Side.PRIMARY, value, old, part="primary")


def _step(
    context: PlanContext, group: str, side: Side, value: str, frozen: rds.Instance | None = None, part: str = ""
) -> Step:
    """The step; ``frozen`` is the database that must have lost its name before its group is let go."""
    region = context.env.region(side)
    return context.step(
        __name__,
        group,
        part=part,
        side=side,
        says=f"Set {failback.READ_ONLY} of the parameter group {group} in {region} to {value} again: a copy or a "
        f"failover "
        "to come uses it.",
        danger=Danger.REVERSIBLE,
        undo=f"Set {failback.READ_ONLY} of {group} to {failback.FROZEN}.",
        budget_s=600,
        call=call_for(region, group, value),
        before={
            failback.READ_ONLY: failback.FROZEN,
            "frozen": frozen.resource_id if frozen else "",
            "name": frozen.identifier if frozen else "",
        },
        after={failback.READ_ONLY: value},
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the group says what it did before, and its instances run with that.

    Not while the database that it froze still has its name: two regions would take writes.
    """
    value = present(
        failback.read_only(context, step.side, step.subject), f"The parameter group {step.subject} is gone."
    )
    facts = (("group", step.subject), (failback.READ_ONLY, value))
    if value == step.after[failback.READ_ONLY]:
        return _applied(step, context, facts)
    if _is_promoted(step, context):
        message = f"{failback.own_name(context)} of {context.env.regions.primary} was promoted: two would take writes."
        return StepStatus(StepState.DRIFTED, message, facts)
    if not failback.is_on(value):
        return StepStatus(StepState.DRIFTED, f"{failback.READ_ONLY} of {step.subject} is {value} now.", facts)
    instance = failback.by_resource(context, step.side, step.before["frozen"])
    if instance is not None and instance.identifier == step.before["name"]:
        return StepStatus(StepState.DRIFTED, f"{instance.identifier} still has its name: it would take writes.", facts)
    return StepStatus(StepState.READY, f"{step.subject} lets its instances refuse writes.", facts)


def _is_promoted(step: Step, context: PlanContext) -> bool:
    """Return whether an abort finds that the copy in the primary region was promoted.

    Where the primary region is not seen, the journal shows that it was not.
    """
    source = failback.by_resource(context, Side.DR, step.before.get("source", ""))
    with suppress(DataUnavailable):
        return source is not None and copied_back(context, source)
    return False


def _applied(step: Step, context: PlanContext, facts: tuple[tuple[str, str], ...]) -> StepStatus:
    used = [
        instance
        for instance in context.snapshot.get(rds.instances, step.side)
        if failback.group_of(instance) == step.subject
    ]
    late = [instance.identifier for instance in used if failback.applying(instance)]
    if late:
        return StepStatus(StepState.IN_PROGRESS, f"{', '.join(late)} is not in sync with {step.subject} yet.", facts)
    return StepStatus(StepState.DONE, f"{step.subject} is as it was.", facts)


def rollback_call(step: Step) -> Call | None:
    """Frozen again."""
    return call_for(step.call.region, step.subject, failback.FROZEN) if step.call else None


def notes(context: PlanContext) -> Iterator[str]:
    """What an abort leaves to a person: a group of AWS's own, which was replaced by hand, is put back by hand."""
    source = failback.writer(context) if context.goal is Goal.ABORT else None
    recorded = context.before(FREEZE, source.identifier) if source is not None else {}
    if source is not None and recorded and is_default(recorded["group"]):
        yield (
            f"{source.identifier} in {context.env.regions.dr} was frozen by hand: give it its parameter group "
            f"{recorded['group'] or '(none)'} back and reboot it, so that it takes writes again."
        )


ACTION = action(globals(), {MODIFY}, (rds.instances, rds_groups.parameter_groups))
