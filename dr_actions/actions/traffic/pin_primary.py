"""Pins the old primary down: its health check is unhealthy until failback releases it (T06; how: health_check_pin.py).

Without the pin Route 53 returns to a primary that heals, onto a stale database, as soon as the DR region's own check
flaps (failover: the other record is answered; weights: 0 is answered when nothing heavier is healthy, T05). Pinned, it
answers with the DR region even then: of two unhealthy ones the first, or the heavier, is taken. Never disables a check
(T03), never makes one (T04).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from dr_actions.actions.traffic import pin_from_dr
from dr_actions.actions.traffic.zone_pairs import cutover_pairs, unavailable_reason
from dr_actions.model.action import PlanContext, StepState, StepStatus, action, present
from dr_actions.model.plan import Call, Danger, Goal, Step
from dr_checks.derived.health_check_pin import as_set, pin
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import elbv2, route53, route53_health_checks
from dr_estate.readers.route53 import CustomerHost, Record
from dr_estate.readers.route53_health_checks import HealthCheck

SERVICE, OPERATION = "route53", "UpdateHealthCheck"
VERSION, VERSION_THEN = "HealthCheckVersion", "<the version of the check right before the call>"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """One step for each check that holds a record of the primary region and is not held down yet."""
    for found in _judged(context):
        if isinstance(found, HealthCheck):
            settings = pin(found, _listening(context))
            if settings is not None and as_set(found, settings) != settings:
                yield _step(context, found, settings)


def notes(context: PlanContext) -> Iterator[str]:
    """Which records of the primary region cannot be held down, and what that means."""
    for found in _judged(context):
        if isinstance(found, str):
            yield found
        elif pin(found, _listening(context)) is None:
            yield (
                f"Health check {found.id} ({found.type}) cannot be held down by an update: after the shift Route 53 "
                "would answer with the primary region while the DR region is unhealthy and the primary well. "
                "Beforehand, put a calculated check above it on the record."
            )


def _judged(context: PlanContext) -> Iterator[HealthCheck | str]:
    """Each check to be pinned, once; a sentence for what cannot be."""
    if context.goal is Goal.FAILBACK:
        return
    dark = unavailable_reason(context)
    if dark:
        switch = pin_from_dr.switch(context)
        instead = f" {switch.label} in {context.env.regions.dr} holds it down until then." if switch else ""
        yield f"The primary region's record is not pinned, for it cannot be seen: {dark} It is owed (T06).{instead}"
        return
    try:
        known = {check.id: check for check in context.snapshot.get(route53_health_checks.checks, Side.GLOBAL)}
    except DataUnavailable as unseen:
        yield f"The primary region's record is not pinned, for no health check can be seen: {unseen.unavailable.why}"
        return
    pairs = [pair for zone in cutover_pairs(context).zones for pair in zone.pairs]
    shared = _used_elsewhere(context, [pair.primary for pair in pairs], known)
    seen: set[str] = set()
    for record in (pair.primary for pair in pairs):
        check = known.get(record.health_check_id or "")
        if check is None:
            yield f"The record of {record.name} that leads to the primary region has no health check: nothing pins it."
        elif check.id in shared:
            yield f"Health check {check.id} decides other records too: pinning it would change their answers as well."
        elif check.id not in seen:
            seen.add(check.id)
            yield check


def _used_elsewhere(context: PlanContext, own: list[Record], known: dict[str, HealthCheck]) -> set[str]:
    """Every check on which another record than ``own`` depends, itself or through a calculated check."""
    hosts = context.snapshot.get(route53.customer_hosts, Side.GLOBAL) if context.env.traffic.customer_hosts else ()
    records = [r for host in hosts if isinstance(host, CustomerHost) for r in host.records]
    in_zone = context.snapshot.get(route53.records, Side.GLOBAL)
    records += in_zone
    found: set[str] = set()
    todo = [record.health_check_id for record in records if record not in own and record.health_check_id]
    while todo:
        check = todo.pop()
        if check not in found:
            found.add(check)
            todo += known[check].children if check in known else ()
    return found


def _listening(context: PlanContext) -> set[int]:
    """Ports on which a load balancer of either region listens, as far as they are seen."""
    found: set[int] = set()
    for side in (Side.PRIMARY, Side.DR):
        try:
            found.update(listener.port for listener in context.snapshot.get(elbv2.listeners, side))
        except DataUnavailable:
            continue
    return found


def _step(context: PlanContext, check: HealthCheck, settings: dict[str, Any]) -> Step:
    params = {"HealthCheckId": check.id, VERSION: VERSION_THEN, **settings}
    text = ", ".join(f"{name} {value}" for name, value in settings.items())
    return context.step(
        __name__,
        check.id,
        side=Side.GLOBAL,
        says=f"Hold the primary region's record down until failback: health check {check.id} is set to {text}.",
        danger=Danger.REVERSIBLE,
        undo="UpdateHealthCheck with the values as they were; a disabled check is left enabled (T03).",
        budget_s=300,
        call=Call(SERVICE, OPERATION, context.env.region(Side.GLOBAL), params),
        before=as_set(check, settings),
        after=dict(settings),
    )


def build_call(step: Step, context: PlanContext) -> Call:
    """The call upon the check's version as just seen: AWS refuses it where somebody was faster. Raises ValueError."""
    check = context.snapshot.find(route53_health_checks.checks, Side.GLOBAL, id=step.subject)
    if check is None:
        raise ValueError(f"{step.id}: there is no such health check any more")
    return step.call_with({VERSION: check.version})


