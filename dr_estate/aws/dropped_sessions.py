"""Sessions that nobody uses any more: they refer to themselves, so that only the collector of garbage frees them.

botocore's models take a third of a megabyte to a whole one each, and a process that makes few other objects collects
the old ones hardly ever: who waits an hour for credentials, or watches a dark region, would grow by hundreds of them.
"""

from __future__ import annotations

import gc
import weakref

_AT_ONCE = 4


class DroppedSessions:
    """What was done with, and is freed some at a time: a collection takes 0.1 s, and more with a large estate."""

    def __init__(self) -> None:
        self._dropped: weakref.WeakSet[object] = weakref.WeakSet()
        self._remained = 0

    def add(self, session: object) -> None:
        """Take ``session`` for one that nobody uses any more, but for calls that are under way."""
        self._dropped.add(session)

    def collect(self) -> None:
        """Free them where there are four more than could be freed the last time."""
        if len(self._dropped) >= self._remained + _AT_ONCE:
            gc.collect()
            self._remained = len(self._dropped)
