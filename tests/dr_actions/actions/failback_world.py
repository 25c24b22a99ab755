"""A world that failed over while its primary was dark, and whose primary is back: the DR region takes the writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from dr_actions.actions.traffic.records import record_set, shifted_pair, upserts
from dr_actions.guard.context import GuardContext, Proof
from dr_actions.guard.guard import refusal
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Goal, Step
from dr_checks.derived.routing import RecordPair, pairs_of
from dr_estate.config.environment import Environment, Side
from dr_estate.readers import ecs, efs, route53
from dr_estate.snapshot.snapshot import Snapshot
from sandbox.client.endpoint import Endpoint
from sandbox.client.traffic_writer import Sites
from sandbox.core.state import Outage
from tests.dr_actions.actions.compute.compute_world import World
from tests.dr_actions.actions.estates import AT_ONCE
from tests.dr_checks.worlds import warm
from tests.worlds import borrowed, healthy

_OLDER_S = 3
T = TypeVar("T")
R = TypeVar("R")


class Home(World):
    """A world looked at and changed as a failback does it; every call passes the guard first, and nobody sleeps."""

    goal = Goal.FAILBACK

    def __init__(self, endpoint: Endpoint, env: Environment, seen: Snapshot | None = None) -> None:
        super().__init__(endpoint, env, seen)
        self.sites = Sites(endpoint, env)
        self.proofs = tuple(
            Proof(side, store, f"arn:{side}:{store}", self.healthy.taken_at)
            for side in (Side.PRIMARY, Side.DR)
            for store in ("database", "files")
        )
        self.guard = GuardContext.upon(self.healthy, env)
        self.sent_at: dict[str, datetime] = {}
        self.begun_sending_at: dict[str, datetime] = {}
        self.confirmed_at: dict[str, datetime] = {}
        self.changes: dict[str, str] = {}
        self.begun_at: datetime | None = None
        self.latest: PlanContext | None = None

    def sight(self, snapshot: Snapshot | None = None, **changes: Any) -> PlanContext:
        return super().sight(snapshot, **{**self._recorded(), **changes})

    def _recorded(self) -> dict[str, Any]:
        times = {"sent_at": dict(self.sent_at), "confirmed_at": dict(self.confirmed_at), "begun_at": self.begun_at}
        return {"goal": self.goal, "begun_sending_at": dict(self.begun_sending_at), **times}

    def confirm(self, action: Action, step: Step, upon: Snapshot | None = None) -> StepStatus:
        seen = self.look(action, upon)
        status = action.observe(step, seen)
        if status.state is StepState.DONE:
            self.confirmed_at.setdefault(step.id, seen.snapshot.taken_at)
        return status

    def look(self, action: Action, upon: Snapshot | None = None) -> PlanContext:
        context = super().look(action, upon)
        self.guard = self.guard.with_snapshot(context.snapshot)
        self.latest = context
        return context

    def act(self, action: Action, step: Step, upon: Snapshot | None = None, context: PlanContext | None = None) -> Call:
        """Send what the step's call is upon a look: one that was just made, or another."""
        call = action.build_call(step, context or self.look(action, upon))
        sender = guarded(self, action)
        self.begun_sending_at.setdefault(step.id, self.now())
        answer = action.send_many(step, call, sender) if action.send_many else action.send(step, call, sender)
        self.sent_at[step.id] = self.now()
        self.changes |= {step.id: answer["ChangeInfo"]["Id"]} if "ChangeInfo" in answer else {}
        return call

    def until(
        self, wanted: StepState, action: Action, step: Step, upon: Snapshot | None = None, tries_s: float = 60
    ) -> StepStatus:
        """Let the world grow older until the step stands as ``wanted``, by ``tries_s`` seconds at most."""
        for _ in range(round(tries_s / _OLDER_S)):
            if (found := self.confirm(action, step, upon)).state is wanted:
                return found
            past_the_second(self, _OLDER_S)
        return self.confirm(action, step, upon)

    def take(self, action: Action) -> StepStatus:
        """Every step of the action as a run takes it: looked at, sent where it is ready, and awaited."""
        status = None
        for step in action.plan_steps(self.sight(self.whole(*action.reads_parts))):
            if self.confirm(action, step).state is StepState.READY and step.call is not None:
                self.act(action, step, context=self.latest)
            status = self.until(StepState.DONE, action, step)
            assert status.state is StepState.DONE, status.message
        assert status is not None, "nothing was foreseen"
        return status

    def write(self, region: str, kind: str, row_id: str) -> int:
        return self.sites.ask(region, "POST", self.sites.hosts[0], kind, {"id": row_id})[0]

    def ids(self, region: str, kind: str) -> list[str]:
        response = self.sites.ask(region, "GET", self.sites.hosts[0], kind)[1]
        return list(response.get(kind, [str(response)]))


