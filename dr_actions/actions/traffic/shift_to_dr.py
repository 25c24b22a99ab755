"""Shifts traffic: one change batch a zone turns the pair of origin records to the DR region (T12, T13).

Confirmed by looking (answers_gate.py): the records read back as wanted, or turned by hand in another way, and what
Route 53 and those who can be asked say of them.

Made through us-east-1 (T01): where that cannot be reached there is no step but a note, for a pair made beforehand
answers by health in the data plane, be it of failover records or of weights (weight 0 is served when nothing heavier is
healthy, T05).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dr_actions.actions.traffic import pins
from dr_actions.actions.traffic.answers_gate import change_of, door_of, effect_status, points_to_dr
from dr_actions.actions.traffic.records import (
    RecordSet,
    as_it_is,
    chunks,
    cutover_pairs,
    record_set,
    shifted_pair,
    unavailable_reason,
    upserts,
)
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Goal, Step
from dr_checks.derived.routing import leader, leads_to
from dr_checks.derived.site_visits import part_or
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.network.dns_query import DnsAnswer
from dr_estate.readers import dns_answers, dns_canary_polls, route53
from dr_estate.readers.dns_canary_polls import IN_SYNC
from dr_estate.readers.route53 import CustomerHost, Record

_SERVICE, _OPERATION = "route53", "ChangeResourceRecordSets"
_CHECK = "HealthCheckId"
# Where the records of a batch are seen.
RECORDS = (route53.records, route53.customer_hosts)


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """One step a zone that is not turned yet; more where a batch would be too large.

    A failback has them where the failover could change no record and the DR region's switch held the primary's down:
    the records then lead where the visitors are, before the switch is released.
    """
    if unavailable_reason(context) or (context.goal is Goal.FAILBACK and not pins.is_held_from_dr(context)):
        return
    for zone in cutover_pairs(context).zones:
        open_pairs = [pair for pair in zone.pairs if leader(pair) is not Side.DR]
        for number, batch in enumerate(chunks(open_pairs), 1):
            env, manual = context.env, context.env.traffic.dns_step == "manual"
            before = [record_set(record) for pair in batch for record in as_it_is(pair)]
            after = [record_set(record) for pair in batch for record in shifted_pair(pair, Side.DR)]
            region, names = env.region(Side.DR), " and ".join(pair.label for pair in batch)
            comment = f"{env.name}: {zone.name} leads to {region}"
            params = upserts(zone.id, after, comment)
            yield context.step(
                SHIFT_TO_DR.name,
                zone.name,
                label=zone.name + (f"-{number}" if number > 1 else ""),
                side=Side.GLOBAL,
                says=f"Lead {names} to {region}: one change batch in zone {zone.name}, all or nothing.",
                danger=Danger.REVERSIBLE,
                undo="The batch of the records as they were, while the primary region may still serve.",
                budget_s=600,
                call=Call(_SERVICE, _OPERATION, env.region(Side.GLOBAL), params),
                before={"zone": zone.id, "records": before},
                after={"zone": zone.id, "records": after},
                manual=manual,
            )


def notes(context: PlanContext) -> Iterator[str]:
    """What is not shifted, and why; without us-east-1, what Route 53 does by itself and what is owed."""
    if context.goal is Goal.FAILBACK:
        return
    dark = unavailable_reason(context)
    if dark:
        yield f"Traffic is not shifted by a call, for the records cannot be seen: {dark}"
        yield _shift_by_health(context)
        return
    yield from cutover_pairs(context).left


def _shift_by_health(context: PlanContext) -> str:
    """What happens to traffic without its control plane, as far as the evidence says (T01, T06)."""
    env = context.env
    later = "Run `dr_cli.py failover --execute --replan` for the same incident as soon as us-east-1 answers"
    owed = f"{later}, and before the primary region recovers: until then nothing pins the traffic away from it (T06)."
    switch = pins.prepared_switch(context)
    if switch is not None:
        owed = f"{switch.label} in {env.region(Side.DR)} keeps them there; the failback turns the records first (T06)."
    name, region = " and ".join(env.traffic_records), env.region(Side.DR)
    answers = [answer for answer in answers_to_visitors(context) if points_to_dr(answer, door_of(answer, context), ())]
    if {answer.name for answer in answers} == {*env.traffic_records}:
        servers = ", ".join(sorted({answer.asked for answer in answers}))
        return f"The traffic records already answer by health: {servers} leads {name} to {region}. {owed}"
    return f"The traffic records lead {name} to {region} by health, in the data plane; that was not seen here. {owed}"


def observe(step: Step, context: PlanContext) -> StepStatus:
    """Whether the records and the answers are as wanted. A record changed in another way is not overwritten (T43)."""
    try:
        now, change = current(step, context), change_of(step, context)
        if _but_for_checks(now) == _but_for_checks(step.before["records"]):
            # Route 53 has done it, and somebody (a person, Terraform) undid it: sent again, the two would fight (T43).
            if change and change.status == IN_SYNC:
                message = f"Route 53 took change {change.id}, and the records of {step.subject} are as before it again"
                return StepStatus(StepState.FAILED, f"{message}: somebody wrote them back.")
            return StepStatus(StepState.READY, f"the records of {step.subject} are as the plan found them")
        # A pair may be turned by exchanging the roles as well: what is answered decides, not which record has it.
        if now != step.after["records"] and _leads(now) != _leads(step.after["records"]):
            return StepStatus(StepState.DRIFTED, f"records of {step.subject} were changed: {difference(step, now)}")
        return effect_status(step, context, change)
    except DataUnavailable as error:
        return StepStatus(StepState.UNAVAILABLE, error.unavailable.why)


def is_rolled_back(step: Step, context: PlanContext) -> bool:
    """Whether the records are as before the step. Raises DataUnavailable."""
    return _but_for_checks(current(step, context)) == _but_for_checks(step.before["records"])


def _but_for_checks(record_sets: Iterable[RecordSet]) -> list[RecordSet]:
    """The records without their health checks: another one leads visitors nowhere else."""
    return [{key: value for key, value in rrset.items() if key != _CHECK} for rrset in record_sets]


def build_call(step: Step, context: PlanContext) -> Call:
    """The planned batch with its records' health checks of now: a gone one is refused. Raises DataUnavailable."""
    records = _with_checks_of(current(step, context), step.after["records"])
    if records == step.after["records"]:
        return step.planned_call
    params = step.planned_call.params
    return step.call_with(upserts(params["HostedZoneId"], records, params["ChangeBatch"]["Comment"]))


