"""Objects that are not copied, copied late, or copied to where anyone may read them (T30)."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from dr_estate.config.environment import Side
from sandbox.core.state import now
from sandbox.disasters import disaster
from sandbox.world.world import World

_HALF_AN_HOUR_S = 1800.0
Rule = dict[str, Any]


def _pair(world: World) -> tuple[str, str]:
    """The first bucket of the environment file, and its copy."""
    env = world.environment
    bucket = env.named(env.names.buckets[0])
    return bucket, env.named(env.names.bucket_copy, bucket=bucket)


def _change_rule(world: World, change: Callable[[Rule], object]) -> None:
    """Put the first bucket's replication again with its rule changed."""
    bucket, _ = _pair(world)
    before = world.call(Side.PRIMARY, "s3", "GetBucketReplication", Bucket=bucket)["ReplicationConfiguration"]
    after = copy.deepcopy(before)
    change(after["Rules"][0])
    put = {"Bucket": bucket}
    world.undo(Side.PRIMARY, "s3", "PutBucketReplication", **put, ReplicationConfiguration=before)
    world.call(Side.PRIMARY, "s3", "PutBucketReplication", **put, ReplicationConfiguration=after)


@disaster(
    "s3-copy-misplaced",
    "The copy of one bucket was made in the primary region",
    trips=("s3.copy-exists",),
    consequences=("s3-lag.latency", "s3-protection.encryption", "s3-quantity.as-many", "rpo.met"),
)
def copy_misplaced(world: World) -> None:
    """Let the copy stand in the region it must survive."""
    _, there = _pair(world)
    # A bucket's region is for ever; moto files all buckets of an account together.
    world.alter(Side.DR, "s3", ["buckets", there], region_name=world.environment.regions.primary)


@disaster(
    "s3-events-unheard",
    "A queue hears of one bucket's new objects, and nobody of those of its copy",
    trips=("s3-notifications.notified",),
)
def events_unheard(world: World) -> None:
    """Let the primary region's bucket send its events to a queue."""
    bucket, _ = _pair(world)
    url = world.call(Side.PRIMARY, "sqs", "CreateQueue", QueueName="thumbnails")["QueueUrl"]
    world.undo(Side.PRIMARY, "sqs", "DeleteQueue", QueueUrl=url)
    env = world.environment
    queue = f"arn:aws:sqs:{env.regions.primary}:{env.account}:thumbnails"
    heard = {"QueueConfigurations": [{"QueueArn": queue, "Events": ["s3:ObjectCreated:*"]}]}
    for turn, how in ((world.undo, {}), (world.call, heard)):
        turn(Side.PRIMARY, "s3", "PutBucketNotificationConfiguration", Bucket=bucket, NotificationConfiguration=how)


@disaster(
    "s3-copy-without-cors",
    "Pages may load fonts from one bucket, and browsers refuse them from its copy",
    trips=("s3-cors.alike",),
)
def copy_without_cors(world: World) -> None:
    """Let the pages of the sites read the primary region's bucket."""
    bucket, _ = _pair(world)
    rule = {
        "AllowedOrigins": [f"https://*.{world.environment.traffic.tenant_domain}"],
        "AllowedMethods": ["GET", "HEAD"],
        "AllowedHeaders": ["Range"],
        "MaxAgeSeconds": 3600,
    }
    world.undo(Side.PRIMARY, "s3", "DeleteBucketCors", Bucket=bucket)
    world.call(Side.PRIMARY, "s3", "PutBucketCors", Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})


@disaster(
    "s3-copy-without-website", "One bucket answers as a website, and its copy does not", trips=("s3-website.alike",)
)
def copy_without_website(world: World) -> None:
    """Let the primary region's bucket answer with an index page."""
    bucket, _ = _pair(world)
    pages = {"IndexDocument": {"Suffix": "index.html"}}
    world.undo(Side.PRIMARY, "s3", "DeleteBucketWebsite", Bucket=bucket)
    world.call(Side.PRIMARY, "s3", "PutBucketWebsite", Bucket=bucket, WebsiteConfiguration=pages)


@disaster(
    "s3-copy-without-lists",
    "One copy refuses uploads that name an access control list, which its source takes",
    trips=("s3-ownership.lists-taken",),
)
def copy_without_lists(world: World) -> None:
    """Set the copy as S3 sets each bucket that is made today."""
    _, copy = _pair(world)
    # The default since April 2023 (S3 guide, controlling ownership of objects).
    controls = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    world.undo(Side.DR, "s3", "DeleteBucketOwnershipControls", Bucket=copy)
    world.call(Side.DR, "s3", "PutBucketOwnershipControls", Bucket=copy, OwnershipControls=controls)


