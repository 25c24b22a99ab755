"""Releases the primary's record, which the failover pinned down: its health check reads as before (T06).

Traffic does not move by it: visitors go where the records' weights or roles lead, and those still lead to the DR
region. It must come before them, for a record whose check is held down is never answered, and before the writes stop,
for its checkers take minutes to say that it is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dr_actions.actions.traffic import pin_primary
from dr_actions.actions.traffic.zone_pairs import cutover_pairs, unavailable_reason
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Step
from dr_checks.derived.health_check_pin import ENDPOINT, as_set, is_pinned
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import route53, route53_health_checks
from dr_estate.readers.route53 import CustomerHost
from dr_estate.readers.route53_health_checks import HealthCheck


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """One step for each check of a record of the primary region that is held down."""
    for check, twin in _pinned(context):
        wanted = _wanted(context, check, twin)
        if wanted:
            yield _step(context, check, wanted)


def notes(context: PlanContext) -> Iterator[str]:
    """What could not be seen."""
    if dark := unavailable_reason(context):
        yield f"Whether the primary region's record is pinned cannot be seen: {dark}"


def cleanup_notes(context: PlanContext) -> Iterator[str]:
    """Checks of which nobody knows how they read before."""
    for check, twin in _pinned(context):
        if not _wanted(context, check, twin):
            yield (
                f"Health check {check.id} is held down, and how it read before is not recorded: set it by hand "
                "(aws route53 update-health-check), or no traffic can be shifted to the primary region (T06)."
            )


def _pinned(context: PlanContext) -> Iterator[tuple[HealthCheck, HealthCheck | None]]:
    """Each check that is held down, once, with the check of the record beside it that leads to the DR region."""
    if unavailable_reason(context):
        return
    try:
        known = {check.id: check for check in context.snapshot.get(route53_health_checks.checks, Side.GLOBAL)}
    except DataUnavailable:
        return
    pairs = {pair.primary.health_check_id: pair for zone in cutover_pairs(context).zones for pair in zone.pairs}
    for check_id, pair in sorted(pairs.items(), key=lambda item: item[0] or ""):
        check = known.get(check_id or "")
        if check is not None and is_pinned(check):
            yield check, known.get(pair.dr.health_check_id or "")


def _wanted(context: PlanContext, check: HealthCheck, twin: HealthCheck | None) -> dict[str, Any]:
    """The settings of before: as recorded, else as its twin's; a check that was disabled is left enabled (T03)."""
    settings = dict(context.before("traffic/pin_primary", check.id))
    alike = twin is not None and (twin.type, len(twin.children)) == (check.type, len(check.children))
    if not settings and twin is not None and alike and not is_pinned(twin):
        name = "Port" if check.type in ENDPOINT else "HealthThreshold"
        settings = as_set(twin, (name, "Inverted"))
    settings.pop("Disabled", None)
    return settings


def _step(context: PlanContext, check: HealthCheck, wanted: dict[str, Any]) -> Step:
    params = {"HealthCheckId": check.id, pin_primary.VERSION: pin_primary.VERSION_THEN, **wanted}
    text = ", ".join(f"{name} {value}" for name, value in wanted.items())
    return context.step(
        __name__,
        check.id,
        side=Side.GLOBAL,
        says=f"Release the primary region's record: health check {check.id} is set to {text} again.",
        danger=Danger.REVERSIBLE,
        undo="UpdateHealthCheck with the values that hold it down.",
        budget_s=600,
        call=Call(pin_primary.SERVICE, pin_primary.OPERATION, context.env.region(Side.GLOBAL), params),
        before=as_set(check, wanted),
        after=wanted,
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """The check reads as it was, AND its checkers report it healthy: a visitor could be led there.

    One that is gone holds no record down once none names it.
    """
    if context.snapshot.find(route53_health_checks.checks, Side.GLOBAL, id=step.subject) is None:
        return _without(step, context)
    return pin_primary.settings_of(step, context, "held down", _reported)


def _without(step: Step, context: PlanContext) -> StepStatus:
    records, unseen = [*context.snapshot.get(route53.records, Side.GLOBAL)], list[str]()
    for host in context.snapshot.get(route53.customer_hosts, Side.GLOBAL):
        if isinstance(host, CustomerHost):
            records += host.records
        else:
            unseen.append(host.why)
    named = next((record for record in records if record.health_check_id == step.subject), None)
    if named is not None:
        message = f"health check {step.subject} is gone, and {named.name} {named.set_identifier} names it still"
        remedy = "give it another one (health_check_id of its aws_route53_record)"
        return StepStatus(StepState.DRIFTED, f"{message}: {remedy}")
    if unseen:
        message = f"health check {step.subject} is gone; whether a customer's record names it was not seen: {unseen[0]}"
        return StepStatus(StepState.UNAVAILABLE, message)
    return StepStatus(StepState.DONE, f"health check {step.subject} is gone, and no traffic record names it")


def _reported(check: HealthCheck, context: PlanContext) -> StepStatus:
    value = pin_primary.reported(check, context)
    if value is None:
        return StepStatus(StepState.UNAVAILABLE, f"health check {check.id} is released, and reports nothing")
    if value > 0:
        return StepStatus(StepState.DONE, f"health check {check.id} is released, and reported healthy")
    return StepStatus(StepState.IN_PROGRESS, f"health check {check.id} is released, and still reported unhealthy")


ACTION = action(
    globals(),
    {f"{pin_primary.SERVICE}:{pin_primary.OPERATION}"},
    (route53.records, route53.customer_hosts, route53_health_checks.checks, route53_health_checks.statuses),
    build_call=pin_primary.build_call,
    rollback_call=pin_primary.rollback_call,
)
