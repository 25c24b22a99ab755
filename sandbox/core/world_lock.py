"""The lock around the one world of a process."""

from __future__ import annotations

import threading
from collections import deque


class _Turn:
    """One that waits, at a gate that is opened once."""

    def __init__(self) -> None:
        self.is_given = False
        self.gate = threading.Lock()
        self.gate.acquire()


class FairLock:
    """A lock that is given in the order of waiting, and that its holder may take again.

    Python's own goes to the quickest, which is the thread that has just let go: with a hundred that visit sites a name
    server waits for as long as they do.
    """

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._waiting: deque[_Turn] = deque()
        self._holder: int | None = None
        self._times = 0
        self._is_free = True

    def __enter__(self) -> None:
        caller = threading.get_ident()
        # Read without the inner lock: a thread finds its own id here only while it holds the lock itself.
        if self._holder != caller:
            turn = _Turn()
            try:
                self._wait(turn)
            except BaseException:  # an interrupt: the next of those who wait has the turn
                self._give_up(turn)
                raise
            self._holder = caller
        self._times += 1

    def __exit__(self, *_: object) -> None:
        self._times -= 1
        if not self._times:
            self._holder = None
            self._hand_on()

    def _wait(self, turn: _Turn) -> None:
        with self._changing:
            if self._is_free:
                self._is_free, turn.is_given = False, True
                return
            self._waiting.append(turn)
        turn.gate.acquire()

    def _give_up(self, turn: _Turn) -> None:
        with self._changing:
            if turn in self._waiting:
                self._waiting.remove(turn)
        # It may have been given the turn before it could leave the queue: then the next must get it.
        if turn.is_given:
            self._hand_on()

    def _hand_on(self) -> None:
        with self._changing:
            # The lock passes from holder to holder and is never free between:
            # a newcomer cannot slip in before those who wait.
            if self._waiting:
                turn = self._waiting.popleft()
                turn.is_given = True
                turn.gate.release()
            else:
                self._is_free = True


WORLD_LOCK = FairLock()
