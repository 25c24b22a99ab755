"""Whatever a model allows in one place of an answer breaks no reader, blinds no part, and is kept by evidence."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import given, settings
from hypothesis import strategies as st

from dr_estate.model.unavailable import Unavailable
from tests.dr_estate.contracts.answering import Answered, operations
from tests.dr_estate.contracts.shapes import full, is_union
from tests.dr_estate.contracts.test_recordings import reloaded

OPERATIONS = operations()
ONE_THING = {
    "account_regions.opt_in",
    "control_table.runs",
    "control_table.standing",
    "control_table.table",
    "ecs.cluster",
    "elbv2.load_balancer",
    "elbv2.guarded",
    "elbv2_targets.minutes",
    "evidence_stores.signing_key",
    "recovery_automation.start",
    "recovery_automation.waiting",
    "restored_files.definitions",
    "s3_batch_jobs.jobs",
    "sts_identity.caller",
    "terraform_state.state",
    "vpc.names",
    "vpc.vpc",
}
"""Parts that are one thing, or that are trusted as a whole or not at all: what is odd in it leaves nothing to judge."""
Place = tuple[str | int, ...]
ABSENT = object()
_BY_TYPE: dict[str, tuple[Any, ...]] = {
    "integer": (-1, 0, 1.0, 2**53),
    "long": (-1, 0, 1.0, 2**53),
    "float": (-3.5, 0, 1),
    "double": (-3.5, 0, 1),
    "boolean": (False,),
    "blob": (b"", b"\xff\xfe"),
    "timestamp": (
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 7, 14, tzinfo=timezone(timedelta(hours=2))),
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    ),
}


def changes(shape: Shape, value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every place of the answer with each thing that may stand there instead; a member that may be missing is."""
    if isinstance(shape, StructureShape):
        if place:
            yield place, {"SDK_UNKNOWN_MEMBER": {"name": "aNewKind"}} if is_union(shape) else {}
        for key, inner in value.items():
            if key not in shape.required_members and not is_union(shape):
                yield (*place, key), ABSENT
            yield from changes(shape.members[key], inner, (*place, key))
    elif isinstance(shape, ListShape):
        yield place, []
        yield from (change for item in value[:1] for change in changes(shape.member, item, (*place, 0)))
    elif isinstance(shape, MapShape):
        yield place, {}
        yield place, {"ünheard": next(iter(value.values()))}
        yield from (change for key in value for change in changes(shape.value, value[key], (*place, key)))
    else:
        words = ("A_NEW_WORD", "") if getattr(shape, "enum", ()) else ("", "ünï-\u202e💥 /:.\n", "arn:aws:x")
        yield from ((place, instead) for instead in _BY_TYPE.get(shape.type_name, words))


def changed(body: Any, place: Place, instead: Any) -> Any:
    """The answer with another thing at the place."""
    key, *rest = place
    body = copy.copy(body)
    if rest:
        body[key] = changed(body[key], tuple(rest), instead)
    elif instead is ABSENT:
        del body[key]
    else:
        body[key] = instead
    return body


def _take(answered: Answered, operation: str, place: Place, instead: Any) -> None:
    answer = changed(full(operation, answered.model(operation).output_shape), place, instead)
    sections = answered.give(operation, lambda *_: copy.deepcopy(answer))
    blind = {name for (name, _), section in sections.items() if isinstance(section.value, Unavailable)}
    assert blind <= ONE_THING, (operation, place, instead)
    assert sections == reloaded(sections), (operation, place, instead)


def _all_of(answered: Answered, operation: str) -> list[tuple[Place, Any]]:
    shape = answered.model(operation).output_shape
    return list(changes(shape, full(operation, shape))) if shape else []


@pytest.mark.parametrize("operation", OPERATIONS)
@settings(max_examples=2)
@given(data=st.data())
def test_a_few_odd_values_break_nothing(answered: Answered, operation: str, data: st.DataObject) -> None:
    if every := _all_of(answered, operation):
        _take(answered, operation, *data.draw(st.sampled_from(every)))


@pytest.mark.proof
@pytest.mark.apart
@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_odd_value_in_any_place_breaks_anything(answered: Answered, operation: str) -> None:
    for place, instead in _all_of(answered, operation):
        _take(answered, operation, place, instead)
