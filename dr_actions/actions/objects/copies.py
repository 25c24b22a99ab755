"""Copies back what the DR region's buckets hold and the primary's lack, and proves that nothing older is missing.

Both lists are read side by side, a page at a time, many objects are copied at once inside S3 (transfer.py), and after
every thousand objects the journal gets a cursor: a run that died resumes after it. Versions stay on both sides, tags
and metadata are copied with the object, and nothing is deleted: what was deleted in the DR region stays in the primary
region, and is reported. An object that is newer in the primary region is left. The copy is made while the DR region
writes, once more in the write pause, when little is left (what was written since the first listing began), and a last
time once all traffic is in the primary region: S3 is not frozen, and a writer of objects needs neither database nor
files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from dr_actions.actions.database import failback as database_failback
from dr_actions.actions.files.failback import timestamp
from dr_actions.actions.objects.transfer import READS, WRITES, ObjectTransfer
from dr_actions.model.action import Action, BulkSender, PlanContext, StepState, StepStatus, Waits, no_notes
from dr_actions.model.plan import Call, Danger, Step, step_id
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import s3, s3_objects

_LAST = "last"
UNDO = "What was there is an older version of the object: make that the newest one again by hand."
OWNER, FROM_REGION, MISSING = "<account>", "<the copy's region>", "<objects missing>"


def pairs(context: PlanContext) -> Iterator[tuple[str, str]]:
    """The buckets of tenants' data that are there, each with its copy. Raises DataUnavailable."""
    there = {
        bucket.name
        for side in (Side.PRIMARY, Side.DR)
        for bucket in context.snapshot.get(s3.buckets, side)
        if isinstance(bucket, s3.Bucket) and bucket.region
    }
    yield from (pair for pair in s3.data_pairs(context.env) if there.issuperset(pair))


def difference_of(step: Step, context: PlanContext) -> s3_objects.BucketDifference:
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
        "missing in the primary region": difference.missing,
        "bytes missing": difference.missing_bytes,
        "newer in the primary region, kept": difference.newer_at_home,
        "deleted in the copy, kept in the primary region": difference.deleted_away,
        "deleted in the primary region, kept in the copy": difference.deleted_at_home,
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


def copy_steps(context: PlanContext) -> Iterator[Step]:
    """Two steps for each bucket that has a copy: while the DR region writes, and once it is frozen."""
    for bucket, copy in pairs(context):
        yield _copy_step(context, bucket, copy, COPY.name)
        last = _copy_step(context, bucket, copy, COPY.name, part=_LAST)
        yield replace(last, says=f"Once more, now that nobody writes in the DR region: {last.says}")


def _copy_step(context: PlanContext, bucket: str, copy: str, action: str, part: str = "") -> Step:
    """Return the step that copies back to the primary region what is missing in ``bucket``."""
    env = context.env
    which = "<each object that is missing or older in the primary region>"
    params = {"Bucket": bucket, "Key": which, "CopySource": {"Bucket": copy, "Key": which}}
    return context.step(
        action,
        bucket,
        part=part,
        side=Side.PRIMARY,
        says=f"Copy every object that {bucket} in {env.regions.primary} lacks, or holds older, from {copy} in "
        f"{env.regions.dr}. Versions are kept, and nothing is deleted.",
        danger=Danger.COMPENSABLE,
        undo=UNDO,
        # Six hours: millions of objects, and a run that died resumes after its cursor.
        budget_s=21600,
        call=Call("s3", "CopyObject", env.regions.primary, {**params, OWNER: env.account, FROM_REGION: env.regions.dr}),
        before={"copy": copy},
        after={"missing": 0},
    )


def copy_call(step: Step, context: PlanContext) -> Call:
    """The call with the number of objects that are missing now."""
    return step.call_with({MISSING: difference_of(step, context).missing})


