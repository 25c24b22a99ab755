"""The clock by values: what an answer's headers say of the time, and how the time runs on between answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from dr_estate.aws.clock import WORLD_CLOCK, WorldClock, is_loopback, world_clock

NOON = datetime(2026, 1, 7, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Machine:
    """A machine's clocks, moved by hand. ``wrong`` is how far its system clock is ahead of the time."""

    def __init__(self, wrong: timedelta = timedelta(0)) -> None:
        self.passed_s, self.wrong, self.waits = 0.0, wrong, list[float]()
        self.clock = WorldClock(self.system, lambda: self.passed_s, self._wait)

    @property
    def time(self) -> datetime:
        return NOON + timedelta(seconds=self.passed_s)

    def asks(self, headers: Callable[[datetime], dict[str, str]], took_s: float = 0.2, loopback: bool = False) -> None:
        """Ask, and hear an answer whose headers were written halfway."""
        sent = self.passed_s
        self.passed_s += took_s / 2
        written = headers(self.time)
        self.passed_s += took_s / 2
        self.clock.correct(written, sent, self.passed_s, loopback)

    def system(self) -> float:
        return (self.time + self.wrong).timestamp()

    def _wait(self, stop: threading.Event, seconds: float) -> bool:
        self.waits.append(seconds)
        self.passed_s += seconds
        return stop.is_set()


def dated(moment: datetime) -> dict[str, str]:
    return {"Date": format_datetime(moment, usegmt=True)}


def fast(ahead: timedelta, speed: float) -> Callable[[datetime], dict[str, str]]:
    return lambda moment: {"X-World-Clock": f"{(moment + ahead).timestamp()} {speed}"}


def test_the_system_clock_is_believed_until_an_answer_shows_it_wrong() -> None:
    assert Machine(2 * HOUR).clock.now() == NOON + 2 * HOUR


@pytest.mark.parametrize("wrong", [2 * HOUR, -2 * HOUR, timedelta(minutes=6), timedelta(seconds=-30)])
@pytest.mark.parametrize("took_s", [0.01, 0.9, 20.0])
def test_an_answer_corrects_a_wrong_clock_as_well_as_its_round_trip_allows(wrong: timedelta, took_s: float) -> None:
    machine = Machine(wrong)
    machine.asks(dated, took_s)
    machine.passed_s += 100
    assert abs((machine.clock.now() - machine.time).total_seconds()) <= max(2.0, took_s / 2 + 0.5)
    assert machine.clock.skew_s == pytest.approx(wrong.total_seconds(), abs=max(2.0, took_s / 2 + 0.5))


def test_a_faster_answer_narrows_a_slow_one_and_no_slow_one_widens_it() -> None:
    machine = Machine(2 * HOUR)
    machine.asks(dated, 30)
    machine.asks(dated, 0.02)
    sharp = machine.clock.now() - machine.time
    machine.asks(dated, 30)
    assert abs(sharp.total_seconds()) < 2
    assert machine.clock.now() - machine.time == pytest.approx(sharp, abs=timedelta(milliseconds=1))


@pytest.mark.parametrize("wrong_s", [-1.4, -0.5, 0, 0.5, 1.4])
def test_a_difference_within_the_headers_whole_seconds_is_none(wrong_s: float) -> None:
    machine = Machine(timedelta(seconds=wrong_s))
    machine.asks(dated)
    assert machine.clock.now() == machine.time + timedelta(seconds=wrong_s)
    assert machine.clock.skew_s == 0


def test_setting_the_system_clock_moves_neither_now_nor_elapsed_time() -> None:
    machine = Machine()
    machine.asks(dated)
    before = machine.clock.monotonic()
    machine.wrong = 3 * HOUR
    assert machine.clock.now() == machine.time
    assert machine.clock.monotonic() == before


def test_a_clock_minutes_off_is_reported_and_a_right_one_is_not() -> None:
    machine = Machine(timedelta(minutes=-4))
    machine.asks(dated)
    assert "240 s behind AWS's" in machine.clock.skew_message()
    assert not Machine().clock.skew_message()


