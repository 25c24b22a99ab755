"""The primary region's database in a failback: waited for, proven to hold every write, and promoted (T22).

What is still missing when the writes stop is waited for in the pause, so the lag must shrink first, while the DR region
serves. That nothing is lost is proven by two moments. The DR region's database takes no writes since the freeze was
seen in force; the replica holds everything up to its newest measured ReplicaLag before the moment of that measurement.
Once that is at or after the first, nothing is missing. A lag that is absent or old proves nothing (T23), nor does a lag
measured while the DR region takes writes again. Where the source reported which transactions it had executed when it
refused a write (GTID), the marker's task proves the same by each of them, and the run does not wait the minutes that
CloudWatch needs to publish a lag. No call is made before the promotion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_actions.actions.database import copy_selection, failback
from dr_actions.actions.markers import marker_task
from dr_actions.actions.shared import timestamp
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus, Waits
from dr_actions.model.plan import Call, Danger, Params, Step, step_id
from dr_estate.config.environment import Side
from dr_estate.model.engines import engine_of
from dr_estate.model.states import DATABASE
from dr_estate.readers import rds, rds_groups

FREEZE_SEEN = "database/verify_freeze"
COUNTED = "transactions counted"
PROMOTE = "rds:PromoteReadReplica"


def lag_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, unless the copy was promoted already."""
    most_s = context.env.failback.database_lag_s
    until = f"trails {{source}} by {most_s} s at most"
    yield from replica_steps(context, WAIT_REPLICA_LAG.name, until, {"lag_s": most_s})


def lag_status(step: Step, context: PlanContext) -> StepStatus:
    """IN_PROGRESS while the replica trails by more, or nobody knows by how much; FAILED where RDS gave it up."""
    instance = failback.instance_by_name(context, Side.PRIMARY, step.subject)
    if instance is None or instance.source != step.before["source"]:
        return StepStatus(StepState.DRIFTED, f"{step.subject} does not replicate {step.before['source']} (any more).")
    if broken := failback.broken_link(context, instance):
        return StepStatus(StepState.FAILED, f"{broken}. Nobody is kept from writing for that.")
    lag, reason = lag_s(context, instance)
    if lag is None:
        return StepStatus(StepState.IN_PROGRESS, f"How far {instance.identifier} trails is not known now: {reason}")
    message, facts = f"{instance.identifier} trails by {lag:.0f} s", (("lag", f"{lag:.0f} s"),)
    if lag > step.after["lag_s"]:
        wanted = f"{message}, {step.after['lag_s']} s at most are wanted."
        return StepStatus(StepState.IN_PROGRESS, wanted, facts, progress=(str(lag),))
    return StepStatus(StepState.DONE, f"{message}.", facts)


def in_sync_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, unless the copy was promoted already."""
    until = "holds all that was written to {source} before the freeze"
    for step in replica_steps(context, VERIFY_PRIMARY_IN_SYNC.name, until, {"lost": "nothing"}):
        counted = {COUNTED: True} if _counts_transactions(context) else {}
        yield replace(step, before={**step.before, **counted})


def _counts_transactions(context: PlanContext) -> bool:
    """Whether the marker's tasks will know every transaction of the source. Raises DataUnavailable."""
    source = failback.writer(context)
    # Decided when the plan is made: a plan that counts on GTIDs nobody will report would wait for them in the pause.
    if source is None or not context.env.execution.markers or marker_task.tenant_on(context, Side.DR) is None:
        return False
    engine = engine_of(source.engine)
    if marker_task.obstacle(context, engine, Side.PRIMARY, Side.DR):
        return False
    if engine.psql:
        return True  # its position in the log is always known
    group = context.snapshot.find(rds_groups.parameter_groups, Side.DR, name=failback.group_of(source))
    # RDS spells it with a hyphen (User Guide, "Using GTID-based replication").
    return group is not None and dict(group.parameters).get("gtid-mode") == "ON"


def replica_steps(context: PlanContext, action: str, until: str, after: Params) -> Iterator[Step]:
    """Yield the step of ``action`` that waits for the replica in the primary region; none once it was promoted.

    ``until`` is the awaited condition, with ``{source}`` for the database of the DR region.
    """
    source, name = failback.writer(context), failback.own_name(context)
    if source is None or has_primary_copy(context, source):
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


def in_sync_status(step: Step, context: PlanContext) -> StepStatus:
    """IN_PROGRESS while the replica trails; DRIFTED where the source takes writes, FAILED where RDS gave it up."""
    source = failback.instance_of_resource(context, Side.DR, step.before["resource"])
    instance = failback.instance_by_name(context, Side.PRIMARY, step.subject)
    if source is None or instance is None or not instance.source or not failback.is_of(instance, source):
        return StepStatus(StepState.DRIFTED, f"{step.subject} does not replicate {step.before['source']} (any more).")
    if not failback.refuses_writes(context, source):
        return StepStatus(StepState.DRIFTED, f"{source.identifier} takes writes again: it is not frozen any more.")
    if broken := failback.broken_link(context, instance):
        return StepStatus(StepState.FAILED, f"{broken}. Nothing is promoted.")
    if instance.replication != "replicating":
        message = f"{instance.identifier} does not replicate now ({instance.replication})."
        return StepStatus(StepState.IN_PROGRESS, message)
    proof = context.confirmed_facts.get(step_id(FREEZE_SEEN, source.identifier), {})
    if proof.get("gtids"):
        message = f"{source.identifier} counts its transactions: the marker's task proves that all have arrived."
        return StepStatus(StepState.DONE, message, (("source", source.arn),))
    since = failback.freeze_time(context)
    reading, reason = copy_selection.lag_reading(context, Side.PRIMARY, instance.identifier)
    reached = copy_selection.reached_until(reading)
    if since is None:
        message = f"When {source.identifier} was frozen is not recorded in this run: nothing can be compared with"
        return StepStatus(StepState.IN_PROGRESS, f"{message}. Unfreeze it by hand, then run again.")
    if reached is None:
        return StepStatus(StepState.IN_PROGRESS, f"How far {instance.identifier} has come is not known now: {reason}")
    facts = (("frozen", timestamp(since)), ("copy reaches", timestamp(reached)), ("source", source.arn))
    still = f"{source.identifier} stands still since {timestamp(since)}"
    message = f"{still}, {instance.identifier} holds all until {timestamp(reached)}"
    if reached < since:
        return StepStatus(StepState.IN_PROGRESS, f"Not all has arrived: {message}.", facts)
    return StepStatus(StepState.DONE, f"Nothing is lost: {message}.", facts)


