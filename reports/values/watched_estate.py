"""What a person watches through the night: both regions, each store's copy, and the control table's state. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from dr_checks.core.model import Area, Lag, Status
from dr_checks.core.registry import checks, judge, lags
from dr_checks.core.verdict import best_lags
from dr_checks.derived.site_visits import is_own, part_or, visits_of
from dr_checks.derived.visitors import healthy_inside
from dr_checks.posture.posture import SERVED_BY_DR, Posture, posture_of
from dr_checks.posture.signals import Api, Signals, TrafficDirection, signals_of, writable
from dr_checks.posture.visitor_access import VisitorAccess, visitor_access
from dr_estate.config.environment import Environment, Side
from dr_estate.model.control_items import UnreadableItem
from dr_estate.model.durations import duration
from dr_estate.model.recovery_document import WaitingStart
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.network.http_probe import Visit
from dr_estate.readers import control_table, ecs, recovery_automation
from dr_estate.readers.control_table import ControlState
from dr_estate.readers.http_sites import VisitRound
from dr_estate.snapshot.snapshot import Snapshot
from reports.values.run_view import RunView

_LED = {
    TrafficDirection.PRIMARY: (Side.PRIMARY,),
    TrafficDirection.DR: (Side.DR,),
    TrafficDirection.BETWEEN: (Side.PRIMARY, Side.DR),
}
_ERROR, _UNAUTHORISED = 400, 401


@dataclass(frozen=True, slots=True)
class WatchedRegion:
    """One region in words: ``visitors`` is whether they are led there, ``served`` how many tenants' pages answer."""

    region: str
    role: str
    api: str
    visitors: str
    served: str
    running: str
    writes: str


@dataclass(frozen=True, slots=True)
class WatchedStore:
    """The worst copy of a store, ``age_s`` None where it is not measured, against the objective."""

    store: str
    subject: str
    age_s: float | None
    target_s: float

    @property
    def within(self) -> bool | None:
        """Whether it keeps the objective, None where that is not known."""
        return None if self.age_s is None else self.age_s <= self.target_s


@dataclass(frozen=True)
class WatchedEstate:
    """One look. ``counts`` are the judged checks by status; ``run``, ``pause`` and ``incident`` are sentences.

    ``view`` is the open incident's run as its journal shows it, and ``next_step`` what is to be done now.
    """

    environment: str
    world: str
    at: datetime
    posture: Posture
    regions: tuple[WatchedRegion, ...]
    stores: tuple[WatchedStore, ...]
    counts: dict[Status, int]
    run: str
    pause: str
    incident: str
    standing: ControlState | None = None
    view: RunView | None = None
    next_step: str = ""
    visitors: VisitorAccess | None = None
    waiting: tuple[WaitingStart, ...] = ()

    @property
    def calls(self) -> tuple[str, ...]:
        """What a person is called for where it changes: another posture, their step, the end of the run."""
        by_hand = self.view.by_hand.step.id if self.view and self.view.by_hand else ""
        return str(self.posture.name), by_hand, self.view.outcome if self.view else ""

    @property
    def cells(self) -> dict[str, str]:
        """What may change, by its name on the screen; ages, which grow by themselves, are shown by their objective."""
        regions = {
            f"{row.region} {name}": getattr(row, name)
            for row in self.regions
            for name in ("api", "visitors", "served", "running", "writes")
        }
        met = {True: "within the objective", False: "BEYOND the objective", None: "not measured"}
        stores = {row.store: met[row.within] for row in self.stores}
        judged = {"failed checks": str(self.counts[Status.FAIL])}
        can = (
            {}
            if self.visitors is None
            else {"visitors read": str(self.visitors.read), "visitors write": str(self.visitors.write)}
        )
        lasting = can | {
            "posture": str(self.posture.name),
            "run": self.run,
            "pause": self.pause,
            "incident": self.incident,
        }
        return lasting | regions | stores | judged


def changes(before: WatchedEstate, after: WatchedEstate) -> dict[str, str]:
    """Each cell that is other than before, as a sentence."""
    former, present = before.cells, after.cells
    return {
        name: f"{name}: {former.get(name) or 'none'} -> {text or 'none'}"
        for name, text in present.items()
        if former.get(name, "") != text
    }


def watched_estate(
    snapshot: Snapshot, env: Environment, areas: Sequence[Area], only: frozenset[str] = frozenset()
) -> WatchedEstate:
    """Derive the screen's values from one snapshot; the checks of ``areas`` are judged on it and counted."""
    signals = signals_of(snapshot, env)
    judged = [judge(check, snapshot, env, only) for check in checks().values() if check.area in areas]
    counts = Counter(result.status for result in judged)
    target_s = env.objectives.rpo_minutes * 60.0
    measured = lags(snapshot, env, only) if env.replicates else []
    standing = snapshot.get_if_seen(control_table.standing, Side.DR)
    run, pause, incident = _control(standing)
    waiting = snapshot.get_if_seen(recovery_automation.waiting, Side.DR) or ()
    posture = posture_of(snapshot, env)
    return WatchedEstate(
        environment=env.name,
        world=snapshot.world,
        at=snapshot.taken_at,
        posture=posture,
        regions=tuple(_region(snapshot, env, side, signals) for side in (Side.PRIMARY, Side.DR)),
        stores=() if posture.name in SERVED_BY_DR else tuple(_stores(measured, target_s)),
        counts={status: counts[status] for status in (Status.FAIL, Status.UNKNOWN, Status.PASS)},
        run=waiting[0].says if waiting else run,
        pause=pause,
        incident=incident,
        standing=standing,
        visitors=visitor_access(snapshot, env),
        waiting=waiting,
    )


