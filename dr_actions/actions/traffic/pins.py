"""The pins that keep visitors from a primary that heals: its record is held down until a failback releases it (T06).

Without a pin Route 53 returns to a primary that heals, onto a stale database, as soon as the DR region's own check
flaps (failover: the other record is answered; weights: 0 is answered when nothing heavier is healthy, T05). Pinned, it
answers with the DR region even then: of two unhealthy ones the first, or the heavier, is taken. Never disables a check
(T03), never makes one (T04). How a check is held: record_pins.py.

The other pin works without us-east-1 (T01; record_pins.py): a switch of the DR region's load balancer answers 200, by
one call there, and the inverted health check of that listener fails. It is released first. Traffic does not move by a
release: visitors go where the records' weights or roles lead, and those still lead to the DR region. A release comes
before them, for a record whose check is held down is never answered, and before the writes stop, for its checkers take
minutes to say that it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from dr_actions.actions.traffic.records import cutover_pairs, unavailable_reason
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus, present
from dr_actions.model.plan import Call, Danger, Goal, Step
from dr_checks.derived import record_pins
from dr_checks.derived.record_pins import ENDPOINT, as_set, is_pinned, pin
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import elbv2, route53, route53_health_checks
from dr_estate.readers.elbv2 import Listener
from dr_estate.readers.route53 import CustomerHost, Record
from dr_estate.readers.route53_health_checks import HealthCheck

_ELBV2, _MODIFY_LISTENER = "elbv2", "ModifyListener"
_UNSEEN = "The pin's listener in the DR region cannot be seen:"
_ROUTE53, _UPDATE_CHECK = "route53", "UpdateHealthCheck"
# UpdateHealthCheck with an old version answers HealthCheckVersionMismatch: nobody else's change is overwritten.
VERSION, VERSION_THEN = "HealthCheckVersion", "<the version of the check right before the call>"


def pin_from_dr_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where a switch was prepared and is not held yet."""
    found = prepared_switch(context)
    if found is not None and context.goal is not Goal.FAILBACK and not record_pins.is_held(found):
        says = (
            f"Hold the primary region's record down from {context.env.regions.dr} until failback: {found.label} "
            f"answers {record_pins.HELD_STATUS} to health checkers."
        )
        yield _switch_step(context, PIN_FROM_DR.name, found, record_pins.HELD_STATUS, says)


def prepared_switch(context: PlanContext) -> Listener | None:
    """The prepared listener, None where there is none or it cannot be seen."""
    return record_pins.switch_of(context.snapshot.get_if_seen(elbv2.listeners, Side.DR) or (), context.env)


def is_held_from_dr(context: PlanContext) -> bool:
    """Whether the DR region keeps visitors from the primary's record now."""
    found = prepared_switch(context)
    return found is not None and record_pins.is_held(found)


def _switch_step(context: PlanContext, module: str, found: Listener, status: int, says: str) -> Step:
    """The step by which the switch ``found`` answers ``status``."""
    before = record_pins.HELD_STATUS if status == record_pins.OPEN_STATUS else record_pins.OPEN_STATUS
    params = {"ListenerArn": found.arn, "DefaultActions": switch_actions(status)}
    return context.step(
        module,
        found.label,
        side=Side.DR,
        says=says,
        danger=Danger.REVERSIBLE,
        undo=f"ModifyListener: it answers {before} again.",
        budget_s=120,
        call=Call(_ELBV2, _MODIFY_LISTENER, context.env.region(Side.DR), params),
        before={"arn": found.arn, "status": before},
        after={"arn": found.arn, "status": status},
    )


def switch_actions(status: int) -> list[dict[str, Any]]:
    """The default action of the switch: ``status`` to everybody."""
    fixed = {"StatusCode": str(status), "ContentType": "text/plain"}
    return [{"Type": "fixed-response", "FixedResponseConfig": fixed}]


def pin_from_dr_status(step: Step, context: PlanContext) -> StepStatus:
    """Whether the listener answers as the step wants it. Raises DataUnavailable."""
    listeners = {row.arn: row for row in context.snapshot.get(elbv2.listeners, Side.DR)}
    found = present(listeners.get(step.after["arn"]), f"listener {step.subject} of the DR region is gone")
    status = record_pins.HELD_STATUS if record_pins.is_held(found) else record_pins.OPEN_STATUS
    state = StepState.DONE if status == step.after["status"] else StepState.READY
    return StepStatus(state, f"{step.subject} answers {status} to health checkers")


