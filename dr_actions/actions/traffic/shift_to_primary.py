"""Routes visitors back to the primary region in stages: one change batch per zone and weight, watched during its bake.

Only the plan's weights are ever written: the stages of failback.stages for the primary region, and the rest of 100 for
the DR region. A failover pair cannot be shared and is never converted (T12): it is switched to the primary region as a
whole, with the last stage. Canary tenants whose host names have records of their own go through all stages first. A
stage is done when its bake is over and every gate holds (stage_gates.py). As soon as one gate fails the stage fails,
and its undo is the batch of the previous weights, the last good ones. Weights are changed through us-east-1 alone
(T01).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dr_actions.actions.traffic import pins, records, shift_to_dr
from dr_actions.actions.traffic import stage_gates as traffic_stage_gates
from dr_actions.actions.traffic.answers_gate import SETTLES, TrafficShare
from dr_actions.actions.traffic.stage_gates import gates, gates_before, left_s
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus, Waits
from dr_actions.model.plan import Call, Danger, Step
from dr_checks.derived.routing import RecordPair, side_of
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import dns_answers, dns_canary_polls, ecs, elbv2, elbv2_targets, http_sites, route53
from dr_estate.readers.route53 import Record
from dr_estate.snapshot.tenants import dns_label

_MARGIN_S, _MINUTE_S = 900, 60
_SERVICE, _OPERATION = "route53", "ChangeResourceRecordSets"


@dataclass(frozen=True, slots=True)
class _Stage:
    """One stage of one cohort.

    ``percent`` of it is led to the primary region, where ``upon`` percent were before; ``nth`` counts all stages.
    """

    cohort: str
    nth: int
    percent: int
    upon: int


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """One step for each weight above today's, by cohort and zone; more where a batch would be too large."""
    if records.unavailable_reason(context):
        return
    for part, zones in _parts(context):
        for zone in zones:
            moving = [pair for pair in zone.pairs if _moves(pair, part)]
            for number, batch in enumerate(records.chunks(moving), 1):
                env, percent = context.env, part.percent
                before = [records.record_set(record) for pair in batch for record in _current_records(pair, part)]
                after = [records.record_set(record) for pair in batch for record in records.shared_pair(pair, percent)]
                names, region = " and ".join(pair.label for pair in batch), env.region(Side.PRIMARY)
                comment = f"{env.name}: {zone.name} leads {percent} percent to {region}"
                label = f"{part.cohort}{percent}" + ("" if zone.name == env.traffic.zone else f".{zone.name}")
                bake = f"{env.failback.bake_minutes:g} minutes"
                least = [part.upon if pair.primary.policy == "weighted" else 0 for pair in batch]
                shares = {round(max(share_of(pair), upon)) for pair, upon in zip(batch, least, strict=True)}
                yield context.step(
                    SHIFT_TO_PRIMARY.name,
                    zone.name,
                    label=label + (f"-{number}" if number > 1 else ""),
                    nth=part.nth,
                    last=percent == records.ALL,
                    side=Side.GLOBAL,
                    says=f"Lead {percent} percent of {names} to {region}: one change batch in zone {zone.name}; "
                    f"watch for {bake}.",
                    danger=Danger.REVERSIBLE,
                    undo=f"The batch of the records before: {' or '.join(map(str, sorted(shares)))} percent lead "
                    f"to {region} again.",
                    budget_s=round(env.failback.bake_minutes * _MINUTE_S) + SETTLES.seconds + _MARGIN_S,
                    call=Call(_SERVICE, _OPERATION, env.region(Side.GLOBAL), records.upserts(zone.id, after, comment)),
                    before={"zone": zone.id, "records": before},
                    after={"zone": zone.id, "records": after, "percent": percent},
                    manual=env.traffic.dns_step == "manual",
                )


def _parts(context: PlanContext) -> Iterator[tuple[_Stage, tuple[records.ZonePairs, ...]]]:
    """Every stage in order, canaries' before everybody's, with the zones whose pairs it moves."""
    zones, stages, number = _pairs_of_first_step(context), context.env.failback.stages, 0
    canaries = _canary_hosts(context)
    for cohort in ("canary-", ""):
        wanted = bool(cohort)
        own = [(zone, tuple(p for p in zone.pairs if (p.primary.name in canaries) is wanted)) for zone in zones]
        members = tuple(records.ZonePairs(zone.id, zone.name, pairs) for zone, pairs in own if pairs)
        if not members:
            continue
        for upon, percent in zip((0, *stages), stages, strict=False):
            yield _Stage(cohort, number, percent, upon), members
            number += 1


def _pairs_of_first_step(context: PlanContext) -> tuple[records.ZonePairs, ...]:
    """The pairs as the stages find them: those that the plan's own first step turns to the DR region lead there."""
    zones = records.cutover_pairs(context).zones
    if not pins.is_held_from_dr(context):
        return zones
    turned = ((zone, tuple(_switched_pair(pair, context) for pair in zone.pairs)) for zone in zones)
    return tuple(records.ZonePairs(zone.id, zone.name, pairs) for zone, pairs in turned)


