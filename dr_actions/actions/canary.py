"""Drives a canary through every routing state of a failover and its failback, a change batch a state, and removes it.

A state is done when Route 53 has the change everywhere (GetChange INSYNC, T02) and the zone's own name servers, asked
failback.dns_samples times, answer as its weights or roles say, with its TTL. What each state took is
in the record: it is how long a cut-over's DNS step takes. Taking a state back is the batch of the one before; of the
first, the deletion of what it made. No health check is made, changed or referred to (T03, T04).

Every canary is removed, regardless of who made it and how its drill ended: it is found by its name. A deletion repeats
the record exactly as it is, and Route 53 refuses any other (API_ChangeResourceRecordSets). Done when the zone holds no
record of the canary and no name server of the zone answers with one. Where the DNS step is manual (traffic.dns_step),
all of this is a person's too: the batch is printed, waited for and verified, and this process writes no record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from dr_actions.actions.traffic.answers_gate import SETTLES, TOO_RARE, rarity
from dr_actions.actions.traffic.records import ALL, NONE, RecordSet, between, record_set, shared_pair, shifted_pair
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Step
from dr_checks.derived.routing import POLICIES, RecordPair
from dr_estate.config.environment import Environment, Side
from dr_estate.model.recovery_names import canary_name, canary_of, canary_target, is_canary, is_drill
from dr_estate.model.unavailable import DataUnavailable, available
from dr_estate.readers import dns_canary_polls, route53
from dr_estate.readers.dns_canary_polls import IN_SYNC, LOST, DnsChange, Poll
from dr_estate.readers.route53 import HostedZone, Record

# The canary: a record of nobody's, led through every routing state that a failover and its failback take. Pure.
#
# It is named as the environment's own pair is and follows the same policy, so that what is proved of it holds for that
# pair. It leads to addresses for documentation alone (RFC 5737), which no machine has. A weighted pair holds them
# itself. A failover pair cannot: Route 53 refuses "a non-alias primary ResourceRecordSet" without a health check (its
# own words, external-dns issue 2362). A new check would begin healthy (T04), and the estate's own would then steer two
# names and could not be pinned (T06). So its two records are aliases of two records beside it, as the estate's are of
# load balancers. One name has one policy for as long as it lives (T12).

# TEST-NET-1 and TEST-NET-2
ADDRESSES = {Side.PRIMARY: "192.0.2.1", Side.DR: "198.51.100.1"}
_KIND = "A"


@dataclass(frozen=True, slots=True)
class RoutingState:
    """One routing state: ``percent`` of the answers lead to the primary region, the rest to the DR region."""

    label: str
    percent: int
    records: tuple[RecordSet, ...]


def states(env: Environment, name: str, zone_id: str) -> tuple[RoutingState, ...]:
    """Return today's state, the state after a failover, and the state at each share of the failback.

    A failover pair returns to the primary region in a single stage (T12).
    """
    sides = ((Side.PRIMARY, env.traffic.primary_set_identifier), (Side.DR, env.traffic.secondary_set_identifier))
    pair = RecordPair(*(_routing_record(env, name, side, identifier, zone_id) for side, identifier in sides))
    beside = tuple(_targets(env, name))
    stages = env.failback.stages if env.traffic.policy == "weighted" else (ALL,)
    led = [("today", ALL, shared_pair(pair, ALL)), ("away", NONE, shifted_pair(pair, Side.DR))]
    led += [(f"home-{percent}", percent, shared_pair(pair, percent)) for percent in stages]
    return tuple(
        RoutingState(label, percent, tuple(map(record_set, (*beside, *records)))) for label, percent, records in led
    )


def _routing_record(env: Environment, name: str, side: Side, identifier: str, zone_id: str) -> Record:
    """The record of ``name`` for ``side``, while all is led to the primary region."""
    first = side is Side.PRIMARY
    if env.traffic.policy == "weighted":
        return _record(name, env, side, set_identifier=identifier, weight=ALL if first else NONE)
    return _record(
        name,
        env,
        None,
        set_identifier=identifier,
        failover="PRIMARY" if first else "SECONDARY",
        alias_target=canary_target(name, side),
        alias_zone_id=zone_id,
    )


def _targets(env: Environment, name: str) -> Iterator[Record]:
    """What the two aliases of a failover pair lead to."""
    if env.traffic.policy == "failover":
        for side in (Side.PRIMARY, Side.DR):
            yield _record(canary_target(name, side), env, side)


def _record(
    name: str,
    env: Environment,
    side: Side | None,
    set_identifier: str | None = None,
    weight: int | None = None,
    failover: str | None = None,
    alias_target: str | None = None,
    alias_zone_id: str | None = None,
) -> Record:
    """A record with the address that stands for ``side``, or an alias where there is none."""
    return Record(
        name=name,
        type=_KIND,
        ttl_s=env.thresholds.record_ttl_s if side else None,
        values=(ADDRESSES[side],) if side else (),
        set_identifier=set_identifier,
        weight=weight,
        failover=failover,
        health_check_id=None,
        alias_target=alias_target,
        alias_zone_id=alias_zone_id,
        evaluate_target_health=True if alias_target else None,
    )


def place(context: PlanContext) -> tuple[str, HostedZone] | str:
    """The canary's name and its zone, or in a sentence why none is made."""
    env, zone = context.env, context.env.traffic.zone
    if not is_drill(context.incident):
        return f"No canary is made: it bears the name of its drill, and '{context.incident}' is no drill."
    if zone not in env.traffic.canary_zones:
        return f"No canary is made: traffic.canary_zones does not list {zone}, so no record is made there."
    name = canary_name(env, zone, context.incident)
    denied = [
        denied_zone
        for denied_zone in env.traffic.denied_zones
        # A denied zone above the traffic zone is denied without it: the more exact one decides, as in the guard.
        if f".{name}".endswith(f".{denied_zone}") and len(denied_zone) >= len(zone)
    ]
    if denied:
        return f"No canary is made: {name} is in {denied[0]}, a denied zone (traffic.denied_zones)."
    try:
        found = context.snapshot.get(route53.zone, Side.GLOBAL)
        context.snapshot.get(route53.records, Side.GLOBAL)
    except DataUnavailable as error:
        return f"No canary is made, for its zone cannot be seen: {error.unavailable.why}"
    return (name, found) if found else f"No canary is made: there is no public zone {zone}."


