"""Do the zone's own servers share out the visitors as the weights say? Judged by many questions, in one look. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dr_actions.actions.traffic.binomial import rarity
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.network.dns_query import DnsAnswer
from dr_estate.readers import dns_answers, dns_weight_samples, elbv2, route53
from dr_estate.readers.dns_weight_samples import AnswerTally
from dr_estate.reading.reader import Reader

# Looked at every few seconds of three bakes, a fair share must not be called unfair once in hundreds of failbacks.
TOO_RARE = 1e-6
# A change reaches every name server of Route 53 within a minute (Developer Guide, "monitoring changes").
SETTLES = timedelta(seconds=120)
_ALL, _PERCENT = 100, 100.0
_KINDS = ("A", "CNAME")  # a load balancer is known here by its IPv4 addresses and its name


@dataclass(frozen=True, slots=True)
class TrafficShare:
    """``percent`` of the visitors of ``names`` returned to the primary region at ``since`` (UTC)."""

    percent: int
    since: datetime
    names: frozenset[str]


def answers_gate(context: PlanContext, part: TrafficShare) -> StepStatus:
    """Compare the share of answers that point to the primary region with the part's share.

    Raises DataUnavailable where no server could be asked.
    """
    home, away, percent, since = (
        _load_balancer(context, Side.PRIMARY),
        _load_balancer(context, Side.DR),
        part.percent,
        part.since,
    )
    if percent == _ALL:
        if context.env.traffic.origin_record not in part.names:
            return StepStatus(StepState.DONE, f"{percent} percent point to the primary region by their records.")
        return _settled(context, since, *_all_in_primary(context, home, away))
    asked_for = context.snapshot.get(dns_weight_samples.tallies, Side.GLOBAL)
    rows = [row for row in asked_for if row.counts and row.type in _KINDS and row.name in part.names]
    if not rows:
        return StepStatus(StepState.IN_PROGRESS, "no name server answered any question.")
    unfair, messages, facts = False, list[str](), list[tuple[str, str]]()
    for row in rows:
        total, went = sum(number for _, number in row.counts), _leading(row, away)
        came = _leading(row, home) if home else total - went  # a dark primary does not show its addresses
        strange = total - came - went
        message = (
            f"{came} of {total} answers for {row.name} {row.type} point to the primary region, {percent} percent wanted"
        )
        messages.append(message + (f", {strange} point to neither region" if strange else ""))
        facts.append((f"answers {row.name} {row.type}", f"{came} of {total}"))
        unfair = unfair or rarity(came, total, percent / _PERCENT) < TOO_RARE
    return _settled(context, since, unfair, f"{'; '.join(messages)}.", tuple(facts))


def _settled(
    context: PlanContext, since: datetime, unfair: bool, message: str, facts: tuple[tuple[str, str], ...]
) -> StepStatus:
    """Unfair is FAILED only once the change has had its time to reach every server."""
    if not unfair:
        return StepStatus(StepState.DONE, message, facts)
    settled = context.snapshot.taken_at - since > SETTLES
    return StepStatus(StepState.FAILED if settled else StepState.IN_PROGRESS, message, facts)


def _all_in_primary(
    context: PlanContext, home: frozenset[str], away: frozenset[str]
) -> tuple[bool, str, tuple[tuple[str, str], ...]]:
    name = context.env.traffic.origin_record
    found = context.snapshot.get(dns_answers.authorities, Side.GLOBAL)
    answers = [a for a in found if isinstance(a, DnsAnswer) and a.name == name and a.type in _KINDS]
    if not answers:
        dark = [a for a in found if not isinstance(a, DnsAnswer)]
        if dark:
            raise DataUnavailable(dark[0])
        return False, f"{name} is not among the names that are asked for.", ()
    astray = [a for a in answers if (not home & set(_targets_of(a)) if home else away & set(_targets_of(a)))]
    if astray:
        text = ", ".join(astray[0].values or astray[0].chain) or astray[0].code
        return True, f"{astray[0].asked} answers {name} with {text}, which is not in the primary region.", ()
    servers = ", ".join(sorted({a.asked for a in answers}))
    return (
        False,
        f"{name} points to the primary region; answered so by: {servers}.",
        ((f"answers {name}", "all in the primary region"),),
    )


def _targets_of(answer: DnsAnswer) -> tuple[str, ...]:
    return (*answer.values, *answer.chain)


def _leading(row: AnswerTally, door: frozenset[str]) -> int:
    return sum(number for values, number in row.counts if door & set(values))


def _load_balancer(context: PlanContext, side: Side) -> frozenset[str]:
    """The addresses and the names of the side's load balancer; empty where they cannot be seen."""
    names = {route53.plain(balancer.dns_name) for balancer in _seen(context, elbv2.load_balancer, side)}
    return frozenset({*_observed_load_balancer(context, side), *names, *(f"dualstack.{name}" for name in names)})


def _observed_load_balancer(context: PlanContext, side: Side) -> Sequence[str]:
    try:
        return context.snapshot.get(dns_answers.door, side)
    except DataUnavailable:
        return ()


def _seen(
    context: PlanContext, reader: Reader[elbv2.LoadBalancer | None], side: Side
) -> tuple[elbv2.LoadBalancer, ...]:
    try:
        found = context.snapshot.get(reader, side)
    except DataUnavailable:
        return ()
    return (found,) if found else ()
