"""Copies home once more, when all traffic is there: what was still written to the DR region's buckets meanwhile.

S3 is not frozen, and a writer of objects needs neither database nor files. Nobody is led to the DR region any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_actions import home_database
from dr_actions.plan import Step
from dr_actions.verbs import Sight, copy_objects_home, no_notes

NAME, STAGE = "copy_objects_last", 59


def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each bucket that has a copy."""
    number = home_database.STOP_DR
    for step in copy_objects_home.foresee(sight):
        made = replace(step, id=f"{NAME}.{step.subject}", number=number, stage=STAGE, verb=NAME)
        yield replace(made, owner=home_database.OWNERS[number], says=f"Once more, now that nobody writes: {step.says}")


VERB = replace(copy_objects_home.VERB, name=NAME, foresee=foresee, notes=no_notes, essential=False)
