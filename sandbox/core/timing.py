"""Time in the emulated world: things that take a while, and regions whose replication stands still.

At the pace "quick" each change takes ``transition_s``, whatever it is. At the pace "real" it takes what its row of
``dr_estate/model/aws_durations.toml`` says, by the size of the thing, and shows the row's states in their order. How
long within the row's range is drawn from the names of the thing and the operation, so that a rerun agrees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from dr_estate.model.aws_durations import operation
from sandbox.core.errors import SandboxError
from sandbox.core.state import STATE, now

# Long enough that a waiter meets the state between, short enough that a run of sixty steps stays within minutes.
TRANSITION_S = 2.0
QUICK, REAL = "quick", "real"
PACES = (QUICK, REAL)
_SPREAD = 2.0**64


def pace() -> str:
    """The pace that the world is at: "quick" unless it was set."""
    return str(STATE.extras.get("pace", QUICK))


def set_pace(wanted: str) -> None:
    """Let what begins from now on take its time at this pace. Raises SandboxError for a pace that there is not."""
    if wanted not in PACES:
        raise SandboxError(f"There is no pace '{wanted}': use {' or '.join(PACES)}.")
    STATE.extras["pace"] = wanted


def is_real() -> bool:
    """Whether changes take as long as on AWS: not while a world is built, nor where a test gives ``transition_s``."""
    return pace() == REAL and "transition_s" not in STATE.extras


def transition_s() -> float:
    """How long a creation, copy or restore takes at the quick pace, in seconds.

    ``STATE.extras["transition_s"]`` overrides it: 0 while a world is built, so that nothing is left half made.
    """
    return float(STATE.extras.get("transition_s", TRANSITION_S))


def _quick_s(name: str) -> float:
    """How long the operation takes at the quick pace: a restore of a database ``restore_s``, where a test gives it."""
    return float(STATE.extras.get("restore_s", transition_s())) if name.startswith("rds.restore-") else transition_s()


def quantile(name: str, subject: str) -> float:
    """Where in the range of durations this operation on this subject lies: a number from 0 to 1, always the same.

    ``STATE.extras["quantile"]`` is where all do that begin from now on.
    """
    if (given := STATE.extras.get("quantile")) is not None:
        return float(given)
    # 64 bits of the digest as a share of their range: no random number, so that a rerun of a test takes as long.
    digest = hashlib.sha256(f"{name}:{subject}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / _SPREAD


def phases_s(name: str, subject: str, **sizes: float) -> tuple[tuple[str, float], ...]:
    """The states of the operation ``name`` on ``subject`` at the real pace, each with its seconds."""
    return operation(name).phases_s(quantile(name, subject), **sizes)


def duration_s(name: str, subject: str, **sizes: float) -> float:
    """How long the operation takes, in seconds, at the pace of the world."""
    return sum(seconds for _, seconds in phases_s(name, subject, **sizes)) if is_real() else transition_s()


def lag_s(name: str, usual_s: float, row: str = "", subject: str = "") -> float:
    """How far a copy trails its source: ``STATE.extras[name]`` where a test shortened it, else the usual seconds.

    At the real pace ``row`` of the table says it, where one is named.

    Names: ``log_upload_s`` (automated backups), ``files_lag_s`` (EFS replication), ``files_unseen_s`` (what its last
    sync left out), ``replica_lag_s`` (read replicas), ``replica_unseen_s`` (what has not reached them at all),
    ``lag_published_s`` (how often their lag is measured), ``dns_lag_s`` (the zones' name servers).
    """
    if row and is_real() and name not in STATE.extras:
        return duration_s(row, subject)
    return float(STATE.extras.get(name, usual_s))


def soon(name: str, subject: str, **sizes: float) -> datetime:
    """When the operation ``name``, begun on ``subject`` now, is finished. Sizes are in the units of the table."""
    return now() + timedelta(seconds=duration_s(name, subject, **sizes))


def is_stopped(*regions: str) -> bool:
    """Whether replication from or to any of these regions stands still."""
    return any(region in STATE.stopped for region in regions)


def to_the_second(moment: datetime) -> datetime:
    """The moment as AWS prints it: UTC, whole seconds."""
    return moment.astimezone(UTC).replace(microsecond=0)


class TimedStatus:
    """A status attribute that reads as :func:`moving` says while that lasts, and its own value after that."""

    def __get__(self, thing: Any, owner: type | None = None) -> Any:
        """The status at this moment."""
        return self if thing is None else moving(thing) or thing.__dict__.get("_settled_status")

    def __set__(self, thing: Any, value: str) -> None:
        """Settle on a status, to be shown once any transition is over."""
        thing.__dict__["_settled_status"] = value


def begin(thing: Any, word: str, name: str, subject: str, **sizes: float) -> None:
    """Let ``thing`` (with a :class:`TimedStatus`) pass through the states of the operation ``name``.

    At the quick pace that is ``word`` alone, for the time of a transition.
    """
    rows = phases_s(name, subject, **sizes) if is_real() else ((word, _quick_s(name)),)
    thing.__dict__["_phases"] = tuple(_until(rows))


def _until(rows: tuple[tuple[str, float], ...]) -> Iterator[tuple[str, datetime]]:
    moment = now()
    for word, seconds in rows:
        # Phases follow each other: each ends where the next begins.
        moment += timedelta(seconds=seconds)
        yield word, moment


def moving(thing: Any) -> str:
    """The state that ``thing`` passes through at this moment, "" where it has settled."""
    moment = now()
    return next((word for word, until in thing.__dict__.get("_phases", ()) if moment < until), "")
