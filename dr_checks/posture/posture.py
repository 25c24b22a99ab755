"""The posture of the estate, from observed signals: one table with a sentence per row. Pure.

An unseen primary is a symptom, not a verdict: LOST needs two independent witnesses (its API does not answer, and the
traffic to it does not: witnesses.py) while the DR side answers the same credentials; otherwise the answer is BLIND or
DEGRADED. An estate whose traffic is set to the DR region is ON_DR, however the primary is. A primary whose API answers
is IMPAIRED where most tenants are not served. Visitors in the DR region whom no record sent there are ON_DR_UNPLANNED.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from dr_checks.core.model import Severity
from dr_checks.derived.visitors import ServiceState
from dr_checks.derived.witnesses import sentence
from dr_checks.posture.signals import WITNESSES, Api, Signals, TrafficDirection, TrafficHealth, signals_of
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import ecs
from dr_estate.snapshot.snapshot import Snapshot

__all__ = [
    "BLINDNESS",
    "FENCED",
    "TABLE",
    "WITNESSES",
    "Api",
    "Posture",
    "PostureName",
    "PostureRule",
    "Signals",
    "TrafficDirection",
    "TrafficHealth",
    "posture_by",
    "posture_of",
    "signals_of",
]


class PostureName(StrEnum):
    """Where the estate stands, in a word."""

    NORMAL = "NORMAL"
    DEGRADED = "DEGRADED"
    IMPAIRED = "IMPAIRED"
    PRIMARY_LOST = "PRIMARY_LOST"
    PRIMARY_UNSEEN = "PRIMARY_UNSEEN"
    ON_DR = "ON_DR"
    ON_DR_UNPLANNED = "ON_DR_UNPLANNED"
    RETURNING = "RETURNING"
    SPLIT = "SPLIT"
    DR_UNSEEN = "DR_UNSEEN"
    BLIND = "BLIND"


# Postures in which too little was read for any answer.
BLINDNESS = (PostureName.BLIND, PostureName.DR_UNSEEN, PostureName.PRIMARY_UNSEEN)
# Postures in which a failover is in force: what the DR region has is no copy, and no age of one says what is lost.
SERVED_BY_DR = (PostureName.ON_DR, PostureName.RETURNING)
# Postures whose first aid is a fence: one side must stop writing.
FENCED = (PostureName.SPLIT, PostureName.ON_DR_UNPLANNED)


@dataclass(frozen=True, slots=True)
class Posture:
    """A row of the table: its name and its sentence, in which ``{failing}`` are the tenants that are not served.

    ``severity`` is how bad it is where it is a fault by itself: a blocker caps the readiness score. ``to_fence`` is the
    side that a fence should stop, and ``next_step`` the command that comes first; "" where none is more urgent.
    """

    name: PostureName
    says: str
    severity: Severity | None = None
    to_fence: Side | None = None
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class PostureRule:
    """When the row holds, and the posture it means. The first row that holds is the posture."""

    holds: Callable[[Signals], bool]
    posture: Posture


FENCE = {
    Side.PRIMARY: "`dr_cli.py fence --side primary` plans how the primary region is stopped from writing.",
    Side.DR: "`dr_cli.py fence --side dr` plans how the DR region is stopped from writing.",
    None: "Visitors get both regions, or it is not known which: find out, then stop the other one from writing with "
    "`dr_cli.py fence --side primary` or `dr_cli.py fence --side dr`.",
}
_WEIGH = "`dr_cli.py failover` weighs a failover; whether it is taken is a person's decision."


def _both_answer(s: Signals) -> bool:
    return s.primary_api is Api.ANSWERS and s.dr_api is Api.ANSWERS


def _both_full(s: Signals) -> bool:
    return _both_answer(s) and s.traffic_set is TrafficDirection.DR and s.primary_full and s.dr_full


def _row(
    holds: Callable[[Signals], bool],
    name: PostureName,
    says: str,
    severity: Severity | None = None,
    to_fence: Side | None = None,
    next_step: str = "",
) -> PostureRule:
    return PostureRule(holds, Posture(name, says, severity, to_fence, next_step))


TABLE = (
    _row(
        lambda s: s.primary_api is not Api.ANSWERS and s.dr_api is not Api.ANSWERS,
        PostureName.BLIND,
        "neither region answers these credentials: no state is known.",
    ),
    _row(
        lambda s: s.dr_api is not Api.ANSWERS and s.traffic_set in (TrafficDirection.DR, TrafficDirection.BETWEEN),
        PostureName.DR_UNSEEN,
        "traffic is set to the DR region, and the DR region cannot be read.",
    ),
    _row(
        # Before each row that names who serves: two writers lose data whichever region visitors get (T41).
        lambda s: _both_answer(s) and s.primary_writable is True and s.dr_writable is True and bool(s.primary_running),
        PostureName.SPLIT,
        "both regions have a database that accepts writes, and tasks run in the primary region (T41).",
        Severity.BLOCKER,
    ),
    _row(  # a failback between its promotion and its traffic: fencing the writer would stop everybody
        lambda s: _both_full(s) and s.primary_writable is True and s.came_home,
        PostureName.RETURNING,
        "traffic is set to the DR region, whose database is frozen; its copy in the primary region takes writes, "
        "and both regions run every tenant's service.",
    ),
    _row(
        lambda s: (
            _both_full(s) and s.primary_writable is not False  # a failback starts them upon a replica
        ),
        PostureName.SPLIT,
        "traffic is set to the DR region, and both regions run every tenant's service in full (T41).",
        Severity.BLOCKER,
    ),
    _row(
        lambda s: (
            _both_answer(s) and s.primary_writable is None and s.dr_writable is not False and bool(s.primary_running)
        ),
        PostureName.PRIMARY_UNSEEN,
        "the primary region's database is in an undocumented state: two databases may be accepting writes (T41).",
    ),
    _row(
        lambda s: _both_answer(s) and s.dr_writable is None and s.primary_writable is True and bool(s.primary_running),
        PostureName.DR_UNSEEN,
        "the DR region's database is in an undocumented state: two databases may be accepting writes (T41).",
    ),
    _row(
        lambda s: s.primary_api is Api.ANSWERS and s.traffic_set is TrafficDirection.BETWEEN,
        PostureName.RETURNING,
        "record weights split the traffic between the two regions.",
    ),
    _row(
        lambda s: s.dr_api is Api.ANSWERS and s.traffic_set is TrafficDirection.DR,
        PostureName.ON_DR,
        "traffic is set to the DR region, and the DR region answers.",
    ),
    _row(
        lambda s: s.dr_api is Api.ANSWERS and s.pinned and bool(s.dr_writable),
        PostureName.ON_DR,
        "the primary's records are pinned unhealthy, and the DR region's database accepts writes.",
    ),
    _row(
        lambda s: _both_answer(s) and s.is_moved and s.dr_writable is True,
        PostureName.ON_DR_UNPLANNED,
        "the records prefer the primary region, yet visitors get the DR region, whose database accepts writes: "
        "health took the lead, and they return by themselves (T06).",
        Severity.BLOCKER,
        Side.PRIMARY,
    ),
    _row(
        lambda s: (
            s.dr_api is Api.ANSWERS
            and s.traffic_set is TrafficDirection.UNKNOWN
            and s.answered_by_dr
            and bool(s.dr_writable)
        ),
        PostureName.ON_DR,
        "the traffic records cannot be read; name servers lead visitors to the DR region, whose database accepts "
        "writes.",
    ),
    _row(
        # After the rows of ON_DR: an estate that the DR region serves is not lost with the primary.
        lambda s: s.primary_api is Api.SILENT and s.primary_traffic is TrafficHealth.UNHEALTHY,
        PostureName.PRIMARY_LOST,
        "the primary region's API is silent, and independent witnesses say that its traffic does not flow.",
    ),
    _row(
        lambda s: s.primary_api is Api.SILENT and s.primary_traffic is TrafficHealth.HEALTHY,
        PostureName.DEGRADED,
        "the primary region's API is silent, but its traffic is healthy: no reason to fail over.",
    ),
    _row(
        # A region that throttles is there (T72): a failover is weighed, and it is never called lost.
        lambda s: s.primary_api is Api.THROTTLES and s.primary_traffic is TrafficHealth.UNHEALTHY,
        PostureName.IMPAIRED,
        "the primary region's API throttles every call, and its traffic health check fails.",
        Severity.CRITICAL,
        next_step=_WEIGH,
    ),
    _row(
        # What is left of a primary that does not answer: one witness is a symptom, and no verdict.
        lambda s: s.primary_api is not Api.ANSWERS,
        PostureName.BLIND,
        "the primary region cannot be read, and no second signal confirms that it is lost.",
    ),
    _row(
        lambda s: s.dr_api is not Api.ANSWERS and s.is_moved,
        PostureName.DR_UNSEEN,
        "the records prefer the primary region, yet visitors get the DR region, and the DR region cannot be read.",
    ),
    _row(
        lambda s: s.dr_api is not Api.ANSWERS and s.service is ServiceState.MOST_FAIL,
        PostureName.DR_UNSEEN,
        "the primary region's API answers and its service fails for {failing}, and the DR region cannot be read.",
    ),
    _row(
        lambda s: s.dr_api is not Api.ANSWERS,
        PostureName.DR_UNSEEN,
        "the primary region answers, but the DR region cannot be read: the standby is not proven.",
    ),
    _row(
        lambda s: s.service is ServiceState.MOST_FAIL and s.is_moved,
        PostureName.IMPAIRED,
        "the primary region's API answers, but its service fails for {failing}; health has moved visitors to the "
        "DR region, where no database takes writes.",
        Severity.CRITICAL,
        next_step=_WEIGH,
    ),
    _row(
        lambda s: s.service is ServiceState.MOST_FAIL,
        PostureName.IMPAIRED,
        "the primary region's API answers, but its service fails for {failing}.",
        Severity.CRITICAL,
        next_step=_WEIGH,
    ),
    _row(
        lambda s: s.is_moved,
        PostureName.ON_DR_UNPLANNED,
        "the records prefer the primary region, yet visitors get the DR region, where no database takes writes: "
        "health took the lead. `dns-choice.no-tenant-moves-all` and the health checks of the primary's records "
        "name what moved them; once that is repaired, they return by themselves.",
        Severity.BLOCKER,
        Side.DR,
    ),
    _row(
        # No tasks by a schedule are no outage, unless a health check fails beside them.
        lambda s: s.primary_asleep and s.primary_running == 0 and s.primary_traffic is not TrafficHealth.UNHEALTHY,
        PostureName.NORMAL,
        "the primary region answers; its services are scaled to 0 by schedule, which is no outage.",
    ),
    _row(
        lambda s: s.primary_traffic is TrafficHealth.UNHEALTHY,
        PostureName.DEGRADED,
        "the primary region answers, but its traffic health check fails.",
    ),
    _row(
        lambda s: s.primary_running == 0,
        PostureName.DEGRADED,
        "the primary region answers, but no task runs in it.",
    ),
    _row(
        lambda s: s.primary_running is None,
        PostureName.PRIMARY_UNSEEN,
        "the primary region answers, but its services cannot be read: the state of its tasks is unknown.",
    ),
    _row(
        lambda s: not s.recorded,
        PostureName.DEGRADED,
        "the primary region answers and runs tasks, but the traffic zone has no record that leads there.",
    ),
    _row(
        lambda s: s.service is ServiceState.SOME_FAIL,
        PostureName.DEGRADED,
        "the primary region answers and runs tasks, but does not serve {failing}.",
    ),
    _row(
        # From here on all is NORMAL, and the sentence names what was not seen.
        lambda s: s.primary_traffic is TrafficHealth.UNKNOWN,
        PostureName.NORMAL,
        "the primary region answers and runs tasks; its traffic health could not be read.",
    ),
    _row(
        lambda s: s.visitors is not TrafficDirection.PRIMARY,
        PostureName.NORMAL,
        "the primary region answers and runs tasks, and its health checks pass; which region visitors get could "
        "not be observed.",
    ),
    _row(
        lambda s: s.service is ServiceState.UNKNOWN,
        PostureName.NORMAL,
        "the primary region answers and runs tasks, and its health checks pass; whether every tenant's page "
        "answers could not be observed.",
    ),
    _row(
        lambda _: True,
        PostureName.NORMAL,
        "the primary region answers, runs its tasks, and its traffic is healthy.",
    ),
)


def posture_of(snapshot: Snapshot, env: Environment) -> Posture:
    """The posture that the snapshot's signals mean; that of an unseen primary gives the reason."""
    signals = signals_of(snapshot, env)
    posture = posture_by(signals)
    if posture.name is PostureName.PRIMARY_LOST:
        return replace(posture, says=sentence(signals.witnesses))
    if posture.name is not PostureName.PRIMARY_UNSEEN or signals.primary_running is not None:
        return posture
    try:
        snapshot.get(ecs.services, Side.PRIMARY)
    except DataUnavailable as error:
        return replace(posture, says=f"{posture.says} {error.unavailable.why}")
    return posture


def posture_by(signals: Signals) -> Posture:
    """The first row that holds, with the tenants that fail and, of two writers, the side that visitors do not get."""
    posture = next(row.posture for row in TABLE if row.holds(signals))
    if posture.name is PostureName.SPLIT:
        posture = replace(posture, to_fence=signals.unserved_side)
    if posture.name in FENCED:
        posture = replace(posture, next_step=FENCE[posture.to_fence])
    return replace(posture, says=posture.says.replace("{failing}", signals.primary_service.failing))
