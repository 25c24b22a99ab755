"""The heartbeat: a thread that renews the lock while a run is at work, and says so when the lock is lost."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from dr_actions.control_table.control import ControlStore, Fenced
from dr_actions.control_table.lock import Lock, renew
from dr_estate.config.recovery_settings import Execution


class LockLost(Exception):
    """The run may change nothing any more: its lock was taken over, or could not be renewed before its lease ended."""


class Heartbeat:
    """Renews ``lock`` every third of its lease within the ``with`` block; the thread is gone when the block is left.

    The executor calls ``check`` before each change. A renewal that fails is tried again each beat, until the lease is
    over by the control's clock: a machine that slept through its lease has lost the lock too.
    """

    def __init__(self, control: ControlStore, lock: Lock, limits: Execution) -> None:
        self._control, self._limits = control, limits
        self._lock, self._lost, self._trouble = lock, "", ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat-{lock.run}", daemon=True)

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
    def lost(self) -> str:
        """Why the lock is lost, "" while it is held."""
        if not self._lost and self._control.now() >= self._lock.lease_until:
            reason = self._trouble or "no heartbeat was sent in time: this machine slept or was overloaded"
            self._lost = f"Run {self._lock.run} lost its lock: its lease ended. {reason}"
        return self._lost

    def check(self) -> None:
        """Raise LockLost unless the lock is still held."""
        if self.lost:
            raise LockLost(self.lost)

    def _beat(self) -> None:
        while not self._stop.wait(self._limits.lease_s / 3) and not self.lost:
            try:
                self._lock = renew(self._control, self._lock, self._limits)
                self._trouble = ""
            except Fenced as fenced:
                self._lost = str(fenced)
            except Exception as failed:  # noqa: BLE001 - whatever it was, the lease decides; ``trouble`` and ``lost`` say it
                self._trouble = f"{type(failed).__name__}: {failed}"
