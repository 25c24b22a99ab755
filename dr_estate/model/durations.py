"""Formats durations for people."""

from __future__ import annotations


def lost_writes(seconds: float | None) -> str:
    """How much is lost, by the time since which it was written: ``at most 4 min``, ``no writes`` where that is 0."""
    if seconds is None or not seconds:
        return duration(None) if seconds is None else "no writes"
    return f"at most {duration(max(1.0, seconds))}"


def duration(seconds: float | None) -> str:
    """Format seconds for people: ``4 min 50 s``, ``1 h 5 min``, ``2 d 3 h``; ``not measured`` for None.

    A negative duration is 0 s: AWS wrote it after the observation began.
    """
    if seconds is None:
        return "not measured"
    whole = max(0, round(seconds))
    minutes, s = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    words = [(days, "d"), (hours, "h"), (minutes, "min"), (s, "s")]
    parts = [f"{number} {unit}" for number, unit in words if number]
    return " ".join(parts[:2]) or "0 s"
