"""What Route 53 and name servers answer: whether a shift has taken effect, and whether visitors are shared by weight.

Route 53 says INSYNC where this run made the change (API_GetChange, T02); the id of a person's change is not known, and
the records read back stand for it. Then every server that can be asked answers with the DR load balancer, so health is
on its side, too (T05, T07): TestDNSAnswer, the resolvers, the zone's own name servers. Where no DNS server can be
reached from here, that says nothing of the change. An answer that points elsewhere is waited for until the change had
its time: the pin, which comes next, fixes what health causes, and the validation fails on what remains. Whether the
servers share out the visitors as the weights say is judged by many questions, in one look: by how likely the count of
answers would be. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, lgamma, log

from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Step
from dr_checks.derived.routing import leads_to
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.network.dns_query import DnsAnswer
from dr_estate.readers import dns_answers, dns_canary_polls, elbv2, route53
from dr_estate.readers.dns_canary_polls import IN_SYNC, LOST, AnswerTally, DnsChange
from dr_estate.snapshot.snapshot import Snapshot

# Looked at every few seconds of three bakes, a fair share must not be called unfair once in hundreds of failbacks.
TOO_RARE = 1e-6
# A change reaches every name server of Route 53 within a minute (Developer Guide, "monitoring changes").
SETTLES = timedelta(seconds=120)
_ALL, _PERCENT = 100, 100.0
_KINDS = ("A", "CNAME")  # a load balancer is known here by its IPv4 addresses and its name


def at_most(successes: int, trials: int, chance: float) -> float:
    """The probability of ``successes`` or fewer in ``trials``, ``chance`` being between 0 and 1."""
    return min(1.0, sum(_exactly(k, trials, chance) for k in range(max(0, successes + 1))))


def at_least(successes: int, trials: int, chance: float) -> float:
    """The probability of ``successes`` or more in ``trials``."""
    return min(1.0, sum(_exactly(k, trials, chance) for k in range(max(0, successes), trials + 1)))


def rarity(successes: int, trials: int, chance: float) -> float:
    """The probability of so few, or of so many: the smaller of the two. A count that is usual has one near a half."""
    return min(at_most(successes, trials, chance), at_least(successes, trials, chance))


def _exactly(k: int, trials: int, chance: float) -> float:
    # log(0) has no value: at these two chances one count alone is possible.
    if chance in (0.0, 1.0):
        return float(k == round(trials * chance))
    ways = lgamma(trials + 1) - lgamma(k + 1) - lgamma(trials - k + 1)
    return exp(ways + k * log(chance) + (trials - k) * log(1 - chance))


@dataclass(frozen=True, slots=True)
class TrafficShare:
    """``percent`` of the visitors of ``names`` returned to the primary region at ``since`` (UTC)."""

    percent: int
    since: datetime
    names: frozenset[str]


def answers_gate(context: PlanContext, part: TrafficShare) -> StepStatus:
    """Compare the answers that point to the primary region with the part's share. Raises DataUnavailable."""
    percent, since = part.percent, part.since
    # At 100 percent there is no share to estimate: a single answer that points elsewhere decides.
    if percent == _ALL:
        names = [name for name in context.env.traffic_records if name in part.names]
        if not names:
            # Of a customer's host no name server is asked at 100 percent: its records, read back, decide.
            return StepStatus(StepState.DONE, f"{percent} percent point to the primary region by their records.")
        found = [_share_status(context, since, *_stray_answer(context, name)) for name in names]
        return next((status for status in found if status.state is not StepState.DONE), _together(found))
    parts = [seen for seen, _ in context.snapshot.of_entrances(context.env)]
    asked_for = dict.fromkeys(row for seen in parts for row in seen.get(dns_canary_polls.tallies, Side.GLOBAL))
    rows = [row for row in asked_for if row.counts and row.type in _KINDS and row.name in part.names]
    if not rows:
        return StepStatus(StepState.IN_PROGRESS, "no name server answered any question.")
    unfair, messages, facts = False, list[str](), list[tuple[str, str]]()
    for row in rows:
        seen, _ = _entrance_of(row.name, context)
        home, away = _load_balancer(seen, Side.PRIMARY), _load_balancer(seen, Side.DR)
        total, went = sum(number for _, number in row.counts), _answers_by_region(row, away)
        came = _answers_by_region(row, home) if home else total - went  # a dark primary does not show its addresses
        strange = total - came - went
        share = f"{came} of {total} answers for {row.name} {row.type}"
        message = f"{share} point to the primary region, {percent} percent wanted"
        messages.append(message + (f", {strange} point to neither region" if strange else ""))
        facts.append((f"answers {row.name} {row.type}", f"{came} of {total}"))
        unfair = unfair or rarity(came, total, percent / _PERCENT) < TOO_RARE
    return _share_status(context, since, unfair, f"{'; '.join(messages)}.", tuple(facts))


