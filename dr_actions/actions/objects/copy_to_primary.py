"""Copies what the DR region's buckets hold and the primary's lack, inside S3, many objects at once (transfer.py).

Both lists are read side by side, a page at a time, and after every thousand objects the journal gets a cursor: a run
that died resumes after it. Versions stay on both sides, tags and metadata are copied with the object, and nothing is
deleted: what was deleted in the DR region stays in the primary region, and is reported. An object that is newer in the
primary region is left. The copy is made twice: while the DR region writes, and once more in the write pause, when
little is left: what was written since the first listing began.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from dr_actions.actions.objects import comparison as objects_comparison
from dr_actions.actions.objects.transfer import READS, WRITES, ObjectTransfer
from dr_actions.model.action import BulkSender, PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import s3, s3_objects

_LAST = "last"
UNDO = "What was there is an older version of the object: make that the newest one again by hand."
OWNER, FROM_REGION, MISSING = "<account>", "<the copy's region>", "<objects missing>"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """Two steps for each bucket that has a copy: while the DR region writes, and once it is frozen."""
    for bucket, copy in objects_comparison.pairs(context):
        yield step_of(context, bucket, copy)
        last = step_of(context, bucket, copy, part=_LAST)
        yield replace(last, says=f"Once more, now that nobody writes in the DR region: {last.says}")


def step_of(context: PlanContext, bucket: str, copy: str, action: str = __name__, part: str = "") -> Step:
    """Return the step that copies back to the primary region what is missing in ``bucket``."""
    env = context.env
    which = "<each object that is missing or older at home>"
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
        budget_s=21600,
        call=Call("s3", "CopyObject", env.regions.primary, {**params, OWNER: env.account, FROM_REGION: env.regions.dr}),
        before={"copy": copy},
        after={"missing": 0},
    )


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with the number of objects that are missing now."""
    return step.call_with({MISSING: objects_comparison.difference(step, context).missing})


def send_many(_step: Step, call: Call, sender: BulkSender) -> dict[str, Any]:
    """Copy all that is missing, as it is found after the cursor; returns how many objects that were."""
    bucket, copy = str(call.params["Bucket"]), str(call.params["CopySource"]["Bucket"])
    account, from_region = str(call.params[OWNER]), str(call.params[FROM_REGION])
    transfer = ObjectTransfer(sender, bucket, copy, call.region, from_region, account)
    return {"copied": transfer.copy_all(transfer.differing(sender.cursor), f"{call.params[MISSING]:,}")}


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the bucket lacks nothing that its copy held when the copying began; READY while it does."""
    difference = objects_comparison.difference(step, context)
    copied = context.sent_at.get(step.id) and context.begun_sending_at.get(step.id)
    status = objects_comparison.sync_status(difference, copied)
    if status is not None:
        return status
    message = (
        f"{difference.bucket} lacks {difference.missing} objects of {difference.copy} "
        f"({difference.missing_bytes} bytes), or holds them older"
    )
    return StepStatus(StepState.READY, f"{message}.", objects_comparison.evidence_of(difference))


def notes(context: PlanContext) -> Iterator[str]:
    """What is not copied, and that nothing is deleted."""
    copied = {bucket for bucket, _ in objects_comparison.pairs(context)}
    for bucket, copy in s3.data_pairs(context.env):
        if bucket not in copied:
            yield f"No object is copied home into {bucket}: it, or its copy {copy}, is not there or cannot be seen."
    yield (
        "Objects that were deleted in the DR region are not deleted at home, and those that are newer at home are not "
        "overwritten: the record of the copy names them."
    )
    state, its_copy = s3.state_pair(context.env)
    yield (
        f"{state} is left alone: Terraform alone writes its state, and an older or foreign one over it would make the "
        f"next apply destroy or duplicate resources. If Terraform was applied on {its_copy} meanwhile, compare serial "
        "and lineage of both states, and bring its changes home with terraform state pull and push."
    )


ACTION = action(globals(), WRITES, (s3_objects.apart,), reads=READS)
