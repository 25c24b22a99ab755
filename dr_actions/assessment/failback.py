"""Weighs whether to fail back: the gates, what the sync moves and how long that takes, and conflicts. Pure.

Failing back too early is worse than staying in the DR region: anything unmet is WAIT. While the primary region serves,
there is nothing to fail back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from dr_actions.actions.database import failback
from dr_actions.actions.database import failback as database_failback
from dr_actions.actions.database.promotion import has_primary_copy
from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.objects.batch_replication import routes
from dr_actions.actions.registry import actions
from dr_actions.actions.traffic.records import cutover_pairs
from dr_actions.actions.traffic.verification import probes_a_minute
from dr_actions.assessment.data_loss import Loss
from dr_actions.assessment.failover import Advice
from dr_actions.journal.entries import Entry
from dr_actions.journal.point_of_no_return import last_reversible_step, point_of_no_return
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.gates import Gate
from dr_actions.model.plan import Goal, Plan
from dr_actions.model.sequence import Role, role_of, roles_in
from dr_actions.planning.estimate import WritePause, job_s
from dr_checks.core.model import CheckResult, Severity, Status
from dr_checks.derived.site_visits import part_or
from dr_checks.posture.posture import FENCE, Posture, PostureName
from dr_checks.posture.signals import Api, Signals
from dr_checks.posture.writers import ABORT
from dr_estate.config.environment import Environment, Side
from dr_estate.model import stores
from dr_estate.model.aws_durations import MEDIAN
from dr_estate.model.durations import duration
from dr_estate.model.states import DATABASE
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import control_table, dynamodb, ecs, efs, elbv2_targets, rds, route53_health_checks, s3_objects
from dr_estate.snapshot.tenants import is_chosen

AWAY = (PostureName.ON_DR, PostureName.ON_DR_UNPLANNED, PostureName.RETURNING, PostureName.SPLIT)
_NEEDED = {
    Role.BACKUP: (
        "plan.backup",
        "both sides are backed up before anything is synced",
        "nothing would be backed up first",
    ),
    Role.DATABASE: ("plan.database", "the database is copied back", "no step copies the database back"),
    Role.SERVICES: (
        "plan.services",
        "the tenants' services start in the primary",
        "no tenant's service would start in the primary",
    ),
    Role.TRAFFIC: ("plan.traffic", "traffic is shifted to the primary", "no step shifts the traffic to the primary"),
}
_ANSWERS = {
    Api.ANSWERS: "answers",
    Api.SILENT: "does not answer",
    Api.THROTTLES: "throttles every call",
    Api.REFUSES: "cannot be read",
}
_PERMITTED = "prerequisites.operator-allowed"
_TAKES_WRITES = "validation-data.database-writable"
_BYTES_A_GIB, _MINUTE_S, _P90 = 1 << 30, 60, 0.9


def failback_gates(
    results: Sequence[CheckResult], plan: Plan, posture: Posture, signals: Signals, context: PlanContext
) -> tuple[Gate, ...]:
    """Return every gate of a failback with ``plan``."""
    well = signals.primary_api is Api.ANSWERS
    message = f"the API of {context.env.regions.primary} {_ANSWERS[signals.primary_api]}."
    return (
        _away(posture, context.env),
        *_plan_gates(plan, posture, context.env),
        Gate("primary.answers", met=well, says=message, stops=True),
        *_primary_gates(plan, context),
        *_writer_gates(posture, context),
        *_direction(context),
        *_health_checks(context),
        *_tenants_to_come(context),
        *serving_gates(results_of_source(results, context)),
    )


def failback_advice(gates: Sequence[Gate]) -> tuple[Advice, tuple[str, ...]]:
    """PROCEED where every gate is met or relaxed, else WAIT, with each reason, the gravest first."""
    unmet = [gate for gate in gates if not gate.met and not gate.relaxed]
    unmet.sort(key=lambda gate: (not gate.stops, gate.id))
    if not unmet:
        relaxed = [f"{gate.id}: {gate.says} The first steps of this run meet it." for gate in gates if gate.relaxed]
        met = len(gates) - len(relaxed)
        return Advice.PROCEED, (f"{met} {'gate passes' if met == 1 else 'gates pass'}.", *relaxed)
    # Staying in the DR region costs money; going back too early costs data.
    return Advice.WAIT, tuple(f"{gate.id}: {gate.says}" for gate in unmet)


def _away(posture: Posture, env: Environment) -> Gate:
    if posture.name in AWAY:
        return Gate("posture.away", met=True, says=posture.says)
    home = f"traffic is served by {env.regions.primary}: there is nothing to fail back"
    message = home if posture.name is PostureName.NORMAL else posture.says
    return Gate("posture.away", met=False, says=message.rstrip(".") + ".", stops=True)


def _writer_gates(posture: Posture, context: PlanContext) -> Iterator[Gate]:
    """Yield a gate where both regions take writes: what the primary region took is in no copy that goes back there.

    A region that came back after a failover on record is fenced by the failback's own first steps: it is relaxed then,
    unless more requests reached it since than health checks send. Who sent those may be writing now.
    """
    if posture.name is not PostureName.SPLIT:
        return
    since, region = _failover_end(context), context.env.regions.primary
    visits = _visits_of_primary(context, since) if since else ""
    message = f"{region} takes writes too{visits}, and a failback replaces them. {FENCE[posture.to_fence]}"
    yield Gate("direction.one-writer", met=False, says=message, stops=True, relaxed=since is not None and not visits)


def _visits_of_primary(context: PlanContext, since: datetime) -> str:
    """The requests of visitors that the primary region took since the failover, as a clause; "" where it took none.

    Only the load balancer's counts separate a region that merely came back from one in which somebody writes. Counts
    that were not seen are no proof of silence.
    """
    begin = since.replace(second=0, microsecond=0)  # a count is of its whole minute
    try:
        parts = [part for part, _ in context.snapshot.of_entrances(context.env)]
        rows = [row for part in parts for row in part.get(elbv2_targets.minutes, Side.PRIMARY) if row.at >= begin]
    except DataUnavailable as error:
        return f", whether visitors reach it was not seen ({error.unavailable.why.rstrip('.')})"
    # By the busiest minute: in enough minutes the checkers alone would pass any limit.
    if max((row.requests for row in rows), default=0) <= probes_a_minute(context, Side.PRIMARY):
        return ""
    total = sum(row.requests for row in rows)
    return f", its load balancer took {total} requests since the failover of {since:%H:%M} UTC"


def _plan_gates(plan: Plan, posture: Posture, env: Environment) -> Iterator[Gate]:
    if posture.name not in AWAY:
        return
    roles, backed_up = roles_in(plan), (store.id for store in stores.STORES if store.backup)
    lacks = {
        Role.DATABASE: stores.lacks(env, stores.DATABASE.id),
        Role.BACKUP: all(stores.lacks(env, store) for store in backed_up),
    }
    for role, (gate, good, bad) in _NEEDED.items():
        if lacks.get(role):
            continue
        # A step that is to back up into a vault which the settings do not name.
        steps = [step for step in plan.steps if role is Role.BACKUP and role_of(plan.goal, step.id) is role]
        unnamed = " and ".join(sorted({env.region(step.side) for step in steps if step.before.get("vault") == ""}))
        if unnamed:
            message = f"no vault of AWS Backup is named for {unnamed} (names.primary_vault, names.dr_vault): {bad}."
            yield Gate(gate, met=False, says=message, stops=True)
        else:
            yield Gate(gate, met=role in roles, says=f"{good if role in roles else bad}.", stops=True)


def write_pause_gate(pause: WritePause | None, env: Environment) -> Iterator[Gate]:
    """Whether the last visitor can write again in time in nine of ten cases; no gate where nothing is frozen."""
    if pause is None:
        return
    limit_s = env.failback.max_write_pause_minutes * _MINUTE_S
    message = (
        f"nobody writes for about {duration(pause.last_p50_s)}, 90th percentile {duration(pause.last_p90_s)}; "
        f"{duration(limit_s)} are allowed (failback.max_write_pause_minutes)."
    )
    yield Gate("plan.write-pause", met=pause.last_p90_s <= limit_s, says=message)


def _primary_gates(plan: Plan, context: PlanContext) -> Iterator[Gate]:
    """The steps that wait for the primary itself, such as its being stable: met now, or the answer is WAIT."""
    for step in plan.steps:
        if role_of(plan.goal, step.id) is Role.WAIT:
            status = actions()[step.action].observe(step, context)
            yield Gate("primary.primary_stable", met=status.state is StepState.DONE, says=status.message, stops=True)


def _direction(context: PlanContext) -> Iterator[Gate]:
    """Who holds the newer data: the DR region's stores must be the ones that took writes last (T28)."""
    name, env = context.env.database_on(Side.DR), context.env
    if stores.lacks(env, stores.DATABASE.id):
        return
    try:
        here = context.snapshot.find(rds.instances, Side.DR, identifier=name)
    except DataUnavailable as error:
        yield Gate("direction.database", met=False, says=error.unavailable.why, stops=True)
        return
    # A replica in the DR region holds older data than what it follows: a sync from it would be the wrong way (T28).
    if here is None or here.source:
        what = "absent" if here is None else f"a replica of {here.source}"
        message = f"{name} in {env.regions.dr} is {what}: the newer data is not there, nothing is to be copied back."
        yield Gate("direction.database", met=False, says=message, stops=True)
    elif not DATABASE[here.status].takes_writes:
        message = f"{name} in {env.regions.dr} is {here.status}: nothing is synced from it until it takes writes."
        yield Gate("direction.database", met=False, says=message, stops=True)
    else:
        message = f"{name} in {env.regions.dr} takes the writes: the sync goes to {env.regions.primary}."
        yield Gate("direction.database", met=True, says=message)
    try:
        reason = _reason_against_files(context)
    except DataUnavailable as error:
        reason = error.unavailable.why
    message = reason or f"the files of {context.env.regions.dr} take the writes."
    yield Gate("direction.files", met=not reason, says=message, stops=bool(reason))


