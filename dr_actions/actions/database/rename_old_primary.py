"""Keeps the old primary database under another name: what it alone may hold is not lost, and its name is free."""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import failback as home
from dr_actions.actions.database import rename
from dr_actions.model.action import Sight, action
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.readers import rds

_WHY = "the one that comes home takes its name, at the host that the tasks there name"


def foresee(sight: Sight) -> Iterator[Step]:
    """A step where the primary's database bears the estate's name and another is to come home."""
    one = home.old(sight)
    if one is not None and home.writer(sight) is not None:
        yield rename.step_of(sight, one, Side.PRIMARY, __name__, _WHY)


def leaves(sight: Sight) -> Iterator[str]:
    """What is kept."""
    one = home.old(sight)
    if one is not None and home.writer(sight) is not None:
        yield rename.kept(one, sight.env.regions.primary, "the primary's database of before the failover")


VERB = action(globals(), {rename.MODIFY}, (rds.instances,), confirm=rename.confirm, undo=rename.undo)
