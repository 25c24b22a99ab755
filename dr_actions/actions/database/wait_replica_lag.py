"""Waits, before the write pause, until the database of the primary region lags only a little behind the DR region's.

What is still missing when the writes stop is waited for in the pause, so the lag must shrink first, while the DR region
serves. A lag that is absent or old proves nothing (T23). That nothing is lost is proven later, by another step. No call
is made.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.database import failback
from dr_actions.actions.database.verify_primary_in_sync import lag_s, replica_steps
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.readers import rds, rds_replicas


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, unless the copy was promoted already."""
    most_s = context.env.failback.database_lag_s
    yield from replica_steps(context, __name__, f"trails {{source}} by {most_s} s at most", {"lag_s": most_s})


def observe(step: Step, context: PlanContext) -> StepStatus:
    """IN_PROGRESS while the replica trails by more, or nobody knows by how much; FAILED where RDS gave it up."""
    instance = failback.named(context, Side.PRIMARY, step.subject)
    if instance is None or instance.source != step.before["source"]:
        return StepStatus(StepState.DRIFTED, f"{step.subject} does not replicate {step.before['source']} (any more).")
    if broken := failback.broken_link(context, instance):
        return StepStatus(StepState.FAILED, f"{broken}. Nobody is kept from writing for that.")
    lag, reason = lag_s(context, instance)
    if lag is None:
        return StepStatus(StepState.IN_PROGRESS, f"How far {instance.identifier} trails is not known now: {reason}")
    message, facts = f"{instance.identifier} trails by {lag:.0f} s", (("lag", f"{lag:.0f} s"),)
    if lag > step.after["lag_s"]:
        return StepStatus(
            StepState.IN_PROGRESS,
            f"{message}, {step.after['lag_s']} s at most are wanted.",
            facts,
            progress=(str(lag),),
        )
    return StepStatus(StepState.DONE, f"{message}.", facts)


ACTION = action(globals(), (), (rds.instances, rds_replicas.lags))
