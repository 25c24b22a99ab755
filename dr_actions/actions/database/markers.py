"""Markers in the database: written until the freeze refuses them, found in the new database before it serves, removed.

A marker is what must have arrived before a promotion: ReplicaLag proves neither, for it is 0 for a replica, too, that
has applied all of the little that reached it. A failback's task, a tenant's own, writes it again and again until the
freeze refuses it, so that the last one stands at the end of what was written. A switchover's writes it once, after the
last tenant's task stopped.

No pause counts until the frozen database has refused a write, whatever its parameter group says. The task that wrote
the marker reports it; where that task is gone (a run that is resumed later), another task is asked, whose first write
must be refused. Its report is what must have arrived: the marker's last number, and the transactions that the source
had executed by then, where it counts them (GTID). Without them, a marker that was refused long after its last write
proves nothing about the time in between.

A task of the tenant's own on the new side asks that database, and waits some minutes. It must hold the marker's last
number and all of those transactions. A replica that replicates and is not behind by its own measure may lack both: it
knows nothing of what never reached it. Afterwards the marker's table is removed from the database that serves. After an
abort that is the DR region's: the copy in the primary region has it too, and is recreated before it is promoted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dr_actions.actions.database import copy_selection, failback
from dr_actions.actions.database.promotion import has_primary_copy
from dr_actions.actions.markers import marker_task, scripts
from dr_actions.actions.markers.marker_task import FINDING, REMOVING, WRITING
from dr_actions.actions.shared import RUN, send
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus, Waits, present
from dr_actions.model.plan import Call, Danger, Goal, Step, step_id
from dr_checks.derived.database_copies import REPLICA, database_engine
from dr_estate.config.environment import Side
from dr_estate.model.engines import engine_of
from dr_estate.model.stores import TABLE
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import drill_resources, marker_tasks, rds, rds_groups
from dr_estate.readers.marker_tasks import MarkerReport

WRITES, SERVER = "write the marker", "server"
# Between the last marker and the refusal anything may have been written: ten seconds is what a lag can still show.
MOST_GAP_MS = 10_000
_FREEZE, _WRITE = "database/verify_freeze", "database/write_marker"
# The gap of a marker whose source did not refuse writes meanwhile.
_NO_REFUSAL = "-1"


def source(context: PlanContext) -> rds.Instance | None:
    """The database that serves and is to be left; None where no marker is wanted of it. Raises DataUnavailable."""
    if not context.env.execution.markers:
        return None
    found = _source_instance(context)
    return found if found is not None and not _obstacle(context, found) else None


def _source_instance(context: PlanContext) -> rds.Instance | None:
    """As ``source``, of any engine."""
    if context.goal is Goal.FAILBACK:
        found = failback.writer(context)
        return None if found is None or has_primary_copy(context, found) else found
    chosen = copy_selection.choose(context)
    return failback.instance_by_name(context, Side.PRIMARY, failback.own_name(context)) if chosen is not None else None


def _obstacle(context: PlanContext, instance: rds.Instance) -> str:
    return marker_task.obstacle(context, engine_of(instance.engine), Side.PRIMARY, Side.DR)


def side_of(context: PlanContext) -> Side:
    """The side that serves."""
    return Side.DR if context.goal is Goal.FAILBACK else Side.PRIMARY


def write_steps(context: PlanContext) -> Iterator[Step]:
    """The one step."""
    instance = source(context)
    if instance is None:
        return
    region, until = context.env.region(side_of(context)), "once, after the last of the tenants' tasks stopped"
    if context.goal is Goal.FAILBACK:
        until = "again and again until the freeze refuses it"
    message = f"Let a task of {{tenant}} write a marker into {instance.identifier} in {region}, {until}."
    yield from writing_step(context, WRITE.name, instance, message)


def writing_step(context: PlanContext, action: str, instance: rds.Instance, message: str) -> Iterator[Step]:
    """The step of ``action`` that runs a task which writes the marker. Raises DataUnavailable."""
    tenant_service = marker_task.tenant_on(context, side_of(context))
    tenant = tenant_service.tenant.id if tenant_service else ""
    yield from marker_task.step_of(
        context,
        action,
        WRITING,
        instance.host,
        engine_of(instance.engine),
        subject=instance.identifier,
        variables={scripts.UNTIL: scripts.REFUSED if context.goal is Goal.FAILBACK else scripts.ONCE},
        side=side_of(context),
        says=message.format(tenant=tenant),
        danger=Danger.REVERSIBLE,
        undo=f"The task ends by itself; its table {TABLE} is taken away after the move.",
        budget_s=600,
        before={"resource": instance.resource_id},
        after={"marker": "written"},
    )


def write_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the marker was written; a failback's task goes on writing it."""
    task, report = marker_task.task_and_report(context, WRITING, step)
    if task is not None and report is not None and report.begun and context.goal is Goal.FAILBACK:
        message = f"Task {task.arn.rpartition('/')[2]} writes the marker into {step.subject} all the time."
        return StepStatus(StepState.DONE, message, (("task", task.arn),))
    if unfinished := marker_task.unfinished_status(context, step.side, task, f"{WRITES} into {step.subject}"):
        return unfinished
    if task is None or report is None:
        return marker_task.missing_log_status(step)
    if not (report.number or report.refused):
        return StepStatus(StepState.FAILED, f"{step.subject} took no marker, and refused none.")
    written, refused = f"The marker was written into {step.subject}.", f"{step.subject} refuses writes already."
    facts = (("task", task.arn), *evidence_of(report))
    return StepStatus(StepState.DONE, written if report.number else refused, facts)


