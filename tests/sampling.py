"""What of a large whole is played today: drawn by one seed, that of the day, so that other days see other parts.

Each run of the tests prints the seed, and ``DR_SEED`` draws what that day drew.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

T = TypeVar("T")
EXHAUSTIVE = os.environ.get("DR_PROOFS") == "all"
"""Whether all of it is played, for hours: `make exhaustive`."""
SEED = int(os.environ.get("DR_SEED") or datetime.now(UTC).toordinal())


def every(nth: int, items: Sequence[T]) -> Sequence[T]:
    """Each ``nth`` of ``items``, from another one on each day: as many days see all."""
    return items[SEED % nth :: nth]