def _with_checks_of(now: Sequence[RecordSet], record_sets: Iterable[RecordSet]) -> list[RecordSet]:
    """The records with the check that now holds what each leads to: a failover pair exchanges it with the target."""
    return [_with_check(rrset, _check_of(rrset, now)) for rrset in record_sets]


def _check_of(rrset: RecordSet, now: Sequence[RecordSet]) -> str | None:
    alike = [row for row in now if _key(row)[:2] == _key(rrset)[:2]]
    twins = [row for row in alike if all(row.get(key) == rrset.get(key) for key in ("AliasTarget", "ResourceRecords"))]
    return next((row for row in twins if _key(row) == _key(rrset)), twins[0] if twins else rrset).get(_CHECK)


def _with_check(rrset: RecordSet, check: str | None) -> RecordSet:
    (bare,) = _but_for_checks([rrset])
    return bare | ({_CHECK: check} if check else {})


def current(step: Step, context: PlanContext) -> list[RecordSet]:
    """The step's records as they are, in its order; an absent one is left out. Raises DataUnavailable."""
    records: list[Record] = [*context.snapshot.get(route53.records, Side.GLOBAL)]
    names = {_key(record)[0] for record in step.after["records"]}
    # Only then: where customers' zones cannot be read, the traffic record is still judged.
    if names - {f"{record.name}." for record in records}:
        hosts = context.snapshot.get(route53.customer_hosts, Side.GLOBAL)
        records.extend(record for host in hosts if isinstance(host, CustomerHost) for record in host.records)
    known = {(f"{record.name}.", record.type, record.set_identifier): record for record in records}
    return [record_set(known[key]) for record in step.after["records"] if (key := _key(record)) in known]


def _key(rrset: Mapping[str, Any]) -> tuple[str, str, str | None]:
    return rrset["Name"], rrset["Type"], rrset.get("SetIdentifier")


def _leads(record_sets: Sequence[RecordSet]) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Return what answers for each name and type while all is well, regardless of which record states it."""
    names = sorted({_key(rrset)[:2] for rrset in record_sets})
    return tuple((*name, leads_to(rrset for rrset in record_sets if _key(rrset)[:2] == name)) for name in names)


def difference(step: Step, now: Sequence[RecordSet]) -> str:
    """In which respect the records are not as the step found them."""
    there = {_key(rrset): rrset for rrset in now}
    for record in step.before["records"]:
        found = there.get(_key(record))
        if found is None:
            return f"{record['Name']} {record['SetIdentifier']} is gone"
        keys = sorted(key for key in {*record, *found} if record.get(key) != found.get(key))
        if keys:
            text = ", ".join(f"{key} is {found.get(key)}, was {record.get(key)}" for key in keys)
            return f"{record['Name']} {record['SetIdentifier']}: {text}"
    return "they are more than the plan knew"


def answers_to_visitors(context: PlanContext) -> list[DnsAnswer]:
    """What name servers answer a visitor for the traffic name, without a control plane; none where unseen."""
    found = [part_or(part, dns_answers.led, Side.GLOBAL, ()) for part, _ in context.snapshot.of_entrances(context.env)]
    return [answer for answers in found for answer in answers if isinstance(answer, DnsAnswer)]


def rollback_call(step: Step) -> Call | None:
    """The batch of the before-values. Raises nothing; None for a step without a call."""
    comment = f"taken back: {step.planned_call.params['ChangeBatch']['Comment']}"
    params = upserts(step.before["zone"], step.before["records"], comment)
    return replace(step.planned_call, params=params)


def rollback_as_seen(step: Step, call: Call, context: PlanContext) -> Call:
    """The batch of the before-values with the health checks that the records have now. Raises DataUnavailable."""
    records = _with_checks_of(current(step, context), step.before["records"])
    return replace(call, params=upserts(step.before["zone"], records, call.params["ChangeBatch"]["Comment"]))


SHIFT_TO_DR = Action(
    "traffic/shift_to_dr",
    "Shifts traffic: one change batch a zone turns the pair of origin records to the DR region (T12, T13).",
    {f"{_SERVICE}:{_OPERATION}"},
    (
        *RECORDS,
        dns_canary_polls.changes,
        dns_answers.tested,
        dns_answers.resolved,
        dns_answers.authorities,
        dns_answers.led,
        dns_answers.door,
    ),
    plan_steps,
    observe,
    build_call=build_call,
    rollback=rollback_call,
    rollback_as_seen=rollback_as_seen,
    omissions=notes,
    rolled_back=is_rolled_back,
    rollback_parts=RECORDS,
)
