"""Waits until the primary region has answered without a gap for long enough; an unstable region is not ready yet.

The evidence is one reading, not a memory of earlier ones: the minutes in which the region's databases published metrics
(region_heartbeat.py). A region that did not answer published nothing then, and CloudWatch adds nothing afterwards. No
call is made.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.traffic.region_stability import Stability, stability
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Step
from dr_checks.posture.posture import WITNESSES
from dr_estate.config.environment import Side
from dr_estate.readers import region_heartbeat

_MARGIN_S, _MINUTE_S = 900, 60


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """One step, for the region."""
    region, minutes = context.env.regions.primary, context.env.failback.stable_minutes
    yield context.step(
        __name__,
        region,
        side=Side.PRIMARY,
        says=f"Wait until {region} has answered for {minutes} minutes without a gap.",
        budget_s=minutes * _MINUTE_S + _MARGIN_S,
        after={"stable_minutes": minutes},
    )


def steadiness(context: PlanContext) -> Stability:
    """How steadily the primary region answers. Raises DataUnavailable where its pulse cannot be read."""
    minutes, region = context.env.failback.stable_minutes, context.env.regions.primary
    beats = context.snapshot.get(region_heartbeat.minutes, Side.PRIMARY)
    return stability(beats, context.snapshot.taken_at, minutes, region)


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the newest stretch without a gap is long enough and the region's API answers."""
    if not context.primary_answers:
        return StepStatus(StepState.IN_PROGRESS, f"the API of {step.subject} does not answer.")
    if not context.env.failback.stable_minutes:
        return StepStatus(StepState.DONE, f"the API of {step.subject} answers; no time is asked of it.")
    assessment = steadiness(context)
    facts = tuple(
        (name, f"{at:%Y-%m-%dT%H:%MZ}") for name, at in (("since", assessment.since), ("gap", assessment.gap)) if at
    )
    return StepStatus(StepState.DONE if assessment.stable else StepState.IN_PROGRESS, assessment.message, facts)


ACTION = action(globals(), (), (*WITNESSES, region_heartbeat.minutes))
