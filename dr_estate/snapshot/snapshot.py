"""The snapshot: all parts that were read, frozen, and stored as evidence in JSON.

A value is asked for by its reader, and what was not seen raises with its reason: no caller can take an absent value for
an empty one. Evidence has a digest over its parts, so that a file that was edited or cut does not load.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from operator import is_
from pathlib import Path
from sys import intern
from typing import Any, BinaryIO, TypeVar, cast

import orjson
from pydantic import TypeAdapter, ValidationError

from dr_estate.config.environment import Environment, Side
from dr_estate.config.given_file import bytes_of
from dr_estate.config.map_names import Entrance
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind, UnreadableRow
from dr_estate.model.visible import json_bytes
from dr_estate.reading.reader import Reader, TrackedChanges, part_name, reader_name
from dr_estate.snapshot.registry import readers

T = TypeVar("T")
SCHEMA = "aws-dr-manager/evidence/1"
_WANTED = "--from-evidence takes the file as `dr_cli.py status --save-evidence FILE` writes it: JSON, not compressed."
_KINDS = {
    "compressed by xz": (0, b"\xfd7zXZ\0"),
    "compressed by gzip": (0, b"\x1f\x8b"),
    "compressed by zstd": (0, b"\x28\xb5\x2f\xfd"),
    "compressed by bzip2": (0, b"BZh"),
    "a zip archive": (0, b"PK\x03\x04"),
    "a tar archive, such as a pack of `dr_cli.py evidence`": (257, b"ustar"),
}
# What saved evidence has beside the snapshot, where it was signed or says why not (reports.evidence.saved).
UNDER_SEAL = ("manifest", "signature", "seal")
_UNSEEN: TypeAdapter[Unavailable] = TypeAdapter(Unavailable)
_ROWS: TypeAdapter[tuple[UnreadableRow, ...]] = TypeAdapter(tuple[UnreadableRow, ...])


class EvidenceError(Exception):
    """An evidence file cannot be read, is damaged, or is of another schema."""


@dataclass(frozen=True, slots=True)
class SnapshotPart:
    """One thing read on one side: when and where, and the value or why there is none.

    ``unreadable`` are the rows that matter to the estate, were not understood, and are not in the value. ``cached`` are
    the ARNs of which it was known beforehand what they hold.
    """

    name: str
    side: Side
    region: str
    read_at: datetime
    value: Any
    unreadable: tuple[UnreadableRow, ...] = ()
    cached: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What was observed. ``world`` says which world it was: live, sandbox, or an endpoint.

    ``remembered_tenants`` are those of the last good observation: the last source when both regions are dark.
    ``followed`` is what a run wants looked at when it looks upon this snapshot. ``plan_s`` are the seconds that a
    failover planned upon it takes, None where nobody asked; they are derived, and no evidence.
    """

    environment: str
    account: str
    identity: str
    world: str
    taken_at: datetime
    parts: Mapping[tuple[str, Side], SnapshotPart]
    calls: Mapping[str, int] = field(default_factory=dict)
    remembered_tenants: tuple[str, ...] = ()
    followed: TrackedChanges = field(default_factory=TrackedChanges)
    plan_s: float | None = None
    _found: dict[object, dict[object, object]] = field(default_factory=dict, init=False, repr=False)
    _narrowed: dict[str, Snapshot] = field(default_factory=dict, init=False, repr=False)

    def of_entrances(self, environment: Environment) -> Iterator[tuple[Snapshot, Environment]]:
        """The snapshot and the settings of each entrance; themselves where there is one alone."""
        return ((self._at(entrance, environment), environment.at(entrance)) for entrance in environment.entrances)

    def _at(self, entrance: Entrance | None, environment: Environment) -> Snapshot:
        if entrance is None or entrance == environment.entrances[0]:
            return self
        if entrance.key not in self._narrowed:
            parts = _PartsOfEntrance(self.parts, environment, entrance)
            self._narrowed[entrance.key] = replace(self, parts=parts)
        return self._narrowed[entrance.key]

    def get(self, reader: Reader[T], side: Side) -> T:
        """Return the whole value.

        Raises DataUnavailable where it was not seen or asked for, or a row was not understood.
        """
        value = self.get_readable(reader, side)
        for row in self.unreadable(reader, side):
            raise DataUnavailable(row.unseen)
        return value

    def get_if_seen(self, reader: Reader[T], side: Side) -> T | None:
        """Return the whole value, None where ``get`` raises."""
        try:
            return self.get(reader, side)
        except DataUnavailable:
            return None

    def unreadable(self, reader: Reader[Any], side: Side) -> tuple[UnreadableRow, ...]:
        """The rows of the part that matter and were not understood."""
        part = self.parts.get((reader.name, side))
        return part.unreadable if part else ()

    def get_readable(self, reader: Reader[T], side: Side) -> T:
        """Return the value without the rows that were not understood. Raises DataUnavailable where it was not seen."""
        part = self.parts.get((reader.name, side))
        if part is None:
            reason = f"{reader.name} was not read on the {side} side."
            raise DataUnavailable(Unavailable(UnavailableKind.UNSUPPORTED, reason, part=reader.name))
        if isinstance(part.value, Unavailable):
            raise DataUnavailable(part.value.of_part(reader.name))
        return cast(T, part.value)

    def find(self, reader: Reader[tuple[T, ...]], side: Side, **wanted: object) -> T | None:
        """Return the part's first member of these values, None where there is none. Raises DataUnavailable."""
        members, names = self.get(reader, side), tuple(wanted)
        # An index a question: with thousands of tenants a scan for each would grow with their square.
        key = (reader.name, side, names)
        if key not in self._found:
            seen = [member for member in members if not isinstance(member, Unavailable)]
            self._found[key] = {tuple(getattr(m, name) for name in names): m for m in reversed(seen)}
        return cast("T | None", self._found[key].get(tuple(wanted.values())))

    @property
    def cached(self) -> list[str]:
        """ARNs that were not asked for: an earlier observation read the same version of them."""
        return [arn for part in self.parts.values() for arn in part.cached]

    def cached_arns(self, reader: Reader[Any]) -> list[str]:
        """Those of one part, on all its sides."""
        return [arn for part in self.parts.values() if part.name == reader.name for arn in part.cached]

    def unavailable_parts(self) -> list[SnapshotPart]:
        """Every part that could not be seen."""
        return [part for part in self.parts.values() if isinstance(part.value, Unavailable)]

    @property
    def api_calls(self) -> int:
        """API calls made to take it, retries not counted."""
        return sum(self.calls.values())


