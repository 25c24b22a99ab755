"""The calendar of the schedule: due dates that never run backwards, month ends, leap days, clock changes, windows."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_checks.derived.due import Window, after_windows, day_of, middle_of, next_due, window_of
from dr_estate.config.recovery_settings import Period

DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))
PERIODS = st.sampled_from([period for period in Period if period is not Period.AS_NEEDED])
# Clocks change at midnight, at 1, 2 and 3 o'clock, by half an hour, and a whole day was left out (Apia, 2011).
ZONES = st.sampled_from(
    [
        *("UTC", "Africa/Johannesburg", "Europe/Dublin", "America/New_York", "Africa/Cairo", "Australia/Lord_Howe"),
        *("America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu"),
    ]
)
MOMENTS = st.datetimes(datetime(2005, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - in UTC
LENGTHS = st.integers(0, 40)
WINDOWS = st.lists(st.tuples(DAYS, LENGTHS).map(lambda w: (w[0], w[0] + timedelta(days=w[1]))), max_size=6)
LONGEST = {Period.WEEKLY: 7, Period.MONTHLY: 31, Period.QUARTERLY: 92, Period.ANNUALLY: 366}
SHORTEST = {Period.WEEKLY: 7, Period.MONTHLY: 28, Period.QUARTERLY: 89, Period.ANNUALLY: 365}


def due(days: list[date], period: Period, windows: list[Window] | None = None) -> date:
    found = next_due(days, period, windows or ())
    assert found is not None
    return found


@given(DAYS, PERIODS)
def test_a_test_is_due_a_whole_period_after_its_last_run_and_not_before(last: date, period: Period) -> None:
    assert SHORTEST[period] <= (due([last], period) - last).days <= LONGEST[period]


@given(DAYS, DAYS, PERIODS, WINDOWS)
def test_who_ran_later_is_never_due_earlier(day: date, other: date, period: Period, windows: list[Window]) -> None:
    first, second = sorted([day, other])
    assert due([first], period, windows) <= due([second], period, windows)


@given(st.lists(DAYS, min_size=1, max_size=8).map(sorted), PERIODS, WINDOWS)
def test_however_the_runs_before_fell_the_next_is_after_the_last(
    days: list[date], period: Period, windows: list[Window]
) -> None:
    assert due(days, period, windows) > days[-1]


@given(DAYS, PERIODS, st.integers(2, 60))
def test_runs_keep_their_day_of_the_month_over_short_months_and_leap_days(
    first: date, period: Period, times: int
) -> None:
    days = [first]
    for _ in range(times):
        days.append(due(days, period))
    if period is Period.WEEKLY:
        assert {first.weekday()} == {day.weekday() for day in days}
        return
    for day in days:
        assert day.day == min(first.day, monthrange(day.year, day.month)[1])
    months = {Period.MONTHLY: 1, Period.QUARTERLY: 3, Period.ANNUALLY: 12}[period]
    assert {months} == {(b.year - a.year) * 12 + b.month - a.month for a, b in pairwise(days)}


@pytest.mark.parametrize(
    ("days", "period", "wanted"),
    [
        (["2026-01-31"], Period.MONTHLY, "2026-02-28"),
        (["2028-01-31"], Period.MONTHLY, "2028-02-29"),
        (["2026-01-31", "2026-02-28"], Period.MONTHLY, "2026-03-31"),
        (["2026-01-31", "2026-02-28", "2026-03-31"], Period.MONTHLY, "2026-04-30"),
        (["2026-01-31", "2026-02-27"], Period.MONTHLY, "2026-03-27"),
        (["2026-02-28"], Period.MONTHLY, "2026-03-28"),
        (["2025-11-30"], Period.QUARTERLY, "2026-02-28"),
        (["2025-11-30", "2026-02-28"], Period.QUARTERLY, "2026-05-30"),
        (["2028-02-29"], Period.ANNUALLY, "2029-02-28"),
        (["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28"], Period.ANNUALLY, "2032-02-29"),
        (["2026-12-28"], Period.WEEKLY, "2027-01-04"),
    ],
)
def test_month_ends_and_leap_days(days: list[str], period: Period, wanted: str) -> None:
    assert date.fromisoformat(wanted) == next_due([date.fromisoformat(day) for day in days], period)


def test_what_is_run_as_needed_or_was_never_run_has_no_due_day() -> None:
    assert next_due([date(2026, 1, 1)], Period.AS_NEEDED) is None
    assert next_due([], Period.MONTHLY) is None


@given(DAYS, WINDOWS)
def test_blocked_windows_move_a_day_later_until_it_is_outside_all(day: date, windows: list[Window]) -> None:
    moved = after_windows(day, windows)
    assert moved >= day
    assert window_of(moved, windows) is None
    between = [day + timedelta(days=n) for n in range((moved - day).days)]
    assert all(window_of(candidate, windows) for candidate in between), "it is the first day on which a drill may run"


def test_a_window_that_opens_on_the_day_after_another_is_passed_too() -> None:
    windows = [(date(2027, 1, 1), date(2027, 1, 5)), (date(2026, 12, 20), date(2026, 12, 31))]
    assert date(2027, 1, 6) == after_windows(date(2026, 12, 24), windows)


@given(MOMENTS, st.integers(0, 10**8), ZONES)
def test_a_later_moment_never_falls_on_an_earlier_day(at: datetime, later_s: int, zone: str) -> None:
    assert day_of(at, zone) <= day_of(at + timedelta(seconds=later_s), zone)


def test_the_day_is_that_of_the_time_zone_not_of_utc() -> None:
    late = datetime(2026, 1, 31, 22, 30, tzinfo=UTC)
    assert (date(2026, 1, 31), date(2026, 2, 1)) == (day_of(late, "UTC"), day_of(late, "Africa/Johannesburg"))
    assert date(2026, 1, 31) == day_of(late.astimezone(ZoneInfo("Asia/Tokyo")), "UTC")


@given(DAYS, PERIODS)
def test_the_middle_lies_between_the_last_run_and_the_next(last: date, period: Period) -> None:
    assert last < middle_of(last, due([last], period)) < due([last], period)
