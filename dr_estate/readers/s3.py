"""S3: the estate's buckets and their copies, their replication rules with their metrics, and how much they hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any

from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.reading.answers import At, read
from dr_estate.reading.cloudwatch_metrics import METRIC_READS, MetricQuery, Reading, read_metrics
from dr_estate.reading.reader import REGIONAL, ReadContext, part

BUCKET_READS = frozenset(
    {
        *("s3:HeadBucket", "s3:GetBucketVersioning", "s3:GetBucketEncryption"),
        *("s3:GetPublicAccessBlock", "s3:GetBucketPolicy", "s3:GetBucketReplication"),
    }
)
# HeadBucket has no body, so botocore knows the status alone; the other calls name the code.
_ABSENT = ("NoSuchBucket", "404")
_FAILURES_PERIOD_S = 300


@dataclass(frozen=True, slots=True)
class BucketReplicationRule:
    """One replication rule. ``whole`` is false where a prefix or tag leaves objects out; ``encrypted_objects`` says
    whether objects under KMS keys are replicated, and ``replica_key`` under which key they arrive. Of rules with one
    destination the highest ``priority`` counts. ``destination`` in another account is named with it.
    ``storage_class`` is that of the copies, "" where it is the source's.
    """

    id: Annotated[str, At("ID")]
    enabled: Annotated[bool, At("Status", demanded=True, on="Enabled")]
    destination: str
    whole: bool
    delete_markers: bool
    metrics: Annotated[bool, At("Destination.Metrics.Status", on="Enabled")]
    time_control: Annotated[bool, At("Destination.ReplicationTime.Status", on="Enabled")]
    encrypted_objects: Annotated[bool, At("SourceSelectionCriteria.SseKmsEncryptedObjects.Status", on="Enabled")]
    replica_key: Annotated[str, At("Destination.EncryptionConfiguration.ReplicaKmsKeyID")]
    storage_class: Annotated[str, At("Destination.StorageClass")] = ""
    priority: Annotated[int, At("Priority")] = 0


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket; ``region`` is "" where there is none. ``public_blocks`` are the four settings that are on.

    ``role`` is the one that S3 replicates it as; ``policy`` is a copy's own, "" where it has none.
    """

    name: str
    region: str
    versioning: str
    encryption: str
    key: str
    public_blocks: tuple[str, ...]
    rules: tuple[BucketReplicationRule, ...]
    role: str = ""
    policy: str = ""


def existing_names(context: ReadContext) -> list[str]:
    """The buckets of the side that are there."""
    return [row.name for row in context.part(buckets) if isinstance(row, Bucket) and row.region]


def copies_of(context: ReadContext, sources: Iterable[str]) -> list[str]:
    """The copies of these buckets that are there in the DR region."""
    wanted = set(sources)
    copies = {copy for source, copy in pairs(context.env) if source in wanted}
    return [name for name in existing_names(context) if name in copies]


def pairs(env: Environment) -> tuple[tuple[str, str], ...]:
    """The buckets of the environment file, the Terraform state's with them, each with its copy in the DR region."""
    return (*data_pairs(env), *([state_pair(env)] if env.names.state_bucket else []))


def data_pairs(env: Environment) -> tuple[tuple[str, str], ...]:
    """The buckets that hold tenants' data, each with its copy: never the Terraform state's, even where it is listed."""
    names = (env.named(pattern) for pattern in env.names.buckets)
    pairs = ((name, env.named(env.names.bucket_copy, bucket=name)) for name in names)
    return tuple(pair for pair in pairs if pair != state_pair(env))


def state_pair(env: Environment) -> tuple[str, str]:
    """The bucket of the Terraform state and its copy: Terraform alone writes to them."""
    name = env.named(env.names.state_bucket)
    return name, env.named(env.names.bucket_copy, bucket=name)


@part(*REGIONAL, reads=BUCKET_READS)
def buckets(context: ReadContext) -> tuple[Bucket | Unavailable, ...]:
    """The originals (primary side) or the copies (DR side). S3 has no batch read: six calls a bucket, not a tenant."""
    column = 0 if context.side is Side.PRIMARY else 1
    return tuple(read_buckets(context, [pair[column] for pair in pairs(context.env)]))


