"""How long an AWS Backup schedule may leave a resource without a new backup."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr_checks.derived.backup_promise import longest_gap_minutes
from sandbox.moto_ext.backup.durations import occurrences

MONDAY = date(2026, 3, 2)
DAY = 24 * 60


@pytest.mark.parametrize(
    ("expression", "minutes"),
    [
        ("cron(0 * * * ? *)", 60),
        ("cron(0/30 * * * ? *)", 30),
        ("cron(0,20 * * * ? *)", 40),
        ("cron(0 5 ? * * *)", DAY),
        ("cron(30 1,13,15 * * ? *)", 12 * 60),
        ("cron(0 8-18 ? * * *)", 14 * 60),
        ("cron(0 8-18 ? * MON-FRI *)", 2 * DAY + 14 * 60),
        ("cron(0 5 ? * SUN *)", 7 * DAY),
        ("cron(0 5 1 * ? *)", 31 * DAY),
        ("cron(0 5 1 JAN ? *)", 365 * DAY),
        ("cron(0 5 L * ? *)", 31 * DAY),
        ("cron(0 5 15W * ? *)", 32 * DAY),
        ("cron(0 5 ? * 2#1 *)", 35 * DAY),
        ("cron(0 5 ? * FRIL *)", 35 * DAY),
        ("cron(0 22-2 ? * * *)", 20 * 60),
        ("rate(1 hour)", 60),
        ("rate(2 days)", 2 * DAY),
    ],
)
def test_the_longest_gap_between_two_runs_is_found(expression: str, minutes: int) -> None:
    assert longest_gap_minutes(expression, MONDAY) == minutes


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "at(2026-01-01)",
        "cron(0 5 * *)",
        "cron(0 5 32 * ? *)",
        "cron(60 5 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0,60 23 ? * * *)",
        "cron(0 5 * * * *)",
        "cron(0 5 LW * ? *)",
        "cron(5/0 * * * ? *)",
        "rate(soon)",
        "cron(0 5 1 1 ? 2026)",
    ],
)
def test_a_schedule_that_cannot_be_followed_promises_nothing(expression: str) -> None:
    assert longest_gap_minutes(expression, MONDAY) is None


@settings(max_examples=40)
@given(
    minutes=st.sets(st.integers(0, 59), min_size=1, max_size=3),
    hours=st.sets(st.integers(0, 23), min_size=1, max_size=4),
    weekdays=st.just({"*"}) | st.sets(st.sampled_from(["SUN", "MON", "WED", "FRI"]), min_size=1),
)
def test_the_gap_is_that_of_the_runs_as_they_are_played(minutes: set[int], hours: set[int], weekdays: set[str]) -> None:
    """The sandbox plays schedules by another road: the longest gap between its runs of two weeks is the same."""
    fields = [",".join(str(value) for value in sorted(values)) for values in (minutes, hours)]
    expression = f"cron({fields[0]} {fields[1]} ? * {','.join(sorted(weekdays))} *)"
    start = datetime(2026, 3, 1, tzinfo=UTC)
    runs = occurrences(expression, "Etc/UTC", start, start + timedelta(days=15))
    gaps = [(after - before).total_seconds() / 60 for before, after in pairwise(runs)]
    assert longest_gap_minutes(expression, MONDAY) == max(gaps)
