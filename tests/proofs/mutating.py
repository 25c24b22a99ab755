"""Mutations of a snapshot that mean nothing: the order of what AWS lists in any order, and strangers among it."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Iterator
from functools import cache
from random import Random
from typing import Any

from dr_estate.model.unavailable import Unavailable
from dr_estate.snapshot.registry import readers
from dr_estate.snapshot.snapshot import Snapshot, SnapshotPart

# Lists whose order says something: (type, field).
ORDERED = {
    ("Table", "keys"),  # the partition key, then the sort key
    ("Index", "keys"),
    ("ControlTable", "keys"),
    ("OriginGroup", "members"),  # the first is asked first
    ("Answer", "chain"),  # from name to name
}
IN_THE_ORDER_ASKED = {"dynamodb.tables", "s3.buckets"}
"""One row a thing asked about, in the order of the environment file."""
_ID = re.compile(r"\b((?:subnet|vpc|sg|fs|fsap|fsmt|rtb|nat|vpce|eni|acl)-|key/|mrk-)?[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b")
_ILL, _ELSEWHERE = "FAILED", "elsewhere"
_STATES = re.compile("status|state$|life_cycle")


def shuffled(snapshot: Snapshot, rnd: Random) -> Snapshot:
    """The same snapshot with every list in another order, except where the order says something."""

    def in_any_order(part: SnapshotPart) -> Any:
        return _in_any_order(part.value, readers()[part.name].shape, rnd, part.name in IN_THE_ORDER_ASKED)

    return _changed(snapshot, in_any_order)


def with_strangers(snapshot: Snapshot, rnd: Random, ours: tuple[str, ...], others_than: frozenset[str]) -> Snapshot:
    """The same snapshot with other people's things among ours, in any condition, in half of the parts.

    ``ours`` are the words that make a name ours. Parts named in ``others_than`` are left alone.
    """

    def joined(part: SnapshotPart) -> Any:
        alone = part.name in others_than or rnd.random() < 0.5
        return part.value if alone else _joined(part, ours, rnd)

    return _changed(snapshot, joined)


def _changed(snapshot: Snapshot, change: Callable[[SnapshotPart], Any]) -> Snapshot:
    parts = {
        key: part if isinstance(part.value, Unavailable) else dataclasses.replace(part, value=change(part))
        for key, part in snapshot.parts.items()
    }
    return dataclasses.replace(snapshot, parts=parts)


def _in_any_order(value: Any, shape: Any, rnd: Random, ordered: bool = False) -> Any:
    if _is_list(shape):
        rows = [_in_any_order(row, typing.get_args(shape)[0], rnd) for row in value]
        if not ordered:
            rnd.shuffle(rows)
        return tuple(rows)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(value, **dict(_fields_in_any_order(value, rnd)))
    if typing.get_origin(shape) in (typing.Union, types.UnionType) and isinstance(value, tuple):
        lists = [option for option in typing.get_args(shape) if _is_list(option)]
        return _in_any_order(value, lists[0], rnd, ordered) if lists else value  # a pair is no list
    return value


def _fields_in_any_order(value: Any, rnd: Random) -> Iterator[tuple[str, Any]]:
    kind: Any = type(value)
    for name, shape in _shapes(kind).items():
        ordered = (type(value).__name__, name) in ORDERED
        yield name, _in_any_order(getattr(value, name), shape, rnd, ordered)


@cache
def _shapes(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _is_list(shape: Any) -> bool:
    return typing.get_origin(shape) is tuple and typing.get_args(shape)[-1] is Ellipsis


def _joined(part: SnapshotPart, ours: tuple[str, ...], rnd: Random) -> Any:
    if not _is_list(readers()[part.name].shape) or not part.value:
        return part.value
    model = rnd.choice(part.value)
    name = getattr(model, "name", "")
    renames = [(word, f"{_ELSEWHERE}-{word[-1]}") for word in (*ours, name) if word]
    stranger = _Stranger(renames, rnd).of(model)
    if isinstance(model, Unavailable) or stranger == model:
        return part.value
    rows = [*part.value, stranger]
    rnd.shuffle(rows)
    return tuple(rows)


@dataclasses.dataclass(frozen=True)
class _Stranger:
    """Makes the like of a thing in another environment of the account: other names, other ids, in any condition."""

    renames: list[tuple[str, str]]
    rnd: Random

    def of(self, value: Any, field: str = "") -> Any:
        if isinstance(value, bool):
            return self.rnd.random() < 0.5
        if isinstance(value, str):
            return self._word(value, field)
        if isinstance(value, tuple):
            return tuple(self.of(row) for row in value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [member.name for member in dataclasses.fields(value)]
            return dataclasses.replace(value, **{name: self.of(getattr(value, name), name) for name in names})
        return value

    def _word(self, value: str, field: str) -> str:
        if _STATES.search(field):
            return self.rnd.choice([value, _ILL])
        for ours, theirs in self.renames:
            value = value.replace(ours, theirs)
        return _ID.sub(lambda found: found[0] if found[0].isdigit() else found[0][:-4] + "0bad", value)
