"""How long the steps of a plan take: as past runs took, else as AWS's operations take by size. Pure.

A size-aware estimate goes by ``dr_estate/model/aws_durations.toml``, whose rows name their sources. Where a size
counts and is not known, and where a row is missing, the step counts with its whole time budget. AWS's published rates
are of an account and a region (``dr_estate/aws/pace.py``): calls, launches and registrations of one batch overlap, so
its slowest counts; batches run one after another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from dr_actions.actions.compute.rollout import STARTS, UPDATE
from dr_actions.actions.database.promotion import COUNTED
from dr_actions.actions.database.protection import SECOND_ZONE
from dr_actions.actions.registry import actions
from dr_actions.guard.batch_exemptions import CREATE as CREATE_JOB
from dr_actions.model.action import Waits
from dr_actions.model.plan import Call, Step, batches, part_of
from dr_actions.run_history.durations import StepDurations, by_action, is_measured
from dr_estate.aws.pace import launch_s, shortest_s
from dr_estate.config.environment import Environment, Side
from dr_estate.model.aws_durations import MEDIAN, AwsOperation, of_call, operation, spread
from dr_estate.model.stores import STORES
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import control_table, efs, elbv2, rds, s3_objects
from dr_estate.snapshot.snapshot import Snapshot

_GIB = 1024**3
_MINUTE_S = 60
USUAL_INTERVAL_S = 30.0  # the interval for which the table gives the first health check of a target
_FIRST_CHECK = "elb.first-check"
IMAGE_GIB = 0.2  # the layers of a WordPress image, compressed: assumed
_REPLACE = ("ecs.drain", "ecs.stop-task")
_LOOK, BY_HAND = "tool.look", "person.change-by-hand"
CHECKED = "person.run-checked-command"
_RUN_ONCE = ("ecs.start-task", "ecs.run-command", "ecs.stop-task")
_THOUSAND = 1000
_BACKUPS = {store.backup.arn_part: f"backup.back-up-{store.id}" for store in STORES if store.backup}
_RESTORES = {store.backup.type: f"backup.restore-{store.id}" for store in STORES if store.backup}


@dataclass(frozen=True, slots=True)
class Sizes:
    """GiB of the database and of the files, as far as they were seen; None where nothing showed them.

    ``check_interval_s`` is the longest interval of the health checks that the tenants' tasks must pass. ``objects`` are
    those that each bucket lacks of its copy, where the two were compared.
    """

    database_gib: float | None = None
    files_gib: float | None = None
    check_interval_s: float = USUAL_INTERVAL_S
    objects: Mapping[str, int] = field(default_factory=dict, repr=False)

    def of(self, row: AwsOperation) -> float | None:
        """The GiB that this operation takes its time by; 0 where none count."""
        if not any("gib" in phase.per_unit_s for phase in row.phases):
            return 0.0
        if row.id.startswith("ecs."):
            return IMAGE_GIB
        if row.id.startswith("rds.") or row.id.endswith("-database"):
            return self.database_gib
        return self.files_gib if row.id.startswith("efs.") or row.id.endswith("-files") else None


def sizes_of(snapshot: Snapshot, env: Environment) -> Sizes:
    """What either region shows of the sizes: the largest, for a copy is as large as its source."""
    files = env.named(env.names.file_system)
    gib: list[int] = []
    bytes_stored: list[int] = []
    for side in (Side.DR, Side.PRIMARY):
        with suppress(DataUnavailable):
            name, instances = env.database_on(side), snapshot.get(rds.instances, side)
            gib += [found.storage_gib for found in instances if found.identifier == name]
        with suppress(DataUnavailable):
            systems = snapshot.get(efs.file_systems, side)
            bytes_stored += [found.size_bytes for found in systems if found.name == files]
    with suppress(DataUnavailable):
        gib += [found.storage_gib for found in snapshot.get(rds.automated_backups, Side.DR)]
    stored, interval_s = max(bytes_stored, default=0), USUAL_INTERVAL_S
    with suppress(DataUnavailable):
        groups = snapshot.get_readable(elbv2.target_groups, Side.DR)
        ours = [g.check_interval_s for g in groups if env.tenant_of(env.names.target_group, g.name)]
        interval_s = float(max(ours, default=0) or USUAL_INTERVAL_S)
    objects: dict[str, int] = {}
    with suppress(DataUnavailable):
        rows = snapshot.get(s3_objects.apart, Side.DR)
        objects = {row.bucket: row.missing for row in rows if isinstance(row, s3_objects.BucketDifference)}
    return Sizes(max(gib, default=0) or None, stored / _GIB if stored else None, interval_s, objects)


def past_durations(snapshot: Snapshot) -> dict[str, StepDurations]:
    """What the runs on record took, by action; nothing where they cannot be seen."""
    try:
        return by_action(snapshot.get(control_table.runs, Side.DR).runs)
    except DataUnavailable:
        return {}


def estimate_s(
    steps: Iterable[Step], env: Environment, measured: Mapping[str, StepDurations], sizes: Sizes, times: float = 1.0
) -> int:
    """Seconds that the steps take, one batch after another, with ``times`` as many tenants."""
    return round(sum(batch_s(batch, env, measured, sizes, times=times) for batch in batches(steps)))


def step_estimate(env: Environment, snapshot: Snapshot) -> Callable[[Sequence[Step]], float]:
    """Return a function that estimates how long steps take in seconds, by past runs and the sizes in ``snapshot``."""
    past, sizes = past_durations(snapshot), sizes_of(snapshot, env)
    return lambda steps: float(estimate_s(steps, env, past, sizes))


def batch_s(
    batch: Sequence[Step],
    env: Environment,
    measured: Mapping[str, StepDurations],
    sizes: Sizes,
    level: float = MEDIAN,
    by_hand: str = BY_HAND,
    times: float = 1.0,
) -> float:
    """Seconds until all of a batch is done and seen, in so many of all cases.

    That is a look, and its longest step from when AWS's rates let the last call leave. The longest of n alike takes by
    the median what n of n + 1 take at most, and of nine in ten what so many more do. What past runs took is counted
    from when each call left. ``by_hand`` is what a person does for a change that is theirs; ``times`` as many tenants
    are counted with.
    """
    alike = max(1.0, sum(count_of(step, times) for step in batch))
    quantile, waits_s = alike / (alike + (1 - level) / level), queue_s(batch, env, times)
    return look_s() + waits_s + max(step_s(step, env, measured, sizes, quantile, by_hand) for step in batch)


def count_of(step: Step, times: float = 1.0) -> float:
    """How many steps stand for this one where the plan has ``times`` as many tenants."""
    return times if step.tenant else 1.0


def queue_s(batch: Sequence[Step], env: Environment, times: float = 1.0) -> float:
    """Seconds until the last call of a batch may leave and, where tasks start, the last task and its target (T35)."""
    calls: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    tasks = 0.0
    for step in batch:
        if step.call is not None and not step.manual:
            calls[step.call.region][step.call.name] += count_of(step, times)
        tasks += count_of(step, times) * _more_tasks(step)
    whole = ({name: round(count) for name, count in of_region.items()} for of_region in calls.values())
    launched_s = launch_s(round(tasks), env.capacity.launch_burst, env.capacity.launch_per_s)
    return max((launched_s, *map(shortest_s, whole)))


def floor_s(steps: Iterable[Step], env: Environment, times: float = 1.0) -> float:
    """Seconds that the rates alone make the steps take: no tool is faster."""
    return sum(queue_s(batch, env, times) for batch in batches(steps))


def _more_tasks(step: Step) -> int:
    """How many tasks more the step lets run."""
    if step.call is None or step.call.name != UPDATE:
        return 0
    before = step.before.get("desiredCount")
    return max(0, int(step.call.params.get("desiredCount") or 0) - (before if isinstance(before, int) else 0))


def look_s() -> float:
    """Seconds of a look at what a batch changes."""
    return operation(_LOOK).seconds()


def step_s(
    step: Step,
    env: Environment,
    measured: Mapping[str, StepDurations],
    sizes: Sizes,
    quantile: float = MEDIAN,
    by_hand: str = BY_HAND,
) -> float:
    """Seconds that the step takes, at this quantile."""
    if is_measured(step, measured):
        known = measured[step.action]
        # A median of 0 has no ratio: the longer value is all that is known.
        return known.p50_s * spread(quantile, known.p90_s / known.p50_s) if known.p50_s else known.p90_s
    if step.call is not None and step.call.name == CREATE_JOB:
        return job_s(sizes.objects.get(step.subject, 0), env, quantile)
    rows = _rows(step, by_hand)
    if rows is None:
        return step.budget_s
    configured_s = _waits_of(step).minutes(env) * _MINUTE_S
    total = 0.0
    for row in map(operation, rows):
        gib = sizes.of(row)
        # An unknown size takes the whole budget: an estimate that is too short is worse than one that is too long.
        if gib is None:
            return step.budget_s
        share = sizes.check_interval_s / USUAL_INTERVAL_S if row.id == _FIRST_CHECK else 1.0
        total += share * row.wait_seconds(quantile, gib=gib)
    return max(total, configured_s) if _waits_of(step).with_call else total + configured_s


def job_s(objects: int, env: Environment, quantile: float = MEDIAN) -> float:
    """Seconds that a job of S3 Batch Replication takes for so many objects: no longer is waited for than configured."""
    seconds = operation("s3.batch-replicate").wait_seconds(quantile, kobjects=objects / _THOUSAND)
    return min(seconds, env.failback.objects_batch_minutes * _MINUTE_S)


def _waits_of(step: Step) -> Waits:
    action = actions().get(step.action)
    return action.waits if action is not None else Waits()


def _rows(step: Step, by_hand: str) -> tuple[str, ...] | None:
    """The operations that the step waits for, one after another; None where that is not known."""
    waits = _waits_of(step)
    # It runs only where another step did not end, whose time is counted already.
    if waits.stands_in or part_of(step.id) == SECOND_ZONE:  # a second zone is asked for, and not waited for
        return ()
    if step.call is None:
        return () if step.before.get(COUNTED) else waits.operations
    if step.manual:
        return (by_hand, *_of_call(step.call))
    if step.call.name == "ecs:RunTask":
        return _RUN_ONCE[1:] if waits.task_runs else _RUN_ONCE
    if step.call.name == "ecs:UpdateService":
        return _of_service(step, step.call)
    if step.call.name == "rds:ModifyDBInstance":
        return (_of_instance(step.call),)
    if step.call.name == "backup:StartBackupJob":
        arn = step.call.text("ResourceArn")
        return (next((row for part, row in _BACKUPS.items() if part in arn), "backup.back-up"),)
    if step.call.name == "backup:StartRestoreJob":
        return (_RESTORES[str(step.call.params["ResourceType"])],)
    return _of_call(step.call)


def _of_call(call: Call) -> tuple[str, ...]:
    row = of_call(call.name)
    return () if row is None else (row.id,)


def _of_service(step: Step, call: Call) -> tuple[str, ...]:
    wanted, before = call.params.get("desiredCount"), step.before.get("desiredCount") or 0
    # Fewer tasks start nothing: what is waited for is that the others stop.
    if wanted is None or wanted < before or not wanted:
        return ("ecs.stop-task",)
    replaces = before and ("taskDefinition" in call.params or call.params.get("forceNewDeployment"))
    return (*STARTS, *_REPLACE) if replaces else STARTS


def _of_instance(call: Call) -> str:
    if "NewDBInstanceIdentifier" in call.params:
        return "rds.rename"
    return "rds.modify-multi-az" if call.params.get("MultiAZ") else "rds.modify"