def _reason_against_files(context: PlanContext) -> str:
    """Return why the files cannot be copied to the primary region, "" where they can. Raises DataUnavailable."""
    region = context.env.regions.dr
    rows = [row for row in context.snapshot.get(efs.replications, Side.DR) if row.destination_region == region]
    own = {system.id for system in part_or(context.snapshot, efs.file_systems, Side.DR, ())}
    fed = [row for row in rows if not own or row.destination_id in own]  # an account may replicate other ones too
    if fed:
        return f"{fed[0].source_id} still replicates into {region}: a sync back would overwrite newer files."
    with suppress(DataUnavailable):  # the step asks again, and waits where it cannot see
        found = files_failback.file_systems(context)
        return files_failback.reason_of_another(context, found) if found else ""
    return ""


def _tenants_to_come(context: PlanContext) -> Iterator[Gate]:
    """Yield a gate for tenants that run in the DR region and have no service in the primary region.

    Such a tenant would be left there, and its visitors led back to the primary region without it.
    """
    env, here = context.env, context.env.on(Side.DR)
    try:
        away = [row for row in context.snapshot.get(ecs.services, Side.DR) if row.desired or row.running]
        services = context.snapshot.get(ecs.services, Side.PRIMARY)
        in_primary = {env.tenant_of(env.names.service, row.name) for row in services}
    except DataUnavailable:
        return  # what was not seen is other gates' to say: the posture's, and those of the services
    tenants = {tenant for row in away if (tenant := here.tenant_of(env.names.service, row.name))} - in_primary
    lacking = sorted(tenant for tenant in tenants if is_chosen(tenant, context.only_tenants))
    if lacking:
        message = (
            f"{', '.join(lacking)} runs in {env.regions.dr} and has no service in {env.regions.primary}, where its "
            "visitors would be led. Provision it there first."
        )
        yield Gate("plan.tenants", met=False, says=message, stops=True)


