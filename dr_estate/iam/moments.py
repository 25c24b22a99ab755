"""Conditions of policies on the time of a request: IAM is given it, in a simulation by who asks. Pure.

Source: IAM User Guide, "Date condition operators" (W3C's forms of ISO 8601, of which a year alone is the shortest, or
seconds since 1970), "aws:CurrentTime", "aws:EpochTime".
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

# A right that ends by then may have ended on the day.
# As long as certificates are watched: enough to change a policy by the usual review.
SOON = timedelta(days=30)
CURRENT, EPOCH = "aws:CurrentTime", "aws:EpochTime"
_KEYS = (CURRENT.lower(), EPOCH.lower())  # IAM takes keys in any case
_MONTH = re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d{2}))?")
_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}


def moment_keys(now: datetime) -> tuple[tuple[str, str], ...]:
    """What AWS puts into a request at ``now``, as (key, value)."""
    return ((CURRENT, now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")), (EPOCH, str(int(now.timestamp()))))


@dataclass(frozen=True, slots=True)
class Ending:
    """That a right ends ``at`` a moment, by the policy of ``resource``."""

    resource: str
    at: datetime


def turns_of(text: str, now: datetime) -> list[datetime]:
    """``turns`` of a policy as text, "" is none."""
    return turns(json.loads(text), now) if any(key in text.lower() for key in _KEYS) else []


def turns(document: Mapping[str, Any], now: datetime) -> list[datetime]:
    """The moments within SOON at which a condition of the policy ``document`` on the time begins or ceases to hold."""
    listed = document.get("Statement", [])
    conditions = [row.get("Condition") or {} for row in (listed if isinstance(listed, list) else [listed])]
    found = set[datetime]()
    for key, wanted in (pair for condition in conditions for pairs in condition.values() for pair in pairs.items()):
        if key.lower() in _KEYS:
            for text in wanted if isinstance(wanted, list) else [wanted]:
                with suppress(ValueError, OverflowError, OSError):  # a policy variable is no date
                    found.add(datetime.fromtimestamp(seconds_of(str(text)), UTC))
    return sorted(moment for moment in found if now < moment <= now + SOON)


def _compare(number: Callable[[str], float], compared: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda wanted, value: compared(number(value), number(wanted))


def seconds_of(text: str) -> float:
    """Seconds since 1970 of a date, or the number itself; four digits are a year. Raises ValueError."""
    if whole := _MONTH.fullmatch(text):
        return datetime(int(whole["year"]), int(whole["month"] or 1), 1, tzinfo=UTC).timestamp()
    try:
        return float(text)
    except ValueError:
        found = datetime.fromisoformat(text)
        # IAM reads a date without a zone as UTC.
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


# By operator without its Not: whether a request's value fits the policy's. Each raises ValueError for another kind.
TESTS: dict[str, Callable[[str, str], bool]] = {
    f"{kind}{word}": _compare(number, compared)
    for kind, number in (("Date", seconds_of), ("Numeric", float))
    for word, compared in _COMPARED.items()
}