def _region(snapshot: Snapshot, env: Environment, side: Side, signals: Signals) -> WatchedRegion:
    api = signals.primary_api if side is Side.PRIMARY else signals.dr_api
    led = signals.traffic_set if signals.visitors is TrafficDirection.UNKNOWN else signals.visitors
    writes = {True: "yes", False: "no", None: "not known"}
    return WatchedRegion(
        region=env.region(side),
        role="primary" if side is Side.PRIMARY else "DR",
        api=str(api),
        visitors="led here" if side in _LED.get(led, ()) else "no" if led in _LED else "not known",
        served=_served_count(snapshot, env, side),
        running=_tasks_line(snapshot, env, side) if api is Api.ANSWERS else "not seen",
        writes=writes[writable(snapshot, env, side) if api is Api.ANSWERS else None],
    )


def _served_count(snapshot: Snapshot, env: Environment, side: Side) -> str:
    """How many tenants' pages the region answered without an error; one that asks for a password is no error."""
    try:
        rounds = _rounds(snapshot, env, side)
    except DataUnavailable:
        return "not seen"
    if not rounds:
        return "no load balancer"
    tenants = [page for seen in rounds for page in seen.tenants]
    pages = [page for page in tenants if isinstance(page, Visit)]
    return f"{sum(page.status < _ERROR or page.status == _UNAUTHORISED for page in pages)} of {len(tenants)}"


def _rounds(snapshot: Snapshot, env: Environment, side: Side) -> list[VisitRound]:
    """The visits to each load balancer. Raises DataUnavailable."""
    found = (visits_of(part, own, side) for part, own in snapshot.of_entrances(env))
    return [seen for seen in found if seen is not None]


def served_tenants(snapshot: Snapshot, env: Environment, side: Side) -> tuple[int, int] | None:
    """How many of how many tenants the region answers with their own page; None where nobody could visit them.

    A tenant whom no visitor is led to counts by its targets.
    """
    try:
        rounds = _rounds(snapshot, env, side)
    except DataUnavailable:
        return None
    pages = [(page, seen) for seen in rounds for page in seen.tenants]
    own = sum(isinstance(page, Visit) and is_own(page, seen, env) for page, seen in pages)
    inside = healthy_inside(snapshot, env, side)
    return (own + sum(inside.values()), len(pages) + len(inside)) if rounds else None


def _tasks_line(snapshot: Snapshot, env: Environment, side: Side) -> str:
    services = part_or(snapshot, ecs.services, side, ())
    tenants = [service for service in services if env.tenant_of(env.names.service, service.name)]
    return f"{sum(bool(service.running) for service in tenants)} of {len(tenants)}"


def _stores(measured: Sequence[Lag], target_s: float) -> Iterator[WatchedStore]:
    """One row a store: the subject that is worst by its best copy; one that is not measured is worst."""
    stores: dict[str, list[Lag]] = {}
    for lag in best_lags(measured):
        stores.setdefault(lag.store, []).append(lag)
    for store, rows in stores.items():
        worst = max(rows, key=lambda lag: float("inf") if lag.seconds is None else lag.seconds)
        yield WatchedStore(store, worst.subject, worst.seconds, target_s)


def _control(state: ControlState | None) -> tuple[str, str, str]:
    """The run that holds the lock, the pause, and the open incident; "" for what is not there."""
    if state is None:
        return ("not seen",) * 3
    run, pause, incident = state.known_run, state.pause, state.known_incident
    at_work = f"{run.run} of {run.person} for {run.incident}" if run and run.ended_at is None else ""
    stopped = f"by {pause.who}{pause.since}: {pause.why}" if pause else ""
    opened = f"{incident.id}, {incident.phase}, since {incident.since:%H:%M} UTC" if incident else ""
    lock, open_ = (item.says if isinstance(item, UnreadableItem) else "" for item in (state.run, state.incident))
    return lock or at_work, stopped, open_ or opened


def posture_text(estate: WatchedEstate) -> str:
    """The posture and what it means."""
    return f"{estate.posture.name}: {estate.posture.says}"


def age_text(row: WatchedStore) -> str:
    """The age against the objective."""
    if row.age_s is None:
        return f"not measured (objective {duration(row.target_s)})"
    return f"{duration(row.age_s)} of {duration(row.target_s)}"
