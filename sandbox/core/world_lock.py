"""The lock around the one world of a process."""

from __future__ import annotations

import threading
from collections import deque


class FairLock:
    """A lock that is given in the order of waiting, and that its holder may take again.

    Python's own goes to the quickest, which is the thread that has just let go: with a hundred that visit sites a name
    server waits for as long as they do.
    """

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._holder: int | None = None
        self._times = 0
        self._is_free = True

    def __enter__(self) -> None:
        caller = threading.get_ident()
        if self._holder != caller:
            self._wait()
            self._holder = caller
        self._times += 1

    def __exit__(self, *_: object) -> None:
        self._times -= 1
        if not self._times:
            self._holder = None
            self._hand_on()

    def _wait(self) -> None:
        turn = threading.Lock()
        turn.acquire()
        with self._changing:
            if self._is_free:
                self._is_free = False
                return
            self._waiting.append(turn)
        try:
            turn.acquire()
        except BaseException:  # an interrupt: the next of those who wait has the turn
            with self._changing:
                is_handed = turn not in self._waiting
                if not is_handed:
                    self._waiting.remove(turn)
            if is_handed:
                self._hand_on()
            raise

    def _hand_on(self) -> None:
        with self._changing:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_free = True


WORLD_LOCK = FairLock()
