"""Whole worlds kept in memory, so that one process can return to the same world again and again, in milliseconds.

A world that is returned to is as old as it was when it was kept: every moment in it is moved by the time that passed,
so that replication, transitions and recovery points stand as they stood. Whole seconds alone are moved.
"""

from __future__ import annotations

import gc
import math

from sandbox.core.errors import SandboxError
from sandbox.core.state import now
from sandbox.core.world_lock import WORLD_LOCK
from sandbox.world import persistence

_returns = [0]


def age() -> int:
    """How often a world was returned to: a call that began under another number belongs to a world that is gone."""
    return _returns[0]


class WorldStore:
    """The worlds kept by name."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, bytes]] = {}

    def keep(self, name: str) -> None:
        """Remember the world as it is now. Raises SandboxError where a part of it cannot be kept."""
        with WORLD_LOCK:
            self._kept[name] = (now().timestamp(), persistence.dump())

    def return_to(self, name: str) -> None:
        """Make the kept world that of this process. Raises SandboxError for a name that was never kept."""
        if name not in self._kept:
            known = ", ".join(sorted(self._kept)) or "none"
            raise SandboxError(f"No world was kept as '{name}' (kept: {known}).")
        exchange(*self._kept[name])


def grow_older(seconds: int) -> None:
    """Move every moment of this process's world ``seconds`` back, as if that time had passed."""
    with WORLD_LOCK:
        exchange(now().timestamp() + seconds, persistence.dump())


def exchange(kept_at: float, world: bytes) -> None:
    """Make ``world`` that of this process, as old as it was at ``kept_at`` (seconds since 1970)."""
    with WORLD_LOCK:
        # Before the exchange: a call that waits for the lock sees the new number and is dropped.
        _returns[0] += 1
        collecting = gc.isenabled()
        # What is made here stays: a collection in the middle would look through a half-built world in vain.
        gc.disable()
        try:
            # floor: a moment moved too far would lie in the future.
            persistence.take(world, math.floor(now().timestamp() - kept_at))
        finally:
            if collecting:
                gc.enable()