def _together(found: Sequence[StepStatus]) -> StepStatus:
    """The statuses of several names, all of them done, as one."""
    facts = tuple(fact for status in found for fact in status.evidence)
    return StepStatus(StepState.DONE, " ".join(status.message for status in found), facts)


def _share_status(
    context: PlanContext, since: datetime, unfair: bool, message: str, facts: tuple[tuple[str, str], ...]
) -> StepStatus:
    """Unfair is FAILED only once the change has had its time to reach every server."""
    if not unfair:
        return StepStatus(StepState.DONE, message, facts)
    # Before that, an unfair share may come of servers that have not heard of the change: nobody is led back for it.
    settled = context.snapshot.taken_at - since > SETTLES
    return StepStatus(StepState.FAILED if settled else StepState.IN_PROGRESS, message, facts)


def _stray_answer(context: PlanContext, name: str) -> tuple[bool, str, tuple[tuple[str, str], ...]]:
    """Whether an answer points elsewhere, with the words for it. Raises DataUnavailable where nothing shows it."""
    seen, _ = _entrance_of(name, context)
    home, away = _load_balancer(seen, Side.PRIMARY), _load_balancer(seen, Side.DR)
    found = seen.get(dns_answers.authorities, Side.GLOBAL)
    answers = [a for a in found if isinstance(a, DnsAnswer) and a.name == name and a.type in _KINDS]
    if not answers:
        dark = [a for a in found if not isinstance(a, DnsAnswer)]
        unheard = Unavailable(UnavailableKind.RESOLVER, f"No name server was asked for {name}.")
        raise DataUnavailable(dark[0] if dark else unheard)
    if not home and not away:
        raise DataUnavailable(Unavailable(UnavailableKind.RESOLVER, "The addresses of neither region can be seen."))
    astray = [a for a in answers if not _is_in_primary(frozenset((*a.values, *a.chain)), home, away)]
    if astray:
        text = ", ".join(astray[0].values or astray[0].chain) or astray[0].code
        return True, f"{astray[0].asked} answers {name} with {text}, which is not in the primary region.", ()
    message = f"{name} points to the primary region; answered so by"
    facts = ((f"answers {name}", "all in the primary region"),)
    return False, f"{message}: {', '.join(sorted({a.asked for a in answers}))}.", facts


def _is_in_primary(targets: frozenset[str], home: frozenset[str], away: frozenset[str]) -> bool:
    # A dark primary does not show its addresses: then what is not in the DR region is there. No target is nowhere.
    return bool(home & targets) if home else bool(targets) and not away & targets


def _answers_by_region(row: AnswerTally, door: frozenset[str]) -> int:
    return sum(number for values, number in row.counts if door & set(values))


def _load_balancer(snapshot: Snapshot, side: Side) -> frozenset[str]:
    """The addresses and the names of the side's load balancer; empty where they cannot be seen."""
    balancer, addresses = snapshot.get_if_seen(elbv2.load_balancer, side), snapshot.get_if_seen(dns_answers.door, side)
    names = {route53.plain(balancer.dns_name)} if balancer else set()
    # Aliases name a load balancer with or without the prefix "dualstack.": both are the same load balancer.
    return frozenset({*(addresses or ()), *names, *(f"dualstack.{name}" for name in names)})


def effect_status(step: Step, context: PlanContext, change: DnsChange | None) -> StepStatus:
    """IN_PROGRESS or DONE, for a step whose records are as wanted."""
    return _change_status(step, context, change) or _answer_status(step, context, change)


def change_of(step: Step, context: PlanContext) -> DnsChange | None:
    """What Route 53 says of the step's change; None where its id is not known, or Route 53 was not heard of it."""
    followed = context.snapshot.get_if_seen(dns_canary_polls.changes, Side.GLOBAL) or ()
    wanted = context.changes.get(step.id)
    return next((change for change in followed if isinstance(change, DnsChange) and change.id == wanted), None)


