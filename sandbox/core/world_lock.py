"""The lock around the one world of a process."""

from __future__ import annotations

import threading

WORLD_LOCK = threading.RLock()