def test_an_answer_without_a_readable_date_changes_nothing() -> None:
    machine = Machine(2 * HOUR)
    machine.asks(lambda _: {})
    machine.asks(lambda _: {"Date": "today"})
    assert machine.clock.now() == machine.time + 2 * HOUR


def test_the_clock_of_a_sandbox_has_its_speed_and_waits_use_its_seconds() -> None:
    machine = Machine()
    machine.asks(fast(4 * HOUR, 60), took_s=0, loopback=True)
    elapsed = machine.clock.monotonic()
    machine.clock.sleep(120)
    assert sum(machine.waits) == pytest.approx(2.0)
    assert machine.clock.now() == NOON + 4 * HOUR + timedelta(minutes=2)
    assert machine.clock.monotonic() - elapsed == 120
    assert machine.clock.skew_s == 0, "a sandbox says nothing about this machine's clock"


def test_a_wait_is_shortened_by_a_speed_that_is_heard_of_meanwhile() -> None:
    machine = Machine()

    def heard(stop: threading.Event, seconds: float) -> bool:
        machine.passed_s += seconds
        machine.waits.append(seconds)
        machine.asks(fast(timedelta(0), 60), took_s=0, loopback=True)
        return stop.is_set()

    clock = machine.clock = WorldClock(machine.system, lambda: machine.passed_s, heard)
    clock.sleep(61)
    assert machine.waits == pytest.approx([1.0, 1.0])


def test_a_wait_ends_when_its_stop_event_is_set() -> None:
    machine, stop = Machine(), threading.Event()
    stop.set()
    assert machine.clock.wait(stop, 100)
    assert machine.passed_s <= 1


def test_a_change_of_speed_counts_from_its_own_answer_on() -> None:
    machine = Machine()
    machine.asks(fast(HOUR, 60), took_s=0, loopback=True)
    machine.passed_s += 1
    now, elapsed = machine.clock.now(), machine.clock.monotonic()
    machine.asks(lambda _: {WORLD_CLOCK: f"{now.timestamp()} 120"}, took_s=0, loopback=True)
    machine.passed_s += 1
    assert machine.clock.now() - now == timedelta(seconds=120)
    assert machine.clock.monotonic() - elapsed == 120


def test_the_time_does_not_run_backwards_by_the_length_of_a_round_trip() -> None:
    machine = Machine()
    machine.asks(fast(HOUR, 60), took_s=0.1, loopback=True)
    now = machine.clock.now()
    machine.asks(lambda _: {WORLD_CLOCK: f"{now.timestamp() - 1} 60"}, took_s=0, loopback=True)
    assert machine.clock.now() == now


def test_no_header_of_a_host_elsewhere_makes_the_clock_run_faster() -> None:
    machine = Machine()
    machine.asks(lambda moment: dated(moment) | fast(4 * HOUR, 60)(moment), loopback=False)
    machine.passed_s += 10
    assert (machine.clock.speed, machine.clock.now()) == (1.0, machine.time)


@pytest.mark.parametrize("header", ["", "noon", "1 0", "1 0.5", "1 nan", "inf 60", "1 1000000", "1 60 3"])
def test_a_header_that_is_no_sound_clock_is_not_believed(header: str) -> None:
    assert world_clock({"x-world-clock": header}) is None


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://127.0.0.1:4566/", True),
        ("http://localhost:1", True),
        ("http://[::1]:1/", True),
        ("https://rds.eu-west-1.amazonaws.com/", False),
        ("https://127.0.0.1.example.com/", False),
        ("http://10.0.0.1/", False),
        ("", False),
    ],
)
def test_only_this_machines_own_addresses_are_loopback(url: str, own: bool) -> None:
    assert is_loopback(url) is own


@pytest.mark.parametrize(("speed", "waits_s"), [(1.0, 10.0), (1.25, 8.0), (10.0, 6.0), (120.0, 6.0)])
def test_an_answer_is_timed_in_the_world_and_a_busy_machine_is_not_silence(speed: float, waits_s: float) -> None:
    machine = Machine()
    machine.asks(fast(timedelta(0), speed), loopback=True)
    assert machine.clock.patience_s(10.0) == pytest.approx(waits_s)
    assert machine.clock.patience_s(0.1) == pytest.approx(0.1), "never longer than was asked for"