def has_primary_copy(context: PlanContext, source: rds.Instance) -> bool:
    """Return whether the copy of ``source`` in the primary region was promoted already. Raises DataUnavailable."""
    there = failback.instance_by_name(context, Side.PRIMARY, failback.own_name(context))
    return there is not None and not there.source and failback.is_of(there, source)


def lag_s(context: PlanContext, instance: rds.Instance) -> tuple[float | None, str]:
    """By how many seconds the primary region's replica lags; else None and the reason. Raises DataUnavailable."""
    reading, reason = copy_selection.lag_reading(context, Side.PRIMARY, instance.identifier)
    return (reading.value, "") if reading is not None else (None, reason)


def promote_steps(context: PlanContext) -> Iterator[Step]:
    """The one step."""
    source = failback.writer(context)
    if source is None:
        return
    name, region = failback.own_name(context), context.env.regions.primary
    # Without it RDS keeps backups of a promoted replica for one day (API_PromoteReadReplica, default 1).
    params = {"DBInstanceIdentifier": name, "BackupRetentionPeriod": retention(context)}
    yield context.step(
        PROMOTE_PRIMARY.name,
        name,
        side=Side.PRIMARY,
        says=f"Promote {name} in {region} to the primary database; it reboots and follows {source.identifier} of "
        f"{context.env.regions.dr} no more.",
        danger=Danger.IRREVERSIBLE,
        undo="None: a promoted replica can never follow its source again.",
        budget_s=1800,
        call=Call("rds", "PromoteReadReplica", region, params),
        before={"source": source.arn, "resource": source.resource_id},
        after={"source": ""},
    )


def retention(context: PlanContext) -> int:
    """For how many days the new primary database keeps backups: as the old one did, and no less than required."""
    like = failback.model(context)
    return max(context.env.thresholds.backup_retention_days, like.retention_days if like else 0)


def promote_status(step: Step, context: PlanContext) -> StepStatus:
    """Promotion is refused while the replica backs up; and not asked for while the DR region takes writes (T41)."""
    source = failback.instance_of_resource(context, Side.DR, step.before["resource"])
    instance = failback.instance_by_name(context, Side.PRIMARY, step.subject)
    if instance is None or not _the_copy(step, instance):
        message = "is gone" if instance is None else "is another than the copy that the failback made"
        return StepStatus(StepState.DRIFTED, f"{step.subject} {message}.")
    facts, works = failback.evidence_of(instance), DATABASE[instance.status].busy
    if DATABASE[instance.status].broken:
        return StepStatus(StepState.FAILED, f"{instance.identifier} is {instance.status}.", facts)
    if not instance.source:
        # A promotion reboots (T22): without a source, the instance does not serve yet.
        done = DATABASE[instance.status].changeable and instance.host
        message = f"is promoted and answers at {instance.host}" if done else f"is promoted and {instance.status}"
        state = StepState.DONE if done else StepState.IN_PROGRESS
        return StepStatus(state, f"{instance.identifier} {message}.", facts, works=works)
    # The last look before what cannot be undone: promoted beside a writer, both would take writes (T41).
    if source is None or not failback.refuses_writes(context, source):
        reason = f"{step.before['source']} is gone" if source is None else f"{source.identifier} takes writes again"
        message = f"{reason}: {instance.identifier} cannot be promoted without loss."
        return StepStatus(StepState.DRIFTED, message, facts)
    if not DATABASE[instance.status].promotable:
        return StepStatus(StepState.IN_PROGRESS, f"{instance.identifier} is {instance.status}.", works=works)
    return StepStatus(StepState.READY, f"{instance.identifier} is a read replica and can be promoted.", facts)


def _the_copy(step: Step, instance: rds.Instance) -> bool:
    if instance.source:
        return bool(instance.source == step.before["source"])
    return bool(dict(instance.tags).get(failback.COME_FROM) == step.before["resource"])


WAIT_REPLICA_LAG = Action(
    "database/wait_replica_lag",
    "Waits, before the write pause, until the database of the primary region lags only a little behind "
    "the DR region's.",
    frozenset(),
    (rds.instances, rds.lags),
    lag_steps,
    lag_status,
    waits=Waits(("cloudwatch.publish",)),
)
VERIFY_PRIMARY_IN_SYNC = Action(
    "database/verify_primary_in_sync",
    "Before the primary region's database is promoted: proves that it holds all that was written before the freeze.",
    frozenset(),
    (rds.instances, rds_groups.parameter_groups, rds.lags),
    in_sync_steps,
    in_sync_status,
    waits=Waits(("cloudwatch.publish",)),
)
PROMOTE_PRIMARY = Action(
    "database/promote_primary",
    "Promotes the database of the primary region, which takes the writes from then on and no longer replicates (T22).",
    {PROMOTE},
    (rds.instances, rds_groups.parameter_groups),
    promote_steps,
    promote_status,
)
