"""Durations as text, and the age limit of metrics. Pure."""

from __future__ import annotations

from dr_checks.core.model import View
from dr_estate.reading.cloudwatch_metrics import Reading

_MINUTE_S = 60
_HOUR_S = 3600
_DAY_S = 86400


def spoken(seconds: float) -> str:
    """``seconds`` as text: 12 s, 5 min, 3.5 h, 2.0 days."""
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    if seconds < 2 * _DAY_S:
        return f"{seconds / _HOUR_S:.1f} h"
    return f"{seconds / _DAY_S:.1f} days"


def rpo_s(view: View) -> float:
    """The environment's recovery point objective in seconds."""
    return float(view.env.objectives.rpo_minutes * _MINUTE_S)


def doubt(view: View, reading: Reading | None) -> str | None:
    """Why a metric proves nothing, or None where it may be believed: a missing or old one is never good news (T23)."""
    limit = view.env.thresholds.metric_age_minutes
    age_s = reading.age_s(view.now) if reading else None
    if reading is not None and reading.flaw:
        return f"CloudWatch could not answer for {reading.name}: {reading.flaw}."
    if reading is None or age_s is None:
        return "The metric is not published; a broken replication publishes none."
    if age_s > limit * _MINUTE_S:
        return f"The newest value of {reading.name} is {spoken(age_s)} old; after {limit} min it is too old."
    return None
