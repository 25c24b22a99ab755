"""Before a failback: auto scaling of a primary that came back unfenced can no longer start its tasks (T41)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_actions.actions.compute import fence_scaling
from dr_actions.actions.compute.scaling_bounds import scaled
from dr_actions.model.action import Sight, no_notes
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side


def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each scalable target of the primary that could still start a task."""
    if sight.primary_answers:
        for tenant_service, target in scaled(sight, Side.PRIMARY):
            if target.maximum:
                yield fence_scaling.step_of(sight, tenant_service, target, __name__)


VERB = replace(fence_scaling.VERB, module=__name__, foresee=foresee, notes=no_notes)
