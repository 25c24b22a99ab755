"""Keeps the DR region's database under another name: the next failover needs its name, and nothing is deleted."""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import failback as home
from dr_actions.actions.database import rename
from dr_actions.model.action import Sight, action
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.readers import rds

_WHY = "its data is home, and a failover to come restores under this name"


def foresee(sight: Sight) -> Iterator[Step]:
    """A step for the DR region's database."""
    one = home.writer(sight)
    if one is not None:
        yield rename.step_of(sight, one, Side.DR, __name__, _WHY)


def leaves(sight: Sight) -> Iterator[str]:
    """What is kept."""
    one = home.writer(sight)
    if one is not None:
        yield rename.kept(one, sight.env.regions.dr, "the database that served during the failover")


VERB = action(globals(), {rename.MODIFY}, (rds.instances,), confirm=rename.confirm, undo=rename.undo)
