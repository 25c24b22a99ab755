"""The only clock of a command: the system's, corrected by the time that the answers of its world state.

AWS puts its time into the Date header of each answer, in whole seconds. The clock of this machine is believed until an
answer shows it wrong by more than ``TOLERANCE_S``. Between answers the time runs on by the machine's steady clock, so a
system clock that is set meanwhile changes nothing. A sandbox may have a clock that is ahead and runs faster: it sends
its time and speed in ``WORLD_CLOCK``, and that header is trusted only from a loopback address.
"""

from __future__ import annotations

import email.utils
import math
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

WORLD_CLOCK = "x-world-clock"
"""A sandbox's header: its time in seconds since 1970, and how many of its seconds pass in a real one."""
TOLERANCE_S = 2.0
"""The Date header has whole seconds, so a smaller difference is none."""
MOST_SPEED = 3600.0
LEAST_PATIENCE_S = 6.0
"""Seconds of this machine in which a sandbox on it answers, however busy it is and however fast its clock runs."""

_SKEW_REPORTED_S = 60.0
_SERVER_FAULT = 500
_SLICE_S, _SHORTEST_S = 1.0, 1e-3
_SUSPENDED_TOO = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def steady_s() -> float:
    """Seconds of this machine's steady clock, in which a suspended machine's sleep counts too.

    Python's own ``time.monotonic`` stands still meanwhile on Linux and macOS (clock_gettime(2): CLOCK_BOOTTIME; macOS
    counts the sleep in CLOCK_MONOTONIC).
    """
    return time.monotonic() if _SUSPENDED_TOO is None else time.clock_gettime(_SUSPENDED_TOO)


def _wait(stop: threading.Event, seconds: float) -> bool:
    return stop.wait(seconds)


class WorldClock:
    """Now, waits and elapsed time of one world. Thread-safe. Its seconds are the world's: on AWS real ones.

    ``system``, ``steady`` and ``wait`` are where the machine's time comes from; a test that moves time by hand gives
    its own.
    """

    def __init__(
        self,
        system: Callable[[], float] = time.time,
        steady: Callable[[], float] = steady_s,
        wait: Callable[[threading.Event, float], bool] = _wait,
    ) -> None:
        self._system, self.steady, self._wait = system, steady, wait
        self._lock = threading.Lock()
        self._sending = threading.local()
        self._anchor_s, self._world_s, self._elapsed_s = steady(), system(), 0.0
        self._latest_s = 0.0
        self.is_sandboxs = False  # whether a sandbox said that its time is its own
        self.speed = 1.0

    def now(self) -> datetime:
        """The world's time (UTC). It steps back only where an answer shows that it was wrong."""
        with self._lock:
            at = self._at(self.steady())
            # A small step back is held: two moments in a row stay in their order.
            if at < self._latest_s <= at + TOLERANCE_S * self.speed:
                at = self._latest_s
            self._latest_s = at
        return datetime.fromtimestamp(at, UTC)

    def monotonic(self) -> float:
        """Seconds of the world since some moment; no correction and no system clock moves it."""
        with self._lock:
            return self._elapsed_s + (self.steady() - self._anchor_s) * self.speed

    def stopwatch(self) -> Callable[[], float]:
        """Return a function that returns how many seconds of the world have passed since now."""
        began_s = self.monotonic()
        return lambda: self.monotonic() - began_s

    def sleep(self, seconds: float) -> None:
        """Wait for ``seconds`` of the world."""
        self.wait(threading.Event(), seconds)

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait for ``seconds`` of the world, or until ``stop`` is set; returns whether it is.

        A speed that changes meanwhile, as another thread's answer shows, applies from then on.
        """
        until_s = self.monotonic() + seconds
        while (left_s := until_s - self.monotonic()) > _SHORTEST_S:
            if self._wait(stop, min(left_s / self.speed, _SLICE_S)):
                return True
        return stop.is_set()

    def patience_s(self, seconds: float, least_s: float = LEAST_PATIENCE_S) -> float:
        """Return how long to wait for an answer, in seconds of this machine: in the world ``seconds`` pass meanwhile.

        Never less than ``least_s``: a busy machine is not silent.
        """
        return min(seconds, max(seconds / self.speed, least_s))

    @property
    def skew_s(self) -> float:
        """Seconds by which this machine's system clock is ahead of AWS's; 0.0 where nothing shows a difference.

        A sandbox whose clock runs on its own says nothing about this machine's.
        """
        with self._lock:
            ahead_s = self._system() - self._at(self.steady())
            return 0.0 if self.is_sandboxs or abs(ahead_s) < TOLERANCE_S else ahead_s

    def skew_message(self) -> str:
        """A sentence where this machine's clock is more than a minute off, "" else."""
        skew_s = self.skew_s
        if abs(skew_s) <= _SKEW_REPORTED_S:
            return ""
        off = f"{abs(skew_s):.0f} s {'ahead of' if skew_s > 0 else 'behind'} AWS's"
        return f"The clock of this machine is {off}: all times here are AWS's. Set it (NTP)."

    def sending(self, url: str) -> None:
        """A request is about to leave this thread."""
        self._sending.at, self._sending.loopback = self.steady(), is_loopback(url)

    def note_answer(self, headers: Mapping[str, str]) -> None:
        """The answer to this thread's request arrived: correct the time where its headers show it wrong."""
        sent_at = getattr(self._sending, "at", None)
        if sent_at is not None:
            self.correct(headers, sent_at, self.steady(), loopback=self._sending.loopback)

    def correct(self, headers: Mapping[str, str], sent_at: float, came_at: float, loopback: bool) -> None:
        """Weigh what an answer says that was asked for at ``sent_at`` and came at ``came_at`` (steady seconds).

        The world's time when it came lies between what the answer says, and that plus the resolution and the round
        trip: a time outside is corrected to the middle. So a slow answer corrects little, and the fastest most.
        """
        own = world_clock(headers) if loopback else None
        reported_s = own[0] if own else date_of(headers)
        if reported_s is None:
            return
        speed = own[1] if own else 1.0
        # The Date header drops the fraction: the true time is up to a second later.
        latest_s = reported_s + (0.0 if own else 1.0) + (came_at - sent_at) * speed
        tolerance_s = 0.0 if own else TOLERANCE_S
        with self._lock:
            at = self._at(came_at)
            if speed == self.speed and reported_s - tolerance_s <= at <= latest_s + tolerance_s:
                return
            # What has passed keeps its old speed: a correction must not make monotonic() jump.
            self._elapsed_s += (came_at - self._anchor_s) * self.speed
            self._anchor_s, self._world_s, self.speed = came_at, (reported_s + latest_s) / 2, speed
            self.is_sandboxs = own is not None

    def _at(self, steady: float) -> float:
        return self._world_s + (steady - self._anchor_s) * self.speed


