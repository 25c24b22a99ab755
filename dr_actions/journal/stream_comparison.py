"""A record compared with the anchors that AWS wrote of the control table, in the order of its stream. Pure.

AWS anchors every change of every item, by any program: an item that is written once and has two anchors was rewritten,
and the first is how it was. What anchors do not show is whether an item says the truth of a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from dr_actions.control_table.table import BY_SK, TableSender
from dr_actions.journal.comparison import AnchoredHead, RecordComparison, anchor_comparison
from dr_actions.journal.entries import Chain
from dr_actions.model.plan import Call
from dr_estate.config.environment import Environment, Side
from dr_estate.model import control_items
from dr_estate.model.run_records import HISTORY_OF, RunKind
from dr_estate.model.stream_records import (
    NONE,
    Items,
    StreamRecord,
    by_item,
    flaw_of,
    image_digest,
    moment_in,
    order_of,
    prefix_of,
    records_of,
    utc_text,
)

# Both items of a transaction have the same moment in the stream, which counts in seconds.
_AT_ONCE = timedelta(seconds=5)
# A run records itself minutes after its last entry; a pause is put into the journal before it begins.
_AROUND = timedelta(minutes=15)
_ENTRY = re.compile(r"\d{9}")
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class StreamEvidence:
    """What AWS anchored of each partition, and the items that are in it now."""

    records: Mapping[str, Sequence[StreamRecord]]
    items: Mapping[str, Items]


def compared_with_stream(chain: Chain, incident: str, evidence: StreamEvidence, speed: float = 1.0) -> RecordComparison:
    """Compare the record of the incident, and what else was written meanwhile, with what AWS anchored."""
    written = sorted(evidence.records.get(control_items.JOURNAL + incident, ()), key=order_of)
    if rewritten := _first_rewrite(written, chain):
        return RecordComparison(compared=True, message=f"by AWS: {rewritten[1]}", differs_at=rewritten[0])
    # An item that came with no head was never an entry, and nothing was in its place before: see _first_rewrite.
    entries = [row for row in written if _ENTRY.fullmatch(row.sk) and row.head != NONE]
    heads = [AnchoredHead(int(row.sk), row.head, row.created) for row in entries]
    of_journal = anchor_comparison(chain, heads, speed)
    altered = tuple(altered_items(chain, evidence, speed))
    named = "; ".join(altered[:_MOST_NAMED]) + (f"; and {len(altered) - _MOST_NAMED} more" if altered[3:] else "")
    others = f"ALTERED beside it: {named}" if altered else "what else was written meanwhile is as it was written"
    message = f"by AWS: {of_journal.message}; {others}"
    return replace(of_journal, message=message, altered=altered)


def altered_items(chain: Chain, evidence: StreamEvidence, speed: float = 1.0) -> Iterator[str]:
    """Say what was rewritten, taken out, dated otherwise or changed by other means while the record was written."""
    if not chain.entries:
        return
    around = _AROUND * speed
    first, last = chain.entries[0].at - around, chain.entries[-1].at + around
    for pk, records in evidence.records.items():
        if pk == control_items.HISTORY or pk.startswith(f"{control_items.HISTORY}#"):
            yield from _altered_history(records, evidence.items.get(pk, {}), (first, last), speed)
        elif pk.startswith(control_items.APPROVAL):
            # An approver writes an own item again: it is what was written last.
            for sk, rows in sorted(by_item(records).items()):
                item = evidence.items.get(pk, {}).get(sk)
                if item is None or image_digest(item) != rows[-1].image:
                    yield f"{_name(rows[-1])} is not what was written {utc_text(rows[-1].created)}"
    changes = [row for row in evidence.records.get(control_items.HISTORY, ()) if row.event == "INSERT"]
    for row in evidence.records.get(control_items.STANDING, ()):
        on_record = any(
            other.sk.endswith((f"#{row.sk}", f"#{control_items.SET_ASIDE}"))
            and abs(other.created - row.created) <= _AT_ONCE * speed
            for other in changes
        )
        if first <= row.created <= last and _is_decision(row.sk) and not on_record:
            yield f"{_name(row)} was changed {utc_text(row.created)} by other means than a command of this tool"


def _altered_history(
    records: Sequence[StreamRecord], items: Items, period: tuple[datetime, datetime], speed: float
) -> Iterator[str]:
    for sk, rows in sorted(by_item(records).items()):
        stated = moment_in(sk)
        if stated is None or not (period[0] <= stated <= period[1] or period[0] <= rows[0].created <= period[1]):
            continue
        if flaw := flaw_of(stated, rows, items.get(sk), speed):
            yield f"{_name(rows[0])} {flaw}"


def _first_rewrite(written: Sequence[StreamRecord], chain: Chain) -> tuple[int, str] | None:
    """The first entry of which AWS saw more than one item, or the end of one, and what it saw."""
    known = {entry.seq: entry.digest for entry in chain.entries}
    for sk, rows in sorted(by_item(written).items()):
        number = sk.partition(".")[0]
        if (rows[0].event == "INSERT" and len(rows) == 1) or not _ENTRY.fullmatch(number):
            continue
        seen = [f"{_head(row, known.get(int(number)))} {utc_text(row.created)}" for row in rows[:_MOST_NAMED]]
        more = f", and {len(rows) - _MOST_NAMED} more" if len(rows) > _MOST_NAMED else ""
        return int(number), f"REWRITTEN at entry {int(number)}: AWS saw {', then '.join(seen)}{more}"
    return None


def _head(row: StreamRecord, recorded: str | None) -> str:
    if row.event == "REMOVE":
        return "it taken out"
    return f"{row.head[:12]}{' (as recorded)' if row.head == recorded else ''}"


def _is_decision(sk: str) -> bool:
    """Whether the item is one of those whose every change is on record in the history."""
    return sk in (control_items.INCIDENT, control_items.PAUSE) or sk.startswith(control_items.OVERRIDE)


def _name(row: StreamRecord) -> str:
    return f"{control_items.clip(row.pk)} / {control_items.clip(row.sk)}"


# Anchors that AWS writes of the control table, read from their bucket: the name of each object says all.
#
# A run puts none of them. ``deploy/anchors/index.py`` makes the names; every version counts, also one that a delete
# marker hides. Source: S3 API, ListObjectVersions.

STREAM_CALLS = frozenset({"dynamodb:Query", "s3:ListObjectVersions"})


class StreamAnchors:
    """The anchors of an environment. What the sender raises passes through."""

    def __init__(self, sender: TableSender, env: Environment) -> None:
        self._sender, self._env, self._region = sender, env, env.region(Side.DR)
        self._bucket, self._table = env.named(env.names.stream_bucket), env.named(env.names.control_table)
        self.place = f"the bucket {self._bucket}"

    def evidence(self, incident: str) -> StreamEvidence:
        """What AWS anchored of the incident's journal and approvals, and of what stands and is on record."""
        history = (control_items.HISTORY, *(HISTORY_OF + kind for kind in RunKind))
        records = {pk: self.records(pk) for pk in (control_items.JOURNAL + incident, control_items.STANDING, *history)}
        written = {row["pk"]["S"] for row in self._query("sk", incident)}
        approvals = sorted(pk for pk in written if pk.startswith(control_items.APPROVAL))
        records |= {pk: [row for row in self.records(pk) if row.sk == incident] for pk in approvals}
        compared = records.keys() - {control_items.JOURNAL + incident, control_items.STANDING}
        return StreamEvidence(records, self.items(pk for pk in records if pk in compared))

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
