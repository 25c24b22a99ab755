"""The heartbeat: a thread that renews the lock while a run is at work, and reports when the lock is lost."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from dr_actions.control_table.control import ControlStore, Fenced
from dr_actions.control_table.lock import Lock, lease_of, renew
from dr_estate.config.recovery_settings import Execution


class LockLost(Exception):
    """The run may change nothing any more: its lock was taken over, or could not be renewed before its lease ended."""


class Heartbeat:
    """Renews ``lock`` every third of its lease within the ``with`` block; the thread is gone when the block is left.

    The executor calls ``check`` before each change. A renewal that fails is tried again each beat, until a lease has
    passed since the last one was sent, by the steady clock: who watches the lock counts from when it arrived, which was
    no earlier. A machine that slept through its lease has lost the lock too.
    """

    def __init__(self, control: ControlStore, lock: Lock, limits: Execution) -> None:
        self._control, self._limits = control, limits
        self._lock, self._lost, self._trouble = lock, "", ""
        self._under_way, self._stop = False, threading.Event()
        self._thread = self._renewals()

    def __enter__(self) -> Self:
        """Start to renew."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and wait for a renewal that is under way; the sender's time-outs bound it."""
        self._stop.set()
        self._thread.join()

    @property
    def lock(self) -> Lock:
        """The lock with its latest lease."""
        return self._lock

    @property
    def trouble(self) -> str:
        """Why the last renewal failed, "" where it did not."""
        return self._trouble

    @property
    def loss(self) -> str:
        """Why the lock is lost, "" while it is held."""
        if not self._lost and self._control.clock.monotonic() - self._lock.beat_s >= self._lease_s:
            unsent = "no heartbeat was sent in time: this machine slept or was overloaded"
            silent = "the control table did not answer its heartbeat in time"
            reason = self._trouble or (silent if self._under_way else unsent)
            self._lost = f"Run {self._lock.run} lost its lock: its lease ended. {reason.rstrip('.')}."
        return self._lost

    def check(self) -> None:
        """Raise LockLost unless the lock is still held."""
        if self.loss:
            raise LockLost(self.loss)

    def regain(self) -> None:
        """Renew after a time in which nothing could be sent: only the table knows whether the lock is still ours.

        Raises LockLost where another run took it over; passes on what keeps the renewal from being sent.
        """
        try:
            self._lock = renew(self._control, self._lock, self._limits)
        except Fenced as fenced:
            self._lost = str(fenced)
            raise LockLost(self._lost) from fenced
        # Before the new thread starts: `_beat` ends at once while the lock counts as lost.
        self._lost = self._trouble = ""
        self._thread = self._renewals()  # the one before ends at its next beat, if it has not yet
        self._thread.start()

    def _renewals(self) -> threading.Thread:
        return threading.Thread(target=self._beat, name=f"heartbeat-{self._lock.run}", daemon=True)

    @property
    def _lease_s(self) -> float:
        return lease_of(self._limits, self._control.clock.speed)

    def _beat(self) -> None:
        # Two beats fall within a lease: one of them may fail and the lock is still held.
        while not self._control.clock.wait(self._stop, self._lease_s / 3):
            # `regain` began another thread: this one is no longer the heartbeat.
            if threading.current_thread() is not self._thread or self.loss:
                return
            self._under_way = True
            try:
                self._lock = renew(self._control, self._lock, self._limits)
                self._trouble = ""
            except Fenced as fenced:
                self._lost = str(fenced)
            except Exception as failed:  # noqa: BLE001 - whatever it was, the lease decides; ``trouble`` and ``lost`` say it
                self._trouble = f"{type(failed).__name__}: {failed}"
            self._under_way = False
