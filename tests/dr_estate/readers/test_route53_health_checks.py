"""Since when a health check fails: the minutes it failed without a healthy one since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dr_estate.readers.route53_health_checks import failing_since

NOON = datetime(2026, 1, 7, 12, tzinfo=UTC)


def minutes(values: str) -> list[tuple[datetime, float]]:
    """A datapoint a minute from noon on: 1 healthy, 0 not, a space where nothing was published."""
    return [(NOON + timedelta(minutes=n), float(value)) for n, value in enumerate(values) if value != " "]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("11100", 3),
        ("0011000", 4),  # what failed and came back is another outage
        ("11 0 00", 3),  # a minute that was not published is no healthy one
        ("000", 0),
        ("110001", None),
        ("", None),
    ],
)
def test_a_check_fails_since_the_first_failed_minute_after_a_healthy_one(values: str, expected: int | None) -> None:
    assert failing_since(minutes(values)) == (None if expected is None else NOON + timedelta(minutes=expected))