def _health_checks(context: PlanContext) -> Iterator[Gate]:
    """Yield a gate where a health check of the records is gone or cannot be seen.

    Route 53 changes no record whose health check is gone: visitors could not be led back to the primary region.
    """
    try:
        pairs = [pair for zone in cutover_pairs(context).zones for pair in zone.pairs]
        records = [record for pair in pairs for record in (pair.primary, pair.dr) if record.health_check_id]
        checks = context.snapshot.get(route53_health_checks.checks, Side.GLOBAL) if records else ()
    except DataUnavailable as error:
        yield Gate("traffic.health-checks", met=False, says=error.unavailable.why, stops=True)
        return
    known = {check.id for check in checks}
    # ChangeResourceRecordSets refuses the whole batch where one record names a health check that is gone.
    gone = [record for record in records if record.health_check_id not in known]
    if gone:
        named = " and ".join(f"{record.health_check_id} of {record.name} {record.set_identifier}" for record in gone)
        message = (
            f"no such health check: {named}. Route 53 takes no change of a record whose health check is gone: give it "
            "another one (health_check_id of its aws_route53_record), and nobody is kept from writing in vain."
        )
        yield Gate("traffic.health-checks", met=False, says=message, stops=True)


def results_of_source(results: Sequence[CheckResult], context: PlanContext) -> list[CheckResult]:
    """The results but, while a failback's or a fence's freeze holds, that of whether the DR database takes writes.

    What refuses writes can be copied and thawed: as a gate it would stop the abort that ends the write pause.
    """
    try:
        source = database_failback.writer(context)
        frozen = source is not None and database_failback.refuses_writes(context, source)
    except DataUnavailable:
        frozen = False
    return [result for result in results if not (frozen and result.check == _TAKES_WRITES)]


