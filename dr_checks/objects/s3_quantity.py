"""Checks of how much bucket copies hold, and of what of it can be read at once (T30)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from dr_checks.core.model import Area, Finding, Severity, View, check, cite, if_replicated, weigh
from dr_checks.objects.s3 import each_pair, rule_of
from dr_estate.config.environment import Side
from dr_estate.readers import s3
from dr_estate.readers.s3 import BucketContents

# S3 counts once a day (S3 User Guide, CloudWatch metrics): what was written since makes sound copies differ too.
_NEARLY, _HALF, _FEW = 0.95, 0.5, 10
# Most objects replicate within 15 minutes, large ones in hours (S3 User Guide, replication).
_DUE = timedelta(hours=3)
# How long a standard restore takes. Source: S3 User Guide, archive retrieval options.
_ARCHIVES = {"GLACIER": "3 to 5 hours", "DEEP_ARCHIVE": "12 hours or more"}
_GIB = 1024**3
_AT_ONCE = "readable at once"
_LOST = "The bucket was not among those counted."


def _by_bucket(view: View, side: Side = Side.DR) -> dict[str, BucketContents]:
    return {found.bucket: found for found in view.get(s3.contents, side)}


@check("every bucket copy holds about as many objects as its source, those of before its replication rule too")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated, stops=True)
@cite("T30", "S3FailedReplicationCount", "REL09-BP01", "NIST CP-9", "SOC2 A1.2")
def as_many(view: View) -> Iterator[Finding]:
    """S3's daily count of both sides: a rule copies only what is written after it; the rest takes Batch Replication.

    None is a blocker, under half a gap, under 95 % a WARN (old versions may end sooner in the copy); up to ten objects
    do not count. A WARN names what of the first hundred, by ListObjectsV2, the copy has not, or in another size.
    """
    here, there = _by_bucket(view, Side.PRIMARY), _by_bucket(view)

    def judge(original: s3.Bucket, copy: s3.Bucket) -> Iterator[Finding]:
        yield _count_finding(view, original, copy, here.get(original.name), there.get(copy.name))

    yield from each_pair(view, "as many objects as the source", judge)


def _count_finding(
    view: View, original: s3.Bucket, copy: s3.Bucket, source: BucketContents | None, target: BucketContents | None
) -> Finding:
    if source is None or target is None:
        return view.unknown(copy.name, "as many objects as the source", _LOST)
    if source.objects is None and source.empty:
        return view.ok(copy.name, "the source is empty", "as many objects as the source", "there is nothing to copy")
    wanted = f"about {source.objects or 0:.0f} objects"
    uncounted = next((name for name, count in ((original.name, source), (copy.name, target)) if _is_dark(count)), "")
    if uncounted:
        flaw = source.flaw or target.flaw or "it is younger than two days, or the metric is not published"
        return view.unknown(copy.name, wanted, f"S3 has not counted the objects of {uncounted}: {flaw}.")
    all_objects, copied = source.objects or 0.0, target.objects or 0.0
    measured, lacking = f"{copied:.0f} objects", all_objects - copied
    if copied and target.empty and not source.empty:
        reason = "delete markers hide all that it holds: nobody finds an object in it, and S3 counts them still"
        remedy = (
            f"Delete the delete markers of {copy.name} (ListObjectVersions, DeleteObjects): the versions are there."
        )
        return view.gap(copy.name, f"{measured}, none of them found", wanted, reason, remedy, stops=True)
    # An empty copy is never good, however few objects the source has.
    if copied and (copied >= all_objects * _NEARLY or lacking <= _FEW):
        # Objects that the copy has not, or in another size, though replication was due.
        there = {listed.key: listed.size_bytes for listed in target.first}
        last = max((row.key for row in target.first), default="") if target.more else None
        due = [row for row in source.first if view.now - row.at > _DUE and (last is None or row.key <= last)]
        if unlike := [row.key for row in due if there.get(row.key) != row.size_bytes]:
            measured = f"{len(unlike)} of the first {len(source.first)} objects missing or of another size"
            reason = f"such as {unlike[0]}: what is deleted or overwritten in a copy no rule brings back"
            remedy = f"Run S3 Batch Replication on {original.name}, and see who writes to {copy.name}."
            return view.warn(copy.name, measured, "the objects of the source", reason, remedy)
        return view.ok(copy.name, measured, wanted, "older objects were copied too")
    reason = f"{lacking:.0f} objects, such as those of before the replication rule, are in the primary region alone"
    remedy = (
        f"Run S3 Batch Replication (a job of S3 Batch Operations with S3ReplicateObject) on {original.name}: a rule "
        "never copies what it found."
    )
    if copied < all_objects * _HALF:
        return view.gap(copy.name, measured, wanted, reason, remedy, stops=not copied)
    return view.warn(copy.name, measured, wanted, reason, remedy)


def _is_dark(count: BucketContents) -> bool:
    return bool(count.flaw) or (count.objects is None and not count.empty)


@check("objects of every bucket copy can be read at once, as those of its source")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated)
@cite("T30", "REL09-BP01", "REL13-BP01", "NIST CP-9", "SOC2 A1.2")
def readable_at_once(view: View) -> Iterator[Finding]:
    """No rule writes into an archive, and the copy holds no more archived bytes than its source.

    Source: S3 User Guide, archive retrieval options; API_Destination StorageClass.
    """
    here, there = _by_bucket(view, Side.PRIMARY), _by_bucket(view)

    def judge(original: s3.Bucket, copy: s3.Bucket) -> Iterator[Finding]:
        rule, source, target = rule_of(original, copy), here.get(original.name), there.get(copy.name)
        hours = _ARCHIVES.get(rule.storage_class, "") if rule else ""
        if hours and rule:
            remedy = f"aws_s3_bucket_replication_configuration of {original.name}: destination.storage_class STANDARD."
            reason = f"each object must be restored before it can be read, which takes {hours}"
            yield view.gap(copy.name, f"replicated into {rule.storage_class}", _AT_ONCE, reason, remedy)
        elif source is None or target is None or source.flaw or target.flaw:
            flaw = next((count.flaw for count in (source, target) if count and count.flaw), "")
            yield view.unknown(copy.name, _AT_ONCE, f"CloudWatch said {flaw}." if flaw else _LOST)
        elif target.archived_bytes > source.archived_bytes:
            yield view.gap(
                copy.name,
                f"{target.archived_bytes / _GIB:.1f} GiB archived, {source.archived_bytes / _GIB:.1f} in the source",
                _AT_ONCE,
                f"they must be restored before they can be read, which takes {_ARCHIVES['GLACIER']} or more",
                f"Restore what is needed on the day from the archive of {copy.name}, and give it a lifecycle that "
                "archives nothing sooner than its source's.",
            )
        else:
            yield view.ok(copy.name, _AT_ONCE, _AT_ONCE, "no more of it is archived than of the source")

    yield from each_pair(view, _AT_ONCE, judge)
