"""What botocore's models call optional may be missing, and no reader breaks by it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr_estate.model.unavailable import UnavailableKind
from tests.dr_estate.contracts.answering import Answered, operations, unseen
from tests.dr_estate.contracts.demanded import DEMANDED
from tests.dr_estate.contracts.shapes import drawn, full, watch

OPERATIONS = operations()


def _without(body: Any, names: list[str]) -> Any:
    """The answer without the member at the end of a path such as ``Rules[].Priority``."""
    if isinstance(body, list):
        return [_without(row, names) for row in body]
    name, *rest = names
    if not rest:
        return {key: value for key, value in body.items() if key != name}
    return {**body, name: _without(body[name], rest)} if name in body else body


def _demanded(answered: Answered, operation: str) -> set[str]:
    """The optional members of ``operation`` without which a row or more of its answer is not understood."""
    shape = answered.model(operation).output_shape
    taken: set[str] = set()
    answered.give(operation, lambda *_: watch(shape, operation, full(operation, shape), taken) if shape else {})
    found = set()
    for path in taken:
        names = path.replace("[]", "").partition(".")[2].split(".")
        read = answered.give(operation, lambda *_, names=names: _without(full(operation, shape), names))
        if any(why.kind is UnavailableKind.UNREADABLE for section in read.values() for why in unseen(section)):
            found.add(path)
    return found


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_optional_member_is_demanded_only_where_the_list_says_why(answered: Answered, operation: str) -> None:
    listed = {path for path in DEMANDED if path.startswith(f"{operation}.")}
    assert _demanded(answered, operation) == listed


@pytest.mark.parametrize("operation", OPERATIONS)
@settings(max_examples=5)
@given(data=st.data())
def test_a_few_answers_of_each_shape_are_understood(answered: Answered, operation: str, data: st.DataObject) -> None:
    _take_one(answered, operation, data)


@pytest.mark.proof
@pytest.mark.parametrize("operation", OPERATIONS)
@settings(max_examples=300)
@given(data=st.data())
def test_answers_of_each_shape_are_understood(answered: Answered, operation: str, data: st.DataObject) -> None:
    _take_one(answered, operation, data)


def _take_one(answered: Answered, operation: str, data: st.DataObject) -> None:
    """Any other exception than the declared ones is the reader's."""
    answer = data.draw(drawn(operation, answered.model(operation).output_shape))
    answered.give(operation, lambda *_: dict(answer))
    assert answered.calls[operation]
