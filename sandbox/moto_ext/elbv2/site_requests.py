"""The requests that visitors sent to each load balancer of the sandbox, by minute: what CloudWatch counts of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sandbox.core.state import STATE, now

_KEY = "site_requests"
# As long as the product looks back, and more: a world that is visited for days does not grow.
_KEPT = timedelta(hours=3)


def count(balancer: str) -> None:
    """Count a request to the load balancer of this ARN, in the minute that runs."""
    at = now()
    minutes = STATE.extras.setdefault(_KEY, {}).setdefault(balancer, {})
    minutes[_minute(at)] = minutes.get(_minute(at), 0) + 1
    oldest = _minute(at - _KEPT)
    for minute in [minute for minute in minutes if minute < oldest]:
        del minutes[minute]


def at_least(requests: float, balancer: str) -> Callable[[datetime], float | None]:
    """The requests of a minute: as many as were counted, and no fewer than ``requests``; None where that is none."""
    minutes = STATE.extras.get(_KEY, {}).get(balancer, {})
    return lambda moment: max(requests, float(minutes.get(_minute(moment), 0))) or None


def _minute(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")