def serving_gates(results: Sequence[CheckResult]) -> Iterator[Gate]:
    """Yield the gates that the serving region must meet before it is copied: the severe checks of the validation.

    An operator's role that may not fail back is a warning in normal operation, and a reason to wait now.
    """
    for result in results:
        if result.severity not in (Severity.BLOCKER, Severity.CRITICAL):
            continue
        # In normal operation a missing right is repaired some day; now it would stop the failback in its middle.
        grave = (Status.FAIL, Status.UNKNOWN, *([Status.WARN] if result.check == _PERMITTED else []))
        bad = [f for f in result.findings if f.status in grave]
        message = f"{bad[0].subject}: {bad[0].measured}, wanted {bad[0].wanted}." if bad else f"{result.status}."
        if result.status is Status.UNKNOWN and not bad:
            message = result.reason
        met = not bad and result.status is not Status.UNKNOWN
        yield Gate(f"check.{result.check}", met=met, says=message)


def stranded_writes(context: PlanContext, posture: Posture | None = None) -> tuple[Loss, ...]:
    """What a failback could lose or mix up: per store 0 seconds where the sync is proven, and what is in conflict.

    Also what the primary region's database took since the failover, in SPLIT or until a fence ended that: no copy of
    the DR region's has it.
    """
    if context.goal is not Goal.FAILBACK:
        return ()
    proven = "writers are stopped, and the copy is proven complete, before promotion"
    is_split = posture is not None and posture.name is PostureName.SPLIT
    until = context.snapshot.taken_at if is_split else context.split_ended_at
    losses = [_second_writer(context, until)] if until else []
    env = context.env
    names = {stores.DATABASE.id: env.database_on(Side.DR), stores.FILES.id: env.named(env.names.file_system)}
    losses += [Loss(store, name, None, 0.0, 0, proven) for store, name in names.items() if name]
    return (*losses, *_tables(context))


def _failover_end(context: PlanContext) -> datetime | None:
    """When the open incident's failover was done; None where none is on record."""
    state = context.snapshot.get_if_seen(control_table.standing, Side.DR)
    incident = state.known_incident if state else None
    return incident.unprotected_since if incident else None


def _second_writer(context: PlanContext, until: datetime) -> Loss:
    env, since = context.env, _failover_end(context)
    name = f"{env.database_on(Side.PRIMARY)} of {env.regions.primary}"
    what = f"{env.regions.dr} has none of what this second writer took"
    if since is None:
        return Loss(stores.DATABASE.id, name, None, None, None, f"{what}, and no failover on record says since when")
    seconds = (until - since).total_seconds()
    basis = f"{what} since the failover of {since:%Y-%m-%d %H:%M} UTC"
    return Loss(stores.DATABASE.id, name, None, seconds, None, basis)


def _tables(context: PlanContext) -> Iterator[Loss]:
    """Global tables: what the primary took before it was lost arrives when it is back; the last writer wins (T31)."""
    try:
        sides = [context.snapshot.get(dynamodb.tables, side) for side in (Side.PRIMARY, Side.DR)]
        here, there = ({t.name: t for t in tables if not isinstance(t, Unavailable)} for tables in sides)
    except DataUnavailable as error:
        yield Loss(stores.TABLES.id, "all", None, None, None, error.unavailable.why, unseen=error.unavailable)
        return
    for name in sorted(here.keys() & there.keys()):
        apart = abs(here[name].items - there[name].items)
        basis = "counts agree" if not apart else "items differ between the regions: the last writer wins (T31)"
        yield Loss(stores.TABLES.id, name, None, None if apart else 0.0, apart, basis)


