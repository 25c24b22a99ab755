"""A region is stable by the minutes in which it published: a gap, however short, restarts the count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dr_actions.actions.traffic.verification import stability

NOW = datetime(2026, 1, 7, 10, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def _beats(*ages: int) -> list[datetime]:
    return sorted(NOW.replace(second=0) - age * MINUTE for age in ages)


def test_every_minute_of_the_window_is_stable() -> None:
    found = stability(_beats(*range(1, 31)), NOW, 30, "af-south-1")
    assert (found.stable, found.gap, found.lasts) == (True, None, 30 * MINUTE)


def test_one_minute_too_few_is_not() -> None:
    assert not stability(_beats(*range(1, 30)), NOW, 30, "af-south-1").stable


def test_a_flap_in_the_window_restarts_the_count_and_is_named() -> None:
    steadiness = stability(_beats(*range(1, 10), *range(12, 40)), NOW, 30, "af-south-1")
    assert (steadiness.stable, steadiness.lasts) == (False, 9 * MINUTE)
    assert steadiness.gap == NOW.replace(second=0) - 10 * MINUTE
    assert "silent at 09:50" in steadiness.message


def test_a_region_that_publishes_no_more_is_not_stable_however_long_it_was() -> None:
    steadiness = stability(_beats(*range(5, 60)), NOW, 30, "af-south-1")
    assert (steadiness.stable, steadiness.since) == (False, None)
    assert "no metric now" in steadiness.message
    assert not stability([], NOW, 30, "af-south-1").stable


def test_cloudwatch_may_be_some_minutes_late() -> None:
    assert stability(_beats(*range(3, 34)), NOW, 30, "af-south-1").stable
