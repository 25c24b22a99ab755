"""Proves that every object written in the DR region before its freeze is in the primary's buckets. No call is made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dr_actions import home_database, objects_home
from dr_actions.plan import Danger, Step
from dr_actions.verbs import HOME, Confirmation, Sight, Standing, Verb
from dr_actions.verbs.compute import careful
from dr_estate.environments import Side
from dr_estate.facts import s3_objects

NAME, STAGE = "prove_objects_home", 35
_BUDGET_S = 900


@home_database.homeward
def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each bucket that has a copy."""
    for bucket, copy in objects_home.pairs(sight):
        yield Step(
            id=f"{NAME}.{bucket}",
            number=home_database.SYNC,
            stage=STAGE,
            verb=NAME,
            subject=bucket,
            owner=home_database.OWNERS[home_database.SYNC],
            side=Side.PRIMARY,
            says=f"See that {bucket} holds all that {copy} held when its writers were stopped.",
            danger=Danger.REVERSIBLE,
            undo="Nothing is changed.",
            budget_s=_BUDGET_S,
            before={"copy": copy},
            after={"missing": 0},
        )


@careful
def confirm(step: Step, sight: Sight) -> Confirmation:
    """DONE once nothing of before the freeze is missing."""
    one = objects_home.apart(step, sight)
    told = objects_home.home(one, _since(step, sight))
    if told is not None:
        return told
    said = f"{one.bucket} lacks {one.missing} objects of {one.copy}, some of before the freeze"
    return Confirmation(Standing.WAITING, f"{said}.", objects_home.facts_of(one))


def _since(step: Step, sight: Sight) -> datetime | None:
    """The freeze, or the copying where nothing was frozen; None where neither is known: then nothing may be missing."""
    copied = sight.sent_at.get(f"{objects_home.COPY_NAME}.{step.subject}")
    return home_database.frozen_since(sight) or copied


VERB = Verb(
    name=NAME,
    writes=frozenset(),
    watches=(s3_objects.apart.name,),
    foresee=foresee,
    confirm=confirm,
    goals=HOME,
)
