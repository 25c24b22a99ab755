"""The journal's mirror in the control table: items of 400 KB at most, written only while the lock is the run's own.

An entry is one item ``JOURNAL#<incident>`` / ``<number>``; a long one (the plan) is compressed and, where that is not
enough, continued in items written before its own, so that an entry is there wholly or not at all.

The operator's keys may write file and mirror, so that the heads of the chain are anchored in a CloudWatch Logs stream
to which a run may only add: a log event cannot be changed, AWS gives it its time of arrival, and no role of the control
stack may delete the group or its streams. Of two anchors of one entry the first to arrive counts. Source: CloudWatch
Logs API, PutLogEvents and GetLogEvents.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from dr_actions.clients.mutating_client import GuardRefused, SendFailed
from dr_actions.control_table.control import ControlStore, Fence
from dr_actions.control_table.table import MOST_AT_ONCE, Put, TableSender, WriteCondition
from dr_actions.journal.entries import Entry
from dr_actions.model.plan import Call
from dr_estate.aws.clock import WorldClock
from dr_estate.config.environment import Environment, Side

JOURNAL = "JOURNAL#"
ANCHOR_CALLS = frozenset({"logs:CreateLogStream", "logs:GetLogEvents", "logs:PutLogEvents"})

_ABSENT = "ResourceNotFoundException"
_THERE = "ResourceAlreadyExistsException"
_LONG = 4_000
_PIECE = 300_000  # of an item's 400 KB (AWS: ServiceQuotas, DynamoDB)
_MOST_BYTES = 3_000_000  # of a transaction's 4 MB


class MirrorFailed(Exception):
    """The mirror could not be written or read, so no change may be made now. The message says what the file has."""


class Mirror(Protocol):
    """Where a journal is kept besides its file."""

    def fetch(self, incident: str) -> list[str]:
        """Every entry's line in order, read consistently."""
        ...

    def send(self, incident: str, entries: Sequence[Entry]) -> None:
        """Add the entries; sending one twice is sending it once. Raises Fenced, or whatever kept it from that."""
        ...


class TableMirror:
    """The mirror over the control table. Without ``fence`` (the reader's) it can only fetch."""

    def __init__(self, control: ControlStore, fence: Fence | None = None) -> None:
        self._control, self._fence = control, fence

    def fetch(self, incident: str) -> list[str]:
        """Every entry's line in order, read consistently."""
        items = {item["sk"]: item for item in self._control.table.query(JOURNAL + incident)}
        heads = [item for sk, item in sorted(items.items()) if "." not in sk]
        return [_line(head, items) for head in heads]

    def send(self, incident: str, entries: Sequence[Entry]) -> None:
        """Add the entries. Raises Fenced where the lock is lost, ConditionFailed where another entry is there."""
        if self._fence is None:
            raise ValueError("a mirror without a fence is only read")
        for writes in _packed([put for entry in entries for put in _puts(incident, entry)]):
            self._control.write(writes, self._fence)