def sync_estimate(context: PlanContext) -> tuple[float, int]:
    """GiB that the sync moves, and seconds at failback.sync_mib_s; what cannot be seen counts nothing."""
    env, see = context.env, context.snapshot
    database, files = env.database_on(Side.DR), env.named(env.names.file_system)
    gib = 0.0
    with suppress(DataUnavailable):
        gib += sum(i.storage_gib for i in see.get(rds.instances, Side.DR) if i.identifier == database)
    with suppress(DataUnavailable):
        gib += sum(f.size_bytes for f in see.get(efs.file_systems, Side.DR) if f.name == files) / _BYTES_A_GIB
    return gib, round(gib * 1024 / context.env.failback.sync_mib_s)


def objects_to_copy(context: PlanContext) -> str:
    """Return what each bucket lacks of its copy, and what copies that back; "" where nothing was compared."""
    rows = context.snapshot.get_if_seen(s3_objects.apart, Side.DR) or ()
    lacking = [row for row in rows if isinstance(row, s3_objects.BucketDifference) and row.missing]
    by_job: set[str] = set()
    with suppress(DataUnavailable):
        by_job = {route.bucket for route in routes(context) if not route.obstacle}
    copies = [_volume(row) for row in lacking if row.bucket not in by_job]
    jobs = [f"{_volume(row)}, {_time_of_job(row, context)}" for row in lacking if row.bucket in by_job]
    sentences = [f"It copies {', '.join(copies)}."] * bool(copies)
    sentences += [f"S3 Batch Replication brings {'; '.join(jobs)}."] * bool(jobs)
    return " ".join(sentences + [row.why for row in rows if isinstance(row, Unavailable)])


def _volume(row: s3_objects.BucketDifference) -> str:
    return f"{row.missing:,} objects ({row.missing_bytes / _BYTES_A_GIB:.1f} GiB) into {row.bucket}"


def _time_of_job(row: s3_objects.BucketDifference, context: PlanContext) -> str:
    usual_s, most_s = (job_s(row.missing, context.env, level) for level in (MEDIAN, _P90))
    limit_s = context.env.failback.objects_batch_minutes * _MINUTE_S
    rest = f"what is left after {duration(round(limit_s))} the run copies"
    if usual_s >= limit_s:
        return rest
    often = f"in nine of ten cases within {duration(round(most_s))}" if most_s < limit_s else rest
    return f"in about {duration(round(usual_s))}, {often}"


def abort_gates(results: Sequence[CheckResult], context: PlanContext) -> tuple[Gate, ...]:
    """Return every gate of an abort: the DR database is intact, and no copy was promoted in the primary region."""
    return (*_database_gates(context), *serving_gates(results_of_source(results, context)))


def _database_gates(context: PlanContext) -> Iterator[Gate]:
    name, regions = failback.own_name(context), context.env.regions
    try:
        source = failback.writer(context)
    except DataUnavailable as error:
        yield Gate("abort.dr-whole", met=False, says=error.unavailable.why, stops=True)
        return
    # An abort goes back to this database: without it there is nothing to go back to.
    if source is None or DATABASE[source.status].broken:
        how = "not there" if source is None else source.status
        message = f"{failback.own_name(context, Side.DR)} of {regions.dr} is {how}."
        yield Gate("abort.dr-whole", met=False, says=message, stops=True)
        return
    yield Gate("abort.dr-whole", met=True, says=f"{source.identifier} of {regions.dr} holds every acknowledged write.")
    try:
        promoted = has_primary_copy(context, source)
        message = f"{name} of {regions.primary} was{'' if promoted else ' not'} promoted"
    except DataUnavailable as error:
        promoted, message = False, f"no promotion is recorded, and {regions.primary} is not seen"
        message += f" ({error.unavailable.why.rstrip('.')})"
    by_hand = "where none are, rename it by hand, then abort again"
    message += f": writes may be there alone; {by_hand}." if promoted else "."
    yield Gate("abort.one-writer", met=not promoted, says=message, stops=True)


def way_back(plan: Plan, env: Environment, entries: Sequence[Entry] = ()) -> str:
    """Until when the failback of ``plan`` can be aborted, and which side writes; "" for any other plan."""
    step, regions = last_reversible_step(plan), env.regions
    if step is None:
        return ""
    if (entry := point_of_no_return(entries)) is not None:
        return f"It is past its point of no return (entry {entry.seq}, {entry.step}): {regions.primary} is to write."
    until = f"until the primary database is promoted ({step.id})"
    return f"You can abort ({ABORT}) {until}. Until then {regions.dr} alone may write."
