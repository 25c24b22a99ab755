"""How long the steps of a plan take: as past runs took, else as AWS's operations take by size. Pure.

A size-aware estimate goes by ``dr_estate/model/aws_durations.toml``, whose rows name their sources. Where a size
counts and is not known, and where a row is missing, the step counts with its whole time budget. AWS's published rates
are of an account and a region (``dr_estate/aws/pace.py``): calls, launches and registrations of one batch overlap, so
its slowest counts; batches run one after another.

A plan as people read it at night: what follows one another and is of one playbook step is one stage. Pure.

How long a failback lets nobody write: from the database's freeze on, for the first visitors and for the last. Pure.

Uploads are refused for longer, from the files' freeze on: AWS takes minutes to enforce it, and the last sync some more.

Who is led to the primary writes from the first stage on. Who is still led to the DR region reads until the last stage:
one region alone writes. Steps are taken to be independent, so that their spreads add up as squares do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from dr_actions.actions.compute.rollout import STARTS, UPDATE
from dr_actions.actions.database.promotion import COUNTED, FREEZE_SEEN
from dr_actions.actions.database.protection import SECOND_ZONE
from dr_actions.actions.registry import actions
from dr_actions.guard.failback_exemptions import CREATE_JOB
from dr_actions.model.action import Waits
from dr_actions.model.plan import Call, Plan, Step, batches, part_of
from dr_actions.model.sequence import FREEZES, Role, announced_step, playbook_step, role_of
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
# How long a plan takes with more tenants like its own, beside what AWS's published rates alone make it take. Pure.

LARGER = (100, 1000, 10_000)
_P90 = 0.9
_LAG = "database/verify_primary_in_sync"


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
    history = snapshot.get_if_seen(control_table.runs, Side.DR)
    return by_action(history.runs) if history else {}


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
        wanted, before = step.call.params.get("desiredCount"), step.before.get("desiredCount") or 0
        # Fewer tasks start nothing: what is waited for is that the others stop.
        if wanted is None or wanted < before or not wanted:
            return ("ecs.stop-task",)
        replaces = before and ("taskDefinition" in step.call.params or step.call.params.get("forceNewDeployment"))
        return (*STARTS, *_REPLACE) if replaces else STARTS
    if step.call.name == "rds:ModifyDBInstance":
        modify = "rds.modify-multi-az" if step.call.params.get("MultiAZ") else "rds.modify"
        return ("rds.rename" if "NewDBInstanceIdentifier" in step.call.params else modify,)
    if step.call.name == "backup:StartBackupJob":
        arn = step.call.text("ResourceArn")
        return (next((row for part, row in _BACKUPS.items() if part in arn), "backup.back-up"),)
    if step.call.name == "backup:StartRestoreJob":
        return (_RESTORES[str(step.call.params["ResourceType"])],)
    return _of_call(step.call)


def _of_call(call: Call) -> tuple[str, ...]:
    row = of_call(call.name)
    return () if row is None else (row.id,)


@dataclass(frozen=True, slots=True)
class PlanGrowth:
    """The seconds of a plan's steps for so many tenants, and those that no tool is faster than."""

    tenants: int
    estimate_s: int
    floor_s: int


def growth_of(
    steps: Sequence[Step], env: Environment, measured: Mapping[str, StepDurations], sizes: Sizes
) -> tuple[PlanGrowth, ...]:
    """The steps with the tenants that they have and with each larger number; nothing where no step is a tenant's.

    The stores are as large as now: what is counted is calls, tasks and targets.
    """
    now = len({step.tenant for step in steps if step.tenant})
    growth = []
    for tenants in (now, *(number for number in LARGER if number > now)) if now else ():
        times = tenants / now
        total_s, shortest = estimate_s(steps, env, measured, sizes, times), round(floor_s(steps, env, times))
        growth.append(PlanGrowth(tenants, total_s, shortest))
    return tuple(growth)


class StageWrites(StrEnum):
    """Whether visitors write while a stage goes: as before it, nobody, or the first of them again once it led them."""

    GO_ON = "go on"
    STOPPED = "stopped"
    RETURN = "return"


@dataclass(frozen=True)
class PlanStage:
    """Steps one after another, that take ``estimate_s``. ``first`` is the place of the first of them, from 1."""

    name: str
    first: int
    steps: tuple[Step, ...]
    estimate_s: float
    writes: StageWrites = StageWrites.GO_ON


