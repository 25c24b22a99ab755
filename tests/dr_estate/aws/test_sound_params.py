"""What is sound at first sight is what botocore's validator accepts, for every declared read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError
from botocore.serialize import create_serializer
from hypothesis import given, settings
from hypothesis import strategies as st

from dr_estate.aws.sound_params import QuickSerializer
from tests.dr_estate.aws.least_params import least
from tests.dr_estate.contracts.answering import Answered, operations
from tests.dr_estate.contracts.shapes import drawn, full

ANSWERED = Answered()
READS = [name for name in operations() if ANSWERED.model(name).input_shape is not None]
ODD = [
    None,
    "",
    0,
    -1,
    1.5,
    True,
    b"",
    "a",
    [],
    [""],
    [None],
    {},
    {"Unheard": 1},
    datetime(2026, 1, 1, tzinfo=UTC),
    ("a",),
]


def ended(serializer: Any, params: Any, model: Any) -> Any:
    """The request, or how it is refused."""
    try:
        return serializer.serialize_to_request(params, model)
    except (ParamValidationError, AttributeError, TypeError, ValueError) as refused:
        return type(refused), str(refused)


def alike(operation: str, params: Any) -> bool:
    """Whether both end alike."""
    model = ANSWERED.model(operation)
    protocol = str(model.service_model.resolved_protocol)
    return bool(ended(QuickSerializer(protocol), params, model) == ended(create_serializer(protocol), params, model))


@pytest.mark.parametrize("operation", READS)
def test_every_read_is_serialised_and_refused_as_botocore_does_it(operation: str) -> None:
    shape = ANSWERED.model(operation).input_shape
    sound = least(shape)
    assert alike(operation, sound)
    assert alike(operation, full(operation, shape))
    for name in shape.members:
        for odd in ODD:
            assert alike(operation, {**sound, name: odd}), (name, odd)
        assert alike(operation, {other: value for other, value in sound.items() if other != name}), name


@settings(max_examples=100)
@given(st.data())
def test_parameters_of_any_content_are_judged_alike(data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(READS))
    assert alike(operation, data.draw(drawn(operation, ANSWERED.model(operation).input_shape)))