def _switched_pair(pair: RecordPair, context: PlanContext) -> RecordPair:
    """The pair once it leads to the DR region."""
    by_side = {side_of(record, context.env): record for record in records.shifted_pair(pair, Side.DR)}
    return RecordPair(by_side[Side.PRIMARY], by_side[Side.DR])


def _canary_hosts(context: PlanContext) -> frozenset[str]:
    """The host names of canary tenants that may have records of their own."""
    first = {dns_label(tenant) for tenant in context.env.failback.canary_tenants}
    customers = context.env.traffic.customer_hosts.items()
    return frozenset(host for tenant, hosts in customers if dns_label(tenant) in first for host in hosts)


def share_of(pair: RecordPair) -> float:
    """The percentage of visitors that the pair leads to the primary region while all is well."""
    if pair.primary.policy != "weighted":
        return records.ALL if pair.primary.failover == "PRIMARY" else 0
    home, away = pair.primary.weight or 0, pair.dr.weight or 0
    # Where each weight is 0, all records are answered alike (API_ResourceRecordSet, Weight; T05).
    return records.ALL * home / (home + away) if home + away else records.ALL / 2


def _moves(pair: RecordPair, part: _Stage) -> bool:
    """Whether the part raises the pair's share; a failover pair is moved by the last one alone."""
    return share_of(pair) < part.percent and (pair.primary.policy == "weighted" or part.percent == records.ALL)


def _current_records(pair: RecordPair, part: _Stage) -> tuple[Record, Record]:
    """The pair's records as the part finds them: as they are, or as the part before it leaves them."""
    upon_shared = pair.primary.policy == "weighted" and share_of(pair) < part.upon
    return records.shared_pair(pair, part.upon) if upon_shared else records.as_it_is(pair)


def observe(step: Step, context: PlanContext) -> StepStatus:
    """Return READY, IN_PROGRESS during the bake, DONE after it if every gate holds, FAILED as soon as one does not.

    Where the primary region could not serve the visitors, none is routed to it: the state of the gate, and not READY.

    The bake counts from ``context.sent_at``. Records with other weights or targets than planned are DRIFTED (T43).
    """
    try:
        now = shift_to_dr.current(step, context)
        if is_rolled_back(step, context):
            return _begin_status(step, context)
        if _routing_fields(now) != _routing_fields(step.after["records"]):
            if _leads_all_to_primary(step, now):
                return StepStatus(StepState.DONE, f"{step.subject} leads all visitors to the primary region already")
            message = f"records of {step.subject} were changed: {shift_to_dr.difference(step, now)}"
            return StepStatus(StepState.DRIFTED, message)
        return _bake_status(step, context)
    except DataUnavailable as error:
        return StepStatus(StepState.UNAVAILABLE, error.unavailable.why)


def _leads_all_to_primary(step: Step, now: Sequence[records.RecordSet]) -> bool:
    """Whether somebody else led all visitors to the primary region: they stay there, and the last stage watches."""
    before, after, found = (
        {(row["Name"], row["Type"], row["SetIdentifier"]): row for row in rows}
        for rows in (step.before["records"], step.after["records"], now)
    )
    if step.after["percent"] == records.ALL or found.keys() != after.keys():
        return False
    if any(_target(found[key]) != _target(row) for key, row in after.items()):
        return False
    # Stages only raise the primary's share: the records that gain are the primary region's.
    home = {key for key, row in after.items() if row["Weight"] > before[key]["Weight"]}
    return all((found[key]["Weight"] > 0) is (key in home) for key in found)


def is_rolled_back(step: Step, context: PlanContext) -> bool:
    """Whether visitors are led as before the stage, whatever the gates say. Raises DataUnavailable."""
    return _routing_fields(shift_to_dr.current(step, context)) == _routing_fields(step.before["records"])


def _begin_status(step: Step, context: PlanContext) -> StepStatus:
    """Return READY, unless the primary region could not serve the visitors that would be routed to it."""
    for gate in gates_before(context):
        if gate.state is not StepState.DONE:
            # IN_PROGRESS would mean that visitors are led there already: a gate that is unclear before that is unseen.
            state = StepState.UNAVAILABLE if gate.state is StepState.IN_PROGRESS else gate.state
            return StepStatus(state, gate.message, gate.evidence, gate=True)
    again = step.id in context.sent_at
    why = "as before the stage again, though Route 53 took its change: they were written back"
    message = f"the records of {step.subject} are {why if again else 'as the plan found them'}"
    return StepStatus(StepState.READY, message)


