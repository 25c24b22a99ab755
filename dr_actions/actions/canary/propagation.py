"""Whether a canary's state is everywhere: judged by what Route 53 says of the change and by its servers' answers. Pure.

INSYNC means that all of Route 53's servers have the change (API_GetChange, T02): from then on a wrong answer is a
failure, not a reason to wait. The id of a change that a person made is not known; then the answers alone decide, and a
wrong answer is a failure once the change had its time.
"""

from __future__ import annotations

from collections.abc import Iterable

from dr_actions.actions.canary.model import ADDRESSES
from dr_actions.actions.traffic.answers_gate import SETTLES, TOO_RARE, rarity
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import dns_canary_polls, route53
from dr_estate.readers.dns_canary_polls import IN_SYNC, LOST, DnsChange, Poll

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
        return StepStatus(
            StepState.IN_PROGRESS, f"{poll.silent} questions for {name} had no answer, {poll.answers} had"
        )
    came, went = (_answers_with(poll, ADDRESSES[side]) for side in (Side.PRIMARY, Side.DR))
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
    seen = context.snapshot.get(dns_canary_polls.changes, Side.GLOBAL)
    for sync_change in seen:
        if not isinstance(sync_change, DnsChange):
            raise DataUnavailable(sync_change)
    return next(
        (change for change in seen if isinstance(change, DnsChange) and change.id == wanted),
        DnsChange(wanted, "not looked at"),
    )


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


def _answers_with(poll: Poll, address: str) -> int:
    return sum(number for code, values, number in poll.counts if (code, values) == (_NOERROR, (address,)))


def _other_answers(poll: Poll) -> str:
    known = {(address,) for address in ADDRESSES.values()}
    rest = [row for row in poll.counts if row[0] != _NOERROR or row[1] not in known]
    return "; ".join(f"{number} answers are {code} {' '.join(values)}".rstrip() for code, values, number in rest)