def evidence_of(report: MarkerReport) -> tuple[tuple[str, str], ...]:
    """Return what the journal records of the marker, by which ``verify_marker`` finds it."""
    # The set goes to the next task as a variable: a longer one is left out, and the marker's number alone is compared.
    gtids = report.gtids if len(report.gtids) <= scripts.LONGEST_GTIDS else ""
    known = (("written", str(report.number)), ("gap ms", str(report.gap_ms)), ("gtids", gtids), (SERVER, report.server))
    return tuple((name, value) for name, value in known if value)


def write_notes(context: PlanContext) -> Iterator[str]:
    """Why no marker is written."""
    if not context.env.execution.markers:
        yield "No marker is written (execution.markers is false): zero loss is read off a lag, and not proven."
        return
    try:
        instance, tenant = _source_instance(context), marker_task.tenant_on(context, side_of(context))
        reason = _obstacle(context, instance) if instance is not None else ""
    except DataUnavailable as error:
        yield f"No marker is written: {error.unavailable.why}"
        return
    if instance is not None and reason:
        yield f"No marker is written into {instance.identifier}, and zero loss is read off a lag: {reason}."
        return
    if instance is not None and tenant is None:
        yield "No marker is written, for no tenant has a service in both regions: zero loss is read off a lag."


def freeze_steps(context: PlanContext) -> Iterator[Step]:
    """The one step."""
    instance = source(context)
    if instance is not None:
        region = context.env.regions.dr
        message = f"See {instance.identifier} in {region} refuse a write of {{tenant}}, by a task of it."
        yield from writing_step(context, VERIFY_FREEZE.name, instance, message)


