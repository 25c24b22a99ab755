"""Confirms a move of traffic by requests that arrive in the DR region: records and answers alone do not prove it.

The load balancer counts what reaches it, CloudFront's requests included ("CloudWatch metrics for your Application Load
Balancer", RequestCount). Route 53's own checkers are counted too, so that only requests beyond what they can send show
a visitor. A move that is not confirmed in its time is UNKNOWN: it is reported, and nothing is rolled back for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Step
from dr_actions.model.sequence import Role, role_of
from dr_checks.derived.record_pairs import side_of
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import elbv2_request_counts, route53, route53_health_checks

_MINUTE_S = 60
# About 15 checkers ask each endpoint once an interval (Route 53 guide, "How Route 53 determines whether a health check
# is healthy", and what others count); twice as many are allowed for.
_CHECKERS = 30
_FAST_S = 10


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """One step, unless the environment says that nobody visits."""
    minutes, region = context.env.traffic.confirm_minutes, context.env.regions.dr
    if minutes:
        yield context.step(
            __name__,
            region,
            side=Side.DR,
            says=f"See visitors' requests arrive at the load balancer in {region}, within {minutes:g} minutes.",
            budget_s=round(minutes * _MINUTE_S),
        )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once a minute since the move has more requests than health checkers send; UNAVAILABLE until then."""
    moved = [at for at in map(context.sent_at.get, _shifts(context)) if at] or list(context.sent_at.values())
    since = max(moved, default=context.snapshot.taken_at).replace(second=0, microsecond=0)
    rows = context.snapshot.get(elbv2_request_counts.minutes, Side.DR)
    most = max((row.requests for row in rows if row.at >= since), default=0)
    probes = _probes_a_minute(context)
    facts = (("requests a minute", str(most)), ("health checkers' at most", f"{probes:.0f}"))
    text = f"{most} requests a minute reached {step.subject} since {since:%H:%M} UTC"
    if most > probes:
        return StepStatus(StepState.DONE, f"{text}; health checkers send {probes:.0f} at most.", facts)
    message = f"{text}, no more than the {probes:.0f} that health checkers may send: visitors are not seen to arrive."
    return StepStatus(StepState.UNAVAILABLE, message, facts)


def _shifts(context: PlanContext) -> list[str]:
    return [step for step in context.sent_at if role_of(context.goal, step) is Role.TRAFFIC]


def _probes_a_minute(context: PlanContext) -> float:
    """Requests a minute that health checks of the DR region's records may send; one fast check's where none is seen."""
    try:
        records = context.snapshot.get(route53.records, Side.GLOBAL)
        known = {check.id: check for check in context.snapshot.get(route53_health_checks.checks, Side.GLOBAL)}
    except DataUnavailable:
        return _CHECKERS * _MINUTE_S / _FAST_S
    own = {str(record.health_check_id) for record in records if side_of(record, context.env) is Side.DR}
    checked = {child for check in own & known.keys() for child in (check, *known[check].children)}
    probing = [known[check] for check in checked & known.keys() if known[check].interval_s]
    return sum(_CHECKERS * _MINUTE_S / check.interval_s for check in probing)


def notes(context: PlanContext) -> Iterator[str]:
    """That a move is confirmed by records and answers alone."""
    if not context.env.traffic.confirm_minutes:
        yield "Whether visitors arrive in the DR region is not waited for: traffic.confirm_minutes is 0."


ACTION = action(
    globals(), (), (elbv2_request_counts.minutes, route53.records, route53_health_checks.checks), essential=False
)