class ClockHook:
    """Lets every answer to a client of the attached sessions correct ``clock``, which may be exchanged."""

    def __init__(self, clock: WorldClock) -> None:
        self.clock = clock

    def attach(self, session: Any) -> None:
        """Hear the botocore ``session``. Attach it after what refuses the answers of others than AWS."""
        session.register("before-send", self._sending, unique_id="clock-sending")
        session.register("before-parse", self._read_answer, unique_id="clock-answered")

    def _sending(self, request: Any, **_: Any) -> None:
        self.clock.sending(request.url)

    def _read_answer(self, response_dict: Mapping[str, Any], **_: Any) -> None:
        self.receive(int(response_dict["status_code"]), response_dict["headers"])

    def receive(self, status: int, headers: Mapping[str, str]) -> None:
        """Let an answer to this thread's request correct the clock."""
        if status < _SERVER_FAULT:  # that may be anybody's page
            self.clock.note_answer(headers)


def world_clock(headers: Mapping[str, str]) -> tuple[float, float] | None:
    """Return time (seconds since 1970) and speed as a sandbox's header states them; None without a valid header."""
    try:
        reported_s, speed = map(float, _header(headers, WORLD_CLOCK).split())
    except ValueError:
        return None
    return (reported_s, speed) if math.isfinite(reported_s) and 1.0 <= speed <= MOST_SPEED else None


def date_of(headers: Mapping[str, str]) -> float | None:
    """The Date header in seconds since 1970; None without a readable one."""
    return _moment_s(_header(headers, "date"))


@lru_cache(maxsize=8)
def _moment_s(text: str) -> float | None:
    """Seconds since 1970 of an HTTP date; answers come by the dozen within a second."""
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def clock_skew_s(headers: Mapping[str, str], system_s: float | None = None) -> float | None:
    """Seconds by which this machine's clock (``system_s``: another) is ahead of the answer's Date header.

    None without a readable header, and where a sandbox's clock is its own: that says nothing of this machine's.
    """
    reported_s = None if world_clock(headers) else date_of(headers)
    return None if reported_s is None else (time.time() if system_s is None else system_s) - reported_s


@lru_cache(maxsize=256)
def is_loopback(url: str) -> bool:
    """Whether ``url`` names this machine by itself."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _header(headers: Mapping[str, str], name: str) -> str:
    known = headers.get(name)  # botocore's headers know no case
    if known is not None:
        return str(known)
    return next((str(value) for key, value in headers.items() if key.lower() == name), "")
