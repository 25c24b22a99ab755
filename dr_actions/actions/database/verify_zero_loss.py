"""Before a switchover promotes anything: proves that all that tenants wrote has reached the DR region.

The proof is a comparison of two moments that AWS reports. The writers stopped when the last of their tasks stopped
(DescribeTasks gives ``stoppedAt``), and no task runs, starts or is still stopping. The copy holds everything up to its
newest restorable time, its replica's newest measured lag, or its last complete synchronisation. Once that is at or
after the first moment, nothing was written that is not in the copy. ECS describes stopped tasks for at least an hour:
where it reports none any more, the writers stopped more than an hour before the observation. Writes that bypass the
tasks (a person at a MySQL prompt) are outside this proof. No call is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from dr_actions.actions.database import copy_selection
from dr_actions.actions.shared import service_name, tenants_of, timestamp
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus, Waits
from dr_actions.model.plan import Step, prefix_of
from dr_checks.derived.database_copies import AUTOMATED, BACKUP, REPLICA
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import backup, ecs, ecs_stopped_tasks, efs, rds

FILES = "replication"
# Stopped tasks are described for at least one hour (API_DescribeTasks).
_STOPS_REPORTED_FOR = timedelta(hours=1)


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """In a switchover: a step for the database's chosen copy, and one for the files' replication."""
    if not context.is_switchover:
        return
    choice = copy_selection.choose(context)
    if choice is not None:
        yield _step(context, context.env.database_on(Side.PRIMARY), choice.copy.mechanism, choice.copy.name)
    row = copy_selection.files_replication(context)
    if row is not None:
        yield _step(context, context.env.named(context.env.names.file_system), FILES, row.source_id)


def _step(context: PlanContext, subject: str, mechanism: str, copy: str) -> Step:
    return context.step(
        VERIFY_ZERO_LOSS.name,
        subject,
        side=Side.DR,
        says=f"Wait until all that was written to {subject} before its writers stopped is in {copy} ({mechanism}).",
        budget_s=2700,
        before={"mechanism": mechanism, "copy": copy},
        after={"lost": "nothing"},
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """IN_PROGRESS while anybody may write or the copy trails; FAILED for a backup of before the stop."""
    writing = _writers(context)
    if writing:
        return StepStatus(StepState.IN_PROGRESS, f"Writers are not stopped yet: {writing}.")
    tenants, names = tenants_of(context), context.env.names
    ours = {f"service:{service_name(context.env, tenant, Side.PRIMARY)}" for tenant in tenants}
    ours |= {f"family:{context.env.named(names.task_family, tenant=tenant.id)}" for tenant in tenants}
    stops = [stop.at for stop in context.snapshot.get(ecs_stopped_tasks.stops, Side.PRIMARY) if stop.group in ours]
    # No stop on record: stopped tasks are described for an hour (ECS API, DescribeTasks), the last is older.
    since = max(stops, default=context.snapshot.taken_at - _STOPS_REPORTED_FOR)
    if step.before["mechanism"] != FILES:
        # The marker comes after the last task's stop: a copy that holds all until it was seen written holds it.
        written = [at for step, at in context.confirmed_at.items() if prefix_of(step) == "database/write_marker"]
        since = max((since, *written))
    if _is_promoted(step, context):
        return StepStatus(StepState.DRIFTED, f"{step.before['copy']} replicates no more: it was promoted unproven.")
    reached = _complete_until(step, context)
    if reached is None:
        return StepStatus(StepState.IN_PROGRESS, f"How far {step.before['copy']} reaches is not known now.")
    facts = (("writers stopped", timestamp(since)), ("copy reaches", timestamp(reached)))
    message = f"the writers stopped at {timestamp(since)}, {step.before['copy']} holds all until {timestamp(reached)}"
    if reached >= since:
        return StepStatus(StepState.DONE, f"Nothing is lost: {message}.", facts)
    if step.before["mechanism"] == BACKUP:
        reason = "A recovery point of before the stop cannot hold what was written after it"
        message = f"{reason}: {message}. Let a replica or automated backups replicate."
        return StepStatus(StepState.FAILED, message, facts)
    return StepStatus(StepState.IN_PROGRESS, f"Not all has arrived: {message}.", facts)


def _writers(context: PlanContext) -> str:
    """Who may still write, "" for nobody: services that want, run or start tasks, and any task of a tenant's family."""
    names = {service_name(context.env, tenant, Side.PRIMARY) for tenant in tenants_of(context)}
    families = {context.env.named(context.env.names.task_family, tenant=tenant.id) for tenant in tenants_of(context)}
    services = [service for service in context.snapshot.get(ecs.services, Side.PRIMARY) if service.name in names]
    busy = sorted(service.name for service in services if service.desired or service.running or service.pending)
    # Both lists: a task that is stopping may still write.
    readers = (ecs.tasks, ecs_stopped_tasks.tasks)
    tasks = [task for reader in readers for task in context.snapshot.get(reader, Side.PRIMARY)]
    left = sum(1 for task in tasks if task.task_definition.rpartition("/")[2].partition(":")[0] in families)
    if busy:
        return f"{busy[0]}{f' and {len(busy) - 1} more services' if len(busy) > 1 else ''} still run or start tasks"
    return f"{left} tasks of the tenants have not stopped" if left else ""


def _complete_until(step: Step, context: PlanContext) -> datetime | None:
    """Return until when everything is in the copy, None where that is unknown. Raises DataUnavailable."""
    snapshot, copy = context.snapshot, step.before["copy"]
    mechanism = step.before["mechanism"]
    if mechanism == AUTOMATED:
        backups = snapshot.find(rds.automated_backups, Side.DR, arn=copy)
        return backups.latest if backups else None
    if mechanism == REPLICA:
        return copy_selection.reached_until(copy_selection.lag_reading(context, Side.DR, copy)[0])
    if mechanism == BACKUP:
        point = snapshot.find(backup.recovery_points, Side.DR, arn=copy)
        return point.created_at if point else None
    row = snapshot.find(efs.replications, Side.DR, source_id=copy)
    return row.synced_at if row else None


def _is_promoted(step: Step, context: PlanContext) -> bool:
    if step.before["mechanism"] != REPLICA:
        return False
    instance = copy_selection.instance(context, step.before["copy"])
    return instance is None or not instance.source


def notes(context: PlanContext) -> Iterator[str]:
    """What the proof leaves out, and why there is none."""
    if not context.is_switchover:
        return
    yield (
        "Zero loss is proven for database and replicated files. Objects (S3) and tables (DynamoDB) replicate on their "
        "own and are judged by the checks s3 and dynamodb: what is pending there arrives after the switchover."
    )
    try:
        chosen = copy_selection.choose(context)
    except DataUnavailable as error:
        yield f"Zero loss cannot be proven for the database: {error.unavailable.why}"
        return
    if chosen is not None and chosen.copy.mechanism == BACKUP:
        yield "Zero loss cannot be proven by a backup copy: it is older than the stop of the writers (T25)."


VERIFY_ZERO_LOSS = Action(
    "database/verify_zero_loss",
    "Before a switchover promotes anything: proves that all that tenants wrote has reached the DR region.",
    frozenset(),
    (
        *(ecs.services, ecs.tasks, ecs_stopped_tasks.tasks, ecs_stopped_tasks.stops),
        *(rds.instances, rds.automated_backups, rds.lags),
        *(backup.recovery_points, efs.replications, efs.file_systems),
    ),
    plan_steps,
    observe,
    omissions=notes,
    waits=Waits(("efs.sync",)),
)
