"""The links of a journal's chain, and how its entries lie in the control table. Pure.

What each kind of entry holds is dr_actions/journal/entries.py's matter. An entry is one item of the mirror, or a head
and its pieces, compressed where it is long (dr_actions/journal/mirror.py).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from dr_estate.model.control_items import unreadable
from dr_estate.model.world_id import WorldId

SCHEMA = "aws-dr-manager/journal/1"
WORLD = "world"
_ENTRY, _PIECE = re.compile(r"[0-9]{9}"), re.compile(r"[0-9]{9}\.[0-9]{3}")
UNREADABLE_LINE = "an item of the mirror that cannot be read"
_FIELDS = {"seq", "at", "run", "kind", "step", "data", "prev", "digest"}
_LONGEST = 256_000_000  # far above any plan; what unpacks to more was not written by a run


class JournalBroken(Exception):
    """The record is not what was written. ``line`` is the first that cannot be believed, counted from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"The journal is broken at line {line}: {reason}")
        self.line, self.why = line, reason


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values are equal texts. Raises ValueError for NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def text_digest(text: str) -> str:
    """The SHA-256 of the text, as entries bear it."""
    return hashlib.sha256(text.encode()).hexdigest()


def genesis(environment: str, incident: str, world: WorldId) -> str:
    """The ``prev`` of the first entry: a file cannot pass for the journal of another incident or world."""
    return text_digest(canonical([SCHEMA, environment, incident, world.to_json()]))


def world_of(first: str | bytes) -> WorldId | None:
    """The world that a journal's first line names; None where it names none."""
    try:
        return WorldId.from_json(json.loads(first)["data"][WORLD])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def following_document(line: bytes, number: int, prev: str) -> dict[str, Any]:
    """The JSON of the line, which follows the digest ``prev``. Raises JournalBroken."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as damaged:
        raise JournalBroken(number, "it is not JSON.") from damaged
    if not isinstance(document, dict) or document.keys() != _FIELDS:
        raise JournalBroken(number, "it is not an entry.")
    # The link first: what does not follow the line before was put in, whatever else is wrong with it.
    if document["prev"] != prev:
        raise JournalBroken(number, "it does not follow the line before: a line was changed, removed or put in.")
    return document


def check_digest(document: Mapping[str, Any], line: bytes, number: int) -> None:
    """Raise JournalBroken where the line is not as it was written."""
    try:
        digest = text_digest(canonical({name: document[name] for name in _FIELDS - {"digest"}}))
        text = canonical(document).encode()
    except (ValueError, RecursionError) as unwritable:  # no JSON that this tool writes
        raise JournalBroken(number, "it holds what no version writes.") from unwritable
    # The bytes too: the same JSON spelled otherwise has the same digest, and was not written by this tool.
    if document["seq"] != number or document["digest"] != digest or text != line:
        raise JournalBroken(number, "its digest does not match its content: it was changed after it was written.")


def sound_documents(lines: Iterable[str], environment: str, incident: str) -> tuple[list[dict[str, Any]], str]:
    """The entries' JSON up to the first fault of their chain, and the fault, "" where there is none."""
    documents, prev = list[dict[str, Any]](), ""
    for number, line in enumerate(lines, 1):
        if number == 1:
            world = world_of(line)
            prev = genesis(environment, incident, world) if world else ""
        try:
            document = following_document(line.encode(), number, prev)
            check_digest(document, line.encode(), number)
        except JournalBroken as fault:
            return documents, str(fault)
        documents.append(document)
        prev = document["digest"]
    return documents, ""


def mirror_lines(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The entries' lines, by the decoded items of the mirror; what has no entry's key is none of them."""
    items = {str(item["sk"]): item for item in rows}
    # Pieces without their entry's own item are of a run that died while it wrote them: they never counted.
    return [_line(head, items) for sk, head in sorted(items.items()) if _ENTRY.fullmatch(sk)]


def strange_keys(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The keys in a journal's partition that no run writes: neither an entry's nor a piece's."""
    keys = sorted(str(item["sk"]) for item in rows)
    return [sk for sk in keys if not _ENTRY.fullmatch(sk) and not _PIECE.fullmatch(sk)]


def _line(head: Mapping[str, Any], items: Mapping[str, Mapping[str, Any]]) -> str:
    """The entry's line; what is none, and breaks the chain there, where the item is of no shape that a run wrote."""
    if unreadable(head):
        return UNREADABLE_LINE
    try:
        more = [items[f"{head['sk']}.{number:03d}"]["text"] for number in range(1, head["pieces"])]
        text = "".join([head["text"], *more])
        return inflate(text).decode() if head["packed"] else text
    except (KeyError, TypeError, ValueError):
        return UNREADABLE_LINE


def inflate(text: str) -> bytes:
    """What was compressed for the record. Raises ValueError for anything else, also where it is longer than any entry.

    A few kilobytes unpack to gigabytes.
    """
    unpacking = zlib.decompressobj()
    try:
        raw = unpacking.decompress(base64.b64decode(text, validate=True), _LONGEST)
    except zlib.error as damaged:
        raise ValueError("nothing that was compressed") from damaged
    if unpacking.unconsumed_tail:
        raise ValueError(f"an entry of more than {_LONGEST} bytes")
    return raw
