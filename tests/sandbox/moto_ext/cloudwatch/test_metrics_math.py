"""Metric math by the book, and a refusal by name for what is not known."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sandbox.core.patching import ServiceError
from sandbox.moto_ext.cloudwatch.cloudwatch import Series, evaluate

FIRST, SECOND = datetime(2026, 1, 1, 0, 0, tzinfo=UTC), datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
KNOWN: dict[str, Series] = {"a": {FIRST: 1.0, SECOND: 4.0}, "b": {FIRST: 3.0}, "zero": {FIRST: 0.0}}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a", {FIRST: 1.0, SECOND: 4.0}),
        ("MAX(a)", {FIRST: 4.0, SECOND: 4.0}),
        ("MAX([a, b])", {FIRST: 3.0, SECOND: 4.0}),
        ("MIN([a, b])", {FIRST: 1.0, SECOND: 4.0}),
        ("AVG([a, b])", {FIRST: 2.0, SECOND: 4.0}),
        ("SUM(METRICS())", {FIRST: 4.0, SECOND: 4.0}),
        ("a * 100 / b", {FIRST: 100 / 3}),
        ("a / zero", {}),
        ("FILL(b, 0)", {FIRST: 3.0, SECOND: 0.0}),
        ("a - 1", {FIRST: 0.0, SECOND: 3.0}),
    ],
)
def test_an_expression_gives_a_series(expression: str, expected: Series) -> None:
    assert evaluate(expression, KNOWN) == expected


@pytest.mark.parametrize("expression", ["SEARCH('x', 'Sum', 60)", "nobody", "a +", "__import__('os')", "[a, b]"])
def test_what_is_not_known_is_refused(expression: str) -> None:
    with pytest.raises(ServiceError) as refused:
        evaluate(expression, KNOWN)
    assert expression in str(refused.value)