def observe(step: Step, context: PlanContext) -> StepStatus:
    """The check reads as it was set, AND its checkers report it unhealthy; UNAVAILABLE while they report nothing."""
    return settings_of(step, context, "as the plan found it", _reported)


def settings_of(
    step: Step, context: PlanContext, ready: str, then: Callable[[HealthCheck, PlanContext], StepStatus]
) -> StepStatus:
    """Whether the check reads as it is to; then ``then`` says how it stands. Raises DataUnavailable."""
    known = {check.id: check for check in context.snapshot.get(route53_health_checks.checks, Side.GLOBAL)}
    check = present(known.get(step.subject), f"health check {step.subject} is gone")
    now = as_set(check, step.after)
    if now == step.after:
        return then(check, context)
    if now == step.before:
        return StepStatus(StepState.READY, f"health check {check.id} is {ready}")
    keys = sorted(key for key in now if now[key] != step.before.get(key))
    text = ", ".join(f"{key} is {now[key]}, was {step.before.get(key)}" for key in keys)
    return StepStatus(StepState.DRIFTED, f"health check {check.id} was changed: {text}")


def reported(check: HealthCheck, context: PlanContext) -> float | None:
    """What the checkers say of ``check``: 1 healthy, 0 not, None while they say nothing. Raises DataUnavailable."""
    readings = context.snapshot.get(route53_health_checks.statuses, Side.GLOBAL)
    values = [r.value for r in readings if r.dimension(route53_health_checks.STATUS_DIMENSION) == check.id]
    return next((value for value in values if value is not None), None)


def _reported(check: HealthCheck, context: PlanContext) -> StepStatus:
    value = reported(check, context)
    if value is None:
        return StepStatus(StepState.UNAVAILABLE, f"health check {check.id} is set, and reports nothing")
    if value > 0:
        return StepStatus(StepState.IN_PROGRESS, f"health check {check.id} is set, and still reported healthy")
    return StepStatus(StepState.DONE, f"health check {check.id} is held down, and reported unhealthy")


def rollback_call(step: Step) -> Call | None:
    """Return the call that restores the previous values.

    All other settings of the check stay as they are, regardless of who changed them since.
    """
    values = {name: value for name, value in step.before.items() if name != "Disabled"}
    return replace(step.planned_call, params={"HealthCheckId": step.subject, **values})


ACTION = action(globals(), {f"{SERVICE}:{OPERATION}"}, (route53_health_checks.checks, route53_health_checks.statuses))
