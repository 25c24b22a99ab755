"""Compares a bucket with its copy for the S3 steps of a failback, and describes the result. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dr_actions.actions.files.failback import timestamp
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import s3, s3_objects


def pairs(context: PlanContext) -> Iterator[tuple[str, str]]:
    """The buckets of tenants' data that are there, each with its copy. Raises DataUnavailable."""
    there = {
        bucket.name
        for side in (Side.PRIMARY, Side.DR)
        for bucket in context.snapshot.get(s3.buckets, side)
        if isinstance(bucket, s3.Bucket) and bucket.region
    }
    yield from (pair for pair in s3.data_pairs(context.env) if there.issuperset(pair))


def difference(step: Step, context: PlanContext) -> s3_objects.BucketDifference:
    """How the step's bucket and its copy differ. Raises DataUnavailable."""
    found = context.snapshot.get(s3_objects.apart, Side.DR)
    for difference in found:
        if isinstance(difference, s3_objects.BucketDifference) and difference.bucket == step.subject:
            return difference
    unavailable = next(
        (bucket_difference for bucket_difference in found if isinstance(bucket_difference, Unavailable)), None
    )
    reason = f"{step.subject} was not compared with its copy: both are looked at while {context.env.regions.dr} serves"
    raise DataUnavailable(unavailable or Unavailable(UnavailableKind.UNSUPPORTED, f"{reason}."))


def evidence_of(difference: s3_objects.BucketDifference) -> tuple[tuple[str, str], ...]:
    """What the journal keeps, and the report lists as left to people: nothing is deleted or overwritten for it."""
    counted = {
        "alike": difference.alike,
        "missing at home": difference.missing,
        "bytes missing": difference.missing_bytes,
        "newer at home, kept": difference.newer_at_home,
        "deleted in the copy, kept at home": difference.deleted_away,
        "deleted at home, kept in the copy": difference.deleted_at_home,
    }
    examples = (("examples", "; ".join(difference.examples)),) if difference.examples else ()
    return tuple((name, str(count)) for name, count in counted.items()) + examples


def sync_status(difference: s3_objects.BucketDifference, since: datetime | None) -> StepStatus | None:
    """Return DONE where the bucket has all that was in the copy by ``since``.

    None while something is to be copied. S3 is not frozen: what is written later is copied back later.
    """
    facts = evidence_of(difference)
    if not difference.missing:
        return StepStatus(StepState.DONE, f"{difference.bucket} holds all that {difference.copy} holds.", facts)
    if since is not None and difference.oldest_at is not None and difference.oldest_at > since:
        later = f"{difference.missing} objects were written there later"
        message = (
            f"{difference.bucket} holds all that {difference.copy} held at {timestamp(since)}; {later}, and "
            f"are copied later"
        )
        return StepStatus(StepState.DONE, f"{message}.", facts)
    return None
