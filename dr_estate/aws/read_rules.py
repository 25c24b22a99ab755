"""The rules that each read obeys: it is declared, AWS's rate allows it, and the observation has time left for it.

Who sends a read asks them right before it and right after: ``dr_estate.speed``, and botocore's own events.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from dr_estate.aws.clock import LEAST_PATIENCE_S, ClockHook, WorldClock
from dr_estate.aws.errors import DeadlinePassed
from dr_estate.aws.foreign_answers import refuse_foreign_answer
from dr_estate.aws.pace import Pace
from dr_estate.config.environment import Environment
from dr_estate.model.silent_servers import SHORT

if TYPE_CHECKING:
    from botocore.model import OperationModel

# Regions that do not answer: within a look no more is asked of them, and later looks wait for them less.

CALLS_BEFORE_DARK, SERVICES_BEFORE_DARK = 4, 4
_GLOBAL_SERVICES = frozenset({"route53", "cloudfront", "iam"})


def place_name(service: str, region: str) -> str:
    """Where a call is answered: the global services of us-east-1 have endpoints, and outages, of their own (T01)."""
    return f"{region} (global services)" if service in _GLOBAL_SERVICES else region


def service_in(service: str, place: str) -> str:
    """One service of a place."""
    return f"{service} in {place}"


class DarkPlaces:
    """The places that one look found dark.

    ``silent`` outlives the look: the places that let an earlier one wait in vain and have not answered since.
    """

    def __init__(self, silent: set[str]) -> None:
        self.silent = silent
        self._reasons: dict[str, str] = {}
        self._failures: Counter[str] = Counter()
        self._failing: dict[str, set[str]] = {}
        self._answering: set[str] = set()

    def reason(self, place: str) -> str | None:
        """Why nothing more is asked of ``place``; None where it is asked."""
        return self._reasons.get(place)

    def note_answer(self, place: str, service: str) -> None:
        """Something was answered, be it an error."""
        self._answering.add(place)
        self._failures.pop(service_in(service, place), None)
        self._failing.get(place, set()).discard(service)
        # One answer, even an error, shows that the way is open: the next look waits its whole time again.
        self.silent.discard(place)

    def note_failure(self, place: str, service: str, timed_out: bool) -> None:
        """A call got no answer. ``timed_out``: it waited in vain.

        No more is asked of a service of which several calls in a row failed, as it is called for each tenant: of one,
        where several services fail. Nor of a place of which several services fail and that never answered: some
        services that fail are no dark region, and fail faster than the others answer.
        """
        endpoint, failing = service_in(service, place), self._failing.setdefault(place, set())
        failing.add(service)
        self._failures[endpoint] += 1
        several = len(failing) >= SERVICES_BEFORE_DARK
        if several or self._failures[endpoint] >= CALLS_BEFORE_DARK:
            calls = f"{self._failures[endpoint]} calls in a row" if self._failures[endpoint] > 1 else "a call"
            self._reasons.setdefault(endpoint, f"{endpoint} does not answer: {calls} failed.")
        if several and place not in self._answering:
            self._reasons.setdefault(place, f"{place} does not answer: calls to {len(failing)} services failed.")
            if timed_out:
                self.silent.add(place)


PROOF = "sts:GetCallerIdentity"
# Seconds that a region which was silent has to answer, however fast its clock runs.
_SHORT_PATIENCE_S = 0.3


class Reached(Protocol):
    """What the rules know of who asks: the clock of the world, and the places that were silent."""

    @property
    def clock(self) -> WorldClock:
        """The world's, which every answer corrects."""
        ...

    @property
    def silent_places(self) -> set[str]:
        """The regions that answered none of the calls of the look before in time."""
        ...


class ForbiddenCall(Exception):
    """A call outside the declared operations was attempted, and was stopped inside this process."""


