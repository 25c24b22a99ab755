"""Waits for evidence around a move of traffic: a primary that is stable, healthy targets before it, arrivals after it.

A service that is stable may have no target that passes its health check. The load balancer's own counts of the last
minutes decide (HealthyHostCount: DescribeTargetHealth is one call a group, and shares ELB's small request bucket with
ECS, which registers targets meanwhile); a count that is missing or old is not a healthy target. A tenant is moved
without one only where that was accepted by name. A service that wants no task is not waited for: the step fails.

Records and answers alone do not prove a move: requests that arrive do. The load balancer counts what reaches it,
CloudFront's requests included ("CloudWatch metrics for your Application Load Balancer", RequestCount). Route 53's own
checkers are counted too, so that only requests beyond what they can send show a visitor. A move that is not confirmed
in its time is UNKNOWN: it is reported, and nothing is rolled back for it.

Whether the primary is stable is one reading, not a memory of earlier ones: the minutes in which the region's databases
published metrics (region_heartbeat.py). A region that did not answer published nothing then, and CloudWatch adds
nothing afterwards. No call is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dr_actions.actions import shared
from dr_actions.actions.compute.rollout import healthy_targets, reason_of_targets
from dr_actions.actions.shared import name_list
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus, Waits
from dr_actions.model.gates import targets_gate
from dr_actions.model.plan import Goal, Step
from dr_actions.model.sequence import Role, role_of
from dr_checks.derived.routing import side_of
from dr_checks.posture.posture import WITNESSES
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import ecs, elbv2, elbv2_targets, region_heartbeat, route53, route53_health_checks
from dr_estate.readers.region_heartbeat import LATE_MINUTES

# The counts of a minute are published about two minutes later (the services' own steps have waited for them before).
_BUDGET_S = 300
_MINUTE_S = 60
# About 15 checkers ask each endpoint once an interval (Route 53 guide, "How Route 53 determines whether a health check
# is healthy", and what others count); twice as many are allowed for.
_CHECKERS = 30
# The shorter of the two intervals that Route 53 offers (API_HealthCheckConfig, RequestInterval: 10 or 30).
_FAST_S = 10
_MINUTE = timedelta(minutes=1)
_MARGIN_S = 900


def targets_steps(context: PlanContext) -> Iterator[Step]:
    """One step, for all tenants."""
    side = Side.PRIMARY if context.goal is Goal.FAILBACK else Side.DR
    region, tenants = context.env.region(side), shared.tenants_of(context)
    tenants = tuple(tenant for tenant in tenants if not context.env.is_worker(tenant.id))  # behind no load balancer
    yield context.step(
        VERIFY_TARGETS.name,
        region,
        side=side,
        says=f"Move no traffic before each of the {len(tenants)} tenants has a healthy target in {region}.",
        budget_s=_BUDGET_S,
        after={"tenants": [tenant.id for tenant in tenants]},
    )


def targets_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once each tenant has a healthy target, or was accepted without one. Raises DataUnavailable."""
    services = {t.tenant.id: t.service for t in shared.tenant_services(context, step.side)}
    counts: dict[str, int | None] = dict.fromkeys(step.after["tenants"], 0)
    counts |= {tenant: healthy_targets(context, services[tenant], step.side) for tenant in counts if tenant in services}
    lacking = {tenant: count for tenant, count in counts.items() if not count}
    waits = [tenant for tenant in lacking if targets_gate(tenant) not in context.accepted]
    facts = tuple((tenant, "not read" if count is None else str(count)) for tenant, count in counts.items())
    region = context.env.region(step.side)
    if waits:
        gates = name_list([f"--override {targets_gate(tenant)}" for tenant in waits])
        reasons = (reason_of_targets(context, services[tenant], step.side) for tenant in waits if tenant in services)
        reason = next((f" ({reason})" for reason in reasons if reason), "")
        message = f"no healthy target in {region} is seen of {name_list(waits)}{reason}"
        message += f"; to move traffic all the same: {gates}"
        idle = [tenant for tenant in waits if tenant not in services or not services[tenant].desired]
        if idle:  # no time makes a target of a task that nobody wants
            return StepStatus(StepState.FAILED, f"{message} (no task is wanted of {name_list(idle)})", facts)
        return StepStatus(StepState.IN_PROGRESS, message, facts)
    without = f"; accepted by name without: {name_list(list(lacking))}" if lacking else ""
    message = f"{len(counts) - len(lacking)} of {len(counts)} tenants have healthy targets in {region}{without}."
    return StepStatus(StepState.DONE, message, facts)


