"""Memory of servers that do not answer: a question to one costs a time-out, and a run would pay it at every look.

Port 53 stays closed for hours (T70). Who was silent once is asked again after as long as the silence has lasted, within
the two bounds below, once and with less patience, until an answer comes. What is not asked meanwhile stays unseen.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Hashable
from dataclasses import dataclass

# A packet gets lost, a busy server takes its time.
TRIES = 2
# Part of the patience that a server gets that was silent the last time.
SHORT = 1 / 3
LEAST_REST_S, MOST_REST_S = 30.0, 300.0


@dataclass(frozen=True, slots=True)
class _Silence:
    since_s: float
    until_s: float


class SilentServers:
    """Which servers were silent, and when each is asked again. Thread-safe.

    Moments are seconds of the world's monotonic clock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._silences: dict[Hashable, _Silence] = {}
        self._answered_s: dict[Hashable, float] = {}

    def tries(self, server: Hashable, at_s: float) -> tuple[float, ...]:
        """The tries that a question to ``server`` is worth at ``at_s``, as parts of the whole patience; () for none."""
        with self._lock:
            silence = self._silences.get(server)
            if silence is None:
                return (1.0,) * TRIES
            if at_s < silence.until_s:
                return ()
            # the others of this look need not wait for the same silence
            self._silences[server] = _silence_since(silence.since_s, at_s)
            return (SHORT,)

    def silent(self, server: Hashable, asked_s: float, at_s: float) -> None:
        """``server``, asked at ``asked_s``, has not answered until ``at_s``. One that answered others since is well."""
        with self._lock:
            if self._answered_s.get(server, -math.inf) >= asked_s:
                return
            known = self._silences.get(server)
            self._silences[server] = _silence_since(known.since_s if known else asked_s, at_s)

    def note_answer(self, server: Hashable, at_s: float) -> None:
        """``server`` answered at ``at_s``: it is asked as any other."""
        with self._lock:
            self._answered_s[server] = at_s
            self._silences.pop(server, None)


def _silence_since(since_s: float, at_s: float) -> _Silence:
    return _Silence(since_s, at_s + min(max(at_s - since_s, LEAST_REST_S), MOST_REST_S))
