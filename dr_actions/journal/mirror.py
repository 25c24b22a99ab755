"""The journal's mirror in the control table: items of 400 KB at most, written only while the lock is the run's own.

An entry is one item ``JOURNAL#<incident>`` / ``<number>``; a long one (the plan) is compressed and, where that is not
enough, continued in items written before its own, so that an entry is there wholly or not at all.

The operator's keys may write file and mirror, so that the heads of the chain are anchored where they cannot rewrite
(anchors.py).
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from dr_actions.clients.mutating_client import GuardRefused, SendFailed
from dr_actions.control_table.control import ControlStore, Fence
from dr_actions.control_table.table import MOST_AT_ONCE, Put, WriteCondition
from dr_actions.journal.anchors import Anchors
from dr_actions.journal.entries import Entry

JOURNAL = "JOURNAL#"

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


class AnchoredMirror:
    """A mirror whose every addition is anchored. An anchor that fails stops no run: it is noted, once a place."""

    def __init__(self, mirror: Mirror, anchors: Sequence[Anchors], note: Callable[[str], None]) -> None:
        self._mirror, self._anchors, self._note = mirror, anchors, note
        self._noted: set[str] = set()

    def fetch(self, incident: str) -> list[str]:
        """Every entry's line in order, read consistently."""
        return self._mirror.fetch(incident)

    def send(self, incident: str, entries: Sequence[Entry]) -> None:
        """Add the entries, then the anchors of the last. Raises as the mirror."""
        self._mirror.send(incident, entries)
        for anchors in self._anchors:
            try:
                anchors.put(incident, entries[-1])
            except (SendFailed, GuardRefused) as failed:  # what ends the run passes
                if anchors.place not in self._noted:
                    self._noted.add(anchors.place)
                    self._note(
                        f"The journal's head is not anchored in {anchors.place}: {failed} `dr_cli.py log --verify` "
                        "will say so."
                    )


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
