"""Since when a region has answered without a gap, from its pulse: one look, not memory. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dr_estate.readers.region_heartbeat import LATE_MINUTES

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Stability:
    """``since`` is the first minute of the newest stretch without a gap, None where nothing beats now.

    ``gap`` is the last minute before it that is missing, None where the window shows none.
    """

    since: datetime | None
    gap: datetime | None
    lasts: timedelta
    stable: bool
    message: str


def stability(minutes: Sequence[datetime], now: datetime, wanted_minutes: int, region: str) -> Stability:
    """Return for how long ``region`` has published its metrics without a gap.

    ``minutes`` are those in which it published, the oldest first. The newest may have ended LATE_MINUTES ago:
    CloudWatch shows a minute a little after it is over. This evidence shows nothing of an outage that is younger.
    """
    newest = minutes[-1] if minutes else None
    if newest is None or now - newest > (LATE_MINUTES + 1) * _MINUTE:
        text = f"its last was of {newest:%H:%M} UTC" if newest else "none is in the window"
        return Stability(None, newest, timedelta(), False, f"{region} publishes no metric now: {text}.")
    since = newest
    for moment in reversed(minutes):
        if since - moment > _MINUTE:
            break
        since = moment
    lasts = newest - since + _MINUTE
    gap = since - _MINUTE if since > minutes[0] else None
    message = (
        f"{region} has published its metrics in each of the last {lasts // _MINUTE} minutes, {wanted_minutes} wanted"
    )
    message += f"; it was silent at {gap:%H:%M} UTC." if gap else "."
    return Stability(since, gap, lasts, lasts >= wanted_minutes * _MINUTE, message)