def arrival_steps(context: PlanContext) -> Iterator[Step]:
    """One step, unless the environment says that nobody visits."""
    minutes, region = context.env.traffic.confirm_minutes, context.env.regions.dr
    if minutes:
        yield context.step(
            VERIFY_ARRIVAL.name,
            region,
            side=Side.DR,
            says=f"See visitors' requests arrive at the load balancer in {region}, within {minutes:g} minutes.",
            budget_s=round(minutes * _MINUTE_S),
        )


def arrival_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once a minute since the move has more requests than health checkers send; UNAVAILABLE until then."""
    shifts = [step for step in context.sent_at if role_of(context.goal, step) is Role.TRAFFIC]
    moved = [at for at in map(context.sent_at.get, shifts) if at] or list(context.sent_at.values())
    since = max(moved, default=context.snapshot.taken_at).replace(second=0, microsecond=0)
    entrances = [(part, env) for part, env in context.snapshot.of_entrances(context.env) if env.traffic.origin_record]
    leading: dict[str, list[Environment]] = {}
    for _, env in entrances:
        leading.setdefault(env.named(env.names.load_balancer), []).append(env)
    # The busiest minute and not the sum: in enough minutes the checkers alone would pass any limit. Of several load
    # balancers, each with its own names' checkers, the one that got least beside them: visitors of each are to arrive.
    counts = []
    for part, env in entrances:
        busiest = max((row.requests for row in part.get(elbv2_targets.minutes, Side.DR) if row.at >= since), default=0)
        counts.append((busiest, probes_a_minute(context, Side.DR, leading[env.named(env.names.load_balancer)])))
    most, probes = min(counts, key=lambda pair: pair[0] - pair[1])
    facts = (("requests a minute", str(most)), ("health checkers' at most", f"{probes:.0f}"))
    text = f"{most} requests a minute reached {step.subject} since {since:%H:%M} UTC"
    if most > probes:
        return StepStatus(StepState.DONE, f"{text}; health checkers send {probes:.0f} at most.", facts)
    message = f"{text}, no more than the {probes:.0f} that health checkers may send: visitors are not seen to arrive."
    return StepStatus(StepState.UNAVAILABLE, message, facts)


def probes_a_minute(context: PlanContext, side: Side, entrances: Sequence[Environment] = ()) -> float:
    """Requests a minute that health checks of the side's records may send; one fast check's where none is seen.

    Of several entrances each has its own record pair, with set identifiers of its own.
    """
    try:
        records = context.snapshot.get(route53.records, Side.GLOBAL)
        known = {check.id: check for check in context.snapshot.get(route53_health_checks.checks, Side.GLOBAL)}
    except DataUnavailable:
        # Unseen checks are taken for a fast one: too low a limit would take probes for visitors.
        return _CHECKERS * _MINUTE_S / _FAST_S
    own = {str(record.health_check_id) for record in records if side_of(record, context.env) is side}
    if len(context.env.entrances) > 1 and entrances:
        pairs = [(row, env) for env in entrances for row in records if row.name == env.traffic.origin_record]
        own = {str(record.health_check_id) for record, env in pairs if side_of(record, env) is side}
    checked = {child for check in own & known.keys() for child in (check, *known[check].children)}
    probing = [known[check] for check in checked & known.keys() if known[check].interval_s]
    return sum(_CHECKERS * _MINUTE_S / check.interval_s for check in probing)


def arrival_notes(context: PlanContext) -> Iterator[str]:
    """That a move is confirmed by records and answers alone."""
    if not context.env.traffic.confirm_minutes:
        yield "Whether visitors arrive in the DR region is not waited for: traffic.confirm_minutes is 0."


@dataclass(frozen=True, slots=True)
class Stability:
    """``since`` is the first minute of the newest stretch without a gap, None where nothing beats now.

    ``gap`` is the last minute before it that is missing, None where the window shows none.
    """

    since: datetime | None
    gap: datetime | None
    lasts: timedelta
    stable: bool
    message: str


def stability(minutes: Sequence[datetime], now: datetime, wanted_minutes: int, region: str) -> Stability:
    """Return for how long ``region`` has published its metrics without a gap.

    ``minutes`` are those in which it published, the oldest first. The newest may have ended LATE_MINUTES ago:
    CloudWatch shows a minute a little after it is over. This evidence shows nothing of an outage that is younger.
    """
    newest = minutes[-1] if minutes else None
    if newest is None or now - newest > (LATE_MINUTES + 1) * _MINUTE:
        text = f"its last was of {newest:%H:%M} UTC" if newest else "none is in the window"
        return Stability(None, newest, timedelta(), False, f"{region} publishes no metric now: {text}.")
    since = newest
    for moment in reversed(minutes):
        if since - moment > _MINUTE:
            break
        since = moment
    lasts = newest - since + _MINUTE
    gap = since - _MINUTE if since > minutes[0] else None
    rest = wanted_minutes * _MINUTE - lasts
    message = f"{region} has been stable for {lasts // _MINUTE} of {wanted_minutes} minutes"
    message += f", for all of them at {now + rest:%H:%M} UTC" if rest > timedelta() else ""
    message += f"; it was silent at {gap:%H:%M} UTC." if gap else "."
    return Stability(since, gap, lasts, rest <= timedelta(), message)


def primary_stable_steps(context: PlanContext) -> Iterator[Step]:
    """One step, for the region."""
    region, minutes = context.env.regions.primary, context.env.failback.stable_minutes
    yield context.step(
        WAIT_PRIMARY_STABLE.name,
        region,
        side=Side.PRIMARY,
        says=f"Wait until {region} has answered for {minutes} minutes without a gap.",
        budget_s=minutes * _MINUTE_S + _MARGIN_S,
        after={"stable_minutes": minutes},
    )


def primary_stable_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the newest stretch without a gap is long enough and the region's API answers."""
    if not context.primary_answers:
        return StepStatus(StepState.IN_PROGRESS, f"the API of {step.subject} does not answer.")
    if not context.env.failback.stable_minutes:
        return StepStatus(StepState.DONE, f"the API of {step.subject} answers; no time is asked of it.")
    minutes, region = context.env.failback.stable_minutes, context.env.regions.primary
    beats = context.snapshot.get(region_heartbeat.minutes, Side.PRIMARY)
    assessment = stability(beats, context.snapshot.taken_at, minutes, region)
    moments = (("since", assessment.since), ("gap", assessment.gap))
    facts = tuple((name, f"{at:%Y-%m-%dT%H:%MZ}") for name, at in moments if at)
    return StepStatus(StepState.DONE if assessment.stable else StepState.IN_PROGRESS, assessment.message, facts)


VERIFY_TARGETS = Action(
    "traffic/verify_targets",
    "Waits, before any visitor is moved, until every tenant has a healthy target in the region to come (T07, T23).",
    frozenset(),
    (ecs.services, elbv2.load_balancer, elbv2.target_groups, elbv2.healthy_hosts, elbv2_targets.health),
    targets_steps,
    targets_status,
    waits=Waits(()),
)
VERIFY_ARRIVAL = Action(
    "traffic/verify_arrival",
    "Confirms a move of traffic by requests that arrive in the DR region: records and answers alone do not prove it.",
    frozenset(),
    (elbv2_targets.minutes, route53.records, route53_health_checks.checks),
    arrival_steps,
    arrival_status,
    omissions=arrival_notes,
    essential=False,
    waits=Waits(("cloudwatch.publish",)),
)
WAIT_PRIMARY_STABLE = Action(
    "traffic/wait_primary_stable",
    "Waits until the primary region has answered without a gap for long enough; an unstable region is not ready yet.",
    frozenset(),
    (*WITNESSES, region_heartbeat.minutes),
    primary_stable_steps,
    primary_stable_status,
    waits=Waits((), minutes=lambda env: env.failback.stable_minutes),
)
