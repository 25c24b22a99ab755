"""Drives a canary through every routing state of a failover and its failback, a change batch a state, and removes it.

A state is done when Route 53 has the change everywhere (GetChange INSYNC, T02) and the zone's own name servers, asked
failback.dns_samples times, answer as its weights or roles say, with its TTL (propagation.py). What each state took is
in the record: it is how long a cut-over's DNS step takes. Taking a state back is the batch of the one before; of the
first, the deletion of what it made. No health check is made, changed or referred to (T03, T04).

Every canary is removed, regardless of who made it and how its drill ended: it is found by its name. A deletion repeats
the record exactly as it is, and Route 53 refuses any other (API_ChangeResourceRecordSets). Done when the zone holds no
record of the canary and no name server of the zone answers with one. Where the DNS step is manual (traffic.dns_step),
all of this is a person's too: the batch is printed, waited for and verified, and this process writes no record.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from dr_actions.actions.canary.model import (
    ADDRESSES,
    RoutingState,
    in_order,
    leftover_records,
    names_of,
    place,
    record_sets,
    states,
)
from dr_actions.actions.canary.propagation import is_absent, spread
from dr_actions.actions.traffic.records import ALL, NONE, between, record_set
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Step
from dr_checks.derived.record_pairs import POLICIES
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import dns_canary_polls, route53
from dr_estate.readers.route53 import Record

SERVICE, OPERATION = "route53", "ChangeResourceRecordSets"
READS_PARTS = (route53.records, dns_canary_polls.changes, dns_canary_polls.polls)
_BEFORE_ALL = RoutingState("nothing", ALL, ())
_REPORTED_WHOLE = {*POLICIES, "simple"}
_DELEGATING = frozenset({"NS", "SOA"})


def drive_steps(context: PlanContext) -> Iterator[Step]:
    """One step a state, in order; none where no canary may be made."""
    found = place(context)
    if isinstance(found, str):
        return
    name, zone = found
    driven = (_BEFORE_ALL, *states(context.env, name, zone.id))
    for number, (was, state) in enumerate(pairwise(driven)):
        env = context.env
        comment = f"{env.name}: canary {name} {state.label}"
        params = between(zone.id, was.records, state.records, comment)
        yield context.step(
            DRIVE.name,
            name,
            label=state.label,
            nth=number,
            side=Side.GLOBAL,
            says=f"{'Lead' if was.records else 'Make'} the canary {name}: {_shares(env, state)}.",
            danger=Danger.REVERSIBLE,
            undo="The batch of the state before." if was.records else "The records that it made are deleted.",
            # Route 53: a change is generally everywhere within 60 s (API_ChangeResourceRecordSets).
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


def drive_notes(context: PlanContext) -> Iterator[str]:
    """Why no canary is made, where none is; the zones listed for one that are not looked at."""
    found = place(context)
    if isinstance(found, str):
        yield found
    for zone in context.env.traffic.canary_zones:
        if zone != context.env.traffic.zone:
            yield f"No canary is made in {zone}: it is not the traffic zone, and no recovery changes a record there."


def drive_status(step: Step, context: PlanContext) -> StepStatus:
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


def drive_rollback(step: Step) -> Call | None:
    """The batch that leads back to the state before; None for a step without a call."""
    comment = f"taken back: {step.planned_call.params['ChangeBatch']['Comment']}"
    params = between(step.before["zone"], step.after["records"], step.before["records"], comment)
    return replace(step.planned_call, params=params)


def remove_steps(context: PlanContext) -> Iterator[Step]:
    """One step for each canary that is seen."""
    try:
        zone, found = context.snapshot.get(route53.zone, Side.GLOBAL), leftover_records(context)
    except DataUnavailable:
        return
    for name, records in sorted(found.items()) if zone else ():
        if zone and not any(map(_foreign_reason, records)):
            env, there = context.env, [record_set(record) for record in records]
            params = between(zone.id, there, [], f"{env.name}: canary {name} taken away")
            yield context.step(
                REMOVE.name,
                name,
                side=Side.GLOBAL,
                says=f"Take the canary {name} away: {len(there)} records, one change batch.",
                danger=Danger.REVERSIBLE,
                undo="It is not made again: it led nobody anywhere, and the next drill makes its own.",
                budget_s=300,
                call=Call(SERVICE, OPERATION, env.region(Side.GLOBAL), params),
                before={"zone": zone.id, "records": there},
                after={"zone": zone.id, "records": [], "asks": names_of(there)},
                manual=env.traffic.dns_step == "manual",
            )


def remove_notes(context: PlanContext) -> Iterator[str]:
    """Whether a canary cannot be looked for."""
    try:
        leftover_records(context)
    except DataUnavailable as error:
        yield f"Whether a canary was left behind cannot be seen: {error.unavailable.why}"


def remove_cleanup_notes(context: PlanContext) -> Iterator[str]:
    """Records that are somebody else's to take away."""
    found = leftover_records(context)
    for record in (entry for records in found.values() for entry in records):
        reason = _foreign_reason(record)
        if reason:
            yield f"{record.name} {record.type} is left as it is: {reason}. No drill made it: remove it by hand."


def _foreign_reason(record: Record) -> str:
    """Why a record under a canary's name is not deleted, "" where it is."""
    if record.type in _DELEGATING:
        return "it delegates a zone"
    return "" if record.policy in _REPORTED_WHOLE else f"its policy ({record.policy}) is not one of a canary's"


def remove_status(step: Step, context: PlanContext) -> StepStatus:
    """READY while it is there as planned; DONE when zone and name servers hold nothing of it; else DRIFTED (T43)."""
    try:
        now = record_sets(context, step.after["asks"])
        if now == in_order(step.before["records"]):
            return StepStatus(StepState.READY, f"{step.subject} is as the plan found it")
        if now:
            message = f"{len(now)} records of {step.subject} are there, in another way than the plan found them"
            return StepStatus(StepState.DRIFTED, message)
        return is_absent(step, context, step.after["asks"])
    except DataUnavailable as error:
        return StepStatus(StepState.UNAVAILABLE, error.unavailable.why)


DRIVE = Action(
    "canary/drive",
    "Drives a canary through every routing state of a failover and its failback: one change batch a state.",
    {f"{SERVICE}:{OPERATION}"},
    READS_PARTS,
    drive_steps,
    drive_status,
    rollback=drive_rollback,
    omissions=drive_notes,
)
REMOVE = Action(
    "canary/remove",
    "Removes every canary, regardless of who made it and how its drill ended: a batch for each canary, "
    "found by its name.",
    {f"{SERVICE}:{OPERATION}"},
    READS_PARTS,
    remove_steps,
    remove_status,
    omissions=remove_notes,
    leftovers=remove_cleanup_notes,
)
