"""Tables whose replica is missing, stuck, empty, too small or unprotected (T31)."""

from __future__ import annotations

import json
from typing import Any

from dr_estate.config.environment import Side
from sandbox.disasters import disaster
from sandbox.world.world import World

_TWO_HOURS_MS = 7200.0 * 1000
_INDEX = "by-status"


def _table(world: World) -> str:
    return world.environment.named(world.environment.names.tables[0])


def _update(world: World, side: Side, before: dict[str, Any], after: dict[str, Any]) -> None:
    world.undo(side, "dynamodb", "UpdateTable", TableName=_table(world), **before)
    world.call(side, "dynamodb", "UpdateTable", TableName=_table(world), **after)


def _recovery(on: bool) -> dict[str, Any]:
    return {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": on}}


@disaster(
    "dynamodb-replica-replaced",
    "The replica of one table was deleted, and an empty table of its own made in its place",
    trips=("dynamodb.table-active", "dynamodb-parity.item-counts"),
    consequences=("dynamodb.replication-latency", "rpo.met"),
)
def replica_replaced(world: World) -> None:
    """Take the DR region out of the global table; make an empty, protected table of the same name there."""
    name, region = _table(world), world.environment.regions.dr
    described = world.call(Side.DR, "dynamodb", "DescribeTable", TableName=name)["Table"]
    on, off = {"DeletionProtectionEnabled": True}, {"DeletionProtectionEnabled": False}
    created = {"ReplicaUpdates": [{"Create": {"RegionName": region}}]}
    # Replayed from the last: the stranger goes, the replica is made, then its recovery, then its protection.
    world.undo(Side.DR, "dynamodb", "UpdateTable", TableName=name, **on)
    world.undo(Side.DR, "dynamodb", "UpdateContinuousBackups", TableName=name, **_recovery(True))
    world.undo(Side.PRIMARY, "dynamodb", "UpdateTable", TableName=name, **created)
    # A protected replica cannot be deleted (T31).
    world.call(Side.DR, "dynamodb", "UpdateTable", TableName=name, **off)
    removed = {"ReplicaUpdates": [{"Delete": {"RegionName": region}}]}
    world.call(Side.PRIMARY, "dynamodb", "UpdateTable", TableName=name, **removed)
    # The stranger has the replica's name: it goes before the replica is made again.
    world.undo(Side.DR, "dynamodb", "DeleteTable", TableName=name)
    world.undo(Side.DR, "dynamodb", "UpdateTable", TableName=name, **off)
    world.call(
        Side.DR,
        "dynamodb",
        "CreateTable",
        TableName=name,
        AttributeDefinitions=[
            {"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in described["KeySchema"]
        ],
        KeySchema=described["KeySchema"],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification=described["StreamSpecification"],
        **on,
    )
    world.call(Side.DR, "dynamodb", "UpdateContinuousBackups", TableName=name, **_recovery(True))


@disaster(
    "dynamodb-replica-locked-out",
    "The replica of one table cannot reach its encryption key and will be dropped after 20 hours",
    trips=("dynamodb.replica-status",),
    consequences=("dynamodb.replication-latency", "rpo.met"),
)
def replica_locked_out(world: World) -> None:
    """Let the source report the replica as INACCESSIBLE_ENCRYPTION_CREDENTIALS."""
    path = ["tables", _table(world), "_replicas", world.environment.regions.dr]
    # After 20 hours DynamoDB takes it out of the global table (ReplicaDescription). No call brings the state about.
    world.alter(Side.PRIMARY, "dynamodb", path, trouble="INACCESSIBLE_ENCRYPTION_CREDENTIALS")


@disaster(
    "dynamodb-replication-late",
    "Writes of one table reach their replica two hours late",
    trips=("dynamodb.replication-latency",),
    consequences=("rpo.met", "rpo.skew"),
)
def replication_late(world: World) -> None:
    """Let the latency of the primary's writes be two hours."""
    path = ["tables", _table(world)]
    world.alter(Side.PRIMARY, "dynamodb", path, replication_latency_ms=_TWO_HOURS_MS)


@disaster(
    "dynamodb-recovery-off",
    "Point-in-time recovery of one replica was switched off",
    trips=("dynamodb.point-in-time-recovery",),
)
def recovery_off(world: World) -> None:
    """Switch point-in-time recovery of the replica off."""
    for turn, on in ((world.undo, True), (world.call, False)):
        turn(Side.DR, "dynamodb", "UpdateContinuousBackups", TableName=_table(world), **_recovery(on))


@disaster(
    "dynamodb-expiry-alone",
    "One replica expires items that the primary keeps",
    trips=("dynamodb-parity.schema-parity",),
)
def expiry_alone(world: World) -> None:
    """Enable time to live in the DR region alone."""
    for turn, on in ((world.undo, False), (world.call, True)):
        setting = {"Enabled": on, "AttributeName": "updated_at"}
        turn(Side.DR, "dynamodb", "UpdateTimeToLive", TableName=_table(world), TimeToLiveSpecification=setting)


@disaster(
    "dynamodb-index-unfinished",
    "A new index of one table is still being filled in the DR region",
    trips=("dynamodb-parity.indexes-active",),
)
def index_unfinished(world: World) -> None:
    """Add an index in both regions; in the DR region it stays CREATING."""
    index = {
        "IndexName": _INDEX,
        "KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    attributes = [{"AttributeName": key, "AttributeType": "S"} for key in ("tenant_id", "item_id", "status")]
    for side in (Side.PRIMARY, Side.DR):
        _update(
            world,
            side,
            {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": _INDEX}}]},
            {"GlobalSecondaryIndexUpdates": [{"Create": index}], "AttributeDefinitions": attributes},
        )
    # moto's indexes are ACTIVE at once.
    world.alter(Side.DR, "dynamodb", ["tables", _table(world), "global_indexes", 0], status="CREATING")


@disaster(
    "dynamodb-replica-too-small",
    "One replica is paid by provisioned capacity, and has almost none",
    trips=("dynamodb-parity.capacity-parity",),
)
def replica_too_small(world: World) -> None:
    """Provision a single unit in the DR region."""
    units = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    small = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": units}
    _update(world, Side.DR, {"BillingMode": "PAY_PER_REQUEST"}, small)


@disaster(
    "dynamodb-replica-limited",
    "One replica is read on demand, up to a limit that somebody set while nobody used it",
    trips=("dynamodb-parity.capacity-parity",),
)
def replica_limited(world: World) -> None:
    """Limit the DR region's reads to one unit."""
    # -1 takes a limit off (OnDemandThroughput).
    none, least = ({"OnDemandThroughput": {"MaxReadRequestUnits": units}} for units in (-1, 1))
    _update(world, Side.DR, none, least)


@disaster(
    "dynamodb-encrypted-alone",
    "One table is encrypted under a customer key in the primary region alone",
    trips=("dynamodb-parity.encryption",),
)
def encrypted_alone(world: World) -> None:
    """Encrypt the source under a customer key, and leave its replica under DynamoDB's own."""
    key = world.call(Side.PRIMARY, "efs", "DescribeFileSystems")["FileSystems"][0]["KmsKeyId"]
    strong = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    world.alter(Side.PRIMARY, "dynamodb", ["tables", _table(world)], sse_specification=strong)


@disaster(
    "dynamodb-unprotected",
    "The deletion protection of one replica was switched off",
    trips=("dynamodb-parity.deletion-protection",),
)
def switch_deletion_protection_off(world: World) -> None:
    """Switch deletion protection of the replica off."""
    _update(world, Side.DR, {"DeletionProtectionEnabled": True}, {"DeletionProtectionEnabled": False})


@disaster(
    "dynamodb-scales-alone",
    "One table is provisioned and scales by itself in the primary region; its replica stays at what it has",
    trips=("dynamodb-scaling.alike",),
)
def scales_alone(world: World) -> None:
    """Provision both sides alike, and register a scalable target with a policy in the primary region alone."""
    units = {"ReadCapacityUnits": 20, "WriteCapacityUnits": 20}
    provisioned = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": units}
    for side in (Side.PRIMARY, Side.DR):
        _update(world, side, {"BillingMode": "PAY_PER_REQUEST"}, provisioned)
    scaling, what = (
        "application-autoscaling",
        {
            "ServiceNamespace": "dynamodb",
            "ResourceId": f"table/{_table(world)}",
            "ScalableDimension": "dynamodb:table:WriteCapacityUnits",
        },
    )
    world.undo(Side.PRIMARY, scaling, "DeregisterScalableTarget", **what)
    world.call(Side.PRIMARY, scaling, "RegisterScalableTarget", MinCapacity=20, MaxCapacity=400, **what)
    metric = {"PredefinedMetricType": "DynamoDBWriteCapacityUtilization"}
    tracking = {"TargetValue": 70.0, "PredefinedMetricSpecification": metric}
    policy = {"PolicyName": "writes", "PolicyType": "TargetTrackingScaling"}
    world.undo(Side.PRIMARY, scaling, "DeleteScalingPolicy", PolicyName="writes", **what)
    world.call(
        Side.PRIMARY, scaling, "PutScalingPolicy", TargetTrackingScalingPolicyConfiguration=tracking, **policy, **what
    )


@disaster(
    "table-replica-denies",
    "A resource policy in the DR region denies everybody to use the replica of a table",
    trips=("store-access.admits-alike", "store-access.admits-operator"),
)
def replica_denies(world: World) -> None:
    """Put the policy on the first table's replica."""
    arn = world.call(Side.DR, "dynamodb", "DescribeTable", TableName=_table(world))["Table"]["TableArn"]
    denial = {"Effect": "Deny", "Principal": "*", "Action": "dynamodb:*", "Resource": arn}
    world.undo(Side.DR, "dynamodb", "DeleteResourcePolicy", ResourceArn=arn)
    # On AWS a deny of everybody also stops DynamoDB's own replication (guide, global tables security).
    text = json.dumps({"Version": "2012-10-17", "Statement": [denial]})
    world.call(Side.DR, "dynamodb", "PutResourcePolicy", ResourceArn=arn, Policy=text)
