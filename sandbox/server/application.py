"""The sandbox's own WSGI layers around the emulator: control path, counting, latency, identities, outages, saving."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.wrappers import Response

from sandbox.core.clock import CLOCK
from sandbox.core.error_responses import failure, not_implemented
from sandbox.core.people import EXPIRED
from sandbox.core.request_parser import ApiCall, Environ, identify
from sandbox.core.world_lock import WORLD_LOCK
from sandbox.world import fault_injection, persistence
from sandbox.world.call_recorder import Recorder, count_try
from sandbox.world.moto_app import Emulator

CONTROL = "/_sandbox/"
# moto's own pages would reset the world or show its data; /latest/ is its instance metadata.
EMULATORS_OWN = ("/moto-api", "/latest/")


class Counts:
    """How often each operation was called, by region; the sandbox's own calls are not among them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()

    def add(self, call: ApiCall) -> None:
        """Count one call."""
        with self._lock:
            self._calls[call.key] += 1

    def totals(self) -> dict[str, int]:
        """Return ``{"region service:Operation": calls}``, sorted."""
        with self._lock:
            return dict(sorted(self._calls.items()))

    def reset(self) -> None:
        """Start counting from zero."""
        with self._lock:
            self._calls.clear()


class Application:
    """One request: control, or an AWS call that is counted, delayed, met by an outage or carried out.

    ``headers`` are those that every answer of the emulator carries: where the world's other servers are. A call that
    was under way when the world was exchanged for a kept one is dropped: it belonged to the world before.
    """

    def __init__(
        self,
        emulator: Emulator,
        control: Callable[[Environ], Response],
        latency_s: float = 0.0,
        records: frozenset[str] = frozenset(),
    ) -> None:
        self.emulator = emulator
        self.control = control
        self.latency_s = latency_s
        self.headers: dict[str, str] = {}
        self.counts = Counts()
        self.recorder = Recorder(records)
        self.changed = threading.Event()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Serve one request (WSGI). Raises ConnectionError where the caller is to get no answer."""
        path = environ["PATH_INFO"]
        if path.startswith(CONTROL):
            return self.control(environ)(environ, start_response)
        call = identify(environ)
        if path.startswith(EMULATORS_OWN):
            return not_implemented(call, "AWS has no such path")(environ, start_response)
        # Before the outage is looked up: one that begins or ends by the clock must see the world's present time.
        CLOCK.advance()
        response = self.answer(call, environ)
        response.headers.extend(CLOCK.header())
        return response(environ, start_response)

    def answer(self, call: ApiCall, environ: Environ) -> Response:
        """Answer an AWS call from outside. Raises ConnectionError where the caller is to get no answer."""
        # Before the count: calls with temporary keys are counted and judged as those of their person.
        call, expired = self.emulator.people.resolve(call, environ)
        self.counts.add(call)
        age = persistence.age()
        if self.latency_s:
            # Outside of the lock: a hundred slow calls at once take as long as one.
            time.sleep(self.latency_s)
        person = self.emulator.people.person(call.access_key)
        # STS answers before the service does: expired keys never reach an outage.
        if expired or person == EXPIRED:
            return failure(call, "expired", fault_injection.SAID["expired"])
        bad = self._outage_answer(call, person, environ)
        if bad is not None and not _is_carried_out(bad):
            return bad
        # The lock is held from the age to the record: a world that is
        # exchanged between would get a call of the one before.
        with WORLD_LOCK:
            if age != persistence.age():
                raise fault_injection.DroppedConnection
            response = self.emulator.answer(call, environ)
            # Reads are not recorded: two runs are compared by what they changed.
            if call.writes:
                self.recorder.add(call, person, environ, response.status_code)
        response.headers.extend(self.headers)
        if call.writes:
            # After the lock: the thread that saves waits for this and takes the lock itself.
            self.changed.set()
        # Carried out and recorded before it is lost: the client cannot know, which is the case to be tested.
        if bad is fault_injection.LOST:
            raise fault_injection.DroppedConnection
        if bad is fault_injection.CUT:
            body = response.get_data()
            # Content-Length still says the whole: the client must notice that half is missing.
            response.set_data(body[: len(body) // 2])
        return response

    def _outage_answer(self, call: ApiCall, person: str, environ: Environ) -> Response | None:
        """What an outage does to the call. A scene that is played hears of a change that was tried in vain."""
        try:
            bad = fault_injection.meet(call, person, environ)
        except fault_injection.DroppedConnection:
            _in_vain(call)
            raise
        if bad is not None and not _is_carried_out(bad):
            _in_vain(call)
        return bad


def _is_carried_out(bad: Response) -> bool:
    """Whether the outage meets the answer, and not the call."""
    return bad in (fault_injection.LOST, fault_injection.CUT)


def _in_vain(call: ApiCall) -> None:
    if call.writes:
        count_try(call)
