"""Checks of S3: buckets, versioning and replication rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dr_checks.core.model import BOTH, Area, Finding, Remedy, Severity, View, check, cite, if_replicated, weigh
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import s3

_RULE = "aws_s3_bucket_replication_configuration"


def each_pair(view: View, wanted: str, judge: Callable[[s3.Bucket, s3.Bucket], Iterator[Finding]]) -> Iterator[Finding]:
    """Judge every original and its copy that are both there; what is unseen is UNKNOWN, what is absent is said once."""
    here, there = view.get(s3.buckets, Side.PRIMARY), view.get(s3.buckets, Side.DR)
    names = s3.pairs(view.env)
    judged = False
    for (name, _), original, copy in zip(names, here, there, strict=True):
        if isinstance(original, Unavailable) or isinstance(copy, Unavailable):
            judged = True
            yield view.unknown(name, wanted, original if isinstance(original, Unavailable) else _dark(copy))
        elif original.region and copy.region:
            judged = True
            yield from judge(original, copy)
    if not judged:
        yield view.none_expected("all buckets", "no bucket has both a source and a copy: see s3.copy-exists")


def _named_buckets(view: View) -> Iterator[tuple[str, s3.Bucket | Unavailable]]:
    """This side's buckets, each with the name it must have."""
    column = 0 if view.side is Side.PRIMARY else 1
    found = view.get(s3.buckets)
    yield from zip([pair[column] for pair in s3.pairs(view.env)], found, strict=True)


def _dark(copy: s3.Bucket | Unavailable) -> Unavailable | str:
    return copy if isinstance(copy, Unavailable) else "The copy could not be read."


def rule_of(original: s3.Bucket, copy: s3.Bucket) -> s3.BucketReplicationRule | None:
    """The enabled rule that writes into ``copy``, the widest and of the highest priority; None without one."""
    rules = [rule for rule in original.rules if rule.enabled and rule.destination == copy.name]
    # Of rules with one destination S3 applies the highest priority (API_ReplicationRule).
    rules.sort(key=lambda rule: -rule.priority)
    return next((rule for rule in rules if rule.whole), rules[0] if rules else None)


@check("every bucket exists in the primary region and has its copy in the DR region")
@weigh(Severity.BLOCKER, Area.REPLICATION, BOTH, applies=if_replicated)
@cite("S3_BUCKET_CROSS_REGION_REPLICATION_ENABLED", "REL09-BP01", "REL13-BP02", "NIST CP-6", "SOC2 A1.2")
def copy_exists(view: View) -> Iterator[Finding]:
    """Each bucket of the environment file or the map answers, from the region it belongs to. Source: S3 HeadBucket."""
    for source in [source for source, copy in s3.pairs(view.env) if not copy and view.side is Side.DR]:
        reason = "its objects exist in the primary region alone"
        remedy = f"{_RULE} of '{source}' into a bucket of {view.region}; then `dr_cli.py init --update`."
        yield view.gap(source, "no copy", f"a copy in {view.region}", reason, remedy)
    for name, bucket in [row for row in _named_buckets(view) if row[0]]:
        if isinstance(bucket, Unavailable):
            yield view.unknown(name, f"in {view.region}", bucket)
        elif bucket.region == view.region:
            yield view.ok(name, f"in {bucket.region}", f"in {view.region}", "the bucket is in the required region")
        else:
            measured = f"in {bucket.region}" if bucket.region else "absent"
            reason = "objects cannot be served from this region without it"
            remedy = f"Apply aws_s3_bucket '{name}' with the provider of {view.region}; a bucket cannot be moved."
            yield view.gap(name, measured, f"in {view.region}", reason, remedy)


# As replication_rule below: S3 replicates nothing where either side keeps no versions.
@check("versioning is enabled on every bucket and its copy")
@weigh(Severity.BLOCKER, Area.REPLICATION, BOTH, applies=if_replicated)
@cite("T30", "S3_BUCKET_VERSIONING_ENABLED", "s3_bucket_object_versioning", "REL09-BP01", "NIST CP-9", "SOC2 A1.2")
def versioning(view: View) -> Iterator[Finding]:
    """Versioning is Enabled on both sides: replication demands it, and it undoes a deletion. Source: S3, T30."""
    present = False
    for name, bucket in _named_buckets(view):
        if isinstance(bucket, Unavailable):
            present = True
            yield view.unknown(name, "Enabled", bucket)
        elif bucket.region:
            present = True
            if bucket.versioning == "Enabled":
                yield view.ok(bucket.name, "Enabled", "Enabled", "objects replicate, and deletions can be undone")
            else:
                versioning_command = view.command(
                    "s3", "PutBucketVersioning", Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"}
                )
                reason = "nothing is replicated while versioning is off on either side"
                remedy = Remedy("aws_s3_bucket_versioning: Enabled.", (versioning_command,))
                yield view.gap(bucket.name, bucket.versioning, "Enabled", reason, remedy)
    if not present:
        yield view.none_expected("all buckets", "it does not exist here: see s3.copy-exists")


