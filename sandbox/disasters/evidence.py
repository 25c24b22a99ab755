"""What would make the evidence of a run worth less: its key, and the anchors of its journal."""

from __future__ import annotations

import json

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.world.world import World


@disaster(
    "evidence-key-disabled",
    "The key that signs evidence was disabled by a clean-up of unused keys",
    trips=("evidence.signed",),
)
def key_disabled(world: World) -> None:
    """Disable the key behind the alias."""
    env = world.environment
    key = world.call(Side.DR, "kms", "DescribeKey", KeyId=env.named(env.names.evidence_key))["KeyMetadata"]["Arn"]
    world.undo(Side.DR, "kms", "EnableKey", KeyId=key)
    world.call(Side.DR, "kms", "DisableKey", KeyId=key)


@disaster(
    "evidence-key-closed",
    "A new policy of the key that signs evidence lets nobody sign",
    trips=("evidence.signed",),
)
def key_closed(world: World) -> None:
    """Add a denial to the key's policy."""
    env = world.environment
    key = world.call(Side.DR, "kms", "DescribeKey", KeyId=env.named(env.names.evidence_key))["KeyMetadata"]["Arn"]
    named = {"KeyId": key, "PolicyName": "default"}
    former = world.call(Side.DR, "kms", "GetKeyPolicy", **named)["Policy"]
    denial = {"Effect": "Deny", "Principal": "*", "Action": "kms:Sign", "Resource": "*"}
    policy = json.loads(former)
    closed = json.dumps({**policy, "Statement": [*policy["Statement"], denial]})
    world.undo(Side.DR, "kms", "PutKeyPolicy", **named, Policy=former)
    world.call(Side.DR, "kms", "PutKeyPolicy", **named, Policy=closed)


@disaster(
    "anchors-expire",
    "A rule for all log groups of the account lets the anchors of journals expire after a week",
    trips=("evidence.anchored",),
)
def anchors_expire(world: World) -> None:
    """Give the log group a retention of seven days."""
    env = world.environment
    name = env.named(env.names.anchor_log)
    world.undo(Side.DR, "logs", "DeleteRetentionPolicy", logGroupName=name)
    world.call(Side.DR, "logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=7)
