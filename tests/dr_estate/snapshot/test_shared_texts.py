"""Rows of thousands of tenants hold each text once, and are equal to what they were."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from dr_estate.config.environment import Side
from dr_estate.snapshot.snapshot import LEAST_ROWS, share_texts
from tests.dr_checks.estates import healthy


@dataclass(frozen=True, slots=True)
class _MountRow:
    path: str
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class _TaskRow:
    name: str
    mount: _MountRow | None
    pairs: tuple[tuple[str, int | str], ...]
    side: Side = Side.DR


def _new(text: str) -> str:
    """The text as an object of its own, as each is in the answers of AWS."""
    return text[:1] + text[1:]


def _rows(count: int) -> tuple[_TaskRow, ...]:
    return tuple(
        _TaskRow(_new("a task"), _MountRow(_new("/content")), ((_new("variable"), number),)) for number in range(count)
    )


def _texts(row: _TaskRow) -> list[str]:
    assert row.mount
    return [row.name, row.mount.path, str(row.pairs[0][0])]


def test_equal_texts_of_many_rows_are_one_wherever_they_stand() -> None:
    rows = _rows(LEAST_ROWS)
    first, last = rows[0], rows[-1]
    assert not any(text is other for text, other in zip(_texts(first), _texts(last), strict=True))
    before = copy.deepcopy(rows)
    share_texts(rows)
    assert all(text is other for text, other in zip(_texts(first), _texts(last), strict=True))
    assert rows == before
    assert first.side is Side.DR


def test_few_rows_are_left_alone_and_no_value_is_changed() -> None:
    few = _rows(LEAST_ROWS - 1)
    share_texts(few)
    assert few[0].name is not few[-1].name
    for part in healthy().parts.values():
        many: Any = (part.value,) * LEAST_ROWS
        before = copy.deepcopy(part.value)
        share_texts(many)
        assert part.value == before
