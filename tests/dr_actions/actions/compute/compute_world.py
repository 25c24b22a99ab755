"""A sandbox of two tenants in which the actions of the compute are really carried out, call by call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import boto3
from botocore import xform_name

from dr_actions.model.action import Action, PlanContext, StepStatus
from dr_actions.model.plan import Call, Goal, Step
from dr_estate.aws.configured_endpoints import keep_loopback_hosts
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Environment, Side
from dr_estate.snapshot.observer import observe
from dr_estate.snapshot.snapshot import Snapshot
from sandbox.client.endpoint import Endpoint
from tests.dr_actions.plain import SIT
from tests.worlds import borrowed, healthy

make: Any = boto3


class Hand:
    """Sends a call with the operator's keys, and keeps the names of those it sent."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.sent: list[str] = []
        self._endpoint, self._clients = endpoint, dict[tuple[str, str], Any]()

    def send(self, call: Call) -> dict[str, Any]:
        where, keys = (call.service, call.region), self._endpoint.people["operator"]
        if where not in self._clients:
            self._clients[where] = make.client(
                *where,
                endpoint_url=self._endpoint.url,
                aws_access_key_id=keys.access_key_id,
                aws_secret_access_key=keys.secret_access_key,
            )
            keep_loopback_hosts(self._clients[where].meta.events)
        self.sent.append(call.name)
        answer: dict[str, Any] = getattr(self._clients[where], xform_name(call.operation))(**call.params)
        return answer


class World:
    """The world, looked at and changed as a run does it."""

    def __init__(self, endpoint: Endpoint, env: Environment, seen: Snapshot | None = None) -> None:
        self.endpoint, self.env, self.hand = endpoint, env, Hand(endpoint)
        self.deployments: dict[str, str] = {}
        keys = endpoint.people["reader"]
        self._reader = Credentials(endpoint.url, keys.access_key_id, keys.secret_access_key)
        self.healthy = seen or observe(env, self._reader, "sandbox")

    def whole(self, *only: str) -> Snapshot:
        """A new snapshot of the world, or of the parts ``only`` upon the healthy snapshot."""
        narrowed = frozenset(only) or None
        return observe(self.env, self._reader, "sandbox", only=narrowed, upon=self.healthy if only else None)

    def now(self) -> datetime:
        """The time by which a look is dated."""
        return self._reader.clock.now()

    def sight(self, snapshot: Snapshot | None = None, **changes: Any) -> PlanContext:
        plain = PlanContext(self.env, snapshot or self.healthy, Goal.FAILOVER, primary_answers=True)
        return replace(plain, **{"deployments": dict(self.deployments), **changes})

    def look(self, action: Action, upon: Snapshot | None = None) -> PlanContext:
        """The context in which the action observes: its own parts read again, the rest as they were."""
        seen = observe(self.env, self._reader, "sandbox", only=frozenset(action.reads_parts), upon=upon or self.healthy)
        return self.sight(seen)

    def confirm(self, action: Action, step: Step, upon: Snapshot | None = None) -> StepStatus:
        return action.observe(step, self.look(action, upon))

    def act(self, action: Action, step: Step, upon: Snapshot | None = None) -> Call:
        """Take the step; only what the action declared may be sent."""
        call = action.build_call(step, self.look(action, upon))
        before = len(self.hand.sent)
        answer = action.send(step, call, self.hand)
        self.deployments |= {step.id: answer["deployment"]} if "deployment" in answer else {}
        assert set(self.hand.sent[before:]) <= action.writes | action.reads
        return call

    def take_back(self, action: Action, step: Step) -> None:
        undoing = action.rollback_call(step)
        assert undoing is not None
        self.hand.send(undoing)

    def send(self, side: Side, name: str, **params: Any) -> dict[str, Any]:
        """Any call of anybody, named as ``ecs:UpdateService``."""
        service, _, operation = name.partition(":")
        return self.hand.send(Call(service, operation, self.env.region(side), params))


@contextmanager
def world_of(env: Environment = SIT) -> Iterator[World]:
    """A healthy world of two tenants."""
    with borrowed(env, tenants=2) as endpoint:
        yield World(endpoint, env, healthy(endpoint, env))