def pin_from_dr_rollback(step: Step) -> Call | None:
    """The answer as it was."""
    return step.call_with({"DefaultActions": switch_actions(step.before["status"])})


def pin_from_dr_notes(context: PlanContext) -> Iterator[str]:
    """Why nothing is held from the DR region where that was prepared."""
    if context.env.traffic.pin_port is None or context.goal is Goal.FAILBACK:
        return
    try:
        found = record_pins.switch_of(context.snapshot.get(elbv2.listeners, Side.DR), context.env)
    except DataUnavailable as error:
        yield f"{_UNSEEN} {error.unavailable.why}"
        return
    if found is None:
        yield (
            f"{context.env.regions.dr} has no listener on port {context.env.traffic.pin_port} (traffic.pin_port): the "
            "primary region's record cannot be held down from there."
        )


def unpin_from_dr_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where the switch is held."""
    found = prepared_switch(context)
    if found is not None and is_held_from_dr(context):
        says = (
            f"Release the primary region's record from {context.env.regions.dr}'s hold: {found.label} answers "
            f"{record_pins.OPEN_STATUS} to health checkers again."
        )
        yield _switch_step(context, UNPIN_FROM_DR.name, found, record_pins.OPEN_STATUS, says)


def pin_primary_steps(context: PlanContext) -> Iterator[Step]:
    """One step for each check that holds a record of the primary region and is not held down yet."""
    for found in _checks_to_pin(context):
        if isinstance(found, HealthCheck):
            settings = pin(found, _listener_ports(context))
            if settings is not None and as_set(found, settings) != settings:
                params = {"HealthCheckId": found.id, VERSION: VERSION_THEN, **settings}
                text = ", ".join(f"{name} {value}" for name, value in settings.items())
                yield context.step(
                    PIN_PRIMARY.name,
                    found.id,
                    side=Side.GLOBAL,
                    says=f"Hold the primary region's record down until failback: health check {found.id} is set "
                    f"to {text}.",
                    danger=Danger.REVERSIBLE,
                    undo="UpdateHealthCheck with the values as they were; a disabled check is left enabled (T03).",
                    # By default three failures 30 seconds apart make a check unhealthy (API_HealthCheckConfig).
                    budget_s=300,
                    call=Call(_ROUTE53, _UPDATE_CHECK, context.env.region(Side.GLOBAL), params),
                    before=as_set(found, settings),
                    after=dict(settings),
                )


def pin_primary_notes(context: PlanContext) -> Iterator[str]:
    """Which records of the primary region cannot be held down, and what that means."""
    for found in _checks_to_pin(context):
        if isinstance(found, str):
            yield found
        elif pin(found, _listener_ports(context)) is None:
            yield (
                f"Health check {found.id} ({found.type}) cannot be held down by an update: after the shift Route 53 "
                "would answer with the primary region while the DR region is unhealthy and the primary well. "
                "Beforehand, put a calculated check above it on the record."
            )


def _checks_to_pin(context: PlanContext) -> Iterator[HealthCheck | str]:
    """Each check to be pinned, once; a sentence for what cannot be."""
    if context.goal is Goal.FAILBACK:
        return
    dark = unavailable_reason(context)
    if dark:
        switch = prepared_switch(context)
        instead = f" {switch.label} in {context.env.regions.dr} holds it down until then." if switch else ""
        yield f"The primary region's record is not pinned, for it cannot be seen: {dark} It is owed (T06).{instead}"
        return
    try:
        known = {check.id: check for check in context.snapshot.get(route53_health_checks.checks, Side.GLOBAL)}
    except DataUnavailable as unseen:
        yield f"The primary region's record is not pinned, for no health check can be seen: {unseen.unavailable.why}"
        return
    pairs = [pair for zone in cutover_pairs(context).zones for pair in zone.pairs]
    shared = _other_uses(context, [pair.primary for pair in pairs], known)
    seen: set[str] = set()
    for record in (pair.primary for pair in pairs):
        check = known.get(record.health_check_id or "")
        if check is None:
            yield f"The record of {record.name} that leads to the primary region has no health check: nothing pins it."
        # Also through a calculated check: held down, it would take the region from a name that no cut-over is about.
        elif check.id in shared:
            yield f"Health check {check.id} decides other records too: pinning it would change their answers as well."
        elif check.id not in seen:
            seen.add(check.id)
            yield check


def _other_uses(context: PlanContext, own: list[Record], known: dict[str, HealthCheck]) -> set[str]:
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


def _listener_ports(context: PlanContext) -> set[int]:
    """Ports on which a load balancer of either region listens, as far as they are seen."""
    seen = (context.snapshot.get_if_seen(elbv2.listeners, side) or () for side in (Side.PRIMARY, Side.DR))
    return {listener.port for listeners in seen for listener in listeners}


def pin_primary_call(step: Step, context: PlanContext) -> Call:
    """The call upon the check's version as just seen: AWS refuses it where somebody was faster. Raises ValueError."""
    check = context.snapshot.find(route53_health_checks.checks, Side.GLOBAL, id=step.subject)
    if check is None:
        raise ValueError(f"{step.id}: there is no such health check any more")
    return step.call_with({VERSION: check.version})


