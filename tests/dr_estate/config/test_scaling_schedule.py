"""A scheduled 0 is distinguished from an outage by the off hours of the environment's schedule, in its time zone."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from dr_estate.config.settings import ScalingSchedule
from tests.dr_checks.worlds import SIT

MONDAY, FRIDAY, SATURDAY = 2, 6, 7  # of March 2026


@pytest.mark.parametrize(
    ("day", "hour", "minute", "off"),
    [
        (MONDAY, 16, 59, False),
        (MONDAY, 17, 0, True),
        (MONDAY, 4, 59, True),
        (MONDAY, 5, 0, False),
        (FRIDAY, 23, 0, True),
        (SATURDAY, 10, 0, True),
    ],
)
def test_services_sleep_from_seven_to_seven_and_on_weekends(day: int, hour: int, minute: int, off: bool) -> None:
    """Johannesburg is two hours ahead of UTC."""
    assert off is SIT.scheduled_off(datetime(2026, 3, day, hour, minute, tzinfo=UTC))


def test_hours_within_one_day_do_not_wrap_around_midnight() -> None:
    noon = ScalingSchedule(timezone="UTC", off_from=time(12), off_until=time(13), weekends_off=False)
    env = SIT.model_copy(update={"scaling_schedule": noon})
    assert env.scheduled_off(datetime(2026, 3, SATURDAY, 12, 30, tzinfo=UTC))
    assert not env.scheduled_off(datetime(2026, 3, SATURDAY, 13, 0, tzinfo=UTC))


def test_without_a_schedule_services_never_sleep() -> None:
    env = SIT.model_copy(update={"scaling_schedule": None})
    assert not env.scheduled_off(datetime(2026, 3, SATURDAY, 2, 0, tzinfo=UTC))
