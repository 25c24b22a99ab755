"""The recovery point objective, and the age limit of metrics. Pure."""

from __future__ import annotations

from dr_checks.core.model import View
from dr_estate.model.durations import duration
from dr_estate.reading.cloudwatch_metrics import Reading

_MINUTE_S = 60


def rpo_s(view: View) -> float:
    """The environment's recovery point objective in seconds."""
    return float(view.env.objectives.rpo_minutes * _MINUTE_S)


def doubt(view: View, reading: Reading | None) -> str | None:
    """Why a metric proves nothing, or None where it may be believed: a missing or old one is never good news (T23)."""
    limit = view.env.thresholds.metric_age_minutes
    age_s = reading.age_s(view.now) if reading else None
    # Before the age: a result of status InternalError comes without values, which is no proof of a broken link (T62).
    if reading is not None and reading.flaw:
        return f"CloudWatch could not answer for {reading.name}: {reading.flaw}."
    if reading is None or age_s is None:
        return "The metric is not published; a broken replication publishes none."
    if age_s > limit * _MINUTE_S:
        return f"The newest value of {reading.name} is {duration(age_s)} old; after {limit} min it is too old."
    return None