def _settings_status(
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


def reported_health(check: HealthCheck, context: PlanContext) -> float | None:
    """What the checkers say of ``check``: 1 healthy, 0 not, None while they say nothing. Raises DataUnavailable."""
    readings = context.snapshot.get(route53_health_checks.statuses, Side.GLOBAL)
    values = [r.value for r in readings if r.dimension(route53_health_checks.STATUS_DIMENSION) == check.id]
    return next((value for value in values if value is not None), None)


def _pin_status(check: HealthCheck, context: PlanContext) -> StepStatus:
    value = reported_health(check, context)
    if value is None:
        return StepStatus(StepState.UNAVAILABLE, f"health check {check.id} is set, and reports nothing")
    if value > 0:
        return StepStatus(StepState.IN_PROGRESS, f"health check {check.id} is set, and still reported healthy")
    return StepStatus(StepState.DONE, f"health check {check.id} is held down, and reported unhealthy")


def pin_primary_rollback(step: Step) -> Call | None:
    """The call that restores the previous values; other settings of the check stay as they are now."""
    # A disabled check counts as healthy for ever (T03): taking the pin back must not bring that back.
    values = {name: value for name, value in step.before.items() if name != "Disabled"}
    return replace(step.planned_call, params={"HealthCheckId": step.subject, **values})


def unpin_primary_steps(context: PlanContext) -> Iterator[Step]:
    """One step for each check of a record of the primary region that is held down."""
    for check, twin in _pinned_checks(context):
        wanted = _settings_before(context, check, twin)
        if wanted:
            params = {"HealthCheckId": check.id, VERSION: VERSION_THEN, **wanted}
            text = ", ".join(f"{name} {value}" for name, value in wanted.items())
            yield context.step(
                UNPIN_PRIMARY.name,
                check.id,
                side=Side.GLOBAL,
                says=f"Release the primary region's record: health check {check.id} is set to {text} again.",
                danger=Danger.REVERSIBLE,
                undo="UpdateHealthCheck with the values that hold it down.",
                budget_s=600,
                call=Call(_ROUTE53, _UPDATE_CHECK, context.env.region(Side.GLOBAL), params),
                before=as_set(check, wanted),
                after=wanted,
            )


def unpin_primary_notes(context: PlanContext) -> Iterator[str]:
    """What could not be seen."""
    if dark := unavailable_reason(context):
        yield f"Whether the primary region's record is pinned cannot be seen: {dark}"


def unpin_primary_cleanup_notes(context: PlanContext) -> Iterator[str]:
    """Checks of which nobody knows how they read before."""
    for check, twin in _pinned_checks(context):
        if not _settings_before(context, check, twin):
            yield (
                f"Health check {check.id} is held down, and how it read before is not recorded: set it by hand "
                "(aws route53 update-health-check), or no traffic can be shifted to the primary region (T06)."
            )


def _pinned_checks(context: PlanContext) -> Iterator[tuple[HealthCheck, HealthCheck | None]]:
    """Each check that is held down, once, with the check of the record beside it that leads to the DR region."""
    if unavailable_reason(context):
        return
    seen = context.snapshot.get_if_seen(route53_health_checks.checks, Side.GLOBAL)
    if seen is None:
        return
    known = {check.id: check for check in seen}
    pairs = {pair.primary.health_check_id: pair for zone in cutover_pairs(context).zones for pair in zone.pairs}
    for check_id, pair in sorted(pairs.items(), key=lambda item: item[0] or ""):
        check = known.get(check_id or "")
        if check is not None and is_pinned(check):
            yield check, known.get(pair.dr.health_check_id or "")


def _settings_before(context: PlanContext, check: HealthCheck, twin: HealthCheck | None) -> dict[str, Any]:
    """The settings of before: as recorded, else as its twin's; a check that was disabled is left enabled (T03)."""
    settings = dict(context.before("traffic/pin_primary", check.id))
    # A twin of another type, or a calculated check with more children, has other settings: those would be a guess.
    alike = twin is not None and (twin.type, len(twin.children)) == (check.type, len(check.children))
    if not settings and twin is not None and alike and not is_pinned(twin):
        name = "Port" if check.type in ENDPOINT else "HealthThreshold"
        settings = as_set(twin, (name, "Inverted"))
    # Left enabled: a disabled check would lead visitors to a dead region (T03).
    settings.pop("Disabled", None)
    return settings


def unpin_primary_status(step: Step, context: PlanContext) -> StepStatus:
    """The check reads as it was, AND its checkers report it healthy: a visitor could be led there.

    One that is gone holds no record down once none names it.
    """
    if context.snapshot.find(route53_health_checks.checks, Side.GLOBAL, id=step.subject) is None:
        return _status_without_check(step, context)
    return _settings_status(step, context, "held down", _release_status)


def _status_without_check(step: Step, context: PlanContext) -> StepStatus:
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


def _release_status(check: HealthCheck, context: PlanContext) -> StepStatus:
    value = reported_health(check, context)
    if value is None:
        return StepStatus(StepState.UNAVAILABLE, f"health check {check.id} is released, and reports nothing")
    if value > 0:
        return StepStatus(StepState.DONE, f"health check {check.id} is released, and reported healthy")
    return StepStatus(StepState.IN_PROGRESS, f"health check {check.id} is released, and still reported unhealthy")


PIN_FROM_DR = Action(
    "traffic/pin_from_dr",
    "Holds the old primary's record down from the DR region: the prepared switch answers 200 (T01, T06; "
    "record_pins.py).",
    {f"{_ELBV2}:{_MODIFY_LISTENER}"},
    (elbv2.listeners,),
    pin_from_dr_steps,
    pin_from_dr_status,
    rollback=pin_from_dr_rollback,
    omissions=pin_from_dr_notes,
)
UNPIN_FROM_DR = Action(
    "traffic/unpin_from_dr",
    "Releases the primary's record from the DR region's hold: the switch answers 404 again (record_pins.py).",
    {f"{_ELBV2}:{_MODIFY_LISTENER}"},
    (elbv2.listeners,),
    unpin_from_dr_steps,
    pin_from_dr_status,
    rollback=pin_from_dr_rollback,
)
PIN_PRIMARY = Action(
    "traffic/pin_primary",
    "Pins the old primary down: its health check is unhealthy until failback releases it (T06; how: record_pins.py).",
    {f"{_ROUTE53}:{_UPDATE_CHECK}"},
    (route53_health_checks.checks, route53_health_checks.statuses),
    pin_primary_steps,
    lambda step, context: _settings_status(step, context, "as the plan found it", _pin_status),
    build_call=pin_primary_call,
    rollback=pin_primary_rollback,
    omissions=pin_primary_notes,
)
UNPIN_PRIMARY = Action(
    "traffic/unpin_primary",
    "Releases the primary's record, which the failover pinned down: its health check reads as before (T06).",
    {f"{_ROUTE53}:{_UPDATE_CHECK}"},
    (route53.records, route53.customer_hosts, route53_health_checks.checks, route53_health_checks.statuses),
    unpin_primary_steps,
    unpin_primary_status,
    omissions=unpin_primary_notes,
    leftovers=unpin_primary_cleanup_notes,
    build_call=pin_primary_call,
    rollback=pin_primary_rollback,
)
