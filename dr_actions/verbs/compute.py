"""What the verbs of the compute share: each tenant's service on a side, the two calls that size it, and words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from dr_actions.plan import Call, Goal, Json, Params, Step
from dr_actions.verbs import Confirmation, Sight, Standing
from dr_estate.environments import Environment, Side
from dr_estate.facts import autoscaling, ecs
from dr_estate.looking import Reader
from dr_estate.playbook import FAILOVER
from dr_estate.tenants import Tenant, discover
from dr_estate.unseen import CannotSee

T = TypeVar("T")
FENCE, RESTORE = 4, 6
OWNERS = {step.number: step.owner for step in FAILOVER}
SCALING = "application-autoscaling"
REGISTER, UPDATE = f"{SCALING}:RegisterScalableTarget", "ecs:UpdateService"
SUSPENSIONS = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
ANEW = "forceNewDeployment"
_NAMED = 5
# ECS modifies services at 50 + 5/s and ELB registers targets at 20 + 4/s an account and region (API throttling pages).
_MODIFY_BURST, _MODIFY_PER_S, _REGISTER_BURST, _REGISTER_PER_S = 50, 5, 20, 4


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
    there = {service.name: service for service in sight.snapshot.get(ecs.services, side) if service.status == "ACTIVE"}
    pairs = ((tenant, there.get(service_name(sight.env, tenant))) for tenant in tenants_of(sight))
    return tuple(Held(tenant, service) for tenant, service in pairs if service)


def lacking(sight: Sight, side: Side) -> tuple[Tenant, ...]:
    """The tenants without an active service on ``side``. Raises CannotSee."""
    having = {one.tenant for one in held(sight, side)}
    return tuple(tenant for tenant in tenants_of(sight) if tenant not in having)


def service_of(step: Step, sight: Sight) -> ecs.Service | None:
    """The service that the step is about, as seen now. Raises CannotSee."""
    seen = sight.snapshot.get(ecs.services, step.side)
    return next((one for one in seen if one.name == step.subject and one.status == "ACTIVE"), None)


def target_of(step: Step, sight: Sight) -> autoscaling.Target | None:
    """The scalable target of the service that the step is about, as seen now. Raises CannotSee."""
    seen = sight.snapshot.get(autoscaling.targets, step.side)
    return next((one for one in seen if one.service == step.subject), None)


def update(env: Environment, side: Side, service: str, **changes: Json) -> Call:
    """``ecs:UpdateService`` of the service."""
    who = {"cluster": env.named(env.names.cluster), "service": service}
    return Call("ecs", "UpdateService", env.region(side), {**who, **changes})


def register(env: Environment, side: Side, service: str, **bounds: Json) -> Call:
    """``RegisterScalableTarget`` of the service: what ``bounds`` leaves out stays as it is."""
    which = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{env.named(env.names.cluster)}/{service}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    return Call(SCALING, "RegisterScalableTarget", env.region(side), {**which, **bounds})


def again(step: Step, **changes: Json) -> Call:
    """The step's own call with other values: how it is taken back, deploying nothing anew.

    Raises ValueError for a step without a call.
    """
    if step.call is None:
        raise ValueError(f"{step.id} makes no call")
    kept = {key: value for key, value in step.call.params.items() if key != ANEW}
    return Call(step.call.service, step.call.operation, step.call.region, {**kept, **changes})


def bounds_of(target: autoscaling.Target) -> Params:
    """The target's bounds, as RegisterScalableTarget takes them."""
    return {"MinCapacity": target.minimum, "MaxCapacity": target.maximum}


def suspended_of(target: autoscaling.Target) -> dict[str, bool]:
    """What of the target's scaling is suspended, as RegisterScalableTarget takes it."""
    values = (target.in_suspended, target.out_suspended, target.schedule_suspended)
    return dict(zip(SUSPENSIONS, values, strict=True))


def scale_out_s(env: Environment, services: int, tasks: int) -> int:
    """Seconds AWS takes to let ``tasks`` more of ``services`` start: a floor that no tool lowers (T35).

    Calls, launches and registrations overlap, so the slowest counts.
    """
    launch = max(0, tasks - env.capacity.launch_burst) / env.capacity.launch_per_s
    modify = max(0, services - _MODIFY_BURST) / _MODIFY_PER_S
    listed = max(0, tasks - _REGISTER_BURST) / _REGISTER_PER_S
    return round(max(launch, modify, listed))


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
