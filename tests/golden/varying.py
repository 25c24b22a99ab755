"""Snapshots in which a single value is another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.test_odd_values import IN_A_FORM
from tests.dr_checks.worlds import DENIED

OTHERS: dict[type, tuple[Any, ...]] = {str: ("", "other"), int: (0, 1, -1, 10**9), float: (0.0, 1.0, -1.0, 1e9)}
Key = tuple[str, Side]


@dataclass(frozen=True)
class Variant:
    """Something else in one place of a part: ``value`` stands where ``was`` stood, and ``put`` gives the whole part."""

    path: str
    was: Any
    value: Any
    put: Callable[[Any], Any]

    def shown(self, now: datetime) -> str:
        """The path and what stands there; a time as its distance from the look."""
        return f"{self.path} {self.value - now if isinstance(self.value, datetime) else repr(self.value)}"


def _others(value: Any, now: datetime) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, datetime):
        yield from (now + timedelta(days=days) for days in (-4000, -1, 0, 4000))
    else:
        yield from OTHERS.get(type(value), ())


def _variants(value: Any, now: datetime, path: str = "", within: type | None = None) -> Iterator[Variant]:
    """The value with something else in one place; of rows in the first, or without it. A row of rows is a pair."""
    if isinstance(value, Unavailable):
        return
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            inside = _variants(getattr(value, field.name), now, f"{path}.{field.name}")
            yield from (_within(inner, partial(_with_field, value, field.name)) for inner in inside)
    elif isinstance(value, tuple):
        for first in value[:1]:
            if within is not tuple:
                yield Variant(path, first, "without the first", lambda _: value[1:])
            inside = _variants(first, now, f"{path}[0]", tuple)
            yield from (_within(inner, lambda new: (new, *value[1:])) for inner in inside)
    else:
        yield from (Variant(path, value, other, lambda new: new) for other in _others(value, now) if other != value)


def _with_field(value: Any, name: str, new: Any) -> Any:
    return replace(value, **{name: new})


def _within(inner: Variant, outer: Callable[[Any], Any]) -> Variant:
    return replace(inner, put=lambda new: outer(inner.put(new)))


def variants_of_parts(snapshot: Snapshot, keys: Iterable[Key]) -> Iterator[tuple[Key, Variant]]:
    """What may stand otherwise in the parts that were seen, but texts that have a form of their own."""
    parts = snapshot.parts
    seen = {key for key in keys if key in parts and not isinstance(parts[key].value, Unavailable)}
    for key in sorted(key for key in seen if key[0] not in IN_A_FORM):
        yield key, Variant("", parts[key].value, "unseen", lambda _: DENIED)
        yield from ((key, variant) for variant in _variants(parts[key].value, snapshot.taken_at))


def with_part(snapshot: Snapshot, key: Key, value: Any) -> Snapshot:
    """The snapshot with this in the place of the part."""
    return replace(snapshot, parts={**snapshot.parts, key: replace(snapshot.parts[key], value=value)})


def listed(outcomes: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Each outcome once, with the values that it is of."""
    for text, places in outcomes.items():
        yield f"    {text}"
        yield from (f"        {place}" for place in places)