@part(Side.DR, reads=METRIC_READS | {"cloudwatch:ListMetrics"})
def lag_metrics(context: ReadContext) -> tuple[Reading, ...]:
    """ReplicationLatency (seconds) and BytesPendingReplication of every rule that writes into the DR region.

    S3 publishes both in the region of the DESTINATION, every minute, even while nothing is replicated: so they are
    seen, and the rules are found, when the primary is dark. Where they stop with it, the last value is found for as
    long as an outage may last. Source: S3 User Guide, Using S3 Replication metrics.
    """
    ours = {pair[0] for pair in pairs(context.env)}
    named = {"Namespace": "AWS/S3", "MetricName": "ReplicationLatency"}
    rows = context.pages("cloudwatch", "list_metrics", "Metrics", **named)
    found = {tuple((d.get("Name", ""), d.get("Value", "")) for d in row.get("Dimensions", [])) for row in rows}
    rules = sorted(dimensions for dimensions in found if dict(dimensions).get("SourceBucket") in ours)
    window = context.env.objectives.rpo_minutes + context.env.objectives.rto_minutes
    wanted = [
        MetricQuery("AWS/S3", name, dimensions, "Maximum", window)
        for dimensions in rules
        for name in ("ReplicationLatency", "BytesPendingReplication")
    ]
    return read_metrics(context, wanted) if wanted else ()


@part(Side.PRIMARY, reads=METRIC_READS)
def failure_metrics(context: ReadContext) -> tuple[Reading, ...]:
    """OperationsFailedReplication of every rule: published in the region of the SOURCE, and only when there are any."""
    found = [bucket for bucket in context.part(buckets) if isinstance(bucket, Bucket)]
    name, minutes = "OperationsFailedReplication", context.env.thresholds.failed_job_hours * 60
    dimensions = [
        (("SourceBucket", bucket.name), ("DestinationBucket", rule.destination), ("RuleId", rule.id))
        for bucket in found
        for rule in bucket.rules
    ]
    queries = [MetricQuery("AWS/S3", name, on, "Sum", minutes, _FAILURES_PERIOD_S) for on in dimensions]
    return read_metrics(context, queries)


def read_buckets(context: ReadContext, names: Sequence[str]) -> list[Bucket | Unavailable]:
    """Read buckets, each with six calls at most: whether it is there, then all others at once."""
    regions = dict(zip(names, context.maybe(lambda name: _region(context, name), names), strict=True))
    there = [name for name, region in regions.items() if isinstance(region, str)]
    asks = (_versioning, _encryption, _public_blocks, _replication, _policy)
    answers = context.about(there, [partial(ask, context) for ask in asks])
    about = dict(zip(there, answers, strict=True))
    return [_bucket(name, region, about.get(name, [])) for name, region in regions.items()]


def _bucket(name: str, region: str | Unavailable | None, answers: Sequence[Any]) -> Bucket | Unavailable:
    """The bucket as it was answered for; unseen as a whole where one call was."""
    unseen = next((value for value in (region, *answers) if isinstance(value, Unavailable)), None)
    if unseen is not None:
        return unseen
    if region is None:
        return Bucket(name, "", "", "", "", (), ())
    versioning, (encryption, key), blocks, (rules, role), policy = answers
    return Bucket(name, str(region), versioning, encryption, key, blocks, rules, role, policy)


def bucket_request(context: ReadContext, name: str) -> dict[str, str]:
    """What a call about one bucket names."""
    # A bucket of that name in another account is refused (S3 User Guide, bucket owner condition): it is not ours.
    return {"Bucket": name, "ExpectedBucketOwner": context.env.account}


def _region(context: ReadContext, name: str) -> str | None:
    if not name:  # the copy of a bucket that the map pairs with none
        return None
    found = context.find("s3", "head_bucket", _ABSENT, **bucket_request(context, name))
    return None if found is None else str(found.get("BucketRegion", ""))


def _versioning(context: ReadContext, name: str) -> str:
    return str(
        context.call("s3", "get_bucket_versioning", **bucket_request(context, name)).get("Status", "never enabled")
    )


def _encryption(context: ReadContext, name: str) -> tuple[str, str]:
    none = ("ServerSideEncryptionConfigurationNotFoundError",)
    found = context.find("s3", "get_bucket_encryption", none, **bucket_request(context, name))
    rules = found["ServerSideEncryptionConfiguration"]["Rules"] if found else []
    defaults = [row.get("ApplyServerSideEncryptionByDefault") or {} for row in rules]
    default: dict[str, str] = defaults[0] if defaults else {}
    return default.get("SSEAlgorithm", ""), default.get("KMSMasterKeyID", "")


def _public_blocks(context: ReadContext, name: str) -> tuple[str, ...]:
    none = ("NoSuchPublicAccessBlockConfiguration",)
    found = context.find("s3", "get_public_access_block", none, **bucket_request(context, name))
    blocks = found["PublicAccessBlockConfiguration"] if found else {}
    return tuple(sorted(block for block, on in blocks.items() if on))


