"""Policies that buckets and tables bear themselves, in both regions: replication copies neither kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers import dynamodb, s3
from dr_estate.reading.reader import REGIONAL, ReadContext, part

READS = frozenset({"dynamodb:GetResourcePolicy", "s3:GetBucketPolicy"})
_NO_POLICY = ("NoSuchBucketPolicy", "PolicyNotFoundException", *dynamodb.ABSENT)


class StoreKind(StrEnum):
    """What bears a policy of its own."""

    BUCKET = "bucket"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class StorePolicy:
    """The policy of a bucket or table as it is; ``text`` is "" where it has none."""

    kind: StoreKind
    name: str
    text: str


@part(*REGIONAL, reads=READS)
def policies(context: ReadContext) -> tuple[StorePolicy | Unavailable, ...]:
    """The policy of each bucket and table that is there: one call each, not a tenant; a copy's is known already."""
    return tuple(context.maybe(lambda store: _policy(context, store), list(_stores(context))))


def _stores(context: ReadContext) -> Iterator[s3.Bucket | str]:
    yield from (row for row in context.part(s3.buckets) if isinstance(row, s3.Bucket) and row.region)
    for table in context.part(dynamodb.tables):
        if isinstance(table, dynamodb.Table) and table.status != dynamodb.NONE:
            yield table.name


def _policy(context: ReadContext, store: s3.Bucket | str) -> StorePolicy:
    if isinstance(store, str):
        arn = table_arn(context.env.account, context.region, store)
        found = context.find("dynamodb", "get_resource_policy", _NO_POLICY, ResourceArn=arn)
        return StorePolicy(StoreKind.TABLE, store, str((found or {}).get("Policy") or ""))
    if context.side is Side.DR:
        return StorePolicy(StoreKind.BUCKET, store.name, store.policy)
    request = {"Bucket": store.name, "ExpectedBucketOwner": context.env.account}
    found = context.find("s3", "get_bucket_policy", _NO_POLICY, **request)
    return StorePolicy(StoreKind.BUCKET, store.name, str((found or {}).get("Policy") or ""))


def table_arn(account: str, region: str, name: str) -> str:
    """The ARN of a table."""
    return f"arn:aws:dynamodb:{region}:{account}:table/{name}"