def send_many_copy(_step: Step, call: Call, sender: BulkSender) -> dict[str, Any]:
    """Copy all that is missing, as it is found after the cursor; returns how many objects that were."""
    bucket, copy = str(call.params["Bucket"]), str(call.params["CopySource"]["Bucket"])
    account, from_region = str(call.params[OWNER]), str(call.params[FROM_REGION])
    transfer = ObjectTransfer(sender, bucket, copy, call.region, from_region, account)
    return {"copied": transfer.copy_all(transfer.differing(sender.cursor), f"{call.params[MISSING]:,}")}


def copy_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the bucket lacks nothing that its copy held when the copying began; READY while it does."""
    difference = difference_of(step, context)
    # Counted from when the copying began: what is written while it lists is the next copy's.
    copied = context.sent_at.get(step.id) and context.begun_sending_at.get(step.id)
    status = sync_status(difference, copied)
    if status is not None:
        return status
    message = (
        f"{difference.bucket} lacks {difference.missing} objects of {difference.copy} "
        f"({difference.missing_bytes} bytes), or holds them older"
    )
    return StepStatus(StepState.READY, f"{message}.", evidence_of(difference))


def copy_notes(context: PlanContext) -> Iterator[str]:
    """What is not copied, and that nothing is deleted."""
    copied = {bucket for bucket, _ in pairs(context)}
    for bucket, copy in s3.data_pairs(context.env):
        if bucket not in copied:
            yield f"No object is copied back into {bucket}: it, or its copy {copy}, is not there or cannot be seen."
    yield (
        "Objects that were deleted in the DR region are not deleted in the primary region, and what is newer there is "
        "not overwritten: the record of the copy names them."
    )
    state, its_copy = s3.state_pair(context.env)
    yield (
        f"{state} is left alone: Terraform alone writes its state, and an older or foreign one over it would make the "
        f"next apply destroy or duplicate resources. If Terraform was applied on {its_copy} meanwhile, compare serial "
        "and lineage of both states, and bring its changes back with terraform state pull and push."
    )


def final_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each bucket that has a copy."""
    for bucket, copy in pairs(context):
        step = _copy_step(context, bucket, copy, COPY_FINAL.name)
        yield replace(step, says=f"Once more, now that nobody writes: {step.says}")


def in_sync_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each bucket that has a copy."""
    for bucket, copy in pairs(context):
        yield context.step(
            VERIFY_PRIMARY_IN_SYNC.name,
            bucket,
            side=Side.PRIMARY,
            says=f"See that {bucket} holds all that {copy} held when its writers were stopped.",
            budget_s=900,
            before={"copy": copy},
            after={"missing": 0},
        )


def in_sync_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once nothing of before the freeze is missing."""
    difference = difference_of(step, context)
    # The freeze, or the copying where nothing was frozen; None where neither is known: then nothing may be missing
    copied = context.sent_at.get(step_id("objects/copy_to_primary.last", step.subject))
    status = sync_status(difference, database_failback.freeze_time(context) or copied)
    if status is not None:
        return status
    message = f"{difference.bucket} lacks {difference.missing} objects of {difference.copy}, some of before the freeze"
    facts, moves = evidence_of(difference), (str(difference.missing),)
    return StepStatus(StepState.IN_PROGRESS, f"{message}.", facts, progress=moves)


COPY = Action(
    "objects/copy_to_primary",
    "Copies what the DR region's buckets hold and the primary's lack, inside S3, many objects at once (transfer.py).",
    WRITES,
    (s3_objects.apart,),
    copy_steps,
    copy_status,
    build_call=copy_call,
    send_many=send_many_copy,
    omissions=copy_notes,
    reads=READS,
)
COPY_FINAL = replace(
    COPY,
    name="objects/copy_to_primary_final",
    does="Copies back what was still written to the DR region's buckets, once all traffic is in the primary region.",
    steps=final_steps,
    omissions=no_notes,
    essential=False,
)
VERIFY_PRIMARY_IN_SYNC = Action(
    "objects/verify_primary_in_sync",
    "Proves that every object written in the DR region before its freeze is in the primary's buckets. No call is made.",
    frozenset(),
    (s3_objects.apart,),
    in_sync_steps,
    in_sync_status,
    waits=Waits(("s3.replicate",)),
)
