"""What the embedded world knows beyond the emulator's own backends. One instance a process; saved with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.core.clock import CLOCK

# The service of outages that meet visitors of the tenants' sites.
SITES = "sites"
# A throttled, slow or denied service still answers: another region's service is held up by none of them.
_SICK = ("error", "hang", "refuse")


@dataclass
class Outage:
    """A region (or one service or operation of it) that answers badly. ``service`` and ``operation`` "" mean all.

    ``service`` is botocore's name of it (``ecs``, ``elbv2``). ``seconds`` is how long a call hangs (0: until the client
    gives up) or is slowed. A ``lost`` call is carried out, and its answer never arrives; of a ``cut`` one half arrives.
    A ``stale`` name server (service ``dns``) hears of no change any more, and stale metrics (``cloudwatch``) are
    ``seconds`` late. ``times`` is how many calls are met (0: all). ``person`` narrows it to one of the sandbox's
    people, ``writes`` to what changes something; ``after`` is how many calls pass before the first is met. Credentials
    with ``seconds`` expire that long after ``begun``, when the outage was put in force.

    Three manners meet no call: ``no-capacity`` (``ecs``: no Fargate task can be placed; ``rds``: no instance of the
    class ``detail``, of any where it is ""), ``zone-lost`` (the zone ``detail``) and ``link-broken`` (``rds``: the
    region's read replicas follow their sources no more).
    """

    region: str
    how: (
        str  # refuse | hang | error | throttle | deny | expired | slow | lost | cut | stale | one of the silent manners
    )
    service: str = ""
    operation: str = ""
    seconds: float = 0.0
    times: int = 0
    person: str = ""
    writes: bool = False
    after: int = 0
    detail: str = ""
    begun: datetime | None = None


@dataclass
class WorldState:
    """Extras of the world: outages in force, when a region stopped replicating, broken disasters and their undoing.

    ``past`` are the outages of whole regions that are over: (region, from, until). ``id`` is the world's own random
    id: made once, kept with the world, and never shared with another that was seeded alike.
    """

    id: str = ""
    environment: dict[str, Any] = field(default_factory=dict)
    tenants: tuple[str, ...] = ()
    outages: list[Outage] = field(default_factory=list)
    stopped: dict[str, datetime] = field(default_factory=dict)
    past: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    disasters: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)


STATE = WorldState()


def now() -> datetime:
    """The world's time (UTC)."""
    CLOCK.advance()
    return datetime.now(UTC)


def ill(region: str, how: str, service: str = "") -> list[Outage]:
    """The outages of this manner that are in force for the region (and service)."""
    return [o for o in STATE.outages if o.how == how and o.region in ("", region) and o.service == service]


def broken_since(region: str) -> datetime | None:
    """Since when the region's read replicas follow their sources no more; None while they do."""
    return min((outage.begun for outage in ill(region, "link-broken", "rds") if outage.begun), default=None)


def is_sick(region: str, service: str) -> bool:
    """Whether another region's service gets no useful answer from the region's ``service``: a dark one is not meant."""
    ailing = (o for o in STATE.outages if o.how in _SICK and o.region in ("", region) and o.service in ("", service))
    # An outage of one person or of some calls is a fault for a client: services do not notice it in each other.
    return any(not (outage.operation or outage.person or outage.times) for outage in ailing)


def lost_zones(region: str) -> set[str]:
    """The zones of the region that are lost."""
    return {outage.detail for outage in ill(region, "zone-lost")}


def was_dark(region: str, moment: datetime) -> bool:
    """Whether the region was dark as a whole at that moment, in an outage that lasts or in one that is over."""
    began = STATE.stopped.get(region)
    lasts = began is not None and moment >= began
    return lasts or any(region == name and since <= moment < until for name, since, until in STATE.past)


def replicated_until(source_region: str, lag_s: float) -> datetime:
    """Until when data written in ``source_region`` has reached the other side.

    While the source answers this trails the clock by ``lag_s`` seconds; once it went dark it stands still.
    """
    # The lag counts from the moment the source went dark: what was written in its last seconds never left it.
    return STATE.stopped.get(source_region, now()) - timedelta(seconds=lag_s)
