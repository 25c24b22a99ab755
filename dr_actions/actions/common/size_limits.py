"""How long work that shows no progress is waited for, by the size of what AWS copies. Pure."""

from __future__ import annotations

from dr_estate.model.aws_durations import operation

_NINE_OF_TEN = 0.9
_MARGIN = 1.4  # by the table's spreads fewer than one in a hundred take longer; what is not seen, as how many files
GIB = 1024**3


def limit_s(name: str, least_s: int, gib: float) -> int:
    """What the operation ``name`` of the table takes in nine of ten cases and a margin, and ``least_s`` at least."""
    return max(least_s, round(_MARGIN * operation(name).wait_seconds(_NINE_OF_TEN, gib=gib)))
