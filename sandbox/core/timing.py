"""Time in the emulated world: things that take a moment, and regions whose replication stands still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.core.state import STATE, now

TRANSITION_S = 2.0


def transition_s() -> float:
    """How long a creation, copy or restore takes, in seconds.

    ``STATE.extras["transition_s"]`` overrides it: 0 while a world is built, so that nothing is left half made.
    """
    return float(STATE.extras.get("transition_s", TRANSITION_S))


def lag_s(name: str, usual_s: float) -> float:
    """How far a copy trails its source: ``STATE.extras[name]`` where a test shortened it, else the usual seconds.

    Names: ``log_upload_s`` (automated backups), ``files_lag_s`` (EFS replication), ``replica_lag_s`` (read replicas),
    ``lag_published_s`` (how often their lag is measured), ``dns_lag_s`` (the zones' name servers).
    """
    return float(STATE.extras.get(name, usual_s))


def soon() -> datetime:
    """When something begun now is finished."""
    return now() + timedelta(seconds=transition_s())


def stopped(*regions: str) -> bool:
    """Whether replication from or to any of these regions stands still."""
    return any(region in STATE.stopped for region in regions)


def to_the_second(moment: datetime) -> datetime:
    """The moment as AWS prints it: UTC, whole seconds."""
    return moment.astimezone(UTC).replace(microsecond=0)


class TimedStatus:
    """A status attribute that reads ``moving[0]`` until ``moving[1]`` has passed, and its own value after that."""

    def __get__(self, thing: Any, owner: type | None = None) -> Any:
        """The status at this moment."""
        if thing is None:
            return self
        word, until = thing.__dict__.get("_moving") or ("", None)
        return word if until is not None and now() < until else thing.__dict__.get("_settled_status")

    def __set__(self, thing: Any, value: str) -> None:
        """Settle on a status, to be shown once any transition is over."""
        thing.__dict__["_settled_status"] = value


def begin(thing: Any, word: str) -> None:
    """Let ``thing`` (with a :class:`TimedStatus`) show ``word`` for the time of a transition."""
    thing.__dict__["_moving"] = (word, soon())
