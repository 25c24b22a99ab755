"""Keeps the old primary database under another name: what it alone may hold is not lost, and its name is free."""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions import home_database as home
from dr_actions import setting_aside
from dr_actions.plan import Step
from dr_actions.verbs import HOME, Sight, Verb
from dr_actions.verbs.compute import careful
from dr_estate.environments import Side
from dr_estate.facts import rds

NAME, STAGE = "set_aside", 25
_WHY = "the one that comes home takes its name, at the host that the tasks there name"


@home.homeward
def foresee(sight: Sight) -> Iterator[Step]:
    """A step where the primary's database bears the estate's name and another is to come home."""
    one = home.old(sight)
    if one is not None and home.writer(sight) is not None:
        yield setting_aside.step_of(sight, one, Side.PRIMARY, NAME, STAGE, home.SYNC, _WHY)


@home.homeward
def leaves(sight: Sight) -> Iterator[str]:
    """What is kept."""
    one = home.old(sight)
    if one is not None and home.writer(sight) is not None:
        yield setting_aside.kept(one, sight.env.regions.primary, "the primary's database of before the failover")


VERB = Verb(
    name=NAME,
    writes=frozenset({setting_aside.MODIFY}),
    watches=(rds.instances.name,),
    foresee=foresee,
    confirm=careful(setting_aside.confirm),
    undo=setting_aside.undo,
    leaves=leaves,
    goals=HOME,
)
