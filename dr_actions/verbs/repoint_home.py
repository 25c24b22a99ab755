"""Registers a primary task definition anew where it names the DR region: nobody's tasks write to the standby (T18)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_actions.plan import Step
from dr_actions.verbs import HOME, Sight, homeward, repoint_tasks
from dr_actions.verbs import compute as of
from dr_estate.environments import Side
from dr_estate.facts import definitions, ecs

NAME = "task_definitions_home"


@of.if_seen
def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each tenant whose newest primary revision points into the DR region, where a counterpart is known."""
    for made in repoint_tasks.steps(sight, Side.PRIMARY):
        family = made.id.partition(".")[2]
        owner = homeward.OWNERS[homeward.VALIDATE]
        yield replace(made, id=f"{NAME}.{family}", verb=NAME, number=homeward.VALIDATE, owner=owner)


def notes(sight: Sight) -> Iterator[str]:
    """What could not be seen, and what points into the DR region and has no counterpart at home."""
    for why in of.unseen(sight, Side.PRIMARY, ecs.services, ecs.task_definitions, definitions.newest):
        yield f"Task definitions of the primary region were planned without this: {why}"
    yield from repoint_tasks.without_counterpart(sight, Side.PRIMARY)


VERB = replace(repoint_tasks.VERB, name=NAME, foresee=foresee, notes=notes, goals=HOME, essential=True)
