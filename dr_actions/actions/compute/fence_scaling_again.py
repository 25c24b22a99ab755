"""Before a failback: auto scaling of a primary that came back unfenced can no longer start its tasks (T41)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_actions.actions.common import unseen_handling
from dr_actions.actions.compute import fence_scaling
from dr_actions.model.action import Sight, no_notes
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Side
from dr_estate.model.unseen import CannotSee
from dr_estate.readers import application_autoscaling


def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each scalable target of the primary that could still start a task."""
    if sight.goal is not Goal.FAILBACK or not sight.primary_answers:
        return
    try:
        targets = {
            target.service: target for target in sight.snapshot.get(application_autoscaling.targets, Side.PRIMARY)
        }
        there = unseen_handling.held(sight, Side.PRIMARY)
    except CannotSee:
        return
    for one in there:
        target = targets.get(one.service.name)
        if target is not None and target.maximum:
            yield fence_scaling.step_of(sight, one, target, __name__)


VERB = replace(fence_scaling.VERB, module=__name__, foresee=foresee, notes=no_notes)