def leftover_records(context: PlanContext) -> dict[str, tuple[Record, ...]]:
    """Every canary's records that are seen, targets before their aliases. Raises DataUnavailable."""
    found: dict[str, list[Record]] = {}
    for record in context.snapshot.get(route53.records, Side.GLOBAL):
        if is_canary(record.name, context.env):
            found.setdefault(canary_of(record.name), []).append(record)
    return {name: tuple(sorted(rows, key=lambda row: row.alias_target is not None)) for name, rows in found.items()}


def record_sets(context: PlanContext, names: Iterable[str]) -> list[RecordSet]:
    """Every record set of ``names`` as it is, in order. Raises DataUnavailable."""
    wanted = {route53.plain(name) for name in names}
    return in_order(record_set(row) for row in context.snapshot.get(route53.records, Side.GLOBAL) if row.name in wanted)


def in_order(record_sets: Iterable[RecordSet]) -> list[RecordSet]:
    """Record sets by name, type and set identifier, so that two lists of them can be compared."""
    return sorted(record_sets, key=lambda rrset: (rrset["Name"], rrset["Type"], rrset.get("SetIdentifier") or ""))


def names_of(record_sets: Iterable[RecordSet]) -> list[str]:
    """The names of ``record_sets``, plain, once each."""
    return sorted({route53.plain(str(rrset["Name"])) for rrset in record_sets})


# Whether a canary's state is everywhere: judged by what Route 53 says of the change and by its servers' answers. Pure.
#
# INSYNC means that all of Route 53's servers have the change (API_GetChange, T02): from then on a wrong answer is a
# failure, not a reason to wait. The id of a change that a person made is not known; then the answers alone decide, and
# a wrong answer is a failure once the change had its time.

_PERCENT = 100.0
_NOERROR, _NXDOMAIN = "NOERROR", "NXDOMAIN"
Facts = tuple[tuple[str, str], ...]


def spread(step: Step, context: PlanContext, name: str, percent: int) -> StepStatus:
    """Whether ``percent`` of the answers for ``name`` lead to the primary region, with the TTL as written.

    Raises DataUnavailable where Route 53 or every name server of the zone could not be asked.
    """
    waits = _not_everywhere(step, context)
    if waits:
        return waits
    (poll,) = _polls(context, [name]) or (Poll(name, (), (), 0, ()),)
    if not poll.answers or poll.silent:
        message = f"{poll.silent} questions for {name} had no answer, {poll.answers} had"
        return StepStatus(StepState.IN_PROGRESS, message)
    good = [(values, number) for code, values, number in poll.counts if code == _NOERROR]
    came, went = (sum(n for values, n in good if values == (ADDRESSES[side],)) for side in (Side.PRIMARY, Side.DR))
    strange, ttl_s = poll.answers - came - went, context.env.thresholds.record_ttl_s
    regions = context.env.regions
    message = (
        f"{came} of {poll.answers} answers for {name} lead to {regions.primary} and {went} to {regions.dr}, "
        f"{percent} percent to {regions.primary} wanted"
    )
    message += f"; {_other_answers(poll)}" if strange else ""
    # The zone's own servers answer with the TTL as written; a resolver's would count down.
    if poll.ttls_s != (ttl_s,):
        message += f"; the TTL is {' and '.join(map(str, poll.ttls_s)) or 'unknown'} s, written {ttl_s} s"
    # Route 53 draws each answer by weight: only a share that chance hardly gives is wrong.
    wrong = strange or poll.ttls_s != (ttl_s,) or rarity(came, poll.answers, percent / _PERCENT) < TOO_RARE
    fact = (f"answers {name}", f"{came} of {poll.answers} lead to {regions.primary}, {went} to {regions.dr}")
    return _propagation_status(step, context, bool(wrong), message, (fact, ("name servers", ", ".join(poll.asked))))