def _routing_fields(record_sets: Sequence[records.RecordSet]) -> list[tuple[Any, ...]]:
    """What decides where visitors are led; the rest of a record may have been written by hand in another way."""
    keys = ("Name", "Type", "SetIdentifier", "Weight", "Failover")
    return sorted((*(str(rrset.get(key)) for key in keys), _target(rrset)) for rrset in record_sets)


def _target(rrset: Mapping[str, Any]) -> str:
    alias = rrset.get("AliasTarget")
    return str(alias["DNSName"]).removeprefix("dualstack.") if alias else str(rrset.get("ResourceRecords"))


def _bake_status(step: Step, context: PlanContext) -> StepStatus:
    percent, since = step.after["percent"], context.sent_at.get(step.id)
    message = f"{step.subject} leads {percent} percent to {context.env.region(Side.PRIMARY)}"
    if since is None:
        return StepStatus(StepState.IN_PROGRESS, f"{message}: its bake begins")
    names = frozenset(str(record["Name"]).removesuffix(".") for record in step.after["records"])
    statuses = list(gates(context, TrafficShare(percent, since, names)))
    facts = tuple(fact for gate in statuses for fact in gate.evidence)
    # Before FAILED, which leads visitors back: while both regions take writes, a move in either direction loses some.
    drifted = next((gate for gate in statuses if gate.state is StepState.DRIFTED), None)
    if drifted is not None:
        return StepStatus(drifted.state, f"{message}. {drifted.message}", facts, gate=True)
    failed = next((gate for gate in statuses if gate.state is StepState.FAILED), None)
    if failed is not None:
        # The run takes its own call back; what a person changed, a person changes back, by the command shown.
        call = shift_to_dr.rollback_call(step) if step.manual else None
        back = shift_to_dr.rollback_as_seen(step, call, context) if call else None
        by_hand = " Lead the visitors back by hand: the run shows the command." if back else ""
        return StepStatus(StepState.FAILED, failed.message + by_hand, facts, gate=True, reversing_call=back)
    left, unclear = left_s(context, since), [gate.message for gate in statuses if gate.state is StepState.IN_PROGRESS]
    if left or unclear:
        waits = "; ".join([f"{left:.0f} s of the bake are left"] * bool(left) + unclear)
        return StepStatus(StepState.IN_PROGRESS, f"{message}: {waits}", facts)
    message = f"{message}; every gate holds after {context.env.failback.bake_minutes:g} min"
    return StepStatus(StepState.DONE, message, facts)


def notes(context: PlanContext) -> Iterator[str]:
    """Yield what no call moves, what cannot be shared, and which canaries move with everybody."""
    dark = records.unavailable_reason(context)
    if dark:
        yield f"No traffic is shifted, for the records cannot be read: {dark} Weights are set in us-east-1: wait."
        return
    found = records.cutover_pairs(context)
    yield from found.left
    pairs = [pair for zone in _pairs_of_first_step(context) for pair in zone.pairs]
    weighted = [pair for pair in pairs if pair.primary.policy == "weighted"]
    if len(context.env.failback.stages) > 1 and any(share_of(pair) < records.ALL for pair in weighted):
        home, away = context.env.regions.primary, context.env.regions.dr
        yield (
            f"During the stages {home} alone takes writes: who is led there writes, and who is still led to {away} "
            "reads and is refused writes until the last stage."
        )
    for pair in pairs:
        if pair.primary.policy != "weighted" and share_of(pair) < records.ALL:
            yield (
                f"{pair.label} is a {pair.primary.policy} pair, which cannot be shared: it is turned whole, in one "
                "step, for a run never converts (T12)."
            )
    own = {host for zone in found.zones for pair in zone.pairs for host in (pair.primary.name,)}
    if context.env.failback.canary_tenants and not own & _canary_hosts(context):
        names = ", ".join(context.env.failback.canary_tenants)
        yield f"Canary tenants ({names}) have no records of their own: they are shifted with everybody."


SHIFT_TO_PRIMARY = Action(
    "traffic/shift_to_primary",
    "Routes visitors back to the primary region in stages: one change batch per zone and weight, watched "
    "during its bake.",
    {f"{_SERVICE}:{_OPERATION}"},
    (
        route53.records,
        route53.customer_hosts,
        dns_answers.authorities,
        dns_answers.door,
        dns_canary_polls.tallies,
        ecs.services,
        elbv2.load_balancer,
        elbv2.healthy_hosts,
        elbv2_targets.health,
        elbv2_targets.minutes,
        http_sites.visits,
        http_sites.edge_visits,
        *traffic_stage_gates.PARTS,
    ),
    plan_steps,
    observe,
    rollback=shift_to_dr.rollback_call,
    omissions=notes,
    rolled_back=is_rolled_back,
    build_call=shift_to_dr.build_call,
    rollback_as_seen=shift_to_dr.rollback_as_seen,
    rollback_parts=shift_to_dr.RECORDS,
    waits=Waits(minutes=lambda env: env.failback.bake_minutes),
)
