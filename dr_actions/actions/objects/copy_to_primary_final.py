"""Copies back what was still written to the DR region's buckets, once all traffic is in the primary region.

It repeats the earlier copy: S3 is not frozen, and a writer of objects needs neither database nor files. No visitor is
routed to the DR region any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_actions.actions.objects import comparison as objects_comparison
from dr_actions.actions.objects import copy_to_primary as objects_copy_to_primary
from dr_actions.model.action import PlanContext, no_notes
from dr_actions.model.action_ids import name_of
from dr_actions.model.plan import Step


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each bucket that has a copy."""
    for bucket, copy in objects_comparison.pairs(context):
        step = objects_copy_to_primary.step_of(context, bucket, copy, __name__)
        yield replace(step, says=f"Once more, now that nobody writes: {step.says}")


ACTION = replace(
    objects_copy_to_primary.ACTION,
    name=name_of(__name__),
    does="",
    steps=plan_steps,
    omissions=no_notes,
    essential=False,
)
