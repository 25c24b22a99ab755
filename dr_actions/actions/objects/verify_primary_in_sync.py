"""Proves that every object written in the DR region before its freeze is in the primary's buckets. No call is made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dr_actions.actions.database import failback as database_failback
from dr_actions.actions.objects import comparison as objects_comparison
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.action_ids import step_id
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.readers import s3_objects


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each bucket that has a copy."""
    for bucket, copy in objects_comparison.pairs(context):
        yield context.step(
            __name__,
            bucket,
            side=Side.PRIMARY,
            says=f"See that {bucket} holds all that {copy} held when its writers were stopped.",
            budget_s=900,
            before={"copy": copy},
            after={"missing": 0},
        )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once nothing of before the freeze is missing."""
    difference = objects_comparison.difference(step, context)
    status = objects_comparison.sync_status(difference, _since(step, context))
    if status is not None:
        return status
    message = f"{difference.bucket} lacks {difference.missing} objects of {difference.copy}, some of before the freeze"
    facts, moves = objects_comparison.evidence_of(difference), (str(difference.missing),)
    return StepStatus(StepState.IN_PROGRESS, f"{message}.", facts, progress=moves)


def _since(step: Step, context: PlanContext) -> datetime | None:
    """The freeze, or the copying where nothing was frozen; None where neither is known: then nothing may be missing."""
    copied = context.sent_at.get(step_id("objects/copy_to_primary.last", step.subject))
    return database_failback.frozen_since(context) or copied


ACTION = action(globals(), (), (s3_objects.apart,))