class ReadRules:
    """One observation's: its calls, its deadline, AWS's rates, and the places that are dark."""

    def __init__(self, environment: Environment, allowed: Iterable[str], credentials: Reached) -> None:
        self.environment = environment
        self.credentials = credentials
        self.allowed = frozenset(allowed) | {PROOF}
        self._counting = threading.Lock()
        self._pace, self._unpaced = Pace(time.monotonic), set[tuple[str, str]]()
        self._clock_hook = ClockHook(credentials.clock)

    def open(self) -> None:
        """Begin an observation: nothing called, nothing known to be dark, the whole deadline left."""
        self.calls: Counter[str] = Counter()
        self._notional = Pace(time.monotonic)
        # Not the world's clock: a sandbox's runs faster, and the deadline is a person's patience.
        self.ends_at = time.monotonic() + self.environment.observation.deadline_s
        self.blinked = False
        self._dark = DarkPlaces(self.credentials.silent_places)

    def go_by(self, credentials: Reached) -> None:
        """Go on with equal credentials: their clock is the one that answers correct from now on."""
        self.credentials, self._clock_hook.clock = credentials, credentials.clock

    @property
    def remaining_seconds(self) -> float:
        """Seconds until the observation's deadline; never negative."""
        return max(0.0, self.ends_at - time.monotonic())

    def extend(self, ends_at: float) -> None:
        """Let the observation last until then (seconds of time.monotonic), unless the user limits it."""
        if not self.environment.observation.firm_deadline:
            self.ends_at = max(self.ends_at, ends_at)

    def long_reading(self, minutes: int) -> Callable[[], bool]:
        """Begin what may outlast the deadline: to be asked before each call, whether ``minutes`` are not over yet."""
        limits, ends_at = self.environment.observation, time.monotonic() + minutes * 60

        def goes_on() -> bool:
            # Time for the next call with all of its attempts: the end moves on with the reading.
            self.extend(min(ends_at, time.monotonic() + 2 * limits.read_timeout_s * limits.attempts))
            return time.monotonic() <= ends_at

        return goes_on

    def begin(self, service: str, region: str, operation: str) -> None:
        """Count a call, and wait until AWS's rate allows it. Raises ForbiddenCall, DeadlinePassed."""
        name = f"{service}:{operation}"
        if name not in self.allowed:
            raise ForbiddenCall(f"{name} is not among the declared reads: it is never called.")
        with self._counting:
            self.calls[name] += 1
        is_paced = (service, region) not in self._unpaced
        # A sandbox answers at once: AWS's rates only lengthen the deadline there, as they would on AWS.
        self._wait((self._pace if is_paced else self._notional).reserve(name, region), is_paced)

    def _wait(self, seconds: float, is_paced: bool) -> None:
        """Wait for AWS's rate. An estate so large that its reading takes longer has longer, unless the user limits it.

        An emulator has as long as AWS would, for each look. Raises DeadlinePassed.
        """
        if not seconds:
            return
        limits = self.environment.observation
        self.extend(time.monotonic() + seconds + limits.read_timeout_s)
        if not is_paced:
            return
        if seconds > self.remaining_seconds:
            raise DeadlinePassed(error=f"AWS's rate allows the call after the deadline of {limits.deadline_s} s")
        time.sleep(seconds)

    def _check_deadline(self) -> None:
        if self.remaining_seconds <= 0:
            limit_s = self.environment.observation.deadline_s
            raise DeadlinePassed(error=f"the observation's deadline of {limit_s} s passed")

    def patience(self, service: str = "", region: str = "") -> tuple[float, float, bool]:
        """Seconds to connect and to wait for an answer, and whether a second attempt is worth its time.

        Who was silent in an earlier look is waited for less, and asked once: the next look asks again. Raises
        DeadlinePassed.
        """
        self._check_deadline()
        limits, clock = self.environment.observation, self.credentials.clock
        was_silent = place_name(service, region) in self._dark.silent
        part, least_s = (SHORT, _SHORT_PATIENCE_S) if was_silent else (1.0, LEAST_PATIENCE_S)
        connect_s = clock.patience_s(part * limits.connect_timeout_s, least_s)
        return connect_s, clock.patience_s(part * limits.read_timeout_s, least_s), not was_silent

    def sending(self, url: str) -> None:
        """A request is about to leave this thread."""
        self.credentials.clock.sending(url)

    def on_answer(self, model: OperationModel, answer: dict[str, Any]) -> None:
        """Refuse an answer that is not AWS's, or not whole, before it is parsed; any other one corrects the clock."""
        refuse_foreign_answer(model, answer)
        self._clock_hook.receive(int(answer["status_code"]), answer["headers"])
