"""The clock of this process's world: ahead of the machine's, at a configured speed. At speed 1 there is none.

The emulator stamps what it makes in hundreds of places with the process's own time. Where the world's time differs, the
library time-machine shifts the time that this process reads: ``datetime.now``, ``time.time`` and the functions below
them; ``time.monotonic`` and ``time.sleep`` are left alone, so deadlines, latencies and outages' seconds are real.

The library's clock runs on at the machine's pace. ``advance`` moves it forward by what the world gained meanwhile; it
is called with each request and whenever the world's own code asks for the time. So the time only ever moves forward.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from sandbox.core.errors import SandboxError

if TYPE_CHECKING:
    import time_machine

HEADER = "X-World-Clock"
# An hour of the world in a second.
MOST_SPEED = 3600.0


class SpeedClock:
    """The process's time: ``speed`` seconds of the world pass in a real one. Thread-safe."""

    def __init__(self) -> None:
        self.speed = 1.0
        self._real_s = 0.0
        self._traveller: time_machine.Traveller | None = None
        self._lock = threading.Lock()

    def begin(self, ahead_s: float, speed: float) -> None:
        """Let the world be ``ahead_s`` before the machine, and run at ``speed``, before anything asks for the time."""
        if ahead_s > 0:
            self._install(ahead_s)
        self.set_speed(speed)

    def set_speed(self, speed: float) -> None:
        """Run at ``speed`` from now on; the time goes on from where it is. Raises SandboxError outside of 1 to 3600."""
        if not 1.0 <= speed <= MOST_SPEED:
            raise SandboxError(f"The speed of a sandbox's clock is a number from 1 to {MOST_SPEED:g}.")
        self.advance()
        with self._lock:
            if speed > 1.0 and self._traveller is None:
                self._install(0.0)
            self.speed, self._real_s = speed, time.monotonic()

    def advance(self) -> None:
        """Move the process's time forward by what the world gained since the last time."""
        if self._traveller is None or self.speed == 1.0:
            return
        with self._lock:
            real_s = time.monotonic()
            gained_s = (self.speed - 1.0) * (real_s - self._real_s)
            # Each real second has passed in the traveller's own clock
            # already: only what the speed adds to it is shifted.
            self._real_s = real_s
            self._traveller.shift(gained_s)

    @property
    def ahead_s(self) -> float:
        """By how many seconds the world is ahead of the machine."""
        self.advance()
        return time.time() - self._machine_s()

    def header(self) -> dict[str, str]:
        """What each answer says of the clock: the time and the speed; nothing where it is the machine's own."""
        if self._traveller is None:
            return {}
        self.advance()
        return {HEADER: f"{time.time():.3f} {self.speed:g}"}

    def about(self) -> dict[str, float]:
        """What a saved world keeps of its clock: while it is down, its time passes at the machine's pace."""
        return {"ahead_s": self.ahead_s, "speed": self.speed}

    def description(self) -> dict[str, Any]:
        """Return the clock as the control path reports it: seconds since 1970, and the speed."""
        self.advance()
        return {"world": time.time(), "real": self._machine_s(), "speed": self.speed}

    def _machine_s(self) -> float:
        if self._traveller is None:
            return time.time()
        import time_machine

        # The real clock of the library: within the travel each function
        # of the module time answers with the world's time.
        return time_machine.escape_hatch.time.time()

    def _install(self, ahead_s: float) -> None:
        import time_machine

        self._traveller = time_machine.travel(time.time() + ahead_s, tick=True).start()
        time.time()  # it begins to run when it is asked first


CLOCK = SpeedClock()