class HeadAnchors:
    """The anchors of the environment's journals. What the sender raises passes through."""

    def __init__(self, sender: TableSender, env: Environment, clock: WorldClock) -> None:
        self._sender, self._clock = sender, clock
        self._group, self._region = env.named(env.names.anchor_log), env.region(Side.DR)

    def put(self, incident: str, head: Entry) -> None:
        """Add an anchor of ``head``; the incident's stream is made with its first. Raises SendFailed."""
        message = json.dumps({"seq": head.seq, "digest": head.digest, "run": head.run}, sort_keys=True)
        event = {"timestamp": int(self._clock.now().timestamp() * 1000), "message": message}
        try:
            self._send("PutLogEvents", incident, logEvents=[event])
        except SendFailed as failed:
            if failed.code != _ABSENT:
                raise
            self._make_stream(incident)
            self._send("PutLogEvents", incident, logEvents=[event])

    def of(self, incident: str) -> dict[int, str]:
        """The first digest that was anchored of each entry, by its number; empty where none ever was."""
        events = sorted(self._events(incident), key=lambda event: event["ingestionTime"])
        anchors: dict[int, str] = {}
        for anchor in (_anchor(event) for event in events):
            if anchor is not None:
                anchors.setdefault(*anchor)
        return anchors

    def _make_stream(self, incident: str) -> None:
        try:
            self._send("CreateLogStream", incident)
        except SendFailed as failed:
            if failed.code != _THERE:
                raise

    def _events(self, incident: str) -> Iterator[dict[str, Any]]:
        token: dict[str, Any] = {}
        while True:
            try:
                page = self._send("GetLogEvents", incident, startFromHead=True, **token)
            except SendFailed as failed:
                if failed.code == _ABSENT:
                    return
                raise
            yield from page["events"]
            if page["nextForwardToken"] == token.get("nextToken"):
                return
            token = {"nextToken": page["nextForwardToken"]}

    def _send(self, operation: str, incident: str, **params: Any) -> dict[str, Any]:
        named = {"logGroupName": self._group, "logStreamName": incident}
        return self._sender.send(Call("logs", operation, self._region, {**named, **params}))


class AnchoredMirror:
    """A mirror whose every addition is anchored. An anchor that fails stops no run: it is noted, once."""

    def __init__(self, mirror: Mirror, anchors: HeadAnchors, note: Callable[[str], None]) -> None:
        self._mirror, self._anchors, self._note, self._noted = mirror, anchors, note, False

    def fetch(self, incident: str) -> list[str]:
        """Every entry's line in order, read consistently."""
        return self._mirror.fetch(incident)

    def send(self, incident: str, entries: Sequence[Entry]) -> None:
        """Add the entries, then the anchor of the last. Raises as the mirror."""
        self._mirror.send(incident, entries)
        try:
            self._anchors.put(incident, entries[-1])
        except (SendFailed, GuardRefused) as failed:  # what ends the run passes
            if not self._noted:
                self._noted = True
                self._note(f"The journal's head is not anchored: {failed} `dr_cli.py log --verify` will say so.")


def _puts(incident: str, entry: Entry) -> Iterator[Put]:
    """The entry's items, its own last."""
    text, packed = entry.line, len(entry.line) > _LONG
    if packed:
        text = base64.b64encode(zlib.compress(text.encode())).decode()
    pieces = [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
    for number in range(len(pieces) - 1, -1, -1):
        item: dict[str, Any] = {
            "pk": JOURNAL + incident,
            "sk": f"{entry.seq:09d}" + (f".{number:03d}" if number else ""),
            "digest": entry.digest,
            "text": pieces[number],
            "packed": packed,
            "pieces": len(pieces),
        }
        same = WriteCondition("attribute_not_exists(#pk) OR #digest = :digest", {"digest": entry.digest})
        yield Put(item, same)


def _packed(puts: Sequence[Put]) -> Iterator[list[Put]]:
    """The puts in transactions that AWS takes: 100 items with the lock's check, 4 MB."""
    batch: list[Put] = []
    size = 0
    for put in puts:
        length = len(put.item["text"].encode())
        if batch and (len(batch) == MOST_AT_ONCE - 1 or size + length > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(put)
        size += length
    if batch:
        yield batch


def _line(head: dict[str, Any], items: dict[str, dict[str, Any]]) -> str:
    more = [items[f"{head['sk']}.{number:03d}"]["text"] for number in range(1, head["pieces"])]
    text = "".join([head["text"], *more])
    return zlib.decompress(base64.b64decode(text)).decode() if head["packed"] else text


def _anchor(event: Mapping[str, Any]) -> tuple[int, str] | None:
    """Number and digest; None for what is no anchor: anybody of the account's writers may add a line."""
    try:
        row = json.loads(event["message"])
        return int(row["seq"]), str(row["digest"])
    except (KeyError, TypeError, ValueError):
        return None