def is_absent(step: Step, context: PlanContext, names: Iterable[str]) -> StepStatus:
    """Whether no server of the zone answers with a record of ``names`` any more: NXDOMAIN, or NOERROR and nothing.

    Where a wildcard of the zone covers a name, its answer stands in their place (RFC 4592). Raises DataUnavailable as
    above.
    """
    waits = _not_everywhere(step, context)
    if waits:
        return waits
    wanted, wrong, facts = list(names), list[str](), list[tuple[str, str]]()
    polls = _polls(context, wanted)
    if len(polls) < len(wanted) or any(not poll.answers or poll.silent for poll in polls):
        return StepStatus(StepState.IN_PROGRESS, f"not every name server answered for {', '.join(wanted)}")
    for poll in polls:
        records = context.snapshot.get(route53.records, Side.GLOBAL)
        covered = any(record.name.startswith("*.") and poll.name.endswith(record.name[1:]) for record in records)
        for code, values, number in poll.counts:
            nothing = code == _NXDOMAIN or (code == _NOERROR and not values)
            stands = code == _NOERROR and covered and not set(values) & set(ADDRESSES.values())
            message = f"{number} of {poll.answers} answers for {poll.name}: {code} {' '.join(values)}".rstrip()
            facts.append((f"answers {poll.name}", message))
            if not nothing and not stands:
                wrong.append(message)
    says = "; ".join(wrong) or f"gone: {'; '.join(text for _, text in facts)}"
    return _propagation_status(step, context, bool(wrong), says, tuple(facts))


def _not_everywhere(step: Step, context: PlanContext) -> StepStatus | None:
    """IN_PROGRESS or FAILED while the change is not known to be everywhere; None once the answers may be judged."""
    if step.manual and step.id not in context.sent_at:
        return StepStatus(StepState.IN_PROGRESS, "it is seen made by hand: the name servers are asked from now on")
    change = _change(step, context)
    if change and change.status == LOST:
        return StepStatus(StepState.FAILED, f"Route 53 does not know change {change.id} any more (T02)")
    if change and change.status != IN_SYNC:
        return StepStatus(StepState.IN_PROGRESS, f"change {change.id} is {change.status}")
    return None


def _change(step: Step, context: PlanContext) -> DnsChange | None:
    """What Route 53 says of the step's change; None where its id is not known. Raises DataUnavailable."""
    wanted = context.changes.get(step.id)
    if wanted is None:
        return None
    seen = map(available, context.snapshot.get(dns_canary_polls.changes, Side.GLOBAL))
    return {change.id: change for change in seen}.get(wanted, DnsChange(wanted, "not looked at"))


def _propagation_status(step: Step, context: PlanContext, wrong: bool, message: str, facts: Facts) -> StepStatus:
    """DONE with how long it took; what is wrong fails only once the change had its time."""
    since, change = context.sent_at.get(step.id), _change(step, context)
    if wrong:
        settled = change is not None or (since is not None and context.snapshot.taken_at - since > SETTLES)
        return StepStatus(StepState.FAILED if settled else StepState.IN_PROGRESS, message, facts)
    if change:
        facts = (("change", f"{change.id} {change.status}"), *facts)
    if since is None:
        return StepStatus(StepState.DONE, message, facts)
    asked_at = context.snapshot.parts[dns_canary_polls.polls.name, Side.GLOBAL].read_at
    took = f"{max(0.0, (asked_at - since).total_seconds()):.1f} s"
    from_ = "it was seen made by hand" if step.manual else "the call was answered"
    return StepStatus(StepState.DONE, f"{message}; {took} after {from_}", (*facts, ("propagation", took)))


def _polls(context: PlanContext, names: Iterable[str]) -> tuple[Poll, ...]:
    found = {poll.name: poll for poll in context.snapshot.get(dns_canary_polls.polls, Side.GLOBAL)}
    return tuple(found[name] for name in names if name in found)


def _other_answers(poll: Poll) -> str:
    known = {(address,) for address in ADDRESSES.values()}
    rest = [row for row in poll.counts if row[0] != _NOERROR or row[1] not in known]
    return "; ".join(f"{number} answers are {code} {' '.join(values)}".rstrip() for code, values, number in rest)


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
            names = [f"{row['Name']} {row.get('SetIdentifier', '')}".strip() for row in now]
            text = f"the records of {step.subject} were changed: {'; '.join(names) or 'gone'}"
            return StepStatus(StepState.DRIFTED, text)
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
