"""Fields that say where they stand in AWS's answer: ``status: Annotated[str, At("DBInstanceStatus")]``.

What AWS leaves out is the empty value of its type: "", 0, False or None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, cast, get_type_hints

Row = TypeVar("Row")
_EMPTY: dict[Any, Any] = {str: "", int: 0, bool: False}


@dataclass(frozen=True, slots=True)
class At:
    """The place of a field in a row ("Endpoint.Address"). A row without one that is ``demanded`` is not understood."""

    path: str
    demanded: bool = False


def read(kind: type[Row], row: Mapping[str, Any], **given: Any) -> Row:
    """The ``kind`` in the row; ``given`` are its fields that stand elsewhere. Raises KeyError."""
    for name, outer, key, demanded, empty in _places(cast(type, kind)):
        members = row
        for word in outer:
            members = members.get(word) or {}
        value = members[key] if demanded else members.get(key)
        if value is None and not demanded:
            value = empty
        given[name] = bool(value) if empty is False else value
    return kind(**given)


@cache
def _places(kind: type) -> tuple[tuple[str, tuple[str, ...], str, bool, Any], ...]:
    places = []
    for name, hint in get_type_hints(kind, include_extras=True).items():
        for at in getattr(hint, "__metadata__", ()):
            *outer, key = at.path.split(".")
            places.append((name, tuple(outer), key, at.demanded, _EMPTY.get(hint.__origin__)))
    return tuple(places)
