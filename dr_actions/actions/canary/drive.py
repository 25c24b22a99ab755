"""Drives a canary through every routing state of a failover and its failback: one change batch a state.

A state is done when Route 53 has the change everywhere (GetChange INSYNC, T02) and the zone's own name servers, asked
failback.dns_samples times, answer as its weights or roles say, with its TTL (propagation.py). What each state took is
in the record: it is how long a cut-over's DNS step takes. Taking a state back is the batch of the one before; of the
first, the deletion of what it made. No health check is made, changed or referred to (T03, T04).

Where the DNS step is manual (traffic.dns_step), each state is a person's too: the batch is printed, waited for and
verified, and this process writes no record.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from dr_actions.actions.canary.model import ADDRESSES, RoutingState, in_order, names_of, place, record_sets, states
from dr_actions.actions.canary.propagation import spread
from dr_actions.actions.traffic.change_batch import ALL, NONE, between
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import dns_canary_polls, route53
from dr_estate.readers.route53 import HostedZone

SERVICE, OPERATION = "route53", "ChangeResourceRecordSets"
READS_PARTS = (route53.records, dns_canary_polls.changes, dns_canary_polls.polls)
_BEFORE_ALL = RoutingState("nothing", ALL, ())


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """One step a state, in order; none where no canary may be made."""
    found = place(context)
    if isinstance(found, str):
        return
    name, zone = found
    driven = (_BEFORE_ALL, *states(context.env, name, zone.id))
    for number, (was, state) in enumerate(pairwise(driven)):
        yield _step(context, name, zone, was, state, number)


def _step(context: PlanContext, name: str, zone: HostedZone, was: RoutingState, state: RoutingState, nth: int) -> Step:
    env = context.env
    comment = f"{env.name}: canary {name} {state.label}"
    params = between(zone.id, was.records, state.records, comment)
    return context.step(
        __name__,
        name,
        label=state.label,
        nth=nth,
        side=Side.GLOBAL,
        says=f"{'Lead' if was.records else 'Make'} the canary {name}: {_shares(env, state)}.",
        danger=Danger.REVERSIBLE,
        undo="The batch of the state before." if was.records else "The records that it made are deleted.",
        budget_s=300,
        call=Call(SERVICE, OPERATION, env.region(Side.GLOBAL), params),
        before={"zone": zone.id, "records": list(was.records)},
        after={"zone": zone.id, "records": list(state.records), "percent": state.percent, "asks": [name]},
        manual=env.traffic.dns_step == "manual",
    )


def _shares(env: Environment, state: RoutingState) -> str:
    """Where the answers lead in ``state``, in words."""
    home, away = (f"{env.region(side)} ({ADDRESSES[side]})" for side in (Side.PRIMARY, Side.DR))
    if state.percent in (ALL, NONE):
        return f"all of its answers lead to {home if state.percent else away}"
    return f"{state.percent} percent of its answers lead to {home}, the rest to {away}"


def notes(context: PlanContext) -> Iterator[str]:
    """Why no canary is made, where none is; the zones listed for one that are not looked at."""
    found = place(context)
    if isinstance(found, str):
        yield found
    for zone in context.env.traffic.canary_zones:
        if zone != context.env.traffic.zone:
            yield f"No canary is made in {zone}: it is not the traffic zone, and no recovery changes a record there."


def observe(step: Step, context: PlanContext) -> StepStatus:
    """READY, IN_PROGRESS, DONE or FAILED as the answers say; records that are in neither state are DRIFTED (T43)."""
    try:
        now = record_sets(context, names_of((*step.before["records"], *step.after["records"])))
        if now == in_order(step.before["records"]):
            return StepStatus(StepState.READY, "as the step before left it" if now else "it is not there yet")
        if now != in_order(step.after["records"]):
            text = (
                "; ".join(f"{record_set['Name']} {record_set.get('SetIdentifier', '')}".strip() for record_set in now)
                or "gone"
            )
            return StepStatus(StepState.DRIFTED, f"the records of {step.subject} were changed: {text}")
        return spread(step, context, step.subject, step.after["percent"])
    except DataUnavailable as error:
        return StepStatus(StepState.UNAVAILABLE, error.unavailable.why)


def rollback_call(step: Step) -> Call | None:
    """The batch that leads back to the state before; None for a step without a call."""
    comment = f"taken back: {step.planned_call.params['ChangeBatch']['Comment']}"
    params = between(step.before["zone"], step.after["records"], step.before["records"], comment)
    return replace(step.planned_call, params=params)


ACTION = action(globals(), {f"{SERVICE}:{OPERATION}"}, READS_PARTS)
