"""What the S3 steps of a failback share: a bucket's standing beside its copy, and the words for it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dr_actions.actions.files.failback import told
from dr_actions.model.action import Confirmation, Sight, Standing
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.model.unseen import Blindness, CannotSee, Unseen
from dr_estate.readers import s3, s3_objects


def pairs(sight: Sight) -> Iterator[tuple[str, str]]:
    """The buckets of tenants' data that are there, each with its copy. Raises CannotSee."""
    there = {
        bucket.name
        for side in (Side.PRIMARY, Side.DR)
        for bucket in sight.snapshot.get(s3.buckets, side)
        if isinstance(bucket, s3.Bucket) and bucket.region
    }
    yield from (pair for pair in s3.data_pairs(sight.env) if there.issuperset(pair))


def apart(step: Step, sight: Sight) -> s3_objects.Apart:
    """How the step's bucket and its copy differ. Raises CannotSee."""
    found = sight.snapshot.get(s3_objects.apart, Side.DR)
    for difference in found:
        if isinstance(difference, s3_objects.Apart) and difference.bucket == step.subject:
            return difference
    dark = next((bucket_difference for bucket_difference in found if isinstance(bucket_difference, Unseen)), None)
    why = f"{step.subject} was not compared with its copy: both are looked at while {sight.env.regions.dr} serves"
    raise CannotSee(dark or Unseen(Blindness.UNSUPPORTED, f"{why}."))


def facts_of(difference: s3_objects.Apart) -> tuple[tuple[str, str], ...]:
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


def home(difference: s3_objects.Apart, since: datetime | None) -> Confirmation | None:
    """DONE where all that was in the copy by ``since`` is in the bucket, FAILED for what one call cannot copy.

    None while something is to be copied. S3 is not frozen: what is written later is copied home later.
    """
    facts = facts_of(difference)
    if not difference.missing:
        return Confirmation(Standing.DONE, f"{difference.bucket} holds all that {difference.copy} holds.", facts)
    if difference.missing == difference.large:
        return Confirmation(Standing.FAILED, _by_hand(difference), facts)
    if since is not None and difference.oldest_at is not None and difference.oldest_at > since:
        later = f"{difference.missing} objects were written there later"
        message = (
            f"{difference.bucket} holds all that {difference.copy} held at {told(since)}; {later}, and are copied later"
        )
        return Confirmation(Standing.DONE, f"{message}.", facts)
    return None


def _by_hand(difference: s3_objects.Apart) -> str:
    command = f"aws s3 cp 's3://{difference.copy}/KEY' 's3://{difference.bucket}/KEY' --copy-props default"
    return (
        f"{difference.large} objects of {difference.copy} are larger than 5 GB, which no single copy "
        "takes. Copy each by hand "
        f"({command}), then run again: {'; '.join(difference.examples)}."
    )
