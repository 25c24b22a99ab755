"""Copies back what the DR region's buckets hold and the primary's lack, and proves that nothing older is missing.

Both lists are read side by side, a page at a time, many objects are copied at once inside S3, and after every thousand
objects the journal gets a cursor: a run that died resumes after it. Versions stay on both sides, tags and metadata are
copied with the object, and nothing is deleted: what was deleted in the DR region stays in the primary region, and is
reported. An object that is newer in the primary region is left. The copy is made while the DR region writes, once more
in the write pause, when little is left (what was written since the first listing began), and a last time once all
traffic is in the primary region: S3 is not frozen, and a writer of objects needs neither database nor files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from shlex import quote
from typing import Any
from urllib.parse import urlencode

from dr_actions.actions.database import failback as database_failback
from dr_actions.actions.shared import timestamp
from dr_actions.model.action import Action, BulkSender, PlanContext, StepState, StepStatus, Waits, no_notes
from dr_actions.model.plan import Call, Danger, FailureKind, SendFailed, Step, step_id
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import s3, s3_objects
from dr_estate.readers.s3_objects import Fetch, ObjectPair, ObjectState, ObjectVersion, latest, object_pairs

# Copies the objects that a bucket lacks from its copy, several at once, with separate retries for each object.
#
# An object is copied from the exact version that was listed, and only onto what was listed in the primary region
# (If-Match, If-None-Match), so a repeated copy has no further effect. Where either side changed meanwhile, both are
# read again for that key alone. Objects that are too large for CopyObject (5 GB) are copied in parts, several at once.
# Sources: API_CopyObject, API_UploadPartCopy, S3 User Guide, "Multipart upload limits".

READS = frozenset({"s3:GetObjectTagging", "s3:HeadObject", "s3:ListObjectVersions"})
WRITES = frozenset({*("s3:CompleteMultipartUpload", "s3:CopyObject", "s3:CreateMultipartUpload", "s3:UploadPartCopy")})
BATCH = 1000
# CopyObject takes 5 GB; an upload has at most 10,000 parts (S3 guide, multipart upload limits).
PART_BYTES, MOST_PARTS = 1024**3, 10_000
_REPORTED_PARTS = 64
_NAMED, _MOST_FAILED = 5, 100
_PASSING = frozenset({FailureKind.THROTTLED, FailureKind.BUSY, FailureKind.UNCERTAIN})
_CHANGED = frozenset({"404", "412", "NoSuchKey", "NoSuchUpload", "NoSuchVersion", "PreconditionFailed"})
_TAKEN_ALONG = (
    *("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Metadata"),
    "WebsiteRedirectLocation",
)


@dataclass(frozen=True)
class ObjectTransfer:
    """From bucket ``copy`` in ``from_region`` to ``bucket`` in ``region``, both of ``account``."""

    sender: BulkSender
    bucket: str
    copy: str
    region: str
    from_region: str
    account: str

    def differing(self, after: str = "") -> Iterator[ObjectPair]:
        """What is to be copied, in order, as both buckets are listed after the key ``after``."""
        home, away = (self._pages(name, region) for name, region in self._sides())
        to_copy = (ObjectState.COPY, ObjectState.LARGE)
        yield from (pair for pair in object_pairs(latest(home, after), latest(away, after)) if pair.kind in to_copy)

    def copy_all(self, pairs: Iterable[ObjectPair], of: str) -> int:
        """Copy ``pairs``, a batch at a time, and return how many. ``of`` is their number as it is shown.

        The cursor follows each batch, until an object could not be copied: a resumed run looks at that object again.
        Raises SendFailed, which names what could not be copied.
        """
        copied, failed, pending = 0, dict[str, SendFailed](), iter(pairs)
        while batch := list(islice(pending, BATCH)):
            small = [pair for pair in batch if pair.kind is ObjectState.COPY]
            failures = dict(zip(map(_key, small), self.sender.each(self._copy, small), strict=True))
            failures |= {_key(pair): self._copy(pair) for pair in batch if pair.kind is ObjectState.LARGE}
            failed |= {key: failure for key, failure in failures.items() if failure is not None}
            copied += len(batch) - sum(failure is not None for failure in failures.values())
            message = f"{self.bucket}: {copied:,} of {of} objects copied"
            # After a failure the cursor stays: a resumed run must meet that object again.
            self.sender.record("" if failed else _key(batch[-1]), message + (f", {len(failed)} not" if failed else ""))
            if len(failed) >= _MOST_FAILED:
                break
        if failed:
            raise self._combined_failure(failed)
        return copied

    def _combined_failure(self, failed: Mapping[str, SendFailed]) -> SendFailed:
        """All that failed, as one: to be tried again only where every one of them may pass by itself."""
        examples = "; ".join(f"{key}: {failure}" for key, failure in islice(failed.items(), _NAMED))
        kinds = {failure.trouble for failure in failed.values()}
        kind = min(kinds) if kinds <= _PASSING else next(iter(kinds - _PASSING))
        counted = "1 object" if len(failed) == 1 else f"{len(failed)} objects"
        return SendFailed(kind, f"{counted} of {self.copy} could not be copied into {self.bucket}: {examples}")

    def _copy(self, pair: ObjectPair) -> SendFailed | None:
        """Copy one object; returns why it could not be. Raises SendFailed where the credentials were refused."""
        failed: SendFailed | None = None
        for attempt in range(self.sender.attempts):
            try:
                if pair.kind is ObjectState.LARGE:
                    self._copy_in_parts(pair)
                else:
                    params = {**self._from(pair), **self._onto(pair), "ExpectedSourceBucketOwner": self.account}
                    self.sender.send(Call("s3", "CopyObject", self.region, params))
            except SendFailed as trouble:
                failed = trouble
            else:
                return None
            # Every further object would fail alike: the run logs in again and goes on after the cursor.
            if failed.trouble is FailureKind.CREDENTIALS:
                raise failed
            # The precondition failed: somebody wrote meanwhile, so the pair is looked at again and not forced.
            if failed.code in _CHANGED:
                pair = self._current_pair(_key(pair))
                if pair.kind not in (ObjectState.COPY, ObjectState.LARGE):
                    return None
            elif failed.trouble not in _PASSING:
                return failed
            self.sender.pause(attempt)
        return failed

    def _current_pair(self, key: str) -> ObjectPair:
        entries = [next(latest(self._pages(name, region, key)), None) for name, region in self._sides()]
        home, away = (iter([entry] if entry is not None and entry.key == key else []) for entry in entries)
        return next(object_pairs(home, away), ObjectPair(ObjectState.ALIKE, None, None))

    def _sides(self) -> tuple[tuple[str, str], tuple[str, str]]:
        return (self.bucket, self.region), (self.copy, self.from_region)

    def _pages(self, bucket: str, region: str, key: str = "") -> Fetch:
        """How to list a bucket; with ``key``, that object's newest version alone."""
        only = {"Prefix": key, "MaxKeys": 1} if key else {}

        def fetch(markers: Mapping[str, str]) -> Mapping[str, Any]:
            params = {"Bucket": bucket, "ExpectedBucketOwner": self.account, **only, **markers}
            answer = self._send(Call("s3", "ListObjectVersions", region, params))
            return {**answer, "IsTruncated": False} if key else answer

        return fetch

    def _send(self, call: Call) -> dict[str, Any]:
        """Send a call that may be sent again, as often as the sender tries. Raises SendFailed."""
        for attempt in range(self.sender.attempts - 1):
            try:
                return self.sender.send(call)
            except SendFailed as failed:
                if failed.trouble not in _PASSING:
                    raise
            self.sender.pause(attempt)
        return self.sender.send(call)

    def _from(self, pair: ObjectPair) -> dict[str, Any]:
        source = _source(pair)
        where = {"Bucket": self.copy, "Key": source.key, "VersionId": source.version}
        return {"CopySource": where, "CopySourceIfMatch": source.etag}

    def _onto(self, pair: ObjectPair) -> dict[str, Any]:
        there = pair.home is not None and not pair.home.deleted
        unchanged = {"IfMatch": pair.home.etag} if pair.home is not None and there else {"IfNoneMatch": "*"}
        return {**self._place(pair), **unchanged}

    def _place(self, pair: ObjectPair) -> dict[str, Any]:
        return {"Bucket": self.bucket, "Key": _key(pair), "ExpectedBucketOwner": self.account}

    def _copy_in_parts(self, pair: ObjectPair) -> None:
        """Copy an object of more than 5 GB with its metadata and tags. Raises SendFailed."""
        call = Call("s3", "CreateMultipartUpload", self.region, {**self._place(pair), **self._metadata(pair)})
        upload = {**self._place(pair), "UploadId": self._send(call)["UploadId"]}
        try:
            whole = {**upload, **self._onto(pair), "MultipartUpload": {"Parts": self._parts(pair, upload)}}
            self._send(Call("s3", "CompleteMultipartUpload", self.region, whole))
        except SendFailed as failed:  # no run deletes there: the parts cost money until a person removes them
            which = f"--bucket {self.bucket} --key {quote(_key(pair))} --upload-id {upload['UploadId']}"
            left = f"Its upload is left unfinished: aws s3api abort-multipart-upload {which}"
            raise SendFailed(failed.trouble, f"{failed} {left}", failed.code) from failed

    def _metadata(self, pair: ObjectPair) -> dict[str, Any]:
        source = _source(pair)
        where = {"Bucket": self.copy, "Key": source.key, "VersionId": source.version}
        owned = {**where, "ExpectedBucketOwner": self.account}
        head = self._send(Call("s3", "HeadObject", self.from_region, owned))
        tags = self._send(Call("s3", "GetObjectTagging", self.from_region, owned)).get("TagSet") or ()
        along = {name: head[name] for name in _TAKEN_ALONG if head.get(name)}
        return along | ({"Tagging": urlencode([(tag["Key"], tag["Value"]) for tag in tags])} if tags else {})

    def _parts(self, pair: ObjectPair, upload: Mapping[str, Any]) -> list[dict[str, Any]]:
        wanted, parts = ranges(_source(pair).size_bytes), list[dict[str, Any]]()
        request = {**upload, **self._from(pair), "ExpectedSourceBucketOwner": self.account}

        def copy_part(part: tuple[int, str]) -> dict[str, Any]:
            params = {**request, "PartNumber": part[0], "CopySourceRange": part[1]}
            answer = self._send(Call("s3", "UploadPartCopy", self.region, params))
            return {"PartNumber": part[0], "ETag": answer["CopyPartResult"]["ETag"]}

        for start in range(0, len(wanted), _REPORTED_PARTS):
            parts += self.sender.each(copy_part, wanted[start : start + _REPORTED_PARTS])
            self.sender.record("", f"{self.bucket}: {len(parts)} of {len(wanted)} parts of {_key(pair)} copied")
        return parts


