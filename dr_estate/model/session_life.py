"""How long a session's credentials last, and what that means for a plan: they are renewed, or they end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dr_estate.model.durations import duration

_NOT_RENEWED = "These keys are not renewed while a run is at work"
# What a role session lasts unless somebody asked for more, and a chained one at most (T59).
_USUAL_S = 3600
_SAY_THE_END = (
    f"{_NOT_RENEWED}: use a profile that renews them, or say in AWS_CREDENTIAL_EXPIRATION when they end "
    "(2026-01-07T18:00:00Z)."
)


class Coverage(StrEnum):
    """How a session compares with the time that it is needed for.

    LASTS: longer. RENEWED: it ends before, and is renewed while its source can be reached. ENDS: it ends before, for
    good. UNKNOWN: temporary keys that do not say when they end. NONE: there are no usable keys.
    """

    LASTS = "lasts"
    RENEWED = "renewed"
    ENDS = "ends"
    UNKNOWN = "unknown"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class SessionLife:
    """``method`` is botocore's name of where the keys were found, "" where there are none (``trouble`` says why).

    ``ends_at`` is None where keys are long-lived, or temporary without saying when they end. ``renewed_until`` bounds
    the renewal, None where nothing is known to.
    """

    method: str
    temporary: bool = False
    ends_at: datetime | None = None
    renewed: bool = False
    renewed_until: datetime | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class SessionCoverage:
    """What a session means for a plan, with a sentence and what to do.

    ``is_enough``: a run may begin with it. Keys of unknown end are enough for a plan of an hour at most.
    """

    coverage: Coverage
    says: str
    remedy: str = ""
    is_enough: bool = True


def coverage_of(life: SessionLife, now: datetime, needed_s: float) -> SessionCoverage:
    """Compare ``life`` with the ``needed_s`` seconds from ``now`` that a plan is estimated to take. Pure."""
    plan = f"with validation and DNS the plan takes about {duration(needed_s)}"
    if not life.method:
        return SessionCoverage(Coverage.NONE, f"{plan}; {life.trouble}", "Set AWS_PROFILE or log in.", is_enough=False)
    if not life.temporary:
        return SessionCoverage(Coverage.LASTS, f"{plan}; this session ({life.method}) has long-lived keys")
    if life.ends_at is None:
        message = f"{plan}; this session ({life.method}) has temporary keys that do not say when they end"
        return SessionCoverage(Coverage.UNKNOWN, message, _SAY_THE_END, is_enough=needed_s <= _USUAL_S)
    ends = f"{life.ends_at:%Y-%m-%d %H:%M} UTC, in {duration(max(0.0, (life.ends_at - now).total_seconds()))}"
    needed_until = now + timedelta(seconds=needed_s)
    if life.ends_at >= needed_until:
        return SessionCoverage(Coverage.LASTS, f"{plan}; this session ({life.method}) lasts until {ends}")
    message = f"{plan}; this session ({life.method}) ends at {ends}"
    if not life.renewed:
        remedy = f"{_NOT_RENEWED}: use a profile that renews them, or log in."
        return SessionCoverage(Coverage.ENDS, message, remedy, is_enough=False)
    if life.renewed_until is not None and life.renewed_until < needed_until:
        until = f"{life.renewed_until:%Y-%m-%d %H:%M} UTC"
        message = f"{message}, and its sign-in, by which it is renewed, at {until}"
        return SessionCoverage(
            Coverage.ENDS, message, "Log in again before the run (`aws sso login`).", is_enough=False
        )
    message = f"{message}; it is renewed by itself while its source can be reached"
    return SessionCoverage(Coverage.RENEWED, message, "A role with a longer session (12 h at most) needs no renewal.")
