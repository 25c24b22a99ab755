"""Rows of thousands of tenants hold the same texts: each is kept once."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from functools import cache
from operator import is_
from sys import intern
from typing import Any, cast

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
