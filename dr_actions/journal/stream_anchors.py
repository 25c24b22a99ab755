"""Anchors that AWS writes of the control table, read from their bucket: the name of each object says all.

A run puts none of them. ``deploy/anchors/index.py`` makes the names; every version counts, also one that a delete
marker hides. Source: S3 API, ListObjectVersions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dr_actions.control_table.table import BY_SK, TableSender
from dr_actions.journal.stream_comparison import StreamEvidence
from dr_actions.model.plan import Call
from dr_estate.config.environment import Environment, Side
from dr_estate.model.control_items import APPROVAL, HISTORY, JOURNAL, STANDING
from dr_estate.model.run_records import HISTORY_OF, RunKind
from dr_estate.model.stream_records import StreamRecord, prefix_of, records_of

STREAM_CALLS = frozenset({"dynamodb:Query", "s3:ListObjectVersions"})


class StreamAnchors:
    """The anchors of an environment. What the sender raises passes through."""

    def __init__(self, sender: TableSender, env: Environment) -> None:
        self._sender, self._env, self._region = sender, env, env.region(Side.DR)
        self._bucket, self._table = env.named(env.names.stream_bucket), env.named(env.names.control_table)
        self.place = f"the bucket {self._bucket}"

    def evidence(self, incident: str) -> StreamEvidence:
        """What AWS anchored of the incident's journal and approvals, and of what stands and is on record."""
        history = (HISTORY, *(HISTORY_OF + kind for kind in RunKind))
        records = {pk: self.records(pk) for pk in (JOURNAL + incident, STANDING, *history)}
        approvals = {row["pk"]["S"] for row in self._query("sk", incident) if row["pk"]["S"].startswith(APPROVAL)}
        records |= {pk: [row for row in self.records(pk) if row.sk == incident] for pk in sorted(approvals)}
        return StreamEvidence(records, self.items(pk for pk in records if pk not in (JOURNAL + incident, STANDING)))

    def records(self, pk: str) -> list[StreamRecord]:
        """Every change of an item of the partition, once each."""
        return records_of(self._env, self._keys(pk))

    def items(self, partitions: Iterable[str]) -> dict[str, dict[str, dict[str, Any]]]:
        """The items of each partition as DynamoDB has them, by ``sk``."""
        return {pk: {row["sk"]["S"]: row for row in self._query("pk", pk)} for pk in partitions}

    def _keys(self, pk: str) -> Iterator[str]:
        marker = dict[str, Any]()
        named = {"Bucket": self._bucket, "ExpectedBucketOwner": self._env.account, "Prefix": prefix_of(self._env, pk)}
        while True:
            page = self._send("s3", "ListObjectVersions", **named, **marker)
            yield from (version["Key"] for version in page.get("Versions", ()))
            if not page.get("IsTruncated"):
                return
            marker = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}

    def _query(self, key: str, value: str) -> Iterator[dict[str, Any]]:
        """The items of a partition of the table, or of its index, as DynamoDB has them."""
        params: dict[str, Any] = {"KeyConditionExpression": f"{key} = :key", "TableName": self._table}
        params |= {"ExpressionAttributeValues": {":key": {"S": value}}}
        params |= {"IndexName": BY_SK} if key == "sk" else {"ConsistentRead": True}
        while True:
            page = self._send("dynamodb", "Query", **params)
            yield from page["Items"]
            if not page.get("LastEvaluatedKey"):
                return
            params = {**params, "ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _send(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        return self._sender.send(Call(service, operation, self._region, params))
