"""Fields that say where they stand in AWS's answer: ``status: Annotated[str, At("DBInstanceStatus")]``.

What AWS leaves out is the empty value of its type: "", 0, False, () or None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, cast, get_origin, get_type_hints

Row = TypeVar("Row")
_EMPTY: dict[Any, Any] = {str: "", int: 0, bool: False}


@dataclass(frozen=True, slots=True)
class At:
    """The place of a field in a row ("Endpoint.Address"). A row without one that is ``demanded`` is not understood.

    ``absent`` is what the field is where AWS leaves it out, if that is not the empty value of its type. ``on`` is the
    word by which a field is True. A list becomes a tuple, in order where it is ``ordered``.
    """

    path: str
    demanded: bool = False
    absent: Any = None
    on: str = ""
    ordered: bool = False


def read(kind: type[Row], row: Mapping[str, Any], /, **given: Any) -> Row:
    """The ``kind`` in the row; ``given`` are its fields that stand elsewhere. Raises KeyError."""
    for name, outer, key, at, empty in _places(cast(type, kind)):
        members = row
        for word in outer:
            members = members.get(word) or {}
        value: Any = members[key] if at.demanded else members.get(key)
        if value is None and not at.demanded:
            value = empty
        if at.on:
            value = value == at.on
        elif empty is False:
            value = bool(value)
        elif empty == ():
            value = tuple(sorted(value) if at.ordered else value)
        given[name] = value
    return kind(**given)


@cache
def _places(kind: type) -> tuple[tuple[str, tuple[str, ...], str, At, Any], ...]:
    places = []
    for name, hint in get_type_hints(kind, include_extras=True).items():
        for at in getattr(hint, "__metadata__", ()):
            *outer, key = at.path.split(".")
            empty = () if get_origin(hint.__origin__) is tuple else _EMPTY.get(hint.__origin__)
            places.append((name, tuple(outer), key, at, empty if at.absent is None else at.absent))
    return tuple(places)