def stages_of(plan: Plan, estimate_s: Callable[[Sequence[Step]], float]) -> tuple[PlanStage, ...]:
    """Return the stages of the plan in order. ``estimate_s`` returns how many seconds steps take."""
    paused = without_writes(plan)

    def belongs(place: int) -> tuple[str, StageWrites]:
        writes = StageWrites.STOPPED if place in paused else StageWrites.GO_ON
        writes = StageWrites.RETURN if paused and place == paused[-1] else writes
        return playbook_step(plan.goal, plan.steps[place]).name, writes

    stages = []
    for (name, writes), places in groupby(range(len(plan.steps)), key=belongs):
        whole = list(places)
        steps = plan.steps[whole[0] : whole[-1] + 1]
        stages.append(PlanStage(name, whole[0] + 1, steps, estimate_s(steps), writes))
    return tuple(stages)


@dataclass(frozen=True, slots=True)
class WritePause:
    """Seconds without writes, at the median and in nine of ten cases, for the primary's first visitors and its last.

    ``uploads_p50_s`` and ``uploads_p90_s`` are the seconds without uploads, for its first visitors.
    """

    first_p50_s: int
    first_p90_s: int
    last_p50_s: int
    last_p90_s: int
    uploads_p50_s: int
    uploads_p90_s: int


def write_pause(plan: Plan, env: Environment, measured: Mapping[str, StepDurations], sizes: Sizes) -> WritePause | None:
    """Return the pause of a plan that freezes and then routes visitors to the primary region; None for any other."""
    freezes, moves = _places(plan)
    if not freezes or not moves:
        return None
    # Who holds the former address writes nowhere until the TTL is over.
    settles_s = env.thresholds.record_ttl_s - round(env.failback.bake_minutes * _MINUTE_S)  # the bake follows the move

    ready = any(announced_step(plan, step.id) is not None for step in plan.steps)

    def between(frozen: int, moved: int) -> tuple[int, int]:
        typical_s, most_s = _seconds(plan.steps[frozen : moved + 1], env, measured, sizes, ready)
        return typical_s + settles_s, most_s + settles_s

    first, last = moves[0], moves[-1]
    return WritePause(*between(freezes[-1], first), *between(freezes[-1], last), *between(freezes[0], first))


def without_writes(plan: Plan) -> range:
    """The places of the steps, from the database's freeze to the first move, between which nobody writes; or none."""
    freezes, moves = _places(plan)
    return range(freezes[-1], moves[0] + 1) if freezes and moves else range(0)


def lasting_s(plan: Plan, sent_at: Mapping[str, datetime], now: datetime) -> float | None:
    """Return the seconds for which not everybody can write, at ``now``; None outside that time.

    It lasts from the freeze until all visitors are led back to the primary region. ``sent_at`` is when each step took
    effect, by its id.
    """
    freezes, moves = _places(plan)
    # The last freeze is the database's: the files' comes before it.
    frozen = sent_at.get(plan.steps[freezes[-1]].id) if freezes and moves else None
    return None if frozen is None or is_over(plan, sent_at) else (now - frozen).total_seconds()


def is_over(plan: Plan, sent_at: Mapping[str, datetime]) -> bool:
    """Whether every visitor was led to the region that takes writes: the last move took effect."""
    _, moves = _places(plan)
    last_batch = batches(plan.steps[place] for place in moves)[-1:]
    return bool(moves) and all(step.id in sent_at for batch in last_batch for step in batch)


def _places(plan: Plan) -> tuple[list[int], list[int]]:
    """The places of the steps that freeze, and of those that lead visitors."""
    roles = [role_of(plan.goal, step.id) for step in plan.steps]
    freezes = [place for place, role in enumerate(roles) if role in FREEZES]
    return freezes, [place for place, role in enumerate(roles) if role is Role.TRAFFIC]


def _seconds(
    steps: Sequence[Step], env: Environment, measured: Mapping[str, StepDurations], sizes: Sizes, ready: bool
) -> tuple[int, int]:
    """Seconds that the steps take by the median, and in nine of ten cases.

    ``ready``: the person whose change comes first has seen it before. The lag of the replica is published while the
    other proofs go on: it is waited for from the moment on at which the freeze was seen.
    """
    typical_s = spread_s = 0.0
    seen_s: float | None = None
    for batch in batches(steps):
        by_hand = CHECKED if ready and any(step.manual for step in batch) else BY_HAND
        ready = ready and by_hand == BY_HAND
        usual_s, most_s = (batch_s(batch, env, measured, sizes, level, by_hand) for level in (MEDIAN, _P90))
        if batch[0].action == _LAG and seen_s is not None:
            # Published meanwhile: what the proofs before it took is not waited for a second time.
            usual_s, most_s = (max(look_s(), seconds - (typical_s - seen_s)) for seconds in (usual_s, most_s))
        typical_s, spread_s = typical_s + usual_s, spread_s + (most_s - usual_s) ** 2
        seen_s = typical_s if batch[0].action == FREEZE_SEEN else seen_s
    return round(typical_s), round(typical_s + spread_s**0.5)
