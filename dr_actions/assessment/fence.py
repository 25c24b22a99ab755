"""Weighs whether to stop one region from writing, or to let it write again. Pure.

Fencing the side that visitors get takes the service away; letting a second writer go makes the split that was ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dr_actions.actions.database.failback import own_name
from dr_actions.assessment.failback import serving_gates
from dr_actions.model.action import PlanContext
from dr_actions.model.gates import Gate
from dr_actions.model.plan import Goal, Plan
from dr_actions.model.sequence import NOTIFYING, role_of
from dr_checks.core.model import CheckResult
from dr_checks.posture.posture import FENCE, FENCED, Posture
from dr_checks.posture.signals import Signals
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import rds


def fence_gates(
    results: Sequence[CheckResult], plan: Plan, posture: Posture, signals: Signals, context: PlanContext
) -> tuple[Gate, ...]:
    """Every gate of a fence of ``context.fence``, or of its release."""
    own = _release_gates(signals, context) if plan.goal is Goal.RELEASE else _fence_gates(posture, context)
    return (*own, _effects_gate(plan, context), *serving_gates(results))


def _fence_gates(posture: Posture, context: PlanContext) -> Iterator[Gate]:
    needed = posture.name in FENCED
    message = posture.says if needed else f"{posture.says.rstrip('.')}: nothing is to be fenced"
    yield Gate("posture.fence", met=needed, says=f"{message.rstrip('.')}.", stops=True)
    region, proposed = context.env.region(context.fence), posture.to_fence
    if proposed is None:
        message = f"it is not known whether visitors get {region}: fencing it may take the service away."
        yield Gate("fence.side", met=False, says=message, stops=True)
    elif proposed is context.fence:
        yield Gate("fence.side", met=True, says=f"{region} is the side to stop.")
    else:
        message = f"{context.env.region(proposed)} is the side to stop: {FENCE[proposed]}"
        yield Gate("fence.side", met=False, says=message, stops=True)


def _release_gates(signals: Signals, context: PlanContext) -> Iterator[Gate]:
    """A released database takes writes again; where the other side's does too, two do."""
    side = context.fence
    other, other_writes = Side.DR, signals.dr_writable
    if side is Side.DR:
        other, other_writes = Side.PRIMARY, signals.primary_writable
    try:
        own = context.snapshot.find(rds.instances, side, identifier=own_name(context, side))
        if own is not None and not own.source:
            context.snapshot.get(rds.instances, other)  # a database that was not seen is not one that takes no writes
    except DataUnavailable as error:
        yield Gate("release.one-writer", met=False, says=error.unavailable.why, stops=True)
        return
    alone = own is None or bool(own.source) or other_writes is False
    region, name = context.env.region(side), own_name(context, side)
    message = f"no second database takes writes once {region} is let go."
    if not alone:
        message = f"{name} of {region} would take writes again, and the other region's does: rename one of them first."
    yield Gate("release.one-writer", met=alone, says=message, stops=True)


def _effects_gate(plan: Plan, context: PlanContext) -> Gate:
    """What exactly the plan stops, or lets go."""
    subjects: dict[str, list[str]] = {}
    for step in plan.steps:
        if role_of(plan.goal, step.id) not in NOTIFYING:
            subjects.setdefault(step.action.partition("/")[2].replace("_", " "), []).append(step.subject)
    named = "; ".join(f"{verb}: {', '.join(names)}" for verb, names in subjects.items())
    region = context.env.region(context.fence)
    nothing = "no fence of it is recorded for this incident" if plan.goal is Goal.RELEASE else "nothing there is seen"
    return Gate("plan.fence", met=bool(named), says=f"{region}: {named or nothing}.", stops=True)