class _PartsOfEntrance(Mapping[tuple[str, Side], SnapshotPart]):
    """The parts of a snapshot: those about one entrance are that one's. Asked one by one, while others are read."""

    def __init__(
        self, parts: Mapping[tuple[str, Side], SnapshotPart], environment: Environment, entrance: Entrance
    ) -> None:
        self._parts, self._environment, self._entrance = parts, environment, entrance

    def __getitem__(self, key: tuple[str, Side]) -> SnapshotPart:
        reader = readers().get(key[0])
        name = part_name(reader, self._environment, self._entrance) if reader else key[0]
        return self._parts[name, key[1]]

    def __iter__(self) -> Iterator[tuple[str, Side]]:
        return (key for key in self._parts if key in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@cache
def _codec(name: str) -> TypeAdapter[Any]:
    known = readers()
    if reader_name(name) not in known:
        raise EvidenceError(f"The evidence holds a part this version does not know: {name}.")
    return TypeAdapter(known[reader_name(name)].shape | Unavailable)


_MARK = b"\0"
# Where a text goes that is written by itself: no JSON text has this character.
_PLACE = orjson.Fragment(_MARK)
# Rows of a part that are plain values at the same time.
_AT_ONCE = 100


def to_json(snapshot: Snapshot) -> bytes:
    """Serialise to evidence: one JSON object, with a digest over its parts."""
    file = io.BytesIO()
    write_json(snapshot, file)
    return file.getvalue()


def write_json(snapshot: Snapshot, file: BinaryIO) -> None:
    """Write evidence into the empty ``file``.

    Plain values take several times the memory of their text, so they are there for some rows at a time.
    """
    body = {
        "schema": SCHEMA,
        "environment": snapshot.environment,
        "account": snapshot.account,
        "identity": snapshot.identity,
        "world": snapshot.world,
        "taken_at": snapshot.taken_at.isoformat(),
        "calls": dict(sorted(snapshot.calls.items())),
        "remembered_tenants": list(snapshot.remembered_tenants),
        "parts": _PLACE,
    }
    before, after = json_bytes(body, orjson.OPT_SORT_KEYS).split(_MARK)
    digest = hashlib.sha256(before + b"[")
    written_before, written_after = json_bytes({"digest": "0" * 2 * digest.digest_size, **body}).split(_MARK)
    file.write(written_before + b"[")
    for number, part in enumerate(snapshot.parts.values()):
        for written, digested in _texts(part, b"," if number else b""):
            file.write(written)
            digest.update(digested)
    digest.update(b"]" + after)
    file.write(b"]" + written_after)
    # The digest stands first and is known last: its place is kept by as many zeros.
    file.seek(len(b'{"digest":"'))
    file.write(digest.hexdigest().encode())


def _texts(part: SnapshotPart, start: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The part piece by piece, after ``start``: as it is written, and as it is digested."""
    # Plain values. A codec only to write would cost more.
    row = {
        "name": part.name,
        "side": part.side,
        "region": part.region,
        "read_at": part.read_at.isoformat(),
        "unseen": isinstance(part.value, Unavailable),
        "value": _PLACE,
        **({"unreadable": orjson.loads(json_bytes(part.unreadable))} if part.unreadable else {}),
        **({"cached": list(part.cached)} if part.cached else {}),
    }
    (before, after), (first, last) = (json_bytes(row, option).split(_MARK) for option in (0, orjson.OPT_SORT_KEYS))
    yield start + before, start + first
    if isinstance(part.value, tuple):
        yield from _members(part.value)
    else:
        yield _text_and_digest_text(part.value)
    yield after, last


def _members(values: tuple[Any, ...]) -> Iterator[tuple[bytes, bytes]]:
    """The list of ``values``, some at a time."""
    for start in range(0, len(values), _AT_ONCE):
        written, digested = _text_and_digest_text(values[start : start + _AT_ONCE])
        mark = b"," if start else b"["
        yield mark + written[1:-1], mark + digested[1:-1]
    yield (b"]", b"]") if values else (b"[]", b"[]")


def _text_and_digest_text(value: Any) -> tuple[bytes, bytes]:
    """The text of ``value``, and that by which it is digested: over what a reader of the file will see."""
    written = json_bytes(value)
    return written, orjson.dumps(orjson.loads(written), option=orjson.OPT_SORT_KEYS)


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


def rewritten_evidence(data: bytes, shown: Callable[[Any], Any]) -> bytes:
    """Evidence with every value mapped by ``shown``, and a digest of its own."""
    body = {name: value for name, value in orjson.loads(data).items() if name not in ("digest", *UNDER_SEAL)}
    body = {**shown(body), "schema": SCHEMA}
    return orjson.dumps({"digest": _digest(body), **body})


def from_json(data: bytes, source: str = "evidence") -> Snapshot:
    """Read evidence back. Raises EvidenceError with a sentence where it is damaged or of another schema."""
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as damaged:
        kind = _kind_of(data) or f"no JSON ({damaged})"
        raise EvidenceError(f"{source} is {kind}. {_WANTED}") from damaged
    if not isinstance(body, dict) or body.get("schema") != SCHEMA:
        raise EvidenceError(f"{source} is JSON of another schema than {SCHEMA}. {_WANTED}")
    body = {name: value for name, value in body.items() if name not in UNDER_SEAL}
    try:
        whole = body.pop("digest", "") == _digest(body)
    except orjson.JSONEncodeError as deep:  # it reads more levels than it writes
        raise EvidenceError(f"{source} is JSON of another schema than {SCHEMA} ({deep}). {_WANTED}") from deep
    if not whole:
        raise EvidenceError(f"{source}: its digest does not match its content: it was changed after it was saved.")
    try:
        rows = list(reversed(body.pop("parts")))
        parts = [_load(rows.pop()) for _ in range(len(rows))]  # what is loaded is needed no more as plain values
        return Snapshot(
            environment=body["environment"],
            account=body["account"],
            identity=body["identity"],
            world=body["world"],
            taken_at=datetime.fromisoformat(body["taken_at"]),
            parts={(part.name, part.side): part for part in parts},
            calls=Counter(body["calls"]),
            remembered_tenants=tuple(body["remembered_tenants"]),
        )
    except (ValidationError, KeyError, ValueError, TypeError, AttributeError) as damaged:
        raise EvidenceError(f"{source}: a part cannot be read: {damaged}") from damaged


def _kind_of(data: bytes) -> str:
    """What a file is by its first bytes where it is no text; "" where it is one."""
    for kind, (at, magic) in _KINDS.items():
        if data[at : at + len(magic)] == magic:
            return kind
    try:
        data.decode()
    except UnicodeDecodeError:
        return "a binary file"
    return ""


def _load(row: dict[str, Any]) -> SnapshotPart:
    value: Any
    name, shape = row["name"], _codec(row["name"])
    value = _UNSEEN.validate_python(row["value"]) if row["unseen"] else shape.validate_python(row["value"])
    read_at = datetime.fromisoformat(row["read_at"]).astimezone(UTC)
    odd = _ROWS.validate_python(row.get("unreadable", ()))  # written where there are any
    return SnapshotPart(name, Side(row["side"]), row["region"], read_at, value, odd, tuple(row.get("cached", ())))


def read_evidence(path: Path) -> Snapshot:
    """Load evidence from a file. Raises EvidenceError."""
    try:
        return from_json(bytes_of(path), str(path))
    except OSError as missing:
        raise EvidenceError(f"{path}: cannot be read: {missing.strerror}.") from missing


# Rows of thousands of tenants hold the same texts: each is kept once.

# What has fewer rows takes little memory, and would take time of every look.
LEAST_ROWS = 500
_NO_TEXTS = frozenset({int, bool, float, type(None), datetime})


def shared_text(value: object) -> str:
    """The text of ``value``, one object for all that are equal."""
    return intern(str(value))


def share_texts(value: Any) -> None:
    """Let the rows of a part of many hold one text for all that are equal. They stay equal to what they were."""
    if isinstance(value, tuple) and len(value) >= LEAST_ROWS:
        for row in value:
            _share_texts(row)


def _share_texts(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return intern(value)
    if kind is tuple:
        members = [_share_texts(member) for member in value]
        return value if all(map(is_, members, value)) else tuple(members)
    for name in _fields(cast(Hashable, kind)):
        member = getattr(value, name)
        of_member = type(member)
        if of_member in _NO_TEXTS:
            continue
        known = intern(member) if of_member is str else _share_texts(member)
        if known is not member:
            object.__setattr__(value, name, known)  # an equal value: no difference is visible
    return value


@cache
def _fields(kind: Hashable) -> tuple[str, ...]:
    """The fields of a row; nothing of any other value."""
    return tuple(getattr(kind, "__dataclass_fields__", ()))
