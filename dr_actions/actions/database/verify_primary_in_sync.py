"""Before the primary region's database is promoted: proves that it holds all that was written before the freeze.

Two moments are compared. The DR region's database takes no writes since the freeze was seen in force; the replica holds
everything up to its newest measured ReplicaLag before the moment of that measurement. Once that is at or after the
first, nothing is missing. A lag that is absent or old proves nothing (T23), nor does a lag measured while the DR region
takes writes again. Where the source reported which transactions it had executed when it refused a write (GTID), the
marker's task proves the same by each of them, and the run does not wait the minutes that CloudWatch needs to publish a
lag. No call is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from dr_actions.actions.database import copy_selection, failback
from dr_actions.actions.markers import marker_task
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.action_ids import step_id
from dr_actions.model.plan import Params, Step
from dr_checks.core.spans import doubt
from dr_estate.config.environment import Side
from dr_estate.readers import rds, rds_groups, rds_replicas
from dr_estate.reading.cloudwatch_metrics import Reading

FREEZE_SEEN = "database/verify_freeze"
COUNTED = "transactions counted"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, unless the copy was promoted already."""
    until = "holds all that was written to {source} before the freeze"
    for step in replica_steps(context, __name__, until, {"lost": "nothing"}):
        counted = {COUNTED: True} if _counts_transactions(context) else {}
        yield replace(step, before={**step.before, **counted})


def _counts_transactions(context: PlanContext) -> bool:
    """Whether the marker's tasks will know every transaction of the source. Raises DataUnavailable."""
    source = failback.writer(context)
    if source is None or not context.env.execution.markers or marker_task.tenant_on(context, Side.DR) is None:
        return False
    group = context.snapshot.find(rds_groups.parameter_groups, Side.DR, name=failback.group_of(source))
    return group is not None and dict(group.parameters).get("gtid-mode") == "ON"


def replica_steps(context: PlanContext, action: str, until: str, after: Params) -> Iterator[Step]:
    """Yield the step of ``action`` that waits for the replica in the primary region; none once it was promoted.

    ``until`` is the awaited condition, with ``{source}`` for the database of the DR region.
    """
    source, name = failback.writer(context), failback.own_name(context)
    if source is None or copied_back(context, source):
        return
    regions = context.env.regions
    yield context.step(
        action,
        name,
        side=Side.PRIMARY,
        says=f"Wait until {name} in {regions.primary} {until.format(source=f'{source.identifier} of {regions.dr}')}.",
        budget_s=7200,
        before={"source": source.arn, "resource": source.resource_id},
        after=after,
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """IN_PROGRESS while the replica trails; DRIFTED where the source takes writes, FAILED where RDS gave it up."""
    source = failback.by_resource(context, Side.DR, step.before["resource"])
    instance = failback.named(context, Side.PRIMARY, step.subject)
    if source is None or instance is None or not instance.source or not failback.is_of(instance, source):
        return StepStatus(StepState.DRIFTED, f"{step.subject} does not replicate {step.before['source']} (any more).")
    if not failback.frozen(context, source):
        return StepStatus(StepState.DRIFTED, f"{source.identifier} takes writes again: it is not frozen any more.")
    if broken := failback.broken_link(context, instance):
        return StepStatus(StepState.FAILED, f"{broken}. Nothing is promoted.")
    if instance.replication != "replicating":
        return StepStatus(
            StepState.IN_PROGRESS, f"{instance.identifier} does not replicate now ({instance.replication})."
        )
    proof = context.confirmed_facts.get(step_id(FREEZE_SEEN, source.identifier), {})
    if proof.get("gtids"):
        message = f"{source.identifier} counts its transactions: the marker's task proves that all have arrived."
        return StepStatus(StepState.DONE, message, (("source", source.arn),))
    since, (reached, reason) = failback.frozen_since(context), _reached(context, instance)
    if since is None:
        message = f"When {source.identifier} was frozen is not recorded in this run: nothing can be compared with"
        return StepStatus(StepState.IN_PROGRESS, f"{message}. Unfreeze it by hand, then run again.")
    if reached is None:
        return StepStatus(StepState.IN_PROGRESS, f"How far {instance.identifier} has come is not known now: {reason}")
    facts = (("frozen", _timestamp(since)), ("copy reaches", _timestamp(reached)), ("source", source.arn))
    message = (
        f"{source.identifier} stands still since {_timestamp(since)}, {instance.identifier} holds all until "
        f"{_timestamp(reached)}"
    )
    if reached < since:
        return StepStatus(StepState.IN_PROGRESS, f"Not all has arrived: {message}.", facts)
    return StepStatus(StepState.DONE, f"Nothing is lost: {message}.", facts)


def copied_back(context: PlanContext, source: rds.Instance) -> bool:
    """Return whether the copy of ``source`` in the primary region was promoted already. Raises DataUnavailable."""
    there = failback.named(context, Side.PRIMARY, failback.own_name(context))
    return there is not None and not there.source and failback.is_of(there, source)


def lag_s(context: PlanContext, instance: rds.Instance) -> tuple[float | None, str]:
    """Return by how many seconds the replica in the primary region lags; None and the reason where that is unknown.

    Raises DataUnavailable.
    """
    reading, reason = _reading(context, instance)
    return (reading.value, "") if reading is not None else (None, reason)


def _reached(context: PlanContext, instance: rds.Instance) -> tuple[datetime | None, str]:
    reading, reason = _reading(context, instance)
    if reading is None or reading.at is None or reading.value is None:
        return None, reason
    return reading.at - timedelta(seconds=reading.value), ""


def _reading(context: PlanContext, instance: rds.Instance) -> tuple[Reading | None, str]:
    readings = context.snapshot.get(rds_replicas.lags, Side.PRIMARY)
    reading = next((r for r in readings if r.dimension(rds_replicas.DIMENSION) == instance.identifier), None)
    reason = doubt(copy_selection.view_of(context), reading)
    if reason or reading is None or reading.at is None or reading.value is None:
        return None, reason or "its lag is not published."
    if reading.value < 0:
        return None, "its lag is published as -1, so replication does not run."
    return reading, ""


def _timestamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


ACTION = action(globals(), (), (rds.instances, rds_groups.parameter_groups, rds_replicas.lags))