@check("every bucket has an enabled rule that replicates all of its objects into its copy")
@weigh(Severity.BLOCKER, Area.REPLICATION, applies=if_replicated)
@cite(
    "T30",
    "S3ReplicationRuleEnabled",
    "S3_BUCKET_REPLICATION_ENABLED",
    "s3_bucket_cross_region_replication",
    "REL09-BP01",
    "NIST CP-6",
    "ISO22301 8.4",
    "SOC2 A1.2",
)
def replication_rule(view: View) -> Iterator[Finding]:
    """An enabled rule to the copy, without a prefix or tag that leaves objects out. Source: S3 GetBucketReplication."""

    def judge(original: s3.Bucket, copy: s3.Bucket) -> Iterator[Finding]:
        rule, wanted = rule_of(original, copy), f"all objects to {copy.name}"
        if rule and rule.whole:
            yield view.ok(original.name, wanted, wanted, f"rule {rule.id} is enabled")
            return
        measured = f"rule {rule.id} takes a part of the objects" if rule else "no enabled rule to the copy"
        reason = "objects outside the rule exist in the primary region only"
        remedy = (
            f"{_RULE}: a rule with status Enabled, an empty filter and destination {copy.name}; existing objects need "
            "S3 Batch Replication."
        )
        yield view.gap(original.name, measured, wanted, reason, remedy)

    yield from each_pair(view, "an enabled rule", judge)


@check("no replication rule of a higher priority takes objects from the rule that replicates all of a bucket")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated)
@cite("T30", "S3ReplicationRuleEnabled", "REL09-BP01", "NIST CP-6")
def rule_precedence(view: View) -> Iterator[Finding]:
    """Of enabled rules with one destination S3 goes by the highest priority: it must replicate as the whole rule does.

    Rules with another destination take nothing away. Source: S3 API, ReplicationRule, Priority.
    """

    def judge(original: s3.Bucket, copy: s3.Bucket) -> Iterator[Finding]:
        rule, wanted = rule_of(original, copy), "as the rule for all objects"
        if rule is None or not rule.whole:
            yield view.none_expected(original.name, "no rule takes all objects: see s3.replication-rule")
            return
        above = [r for r in original.rules if r.enabled and r.destination == copy.name and r.priority > rule.priority]
        odd = [f"{r.id}: {', '.join(flaws)}" for r in above if (flaws := _otherwise(r, rule))]
        if odd:
            reason = f"objects that it takes are not replicated as rule {rule.id} would"
            remedy = f"{_RULE}: rules {rule.id} and those above it alike, or a higher priority for {rule.id}."
            yield view.gap(original.name, "; ".join(odd), wanted, reason, remedy)
        else:
            yield view.ok(original.name, f"{len(above)} rules above {rule.id}", wanted, "each object goes the same way")

    yield from each_pair(view, "an enabled rule", judge)


def _otherwise(rule: s3.BucketReplicationRule, whole: s3.BucketReplicationRule) -> list[str]:
    """What ``rule`` leaves out of what the one for all objects does."""
    found = [] if rule.delete_markers or not whole.delete_markers else ["no deletions"]
    found += [] if rule.encrypted_objects or not whole.encrypted_objects else ["no objects under KMS keys"]
    found += [f"another key, {rule.replica_key or 'none'}"] if rule.replica_key != whole.replica_key else []
    return found + ([] if rule.metrics or not whole.metrics else ["not measured"])


@check("deletions are replicated to every copy, so that no deleted object reappears after a failover")
@weigh(Severity.NORMAL, Area.REPLICATION, applies=if_replicated)
@cite("T30", "S3ReplicationRuleEnabled", "REL13-BP04", "NIST CP-10")
def delete_markers(view: View) -> Iterator[Finding]:
    """DeleteMarkerReplication is Enabled; rules of the second version leave it off by default (T30)."""

    def judge(original: s3.Bucket, copy: s3.Bucket) -> Iterator[Finding]:
        rule = rule_of(original, copy)
        if rule is None:
            yield view.none_expected(original.name, "no rule: see s3.replication-rule")
        # Rules of the second version leave deletions out by default (T30).
        elif rule.delete_markers:
            yield view.ok(original.name, "Enabled", "Enabled", "deletions are replicated to the copy")
        else:
            reason = "objects that tenants deleted would reappear in the DR region"
            remedy = f'{_RULE}: delete_marker_replication {{ status = "Enabled" }} in rule {rule.id}.'
            yield view.gap(original.name, "Disabled", "Enabled", reason, remedy)

    yield from each_pair(view, "Enabled", judge)


@check("every replication rule has time control and metrics, so that its lag is known")
@weigh(Severity.NORMAL, Area.REPLICATION, applies=if_replicated)
@cite("T23", "S3RtcMetricsFresh", "REL13-BP01", "NIST CP-9")
def measured_rules(view: View) -> Iterator[Finding]:
    """Metrics are on in the rule: without, nobody can say how far the copy trails. No time control is a warning."""

    def judge(original: s3.Bucket, copy: s3.Bucket) -> Iterator[Finding]:
        rule, wanted = rule_of(original, copy), "metrics and replication time control"
        if rule is None:
            yield view.none_expected(original.name, "no rule: see s3.replication-rule")
        elif rule.metrics and rule.time_control:
            yield view.ok(original.name, wanted, wanted, "S3 replicates within 15 minutes and publishes the lag")
        elif rule.metrics:
            reason, remedy = "the lag is measured, but without a time limit", "destination.replication_time"
            yield view.warn(original.name, "metrics", wanted, reason, f"{_RULE}: add {remedy} to rule {rule.id}.")
        else:
            reason, remedy = "the data loss of a failover is not known", "destination.metrics and replication_time"
            yield view.gap(original.name, "nothing", wanted, reason, f"{_RULE}: add {remedy} to rule {rule.id}.")

    yield from each_pair(view, "metrics", judge)
