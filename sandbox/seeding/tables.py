"""DynamoDB: the platform's tables with replicas and point-in-time recovery, the state lock, and the control table.

Tables of the platform have the keys ``tenant_id`` and ``item_id``; the control table, which lives in the DR region so
that it survives with it, has ``pk`` and ``sk``, and the index ``by-sk`` the other way round.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from dr_estate.config.recovery_settings import PEOPLE_TAG
from sandbox.seeding.site import Estate, Site, as_list, tag_map

# What BatchWriteItem takes at most.
BATCH = 25


def build(estate: Estate) -> None:
    """Make all tables, their replicas where expected, and one item a tenant."""
    env = estate.environment
    for pattern in env.names.tables:
        name = env.named(pattern)
        _table(estate.primary, name, ("tenant_id", "item_id"), data=True)
        if env.replicates:
            _replica(estate, name)
        _items(estate, name)
    lock = env.named(env.names.state_lock_tables[0])
    _table(estate.primary, lock, ("LockID",))
    # A Terraform lock that is only in the dead region blocks a rebuild (T39).
    _replica(estate, lock)
    _control(estate.dr, env.named(env.names.control_table))


def _control(site: Site, name: str) -> None:
    _table(site, name, ("pk", "sk"), index="by-sk")
    dynamodb, people = site.client("dynamodb"), str(site.environment.approvals.people)
    arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": PEOPLE_TAG, "Value": people}])


def _table(site: Site, name: str, keys: Sequence[str], data: bool = False, index: str = "") -> None:
    """Make the table; ``index`` is one of all its attributes with the keys the other way round."""
    dynamodb = site.client("dynamodb")
    turned = {"IndexName": index, "KeySchema": _keys(keys[::-1]), "Projection": {"ProjectionType": "ALL"}}
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=_keys(keys),
        **({"GlobalSecondaryIndexes": [turned]} if index else {}),
        BillingMode="PAY_PER_REQUEST",
        # Global tables need a stream with both images (DynamoDB guide, global tables).
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        DeletionProtectionEnabled=True,
        Tags=as_list(tag_map(site.environment, name, data=data)),
    )
    _recoverable(site, name)


def _keys(names: Sequence[str]) -> list[dict[str, str]]:
    return [{"AttributeName": key, "KeyType": kind} for key, kind in zip(names, ("HASH", "RANGE"), strict=False)]


def _recoverable(site: Site, name: str) -> None:
    site.client("dynamodb").update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )


def _replica(estate: Estate, name: str) -> None:
    """Add the DR replica: it takes the table's data and keys, but neither its recovery setting nor its protection."""
    estate.primary.client("dynamodb").update_table(
        TableName=name, ReplicaUpdates=[{"Create": {"RegionName": estate.dr.region}}]
    )
    _recoverable(estate.dr, name)
    estate.dr.client("dynamodb").update_table(TableName=name, DeletionProtectionEnabled=True)


def _items(estate: Estate, name: str) -> None:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    items = [
        {"tenant_id": tenant.label, "item_id": "current", "name": tenant.name, "status": "active", "updated_at": at}
        for tenant in estate.tenants
    ]
    for start in range(0, len(items), BATCH):
        puts = [
            {"PutRequest": {"Item": {key: {"S": value} for key, value in item.items()}}}
            for item in items[start : start + BATCH]
        ]
        estate.primary.client("dynamodb").batch_write_item(RequestItems={name: puts})
