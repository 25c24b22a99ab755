"""Removes every canary, regardless of who made it and how its drill ended: a batch for each canary, found by its name.

A deletion repeats the record exactly as it is, and Route 53 refuses any other (API_ChangeResourceRecordSets). Done when
the zone holds no record of the canary and no name server of the zone answers with one (propagation.py). Where the DNS
step is manual (traffic.dns_step), a person removes the canary, as a person made it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dr_actions.actions.canary.drive import OPERATION, READS_PARTS, SERVICE
from dr_actions.actions.canary.model import in_order, left_behind, names_of, record_sets
from dr_actions.actions.canary.propagation import is_absent
from dr_actions.actions.traffic.change_batch import between, record_set
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Step
from dr_checks.derived.record_pairs import POLICIES
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import route53
from dr_estate.readers.route53 import HostedZone, Record

_REPORTED_WHOLE = {*POLICIES, "simple"}
_DELEGATING = frozenset({"NS", "SOA"})


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """One step for each canary that is seen."""
    try:
        zone, found = context.snapshot.get(route53.zone, Side.GLOBAL), left_behind(context)
    except DataUnavailable:
        return
    for name, records in sorted(found.items()) if zone else ():
        if zone and not any(map(_not_ours, records)):
            yield _step(context, name, zone, records)


def _step(context: PlanContext, name: str, zone: HostedZone, records: Sequence[Record]) -> Step:
    env, there = context.env, [record_set(record) for record in records]
    params = between(zone.id, there, [], f"{env.name}: canary {name} taken away")
    return context.step(
        __name__,
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


def notes(context: PlanContext) -> Iterator[str]:
    """Whether a canary cannot be looked for."""
    try:
        left_behind(context)
    except DataUnavailable as error:
        yield f"Whether a canary was left behind cannot be seen: {error.unavailable.why}"


def cleanup_notes(context: PlanContext) -> Iterator[str]:
    """Records that are somebody else's to take away."""
    found = left_behind(context)
    for record in (entry for records in found.values() for entry in records):
        reason = _not_ours(record)
        if reason:
            yield f"{record.name} {record.type} is left as it is: {reason}. No drill made it: remove it by hand."


def _not_ours(record: Record) -> str:
    """Why a record under a canary's name is not deleted, "" where it is."""
    if record.type in _DELEGATING:
        return "it delegates a zone"
    return "" if record.policy in _REPORTED_WHOLE else f"its policy ({record.policy}) is not one of a canary's"


def observe(step: Step, context: PlanContext) -> StepStatus:
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


ACTION = action(globals(), {f"{SERVICE}:{OPERATION}"}, READS_PARTS)