def ranges(size_bytes: int) -> Sequence[tuple[int, str]]:
    """The parts of an object of ``size_bytes``: numbers and ranges of bytes, 10,000 at most."""
    part_bytes = max(PART_BYTES, -(-size_bytes // MOST_PARTS))
    starts = range(0, size_bytes, part_bytes)
    return [(n, f"bytes={at}-{min(at + part_bytes, size_bytes) - 1}") for n, at in enumerate(starts, 1)]


def _source(pair: ObjectPair) -> ObjectVersion:
    if pair.away is None:
        raise ValueError("nothing is to be copied")
    return pair.away


def _key(pair: ObjectPair) -> str:
    return _source(pair).key


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
    difference = context.snapshot.find(s3_objects.apart, Side.DR, bucket=step.subject)
    if isinstance(difference, s3_objects.BucketDifference):
        return difference
    rows = context.snapshot.get(s3_objects.apart, Side.DR)
    unavailable = next((row for row in rows if isinstance(row, Unavailable)), None)
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
        later = f"{difference.missing} objects were written there later, and are copied later"
        message = f"{difference.bucket} holds all that {difference.copy} held at {timestamp(since)}; {later}"
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
            what = f"it, or its copy {copy}, is not there or cannot be seen" if copy else "it has no copy"
            yield f"No object is copied back into {bucket}: {what}."
    yield (
        "Objects that were deleted in the DR region are not deleted in the primary region, and what is newer there is "
        "not overwritten: the record of the copy names them."
    )
    state, its_copy = s3.state_pair(context.env)
    if not state:
        return
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
    build_call=lambda step, context: step.call_with({MISSING: difference_of(step, context).missing}),
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