def freeze_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once a write was refused while the parameter group was in force."""
    instance = failback.instance_of_resource(context, step.side, step.before["resource"])
    # Looked at again: a group that somebody reset since makes the refusal worthless.
    if instance is None or not failback.refuses_writes(context, instance, step.side):
        return StepStatus(StepState.DRIFTED, f"{step.subject} takes writes again: it is not frozen any more.")
    task = marker_task.task_of(context, WRITING, step)
    if unfinished := marker_task.unfinished_status(context, step.side, task, f"{WRITES} into {step.subject}"):
        return unfinished
    report = marker_task.report_of(context, step.side, task) if task is not None else None
    if task is None or report is None:
        return marker_task.missing_log_status(step)
    facts = (("task", task.arn), *evidence_of(report))
    if not report.refused:
        return StepStatus(StepState.FAILED, f"{step.subject} took the last write that was tried.", facts)
    if not dict(facts).get("gtids") and not 0 <= report.gap_ms <= MOST_GAP_MS:
        message = (
            f"{step.subject} refuses writes, but no marker was written right before, and it counts no transactions "
            "(gtid_mode): nothing shows what came last. Run `dr_cli.py failback --abort`, then begin again"
        )
        return StepStatus(StepState.FAILED, f"{message}.", facts)
    return StepStatus(StepState.DONE, f"{step.subject} refuses writes: {_evidence(report.number, dict(facts))}.", facts)


def _evidence(number: int, facts: dict[str, str]) -> str:
    if facts.get("gtids"):
        return f"a task's was refused after {number} markers, and its executed transactions are known"
    return f"a task's was refused {facts['gap ms']} ms after marker {number}"


def arrival_steps(context: PlanContext) -> Iterator[Step]:
    """The one step: of a replica before it is promoted, of what is restored as soon as it is."""
    instance = source(context)
    if instance is None:
        return
    home = context.goal is Goal.FAILBACK
    chosen = None if home else copy_selection.choose(context)
    name = failback.own_name(context) if chosen is None else chosen.identifier
    side = Side.PRIMARY if home else Side.DR
    yield from marker_task.step_of(
        context,
        VERIFY.name,
        FINDING,
        f"<the host of {name}>",
        engine_of(instance.engine),
        subject=name,
        part="replica" if chosen is not None and chosen.copy.mechanism == REPLICA else "",
        side=side,
        says=f"See the marker of {instance.identifier}, and all that was executed before it, in {name} of "
        f"{context.env.region(side)}, by a task of a tenant.",
        danger=Danger.REVERSIBLE,
        undo="Nothing is changed: the task reads, and ends by itself.",
        budget_s=900,
        before={"proof": step_id(_FREEZE if home else _WRITE, instance.identifier)},
        after={"lost": "nothing"},
    )


def arrival_call(step: Step, context: PlanContext) -> Call:
    """The call with what must have arrived, and the host to ask. Raises ValueError where either is not known."""
    facts = _proof(step, context)
    if not facts:
        raise ValueError(f"{step.before['proof']} recorded no marker")
    try:
        instance = failback.instance_by_name(context, step.side, step.subject)
    except DataUnavailable as error:
        raise ValueError(error.unavailable.why) from error
    if instance is None or not instance.host:
        raise ValueError(f"{step.subject} has no host yet")
    wanted = {
        scripts.HOST: marker_task.address_of(instance),
        scripts.NUMBER: facts.get("written", "0"),
        scripts.GTIDS: facts.get("gtids", ""),
    }
    return marker_task.filled_call(step, context, FINDING, **wanted)


def _proof(step: Step, context: PlanContext) -> Mapping[str, str]:
    return context.confirmed_facts.get(step.before["proof"], {})


def arrival_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the task found both; FAILED where its time was over before."""
    present(failback.instance_by_name(context, step.side, step.subject), f"{step.subject} is gone.")
    left = failback.writer(context) if context.goal is Goal.FAILBACK else None
    if left is not None and (lost := failback.lost_copy(context, left)):
        return StepStatus(StepState.DRIFTED, f"{lost}.")
    task, report = marker_task.task_and_report(context, FINDING, step)
    # Before the general reading of exit codes: this one is an answer (not all has arrived), no failed task.
    if task is not None and task.exit_code == scripts.TIME_IS_OVER and report is not None:
        return _absence_status(step, context, task, report)
    if unfinished := marker_task.unfinished_status(context, step.side, task, f"see the marker in {step.subject}"):
        return unfinished
    if task is None or report is None:
        return marker_task.missing_log_status(step)
    facts = (("task", task.arn), ("arrived", str(report.number)), (SERVER, report.server))
    if not report.found:
        return _absence_status(step, context, task, report)
    proof = _proof(step, context)
    # A host name may still lead to the source (an alias, an old answer): there the marker is always found.
    if report.server and report.server == proof.get(SERVER):
        message = f"The task reached the very server that the marker was written to ({report.server})"
        return StepStatus(StepState.FAILED, f"{message}, and not {step.subject}. Nothing is promoted.", facts)
    gap = proof.get("gap ms", _NO_REFUSAL)
    span = "what came after it" if gap == _NO_REFUSAL else f"of the {gap} ms until its refusal"
    lag = f"all until then; {span} the lag alone shows"
    message = "every transaction of the source" if proof.get("gtids") else lag
    return StepStatus(StepState.DONE, f"{step.subject} holds marker {report.number}, and {message}.", facts)