def _change_status(step: Step, context: PlanContext, change: DnsChange | None) -> StepStatus | None:
    """IN_PROGRESS while Route 53 may not have the change on all its servers; None from then on."""
    wanted = context.changes.get(step.id)
    if change is None and wanted and not _had_its_time(step, context):
        return StepStatus(StepState.IN_PROGRESS, f"change {wanted} is not seen to be {IN_SYNC} yet")
    # LOST is a change id that Route 53 does not know (T02): nothing can be waited for, the records read back decide.
    if change and change.status not in (IN_SYNC, LOST):
        return StepStatus(StepState.IN_PROGRESS, f"change {change.id} is {change.status}", progress=(change.status,))
    return None


def _had_its_time(step: Step, context: PlanContext) -> bool:
    since = context.sent_at.get(step.id)
    return since is not None and context.snapshot.taken_at - since > SETTLES


def _answer_status(step: Step, context: PlanContext, change: DnsChange | None) -> StepStatus:
    """The records are as wanted: what do those say who can be asked from here?"""
    heard, unseen = _answers(step, context)
    wanted, doors = leads_to(step.after["records"]), {answer.name: door_of(answer, context) for answer in heard}
    # While the load balancer's addresses are unseen, an answer by address proves neither region: it is left out.
    judged = [answer for answer in heard if doors[answer.name] is not None or points_to_dr(answer, (), wanted)]
    stale = [answer for answer in judged if not points_to_dr(answer, doors[answer.name] or (), wanted)]
    late = ""
    if stale:
        values = ", ".join(stale[0].values or stale[0].chain) or stale[0].code
        late = f"{stale[0].asked} still answers {stale[0].name} with {values}"
        if not _had_its_time(step, context):
            return StepStatus(StepState.IN_PROGRESS, late)
    in_sync = change is not None and change.status == IN_SYNC
    by = [f"Route 53 ({change.id} is {change.status})" if change and in_sync else "its records, read back"]
    by += sorted({answer.asked for answer in judged if answer not in stale})
    message = f"{step.subject} points to {context.env.region(Side.DR)} (confirmed by {', '.join(by)})"
    message += f"; {late}, which is no reason to wait longer" if late else ""
    if not judged:
        message += f"; its answers cannot be seen from here{f': {unseen}' if unseen else ''}"
    facts = tuple((f"{answer.asked} {answer.name}", " ".join(answer.values)) for answer in judged)
    return StepStatus(StepState.DONE, message.rstrip("."), facts)


def _answers(step: Step, context: PlanContext) -> tuple[list[DnsAnswer], str]:
    """Return every answer for the step's names, and why a source could not be asked, "" where all could.

    The zone's own servers are asked for the traffic name alone.
    """
    names = {str(record["Name"]).removesuffix(".") for record in step.after["records"]}
    heard: list[DnsAnswer] = []
    reason = ""
    parts = [part for part, _ in context.snapshot.of_entrances(context.env)]
    readers = (dns_answers.tested, dns_answers.resolved, dns_answers.authorities)
    for part, reader in ((part, reader) for part in parts for reader in readers):
        try:
            found = part.get(reader, Side.GLOBAL)
        except DataUnavailable as error:
            reason = error.unavailable.why
            continue
        heard += [a for a in found if isinstance(a, DnsAnswer) and a.name in names and a.type in ("A", "CNAME")]
        reason = next((a.why for a in found if not isinstance(a, DnsAnswer)), reason)
    return heard, reason


def door_of(answer: DnsAnswer, context: PlanContext) -> tuple[str, ...] | None:
    """The addresses of the DR region's load balancer to which the answer's name is to lead; None where not seen."""
    part, _ = _entrance_of(answer.name, context)
    return part.get_if_seen(dns_answers.door, Side.DR)


def _entrance_of(name: str, context: PlanContext) -> tuple[Snapshot, Environment]:
    """What is about the load balancer that the name leads to; of a customer's host the settings' own."""
    found = list(context.snapshot.of_entrances(context.env))
    return next((pair for pair in found if pair[1].traffic.origin_record == name), found[0])


def points_to_dr(answer: DnsAnswer, door: Sequence[str] | None, targets: Sequence[str]) -> bool:
    """Whether the answer leads to the DR load balancer: by an address of its ``door`` today, or by its name."""
    named = {link.removesuffix(".") for link in (*answer.values, *answer.chain)}
    return bool(named & set(targets)) or any(value in (door or ()) for value in answer.values)
