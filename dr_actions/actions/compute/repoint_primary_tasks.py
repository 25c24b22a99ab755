"""Registers a primary task definition anew where it names the DR region: nobody's tasks write to the standby (T18)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_actions.actions.common import unseen_handling
from dr_actions.actions.compute import repoint_dr_tasks
from dr_actions.model.action import Sight
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, ecs_newest_definitions


def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each tenant whose newest primary revision points into the DR region, where a counterpart is known."""
    yield from repoint_dr_tasks.steps(sight, Side.PRIMARY, __name__)


def notes(sight: Sight) -> Iterator[str]:
    """What could not be seen, and what points into the DR region and has no counterpart at home."""
    for why in unseen_handling.unseen(
        sight, Side.PRIMARY, ecs.services, ecs.task_definitions, ecs_newest_definitions.newest
    ):
        yield f"Task definitions of the primary region were planned without this: {why}"
    yield from repoint_dr_tasks.without_counterpart(sight, Side.PRIMARY)


VERB = replace(repoint_dr_tasks.VERB, module=__name__, foresee=foresee, notes=notes, essential=True)
