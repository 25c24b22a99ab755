"""Keeps the DR region's database under another name: the next failover needs its name, and nothing is deleted."""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions import home_database as home
from dr_actions import setting_aside
from dr_actions.plan import Step
from dr_actions.verbs import HOME, Sight, Verb
from dr_actions.verbs.compute import careful
from dr_estate.environments import Side
from dr_estate.facts import rds

NAME, STAGE = "set_aside_dr", 62
_WHY = "its data is home, and a failover to come restores under this name"


@home.homeward
def foresee(sight: Sight) -> Iterator[Step]:
    """A step for the DR region's database."""
    one = home.writer(sight)
    if one is not None:
        yield setting_aside.step_of(sight, one, Side.DR, NAME, STAGE, home.STOP_DR, _WHY)


@home.homeward
def leaves(sight: Sight) -> Iterator[str]:
    """What is kept."""
    one = home.writer(sight)
    if one is not None:
        yield setting_aside.kept(one, sight.env.regions.dr, "the database that served during the failover")


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
