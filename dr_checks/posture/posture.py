"""The posture of the estate, from observed signals: one table with a sentence per row. Pure.

An unseen primary is a symptom, not a verdict: LOST needs two independent witnesses (its API does not answer and the
traffic to it does not) while the DR side answers the same credentials; otherwise the answer is BLIND or DEGRADED. An
estate whose traffic is set to the DR region is ON_DR, however the primary is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from dr_checks.posture.signals import WITNESSES, Api, Signals, TrafficDirection, TrafficHealth, signals_of
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import ecs
from dr_estate.snapshot.snapshot import Snapshot

__all__ = [
    "BLINDNESS",
    "TABLE",
    "WITNESSES",
    "Api",
    "Posture",
    "PostureName",
    "PostureRule",
    "Signals",
    "TrafficDirection",
    "TrafficHealth",
    "posture_of",
    "signals_of",
]


class PostureName(StrEnum):
    """Where the estate stands, in a word."""

    NORMAL = "NORMAL"
    DEGRADED = "DEGRADED"
    PRIMARY_LOST = "PRIMARY_LOST"
    PRIMARY_UNSEEN = "PRIMARY_UNSEEN"
    ON_DR = "ON_DR"
    RETURNING = "RETURNING"
    SPLIT = "SPLIT"
    DR_UNSEEN = "DR_UNSEEN"
    BLIND = "BLIND"


BLINDNESS = (PostureName.BLIND, PostureName.DR_UNSEEN, PostureName.PRIMARY_UNSEEN)
"""Postures in which too little was read for any answer."""


@dataclass(frozen=True, slots=True)
class Posture:
    """A row of the table: its name and its sentence."""

    name: PostureName
    says: str


@dataclass(frozen=True, slots=True)
class PostureRule:
    """When the row holds, and the posture it means. The first row that holds is the posture."""

    holds: Callable[[Signals], bool]
    posture: Posture


def _both(s: Signals) -> bool:
    return s.primary_api is Api.ANSWERS and s.dr_api is Api.ANSWERS


TABLE = (
    PostureRule(
        lambda s: s.primary_api is not Api.ANSWERS and s.dr_api is not Api.ANSWERS,
        Posture(PostureName.BLIND, "neither region answers these credentials: no state is known."),
    ),
    PostureRule(
        lambda s: s.dr_api is not Api.ANSWERS and s.traffic_set in (TrafficDirection.DR, TrafficDirection.BETWEEN),
        Posture(PostureName.DR_UNSEEN, "traffic is set to the DR region, and the DR region cannot be read."),
    ),
    PostureRule(
        lambda s: _both(s) and s.primary_writable is True and s.dr_writable is True and bool(s.primary_running),
        Posture(
            PostureName.SPLIT,
            "both regions have a database that accepts writes, and tasks run in the primary region (T41).",
        ),
    ),
    PostureRule(
        lambda s: _both(s) and s.traffic_set is TrafficDirection.DR and s.primary_full and s.dr_full,
        Posture(
            PostureName.SPLIT,
            "traffic is set to the DR region, and both regions run every tenant's service in full (T41).",
        ),
    ),
    PostureRule(
        lambda s: _both(s) and s.primary_writable is None and s.dr_writable is not False and bool(s.primary_running),
        Posture(
            PostureName.PRIMARY_UNSEEN,
            "the primary region's database is in an undocumented state: two databases may be accepting writes (T41).",
        ),
    ),
    PostureRule(
        lambda s: _both(s) and s.dr_writable is None and s.primary_writable is True and bool(s.primary_running),
        Posture(
            PostureName.DR_UNSEEN,
            "the DR region's database is in an undocumented state: two databases may be accepting writes (T41).",
        ),
    ),
    PostureRule(
        lambda s: s.primary_api is Api.ANSWERS and s.traffic_set is TrafficDirection.BETWEEN,
        Posture(PostureName.RETURNING, "record weights split the traffic between the two regions."),
    ),
    PostureRule(
        lambda s: s.dr_api is Api.ANSWERS and s.traffic_set is TrafficDirection.DR,
        Posture(PostureName.ON_DR, "traffic is set to the DR region, and the DR region answers."),
    ),
    PostureRule(
        lambda s: s.dr_api is Api.ANSWERS and s.pinned and bool(s.dr_writable),
        Posture(
            PostureName.ON_DR,
            "the primary's records are pinned unhealthy, and the DR region's database accepts writes.",
        ),
    ),
    PostureRule(
        lambda s: s.primary_api is Api.SILENT and s.primary_traffic is TrafficHealth.UNHEALTHY,
        Posture(
            PostureName.PRIMARY_LOST,
            "the primary region's API is silent and its traffic health check fails: two independent signals.",
        ),
    ),
    PostureRule(
        lambda s: s.primary_api is Api.SILENT and s.primary_traffic is TrafficHealth.HEALTHY,
        Posture(
            PostureName.DEGRADED,
            "the primary region's API is silent, but its traffic is healthy: no reason to fail over.",
        ),
    ),
    PostureRule(
        lambda s: s.primary_api is not Api.ANSWERS,
        Posture(PostureName.BLIND, "the primary region cannot be read, and no second signal confirms that it is lost."),
    ),
    PostureRule(
        lambda s: s.dr_api is not Api.ANSWERS,
        Posture(
            PostureName.DR_UNSEEN,
            "the primary region answers, but the DR region cannot be read: the standby is not proven.",
        ),
    ),
    PostureRule(
        lambda s: s.primary_asleep and s.primary_running == 0 and s.primary_traffic is not TrafficHealth.UNHEALTHY,
        Posture(
            PostureName.NORMAL,
            "the primary region answers; its services are scaled to 0 by schedule, which is no outage.",
        ),
    ),
    PostureRule(
        lambda s: s.primary_traffic is TrafficHealth.UNHEALTHY,
        Posture(PostureName.DEGRADED, "the primary region answers, but its traffic health check fails."),
    ),
    PostureRule(
        lambda s: s.primary_running == 0,
        Posture(PostureName.DEGRADED, "the primary region answers, but no task runs in it."),
    ),
    PostureRule(
        lambda s: s.primary_running is None,
        Posture(
            PostureName.PRIMARY_UNSEEN,
            "the primary region answers, but its services cannot be read: the state of its tasks is unknown.",
        ),
    ),
    PostureRule(
        lambda s: not s.recorded,
        Posture(
            PostureName.DEGRADED,
            "the primary region answers and runs tasks, but the traffic zone has no record that leads there.",
        ),
    ),
    PostureRule(
        lambda s: s.primary_traffic is TrafficHealth.UNKNOWN,
        Posture(PostureName.NORMAL, "the primary region answers and runs tasks; its traffic health could not be read."),
    ),
    PostureRule(
        lambda _: True,
        Posture(PostureName.NORMAL, "the primary region answers, runs its tasks, and its traffic is healthy."),
    ),
)


def posture_of(snapshot: Snapshot, env: Environment) -> Posture:
    """The posture that the snapshot's signals mean; that of an unseen primary gives the reason."""
    signals = signals_of(snapshot, env)
    posture = next(row.posture for row in TABLE if row.holds(signals))
    if posture.name is not PostureName.PRIMARY_UNSEEN or signals.primary_running is not None:
        return posture
    try:
        snapshot.get(ecs.services, Side.PRIMARY)
    except DataUnavailable as error:
        return replace(posture, says=f"{posture.says} {error.unavailable.why}")
    return posture