class OneByOne:
    """Sends very many calls one after another, once each; nothing goes on from where it came to."""

    cursor, attempts = "", 1

    def __init__(self, send: Callable[[Call], dict[str, Any]]) -> None:
        self.send = send

    def each(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        return [work(item) for item in items]

    def record(self, cursor: str, message: str) -> None:
        """Nothing is kept."""

    def pause(self, attempt: int) -> None:
        """Nobody waits."""


def guarded(world: Home, action: Action) -> OneByOne:
    """A hand whose calls the guard sees, as the product's own does."""

    def send(call: Call) -> dict[str, Any]:
        allowed = action.writes | action.reads
        refused = refusal(call, replace(world.guard, allowed=allowed, goal=world.goal, proofs=world.proofs))
        assert refused is None, refused
        return world.hand.send(call)

    return OneByOne(send)


@contextmanager
def away_world() -> Iterator[Home]:
    """The world, kept under the name ``away``; changes take half a second, copies trail by nothing."""
    env = warm(AT_ONCE)  # its tasks are there to write
    with borrowed(env, tenants=1) as endpoint:
        endpoint.timing(transition_s=0.5, files_lag_s=0)
        first = Home(endpoint, env, healthy(endpoint, env))
        _fail_over(first)
        world = Home(endpoint, env)
        endpoint.keep("away")
        yield world


def returned(world: Home) -> Home:
    """The world as it was kept."""
    world.endpoint.return_to("away")
    world.hand.sent.clear()
    world.sent_at.clear()
    world.begun_sending_at.clear()
    world.confirmed_at.clear()
    return world


def _fail_over(world: Home) -> None:
    primary, dr = world.env.regions.primary, world.env.regions.dr
    assert world.write(primary, "files", "before") == 201
    past_the_second(world)
    stop_primary(world)
    world.endpoint.begin(Outage(primary, "refuse"))
    (row,) = world.healthy.get(efs.replications, Side.DR)
    world.send(
        Side.DR,
        "efs:DeleteReplicationConfiguration",
        SourceFileSystemId=row.source_id,
        DeletionMode="LOCAL_CONFIGURATION_ONLY",
    )
    lead(world, Side.DR)
    assert world.write(dr, "files", "away") == 201
    world.endpoint.end()


def lead(world: Home, to: Side) -> None:
    """Set all traffic to one side."""
    seen = world.whole(route53.records.name, route53.zone.name)
    records, zone = seen.get(route53.records, Side.GLOBAL), seen.get(route53.zone, Side.GLOBAL)
    assert zone is not None
    for pair in pairs_of(records, world.env.traffic.origin_record, world.env):
        assert isinstance(pair, RecordPair), pair
        sets = [record_set(record) for record in shifted_pair(pair, to)]
        params = upserts(zone.id, sets, "a test")
        world.hand.send(Call("route53", "ChangeResourceRecordSets", world.env.region(Side.GLOBAL), params))


def stop_primary(world: Home) -> None:
    """Stop all services of the primary region, and wait for the last task of them."""
    for service in world.healthy.get(ecs.services, Side.PRIMARY):
        world.send(Side.PRIMARY, "ecs:UpdateService", cluster="sit-cluster", service=service.name, desiredCount=0)
    for _ in range(20):
        if not any(service.running for service in world.whole(ecs.services.name).get(ecs.services, Side.PRIMARY)):
            return
        past_the_second(world, _OLDER_S)
    raise AssertionError("the primary's tasks do not stop")


def past_the_second(world: Home, seconds: int = 1) -> None:
    """Age the world and the run: copies have times in whole seconds, so what was written before is older."""
    world.endpoint.age(seconds)
    world.begun_at = world.begun_at - timedelta(seconds=seconds) if world.begun_at else None
    for recorded in (world.sent_at, world.begun_sending_at, world.confirmed_at):
        recorded |= {step: moment - timedelta(seconds=seconds) for step, moment in recorded.items()}