def _replication(context: ReadContext, name: str) -> tuple[tuple[BucketReplicationRule, ...], str]:
    none = ("ReplicationConfigurationNotFoundError",)
    found = context.find("s3", "get_bucket_replication", none, **bucket_request(context, name))
    replication = found["ReplicationConfiguration"] if found else {}
    rules = tuple(_rule(row, context.env.account) for row in replication.get("Rules", ()))
    return rules, replication.get("Role", "")


def _policy(context: ReadContext, name: str) -> str:
    """The DR side's alone."""
    if context.side is not Side.DR:
        return ""
    found = context.find("s3", "get_bucket_policy", ("NoSuchBucketPolicy",), **bucket_request(context, name))
    return str(found.get("Policy") or "") if found else ""


def _rule(row: dict[str, Any], account: str) -> BucketReplicationRule:
    target = row["Destination"]
    name, owner = target["Bucket"].rpartition(":")[2], target.get("Account") or account
    return read(
        BucketReplicationRule,
        row,
        destination=name if owner == account else f"{name} of {owner}",
        whole=not row.get("Prefix") and not any(row.get("Filter", {}).values()),  # old rules have a bare Prefix
        delete_markers="Filter" not in row or (row.get("DeleteMarkerReplication") or {}).get("Status") == "Enabled",
    )


# How much buckets and their copies hold: objects, and bytes by storage class, as S3 counts them once a day.
#
# Source: S3 User Guide, Metrics and dimensions (daily storage metrics). A bucket that S3 has not counted yet, or that
# is empty, has no metric: looking for objects distinguishes the two. What delete markers hide is counted on.

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


# As many as are listed of a bucket: enough to see what a copy lacks, and kept with the evidence.
_LISTED = 100


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object that a bucket lists, and when it was written: a replica is as old as its source."""

    key: str
    size_bytes: int
    at: datetime


@dataclass(frozen=True, slots=True)
class BucketContents:
    """What a bucket holds: ``objects`` with old versions, None where they are not counted; bytes, those archived too.

    ``empty``: nobody finds an object in it, though S3 may count those that delete markers hide. ``flaw`` is why
    CloudWatch could not answer in full. ``first`` are the first objects by name, ``more``: there are others.
    """

    bucket: str
    objects: float | None
    readable_bytes: float
    archived_bytes: float
    empty: bool = False
    flaw: str = ""
    first: tuple[ListedObject, ...] = ()
    more: bool = False


@part(*REGIONAL, reads=METRIC_READS | {"s3:ListObjectsV2"})
def contents(context: ReadContext) -> tuple[BucketContents, ...]:
    """The contents of each bucket that is there, all metrics in one call."""
    names = existing_names(context)
    wanted = [query for name in names for query in _queries(name)]
    readings = {(r.name, r.dimensions): r for r in read_metrics(context, wanted)} if wanted else {}

    def contents_of(name: str) -> BucketContents:
        found = {dict(q.dimensions)["StorageType"]: readings[q.name, q.dimensions] for q in _queries(name)}
        count = found[_ALL]
        flaws = [reading.flaw for reading in found.values() if reading.flaw]
        page: Mapping[str, Any] | None = None
        try:
            page = None if count.flaw else context.call("s3", "list_objects_v2", **_page_of(context, name))
        except DataUnavailable as error:  # this bucket's matter: the others are counted
            flaws = [*flaws, error.unavailable.why]
        size = {kind: reading.value or 0.0 for kind, reading in found.items() if kind != _ALL}
        return BucketContents(
            bucket=name,
            objects=count.value,
            readable_bytes=sum(size[kind] for kind in READABLE),
            archived_bytes=sum(size[kind] for kind in ARCHIVED),
            empty=page is not None and not page.get("Contents"),
            flaw="; ".join(dict.fromkeys(flaws)),
            first=tuple(_objects((page or {}).get("Contents") or ())),
            more=bool((page or {}).get("IsTruncated")),
        )

    return tuple(context.each(contents_of, names))


def _queries(bucket: str) -> list[MetricQuery]:
    kinds = [(_COUNT, _ALL), *((_SIZE, kind) for kind in (*READABLE, *ARCHIVED))]
    return [
        MetricQuery("AWS/S3", name, (("BucketName", bucket), ("StorageType", kind)), "Average", _WINDOW_MINUTES, _DAY_S)
        for name, kind in kinds
    ]


def _page_of(context: ReadContext, name: str) -> dict[str, Any]:
    return {"MaxKeys": _LISTED, **bucket_request(context, name)}


def _objects(rows: Iterable[Mapping[str, Any]]) -> Iterator[ListedObject]:
    for row in rows:
        if row.get("Key") and row.get("LastModified"):
            yield ListedObject(row["Key"], row.get("Size") or 0, row["LastModified"])
