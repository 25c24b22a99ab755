"""Policies of a bucket copy and of a table replica that keep out who uses the sources."""

from __future__ import annotations

import json
from typing import Any

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.world.world import World


def _denial(action: str, resource: str) -> str:
    statement: dict[str, Any] = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@disaster(
    "bucket-copy-denies-reads",
    "A bucket policy in the DR region denies everybody to read objects of a copy",
    trips=("store-access.admits-alike", "store-access.admits-operator"),
)
def bucket_denies_reads(world: World) -> None:
    """Put the policy on the first bucket's copy."""
    env = world.environment
    name = env.named(env.names.bucket_copy, bucket=env.named(env.names.buckets[0]))
    world.undo(Side.DR, "s3", "DeleteBucketPolicy", Bucket=name)
    policy = _denial("s3:GetObject", f"arn:aws:s3:::{name}/*")
    world.call(Side.DR, "s3", "PutBucketPolicy", Bucket=name, Policy=policy)


@disaster(
    "table-replica-denies",
    "A resource policy in the DR region denies everybody to use the replica of a table",
    trips=("store-access.admits-alike", "store-access.admits-operator"),
)
def table_denies(world: World) -> None:
    """Put the policy on the first table's replica."""
    env = world.environment
    name = env.named(env.names.tables[0])
    arn = world.call(Side.DR, "dynamodb", "DescribeTable", TableName=name)["Table"]["TableArn"]
    world.undo(Side.DR, "dynamodb", "DeleteResourcePolicy", ResourceArn=arn)
    # On AWS a deny of everybody also stops DynamoDB's own replication (guide, global tables security).
    world.call(Side.DR, "dynamodb", "PutResourcePolicy", ResourceArn=arn, Policy=_denial("dynamodb:*", arn))