@disaster("s3-versioning-suspended", "Versioning of one copy was suspended", trips=("s3.versioning",))
def versioning_suspended(world: World) -> None:
    """Suspend versioning of the copy: nothing is replicated into it any more."""
    _, there = _pair(world)
    for turn, status in ((world.undo, "Enabled"), (world.call, "Suspended")):
        turn(Side.DR, "s3", "PutBucketVersioning", Bucket=there, VersioningConfiguration={"Status": status})


disaster(
    "s3-rule-disabled",
    "The replication rule of one bucket was disabled",
    trips=("s3.replication-rule",),
    consequences=("s3-lag.latency", "rpo.met"),
    # Disable the rule: its metrics are published no more.
    run=lambda world: _change_rule(world, lambda rule: rule.update(Status="Disabled")),
)

disaster(
    "s3-deletions-not-replicated",
    "The replication rule of one bucket leaves deletions out",
    trips=("s3.delete-markers",),
    # Disable the replication of delete markers, as S3 does by default (T30).
    run=lambda world: _change_rule(world, lambda rule: rule.update(DeleteMarkerReplication={"Status": "Disabled"})),
)


@disaster(
    "s3-rule-overtaken",
    "A second replication rule of a higher priority leaves out the deletions of one folder",
    trips=("s3.rule-precedence",),
)
def rule_overtaken(world: World) -> None:
    """Put a second rule for a folder into the same copy."""
    bucket, _ = _pair(world)
    before = world.call(Side.PRIMARY, "s3", "GetBucketReplication", Bucket=bucket)["ReplicationConfiguration"]
    after = copy.deepcopy(before)
    # Of two rules into one bucket the higher number decides (S3 guide, replication configuration).
    narrow = {"ID": "uploads", "Priority": 9, "Filter": {"Prefix": "uploads/"}}
    after["Rules"].append(after["Rules"][0] | narrow | {"DeleteMarkerReplication": {"Status": "Disabled"}})
    world.undo(Side.PRIMARY, "s3", "PutBucketReplication", Bucket=bucket, ReplicationConfiguration=before)
    world.call(Side.PRIMARY, "s3", "PutBucketReplication", Bucket=bucket, ReplicationConfiguration=after)


def _drop_metrics(rule: Rule) -> None:
    for setting in ("Metrics", "ReplicationTime"):
        rule["Destination"].pop(setting, None)


disaster(
    "s3-rule-unmeasured",
    "The replication rule of one bucket is neither timed nor measured",
    trips=("s3.measured-rules",),
    consequences=("s3-lag.latency", "s3-lag.failed-operations", "rpo.met"),
    # Take time control and metrics out of the rule: its lag is unknown (T23).
    run=lambda world: _change_rule(world, _drop_metrics),
)


@disaster("s3-replication-late", "Objects of one bucket reach their copy half an hour late", trips=("s3-lag.latency",))
def replication_late(world: World) -> None:
    """Let the rule's latency be half an hour."""
    bucket, _ = _pair(world)
    world.alter(Side.PRIMARY, "s3", ["buckets", bucket], replication_latency_s=_HALF_AN_HOUR_S)


@disaster("s3-replication-failed", "One object could not be replicated", trips=("s3-lag.failed-operations",))
def replication_failed(world: World) -> None:
    """Put an object whose replication fails for good: S3 does not try again (T30)."""
    bucket, _ = _pair(world)
    key = "uploads/refused.bin"
    response = world.call(Side.PRIMARY, "s3", "PutObject", Bucket=bucket, Key=key, Body=b"refused")
    named = {"Bucket": bucket, "Key": key}
    world.undo(Side.PRIMARY, "s3", "DeleteObject", **named, VersionId=response["VersionId"])
    # CloudWatch reports a minute only when it is over
    earlier = (now() - timedelta(minutes=10)).replace(tzinfo=None)
    path = ["buckets", bucket, "keys", key]
    world.alter(Side.PRIMARY, "s3", path, _replication_status="FAILED", last_modified=earlier)


@disaster(
    "s3-bucket-encrypted-alone",
    "One bucket now encrypts under a KMS key, but its replication rule and its copy do not",
    trips=("s3-protection.encrypted-objects", "s3-protection.encryption"),
)
def bucket_encrypted_alone(world: World) -> None:
    """Encrypt the original under a KMS key: the rule leaves such objects out, the copy stays weaker (T19, T30)."""
    bucket, _ = _pair(world)
    alias = f"alias/{world.environment.name}-efs"
    # A page has fifty aliases where none is asked for (API_ListAliases): AWS and the estate may have more.
    listed = world.client("kms", world.environment.regions.primary).get_paginator("list_aliases").paginate()
    key = next(entry["TargetKeyId"] for page in listed for entry in page["Aliases"] if entry["AliasName"] == alias)
    arn = world.call(Side.PRIMARY, "kms", "DescribeKey", KeyId=key)["KeyMetadata"]["Arn"]
    plain, strong = {"SSEAlgorithm": "AES256"}, {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}
    for turn, default in ((world.undo, plain), (world.call, strong)):
        rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
        turn(Side.PRIMARY, "s3", "PutBucketEncryption", Bucket=bucket, ServerSideEncryptionConfiguration=rules)