def _absence_status(
    step: Step, context: PlanContext, task: drill_resources.Probe, report: marker_tasks.MarkerReport
) -> StepStatus:
    wanted = _proof(step, context).get("written", "")
    lacks = f"marker {wanted} of it" if str(report.number) != wanted else "transactions that were executed before it"
    message = f"Not all has arrived in {step.subject}: after {FINDING.seconds} s it lacks {lacks}. Nothing is promoted"
    return StepStatus(StepState.FAILED, f"{message}.", (("task", task.arn), ("arrived", str(report.number))))


def removal_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where a marker is written; in an abort where the failback wrote one."""
    name, engine = _name(context), database_engine(copy_selection.view_of(context))
    if name is None:
        return
    yield from marker_task.step_of(
        context,
        REMOVE.name,
        REMOVING,
        f"<the host of {name}>",
        engine,
        subject=name,
        side=Side.PRIMARY if context.goal is Goal.FAILBACK else Side.DR,
        says=f"Drop the marker's table {TABLE} in {name}, by a task of a tenant.",
        danger=Danger.COMPENSABLE,
        undo="The next marker makes its table again.",
        budget_s=600,
        after={"marker": "gone"},
    )


def _name(context: PlanContext) -> str | None:
    """The database that is to lose the table, None where no marker was written. Raises DataUnavailable."""
    if context.goal is Goal.ABORT:
        found = failback.writer(context)
        return found.identifier if found is not None and context.before(WRITE.name, found.identifier) else None
    if source(context) is None:
        return None
    chosen = None if context.goal is Goal.FAILBACK else copy_selection.choose(context)
    return failback.own_name(context) if chosen is None else chosen.identifier


def removal_call(step: Step, context: PlanContext) -> Call:
    """The call with the database's host. Raises ValueError where it is not known."""
    try:
        instance = failback.instance_by_name(context, step.side, step.subject)
    except DataUnavailable as error:
        raise ValueError(error.unavailable.why) from error
    if instance is None or not instance.host:
        raise ValueError(f"{step.subject} has no host")
    return marker_task.filled_call(step, context, REMOVING, **{scripts.HOST: marker_task.address_of(instance)})


def removal_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once such a task ended well."""
    task, what = marker_task.task_of(context, REMOVING, step), f"drop {TABLE} in {step.subject}"
    unfinished = marker_task.unfinished_status(context, step.side, task, what)
    return unfinished or StepStatus(StepState.DONE, f"{TABLE} is gone from {step.subject}.")


WRITE = Action(
    "database/write_marker",
    "Writes a marker into the database that serves, by a tenant's own task: what must have arrived before a promotion.",
    {RUN},
    (rds.instances, *marker_task.PARTS),
    write_steps,
    write_status,
    build_call=marker_task.call_of(WRITING),
    omissions=write_notes,
    send=send,
)
VERIFY_FREEZE = Action(
    "database/verify_freeze",
    "Confirms that the frozen database refuses a write: until then no pause counts, whatever its parameter group says.",
    {RUN},
    (rds.instances, rds_groups.parameter_groups, *marker_task.PARTS),
    freeze_steps,
    freeze_status,
    send=send,
    build_call=marker_task.call_of(WRITING),
    waits=Waits(task_runs=True),
)
VERIFY = Action(
    "database/verify_marker",
    "Before the new database serves: proves that the marker, and all that was executed before it, is there.",
    {RUN},
    (rds.instances, *marker_task.PARTS),
    arrival_steps,
    arrival_status,
    build_call=arrival_call,
    send=send,
)
REMOVE = Action(
    "database/remove_marker",
    "Removes the marker's table from the database that serves now, by a task of the tenant it was written as.",
    {RUN},
    (rds.instances, *marker_task.PARTS),
    removal_steps,
    removal_status,
    build_call=removal_call,
    send=send,
    essential=False,
)
