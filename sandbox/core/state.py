"""What the embedded world knows beyond the emulator's own backends. One instance a process; saved with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass
class Outage:
    """A region (or one service or operation of it) that answers badly. ``service`` and ``operation`` "" mean all.

    ``service`` is botocore's name of it (``ecs``, ``elbv2``). ``seconds`` is how long a call hangs (0: until the
    client gives up) or is slowed. A ``lost`` call is carried out, and its answer never arrives. A ``stale`` name server
    (service ``dns``) hears of no change any more. ``times`` is how many calls are met (0: all). ``person`` narrows it
    to one of the sandbox's people.
    """

    region: str
    how: str  # refuse | hang | error | throttle | deny | expired | slow | lost | stale
    service: str = ""
    operation: str = ""
    seconds: float = 0.0
    times: int = 0
    person: str = ""


@dataclass
class WorldState:
    """Extras of the world: outages in force, when a region stopped replicating, broken disasters and their undoing.

    ``past`` are the outages of whole regions that are over: (region, from, until). ``id`` is the world's own random
    id: made once, kept with the world, and never shared with another that was seeded alike.
    """

    id: str = ""
    environment: dict[str, Any] = field(default_factory=dict)
    tenants: tuple[str, ...] = ()
    seeded_at: datetime | None = None
    outages: list[Outage] = field(default_factory=list)
    stopped: dict[str, datetime] = field(default_factory=dict)
    past: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    disasters: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)


STATE = WorldState()


def now() -> datetime:
    """The world's time (UTC)."""
    return datetime.now(UTC)


def was_dark(region: str, moment: datetime) -> bool:
    """Whether the region was dark as a whole at that moment, in an outage that lasts or in one that is over."""
    began = STATE.stopped.get(region)
    lasts = began is not None and moment >= began
    return lasts or any(region == name and since <= moment < until for name, since, until in STATE.past)


def replicated_until(source_region: str, lag_s: float) -> datetime:
    """Until when data written in ``source_region`` has reached the other side.

    While the source answers this trails the clock by ``lag_s`` seconds; once it went dark it stands still.
    """
    return STATE.stopped.get(source_region, now()) - timedelta(seconds=lag_s)