@disaster(
    "s3-copy-public", "The copy of one bucket lost its public access block", trips=("s3-protection.public-access",)
)
def copy_public(world: World) -> None:
    """Delete the public access block of the copy."""
    _, there = _pair(world)
    found = world.call(Side.DR, "s3", "GetPublicAccessBlock", Bucket=there)["PublicAccessBlockConfiguration"]
    world.undo(Side.DR, "s3", "PutPublicAccessBlock", Bucket=there, PublicAccessBlockConfiguration=found)
    world.call(Side.DR, "s3", "DeletePublicAccessBlock", Bucket=there)


@disaster(
    "s3-copy-expires",
    "A clean-up rule was put on the copy of one bucket: its objects go after a week",
    trips=("s3-lifecycle.kept-as-long",),
)
def copy_expires(world: World) -> None:
    """Give the copy a lifecycle of its own; the original has none."""
    _, there = _pair(world)
    rule = {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 7}}
    world.undo(Side.DR, "s3", "DeleteBucketLifecycle", Bucket=there)
    put = {"Bucket": there, "LifecycleConfiguration": {"Rules": [rule]}}
    world.call(Side.DR, "s3", "PutBucketLifecycleConfiguration", **put)


@disaster(
    "s3-copy-forgets",
    "A clean-up rule was put on the copy of one bucket: former versions go a day after they were overwritten",
    trips=("s3-lifecycle.kept-as-long",),
)
def copy_forgets(world: World) -> None:
    """Give the copy a lifecycle for former versions; the original has none."""
    _, there = _pair(world)
    forgets = {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}}
    rule = {"ID": "former", "Status": "Enabled", "Filter": {"Prefix": ""}, **forgets}
    world.undo(Side.DR, "s3", "DeleteBucketLifecycle", Bucket=there)
    put = {"Bucket": there, "LifecycleConfiguration": {"Rules": [rule]}}
    world.call(Side.DR, "s3", "PutBucketLifecycleConfiguration", **put)


disaster(
    "bucket-copy-denies-replication",
    "A bucket policy in the DR region denies everybody to replicate objects into a copy",
    trips=("copy-roles.may-replicate",),
    run=lambda world: _deny_everybody(world, "s3:ReplicateObject"),
)

disaster(
    "bucket-copy-denies-reads",
    "A bucket policy in the DR region denies everybody to read objects of a copy",
    trips=("store-access.admits-alike", "store-access.admits-operator"),
    run=lambda world: _deny_everybody(world, "s3:GetObject"),
)


def _deny_everybody(world: World, action: str) -> None:
    _, there = _pair(world)
    denial = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": f"arn:aws:s3:::{there}/*"}
    world.undo(Side.DR, "s3", "DeleteBucketPolicy", Bucket=there)
    text = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
    world.call(Side.DR, "s3", "PutBucketPolicy", Bucket=there, Policy=text)


@disaster(
    "s3-copy-unfilled",
    "Most objects of one bucket are older than its replication rule: they were never copied",
    trips=("s3-quantity.as-many",),
)
def copy_unfilled(world: World) -> None:
    """Put objects while the rule is disabled, then enable it again."""
    bucket, _ = _pair(world)
    rules = world.call(Side.PRIMARY, "s3", "GetBucketReplication", Bucket=bucket)["ReplicationConfiguration"]
    disabled = copy.deepcopy(rules)
    disabled["Rules"][0]["Status"] = "Disabled"
    world.call(Side.PRIMARY, "s3", "PutBucketReplication", Bucket=bucket, ReplicationConfiguration=disabled)
    # More than the seed puts into the bucket: most of it is then without a copy.
    for number in range(20):
        key = f"before/{number}.json"
        version = world.call(Side.PRIMARY, "s3", "PutObject", Bucket=bucket, Key=key, Body="{}")["VersionId"]
        world.undo(Side.PRIMARY, "s3", "DeleteObject", Bucket=bucket, Key=key, VersionId=version)
    world.call(Side.PRIMARY, "s3", "PutBucketReplication", Bucket=bucket, ReplicationConfiguration=rules)


disaster(
    "s3-copy-archived",
    "The replication rule of one bucket writes into an archive, from which objects are read hours later",
    trips=("s3-quantity.readable-at-once",),
    # A standard retrieval from it takes up to twelve hours (S3 guide, archive retrieval options).
    run=lambda world: _change_rule(world, lambda rule: rule["Destination"].update(StorageClass="DEEP_ARCHIVE")),
)
