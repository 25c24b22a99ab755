"""What actions share: tenants and services in question, and what becomes of a step whose part was not seen. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from dr_actions.model.action import Confirmation, Sight, Standing
from dr_actions.model.plan import Call, Goal, Json, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.model.states import SERVICE
from dr_estate.model.unseen import CannotSee
from dr_estate.readers import ecs
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.tenants import Tenant, discover

T = TypeVar("T")
ANEW = "forceNewDeployment"
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Held:
    """A tenant and its service on one side."""

    tenant: Tenant
    service: ecs.Service


def forward(sight: Sight) -> bool:
    """Whether the run leads into the DR region: these verbs have no part in a failback."""
    return sight.goal is not Goal.FAILBACK


def tenants_of(sight: Sight) -> tuple[Tenant, ...]:
    """The tenants in question, in order. Raises CannotSee where none can be discovered."""
    only = sight.only_tenants
    return tuple(t for t in discover(sight.snapshot, sight.env) if not only or t.id in only or t.dns in only)


def service_name(env: Environment, tenant: Tenant) -> str:
    """The name of the tenant's service."""
    return env.named(env.names.service, tenant=tenant.id)


def held(sight: Sight, side: Side) -> tuple[Held, ...]:
    """Each tenant that has an active service on ``side``, with it. Raises CannotSee."""
    there = {
        service.name: service for service in sight.snapshot.get(ecs.services, side) if SERVICE[service.status].serves
    }
    pairs = ((tenant, there.get(service_name(sight.env, tenant))) for tenant in tenants_of(sight))
    return tuple(Held(tenant, service) for tenant, service in pairs if service)


def lacking(sight: Sight, side: Side) -> tuple[Tenant, ...]:
    """The tenants without an active service on ``side``. Raises CannotSee."""
    having = {one.tenant for one in held(sight, side)}
    return tuple(tenant for tenant in tenants_of(sight) if tenant not in having)


def again(step: Step, **changes: Json) -> Call:
    """The step's own call with other values: how it is taken back, deploying nothing anew.

    Raises ValueError for a step without a call.
    """
    if step.call is None:
        raise ValueError(f"{step.id} makes no call")
    kept = {key: value for key, value in step.call.params.items() if key != ANEW}
    return Call(step.call.service, step.call.operation, step.call.region, {**kept, **changes})


def few(names: Sequence[str]) -> str:
    """The names as a phrase, the first few of many."""
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def careful(confirm: Callable[[Step, Sight], Confirmation]) -> Callable[[Step, Sight], Confirmation]:
    """``confirm`` that answers UNSEEN, with the reason, where a part of the snapshot could not be seen."""

    def seen_or_said(step: Step, sight: Sight) -> Confirmation:
        try:
            return confirm(step, sight)
        except CannotSee as dark:
            return Confirmation(Standing.UNSEEN, f"{step.subject} could not be seen: {dark.unseen.why}")

    return seen_or_said


def where_seen(foresee: Callable[[Sight], Iterator[T]]) -> Callable[[Sight], Iterator[T]]:
    """``foresee`` (or ``notes``) that yields nothing in a failback, nor where it cannot see: other notes say why."""
    seen = if_seen(foresee)
    return lambda sight: seen(sight) if forward(sight) else iter(())


def if_seen(foresee: Callable[[Sight], Iterator[T]]) -> Callable[[Sight], Iterator[T]]:
    """``foresee`` (or ``notes``), whatever the goal, that yields nothing where it cannot see: other notes say why."""

    def yielded(sight: Sight) -> Iterator[T]:
        try:
            found = list(foresee(sight))
        except CannotSee:
            return
        yield from found

    return yielded


def unseen_of(sight: Sight, side: Side, *readers: Reader[Any]) -> Iterator[str]:
    """Why ``readers`` could not be seen on ``side``, one sentence each; none in a failback."""
    return unseen(sight, side, *readers) if forward(sight) else iter(())


def unseen(sight: Sight, side: Side, *readers: Reader[Any]) -> Iterator[str]:
    """The same, whatever the goal."""
    for reader in readers:
        try:
            sight.snapshot.get(reader, side)
        except CannotSee as dark:
            yield dark.unseen.why
