"""How much buckets and their copies hold: objects, and bytes by storage class, as S3 counts them once a day.

Source: S3 User Guide, Metrics and dimensions (daily storage metrics). A bucket that S3 has not counted yet, or that is
empty, has no metric: looking for one object distinguishes the two.
"""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import s3
from dr_estate.reading.cloudwatch_metrics import METRIC_READS, MetricQuery, read_metrics
from dr_estate.reading.part import REGIONAL, part
from dr_estate.reading.reader import ReadContext

READABLE = (
    *("StandardStorage", "StandardIAStorage", "OneZoneIAStorage", "ReducedRedundancyStorage"),
    *("GlacierInstantRetrievalStorage", "IntelligentTieringFAStorage", "IntelligentTieringIAStorage"),
    "IntelligentTieringAIAStorage",
)
# Storage types of objects that must be restored, for hours, before they can be read.
ARCHIVED = ("GlacierStorage", "DeepArchiveStorage", "IntelligentTieringAAStorage", "IntelligentTieringDAAStorage")
_COUNT, _SIZE, _ALL = "NumberOfObjects", "BucketSizeBytes", "AllStorageTypes"
_DAY_S = 86_400
_WINDOW_MINUTES = 3 * 24 * 60  # each day's value is there within two


@dataclass(frozen=True, slots=True)
class BucketContents:
    """What a bucket holds: ``objects`` with old versions, None where they are not counted; bytes, those archived too.

    ``empty`` was looked for where nothing is counted. ``flaw`` is why CloudWatch could not answer in full.
    """

    bucket: str
    objects: float | None
    readable_bytes: float
    archived_bytes: float
    empty: bool = False
    flaw: str = ""


@part(*REGIONAL, reads=METRIC_READS | {"s3:ListObjectsV2"})
def contents(context: ReadContext) -> tuple[BucketContents, ...]:
    """The contents of each bucket that is there, all metrics in one call."""
    names = [bucket.name for bucket in context.part(s3.buckets) if isinstance(bucket, s3.Bucket) and bucket.region]
    wanted = [query for name in names for query in _queries(name)]
    readings = {(r.name, r.dimensions): r for r in read_metrics(context, wanted)} if wanted else {}

    def contents_of(name: str) -> BucketContents:
        found = {dict(q.dimensions)["StorageType"]: readings[q.name, q.dimensions] for q in _queries(name)}
        count = found[_ALL]
        flaws = [reading.flaw for reading in found.values() if reading.flaw]
        try:
            empty = count.value is None and not count.flaw and _is_empty(context, name)
        except DataUnavailable as error:  # this bucket's matter: the others are counted
            empty, flaws = False, [*flaws, error.unavailable.why]
        size = {kind: reading.value or 0.0 for kind, reading in found.items() if kind != _ALL}
        return BucketContents(
            bucket=name,
            objects=count.value,
            readable_bytes=sum(size[kind] for kind in READABLE),
            archived_bytes=sum(size[kind] for kind in ARCHIVED),
            empty=empty,
            flaw="; ".join(dict.fromkeys(flaws)),
        )

    return tuple(context.each(contents_of, names))


def _queries(bucket: str) -> list[MetricQuery]:
    kinds = [(_COUNT, _ALL), *((_SIZE, kind) for kind in (*READABLE, *ARCHIVED))]
    return [
        MetricQuery("AWS/S3", name, (("BucketName", bucket), ("StorageType", kind)), "Average", _WINDOW_MINUTES, _DAY_S)
        for name, kind in kinds
    ]


def _is_empty(context: ReadContext, name: str) -> bool:
    request = {"Bucket": name, "MaxKeys": 1, "ExpectedBucketOwner": context.env.account}
    return not context.call("s3", "list_objects_v2", **request).get("Contents")
