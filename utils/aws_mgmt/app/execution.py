"""failover and failback --execute: ask who may, take the lock, walk the plan, validate by looking, say how it ended."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from dr_actions.assessment.failback import way_back
from dr_actions.assessment.failover import rto_ends_at
from dr_actions.authorization.people import person_of
from dr_actions.control_table import lock as locking
from dr_actions.control_table.control import Fence, WriteStop
from dr_actions.control_table.heartbeat import Heartbeat
from dr_actions.control_table.lock import COOL_DOWN, HELD, CoolingDown, LockHeld
from dr_actions.execution.executor import Outcome, await_rest, execute
from dr_actions.execution.run import PlanRun, ReadFailed, RunListener
from dr_actions.journal.entries import EntryKind
from dr_actions.journal.journal import Journal
from dr_actions.journal.mirror import AnchoredMirror, TableMirror
from dr_actions.journal.pauses import record_pauses
from dr_actions.model import gates as gates_module
from dr_actions.model.action import ProgramContext
from dr_actions.model.plan import FENCING, Goal, SendFailed, batches, to_json
from dr_actions.model.sequence import Role, role_of, serving_side
from dr_actions.planning.estimate import step_estimate
from dr_checks.core.model import Area
from dr_checks.posture.visitor_access import VisitorAccess, visitor_access
from dr_estate.config.environment import Environment, Side
from dr_estate.model.journal_chain import sound_documents
from dr_estate.model.recovery_names import is_full, is_trial
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import elbv2_targets
from dr_estate.readers.control_table import ABORTING, FAILING_BACK, ON_DR, ControlState, RecordedOverride, overrides_of
from dr_estate.snapshot.snapshot import Snapshot
from reports.values.report import Report
from reports.values.run_summary import RunSummary, journaled_run
from reports.values.watched_estate import served_tenants
from utils.aws_mgmt.app import evaluation, next_steps, run_validation
from utils.aws_mgmt.app.areas import READINESS
from utils.aws_mgmt.app.authorization import RunStart, pause_reason
from utils.aws_mgmt.app.automation import RecoveryExecution, goes_by_break_glass
from utils.aws_mgmt.app.connections import AppContext, program_variables
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.incident_record import clearance_to_json, journals, outage_since, record_exceptions
from utils.aws_mgmt.app.interrupts import stop_on_signals
from utils.aws_mgmt.app.options import Options
from utils.aws_mgmt.app.run_folder import with_room
from utils.aws_mgmt.app.run_result import (
    RunResult,
    notify_broken_glass,
    result_of,
    result_of_defect,
    result_of_error,
    send_alarm,
)
from utils.aws_mgmt.app.writers import RETURNING, visitors_now, with_writers

_REACHED = ("done", "unconfirmed")
# What is judged after a run of each goal; after the others that the DR region serves.
_VALIDATED = {Goal.FAILBACK: READINESS, Goal.FENCE: (Area.PREREQUISITES,), Goal.RELEASE: (Area.PREREQUISITES,)}


@dataclass(frozen=True)
class RunContext:
    """What the command works with: where files go, what is open, and what it was cleared for.

    ``stop_condition`` is asked before every change: why the run is to stop, "" while it is not. ``inventory`` is what
    the estate held before a drill, packed, "" where no drill is held. ``stop`` is set when a person stops the run.
    ``ordered`` is the execution by which AWS started it, None where a person did.
    """

    options: Options
    env: Environment
    app: AppContext
    start: RunStart
    files: evaluation.CommandRun
    stop_condition: Callable[[], str] = str
    inventory: str = ""
    stop: threading.Event = field(default_factory=threading.Event)
    ordered: RecoveryExecution | None = None


def control_state_now(app: AppContext) -> ControlState | None:
    """What stands in the control table after the run, None where that cannot be read."""
    try:
        state = app.control.in_force()
        if state.known_incident is None:
            return state
        incident = state.known_incident.id
        documents, _ = sound_documents(TableMirror(app.control).fetch(incident), app.env.name, incident)
        return replace(state, overrides=overrides_of(documents, incident))
    except SendFailed:
        return None


def lock_and_run(context: RunContext) -> tuple[RunSummary, Report]:
    """Run the plan with everything held that a run needs. Raises Refused."""
    return with_lock(context, lambda heartbeat, journal: run_steps(context, heartbeat, journal))


def with_lock(
    context: RunContext, work: Callable[[Heartbeat, Journal], tuple[RunSummary, Report]]
) -> tuple[RunSummary, Report]:
    """Hold lock, heartbeat and journal around ``work``, and give them back whatever happens. Raises Refused."""
    with stop_on_signals(context.stop):  # from before the lock is taken until it is given back
        env, app, clearance = context.env, context.app, context.start.clearance
        # The time sorts runs, the random end keeps two that begin in one second apart.
        run_id = f"{app.clock.now():%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
        lock = _run_lock(context, run_id)
        mirror = AnchoredMirror(TableMirror(app.control, lock.fence), app.anchors, context.files.dialog.note)
        person, world = lock.owner.person, app.world.id
        folder = journals(context.options, world)
        # Before the journal: to rebuild one reads all of its mirror, and the lock must be renewed meanwhile.
        with Heartbeat(app.control, lock, env.execution) as heartbeat:
            try:
                journal = Journal.open(
                    folder, env.name, clearance.incident, run_id, app.clock.now, mirror, person, world=world
                )
            except BaseException:
                with contextlib.suppress(Exception):  # why it could not be opened is what must be reported
                    locking.release(app.control, lock, "failed")
                raise
            # Also where the work raises: the lock is released with this word then.
            outcome = "failed"
            try:
                note = partial(journal.append, EntryKind.NOTE, None)
                with (
                    journal,
                    app.sign_in.wait_for_credentials(heartbeat, context.stop, context.files.dialog.note, note),
                ):
                    summary, report = work(heartbeat, journal)
                outcome = summary.outcome
            finally:
                with contextlib.suppress(Exception):  # a lock that cannot be given back ends with its lease
                    locking.release(app.control, heartbeat.lock, outcome)
        return summary, report


def _run_lock(context: RunContext, run_id: str) -> locking.Lock:
    """The lock for the run of that id, watched for where another's heartbeat may be over. Raises Refused."""
    app, start = context.app, context.start
    owner = locking.Owner(person_of(app.caller.arn, context.env), app.caller.arn)
    watch = locking.Watch(context.files.dialog.note, context.stop)
    incident, limits = start.clearance.incident, context.env.execution
    try:
        return locking.take(app.control, owner, run_id, incident, limits, start.waives_cool_down, watch)
    except LockHeld as error:
        raise Refused(f"{HELD}: {error}") from error
    except CoolingDown as error:
        again = next_steps.after_run(context.options, incident).command
        raise Refused(f"{COOL_DOWN}: {error}", str(next_steps.after_cool_down(again, error.until))) from error


def run_steps(
    context: RunContext, heartbeat: Heartbeat, journal: Journal, validates: bool = True
) -> tuple[RunSummary, Report]:
    """Execute the plan's steps, validate what serves then (if ``validates``), and return how the run ended."""
    outcome, report, by_health, serves = Outcome(), context.start.report, "", True
    again = next_steps.after_run(context.options, context.start.clearance.incident)
    with _run_listener(context, journal) as listener:
        run = run_of(context, heartbeat.check, journal, listener)
        context.app.sign_in.waits_on = lambda: run.no_writes_since is not None
        run.report_writes = partial(_report_writes, context, heartbeat, str(again.command))
        listener.note(visitor_access(run.snapshot, run.env).sentence)  # without a command: this run is what ends it
        journal.report_to(listener.note)
        try:
            open_the_record(context, run, journal, heartbeat.lock.fence)
            # The message of the end says that visitors are served: it is sent only after that was validated.
            last = [s for s in run.plan.steps if role_of(run.plan.goal, s.id) is Role.NOTIFY_END]
            execute(run, [s for s in run.plan.steps if s not in last], outcome)
            passed = not outcome.degraded
            if validates:
                report, seen_after = _validation(context)
                by_name = gates_module.accepted_gates(run.clearance.overrides, run.clock.now())
                validation = run_validation.validation_of(
                    report, outcome, run.plan.goal, run.clearance.incident, by_name
                )
                passed, by_health, serves = validation.passed and passed, validation.by_health, validation.passed
                verdict = {"passed": passed, "score": report.verdict.score, "exit": report.exit}
                journal.append(
                    EntryKind.VALIDATED,
                    None,
                    **verdict,
                    not_passed=list(validation.not_passed),
                    **_served_facts(run, seen_after),
                    **_last_request(run),
                )
            if passed:
                execute(run, last, outcome)
                # A person goes on by the same command; a task of AWS would need another approval for that.
                if run.started_by_aws:
                    await_rest(run, outcome)
            result = result_of(outcome, passed, again, validates and run.plan.goal not in FENCING, by_health, serves)
        except Exception as trouble:
            cause = result_of_error(trouble, outcome, again)
            if cause is None:
                # A defect has an end on record too: a record without one reads as a run that is still at work.
                close_the_record(context, run, result_of_defect(trouble), heartbeat.lock.fence)
                raise
            result = cause
    result = with_writers(result, run)
    is_judged = report is not None and report is not context.start.report
    visitors = report.visitors if report and is_judged else visitors_now(run)
    if result.alarms or _leaves_nobody_writing(run, result):
        send_alarm(run, result, again, next_steps.invocation_of(context.options), visitors)
    close_the_record(context, run, result, heartbeat.lock.fence, visitors)
    if report is None or (not is_judged and (run.plan.goal in RETURNING or result.stands_otherwise)):
        report = _as_it_stands(context, run)
    return run_summary(context, run, result, outcome), replace(report, visitors=visitors or report.visitors)


def _leaves_nobody_writing(run: PlanRun, result: RunResult) -> bool:
    """Whether the run ends in its write pause: nobody is left who ends it, and others notify people from now on."""
    if run.no_writes_since is None or result.outcome in _REACHED:
        return False
    with contextlib.suppress(Exception):  # another run may hold the lock by now
        run.report_writes(run.no_writes_since, run.clock.now())
    return True


def _report_writes(
    context: RunContext, heartbeat: Heartbeat, ends_by: str, since: datetime | None, alarm_from: datetime | None
) -> None:
    """Put on record that nobody can write, for what notifies people without this run; None: that all can again."""
    command = next_steps.invocation_of(context.options).complete(ends_by).strip("`")
    stop = WriteStop(since, alarm_from, command) if since and alarm_from else None
    who = person_of(context.app.caller.arn, context.env)
    context.app.control.stop_writes(context.start.clearance.incident, stop, who, heartbeat.lock.fence)


@contextlib.contextmanager
def _run_listener(context: RunContext, journal: Journal) -> Iterator[RunListener]:
    """Show the run's progress by its journal, and first where this machine's clock is wrong."""
    app, files = context.app, context.files
    with files.dialog.follow(journal, context.env, app.clock.now, files.folder, app.world.by_hand) as listener:
        if skewed := context.app.clock.skew_message():
            listener.note(skewed)
        yield listener


def run_of(context: RunContext, stored: Callable[[], None], journal: Journal, listener: RunListener) -> PlanRun:
    """The run of the approved plan, before its first step; ``stored`` raises where the lock is lost."""
    env, app, start = context.env, context.app, context.start
    world = replace(app.world, credentials=replace(app.world.credentials, report=listener.note))
    return PlanRun(
        env=env,
        plan=start.plan,
        clearance=start.clearance,
        client=app.client,
        journal=journal,
        read=lambda parts, upon, sides: world.observe(env, parts, upon, sides=sides),
        listener=listener,
        clock=app.clock,
        check_lock=partial(app.sign_in.check, stored),
        pause_reason=partial(pause_reason, app.control),
        stop_condition=context.stop_condition,
        snapshot=start.snapshot,
        program_context=ProgramContext(env, context.files.folder, partial(program_variables, app)),
        stop=context.stop,
        sign_in=app.sign_in,
        started_by_aws=app.starter is not None,
        confirmed=start.confirmed,
        recorded=start.recorded,
        renamed_databases=start.renamed_databases,
        only_tenants=frozenset(context.options.only_tenants),
        pace=app.pace,
        rto_ends_at=rto_ends_at(env, start.plan.goal, outage_since(context.start.report, journal.entries)),
        estimate_s=step_estimate(env, start.snapshot),
        person=person_of(app.caller.arn, env),
        no_writes_since=_no_writes_since(context),
    )


def _no_writes_since(context: RunContext) -> datetime | None:
    """When an earlier run of this incident stopped all writes, where nobody can write still."""
    standing = control_state_now(context.app)
    incident = standing.known_incident if standing else None
    return incident.no_writes_since if incident and incident.id == context.start.clearance.incident else None


def _validation(context: RunContext) -> tuple[Report, Snapshot]:
    """Observe again, and judge that the intended region serves; after a failback, judge readiness itself.

    A lost answer is requested once more before the run is reported as invalid: UNKNOWN is not a finding of the estate.
    """
    areas = _VALIDATED.get(context.start.plan.goal, (Area.VALIDATION,))
    report, seen = _judgement(context, areas)
    return _judgement(context, areas) if report.exit == Exit.COULD_NOT_SEE else (report, seen)


def _as_it_stands(context: RunContext, run: PlanRun) -> Report:
    """Return what a run that ended early saw last: in a failback the primary is to run, and not to be fenced."""
    areas = (Area.PREREQUISITES if run.plan.goal is Goal.FAILBACK else Area.VALIDATION,)
    return _judgement(context, areas, run.snapshot)[0]


def _judgement(
    context: RunContext, areas: tuple[Area, ...], snapshot: Snapshot | None = None
) -> tuple[Report, Snapshot]:
    seen = snapshot or evaluation.observe_world(context.app.world, context.env, context.files)
    with with_room(context.files.folder) as folder:
        files = replace(context.files, folder=folder)
        return evaluation.judge(context.options, context.env, areas, seen, files), seen


def run_summary(context: RunContext, run: PlanRun, result: RunResult, outcome: Outcome) -> RunSummary:
    """The ending for the report."""
    clearance, complete = run.clearance, next_steps.invocation_of(context.options).complete
    return RunSummary(
        incident=clearance.incident,
        run=run.journal.run,
        outcome=result.outcome,
        says=complete(result.message),
        digest=clearance.digest,
        operator=clearance.operator,
        approver=clearance.approver,
        degraded=tuple(map(complete, outcome.degraded)),
        undone=tuple(complete(rollback.message) for rollback in outcome.undone),
        overrides=tuple(override.gate for override in context.start.overrides),
        mutations=sum(entry.kind is EntryKind.OUTCOME for entry in run.journal.entries),
        journal=run.journal.path,
        exit=result.exit,
        goal=run.plan.goal,
        approved_at=_iso(clearance.approved_at),
        rules=clearance.rules,
        to_confirm=result.to_confirm,
        stands_otherwise=result.stands_otherwise,
        record=journaled_run(run.journal.entries, run.plan, context.env, clearance.incident),
    )


def open_the_record(context: RunContext, run: PlanRun, journal: Journal, fence: Fence) -> None:
    """Record what the run begins with, or that it goes on; open the incident; list the overrides."""
    clearance, control = run.clearance, context.app.control
    who = person_of(context.app.caller.arn, context.env)
    if context.start.report is None:
        allowed = _allowed_start(context)
        journal.append(
            EntryKind.RESUMED,
            says=f"{who} goes on with plan {clearance.digest[:12]}{allowed}.",
            digest=clearance.digest,
            rules=context.start.rules.record_with(clearance.overrides),
        )
    else:
        _record_beginning(context, context.start.report, run, journal, who)
    if goes_by_break_glass(context.app):
        notify_broken_glass(run, who, next_steps.invocation_of(context.options))
    record_pauses(journal, control)
    if context.inventory:
        journal.append(EntryKind.INVENTORY, inventory=context.inventory)
    if is_trial(clearance.incident):
        return  # it touches nothing of the estate: an emergency is not to be kept waiting by it
    control.open_incident(clearance.incident, run.plan.goal, control.now(), who, fence=fence)
    if run.plan.goal in (Goal.FAILBACK, Goal.ABORT):
        phase = FAILING_BACK if run.plan.goal is Goal.FAILBACK else ABORTING
        control.enter_phase(clearance.incident, phase, who, fence, staged=next_steps.in_stages(context.options))
    for override in context.start.overrides:
        values = asdict(override) | {"until": override.until.isoformat()}
        journal.append(EntryKind.OVERRIDE, None, **values)
        control_state = RecordedOverride(
            override.gate, override.by, override.why, override.until, clearance.incident, run.plan.digest, override.arn
        )
        control.override(control_state, fence)


def _allowed_start(context: RunContext) -> str:
    """Who let AWS start the run that goes on, and when, as a clause: AWS asks again for each start of the same plan."""
    app, clearance = context.app, context.start.clearance
    if app.starter is None:
        return ""
    starts = [start for start in app.approvals.starts(clearance.incident) if start.digest == clearance.digest]
    people = {approval.userid: approval.arn for approval, _ in app.approvals.history_of(clearance.incident)}
    newest = max(starts, key=lambda start: start.at, default=None)
    if newest is None:
        return ""
    approver = person_of(people.get(newest.userid, newest.userid), context.env)
    return f"; {approver} let AWS start it at {newest.at:%Y-%m-%d %H:%M:%S} UTC"


def _record_beginning(context: RunContext, report: Report, run: PlanRun, journal: Journal, who: str) -> None:
    """Record what was seen and weighed, who decided and allowed it, and the plan."""
    clearance = run.clearance
    cleared = clearance_to_json(clearance)
    order = _moments(context)
    weighed = report.assessment
    began = weighed.outage if weighed else None
    since = {"since": began.since.isoformat(), "since_by": str(began.source)} if began else {}
    journal.append(EntryKind.DETECTED, moment=order.seen_at.isoformat(), says=run.plan.posture, **since)
    journal.append(EntryKind.DECIDED, moment=order.ordered_at.isoformat(), says=f"{who} ordered the {run.plan.goal}.")
    if weighed is not None:
        # One loss per store and subject, with like tenants merged, for the data-loss window of the review.
        worst = [
            {"store": s, "subject": of, "seconds": loss.seconds, "basis": loss.basis}
            for (s, of), loss in {(loss.store, loss.subject): loss for loss in weighed.losses}.items()
        ]
        seen: dict[str, Any] = {"says": f"Assessed: {weighed.advice}.", "losses": worst}
        promised = {"write_pause_s": weighed.write_pause.last_p90_s} if weighed.write_pause else {}
        journal.append(EntryKind.LOOKED, None, **seen, **promised)
    gates = [asdict(gate) for gate in context.start.gates]
    journal.append(
        EntryKind.AUTHORISED,
        operator=clearance.operator,
        approver=clearance.approver,
        approved_at=_iso(clearance.approved_at),
        digest=clearance.digest,
        gates=gates,
        moment=order.cleared_at.isoformat(),
        **({"execution": context.ordered.id} if context.ordered else {}),
    )
    record_exceptions(journal, report.exceptions, report.verdict.results, context.app.caller.arn)
    plan, rules = to_json(run.plan), context.start.rules.record_with(clearance.overrides)
    # a watcher on another machine has not read the sizes that an estimate goes by
    estimates_s = [round(run.estimate_s(batch)) for batch in batches(run.plan.steps)]
    journal.append(
        EntryKind.BEGIN, plan=plan, digest=run.plan.digest, clearance=cleared, rules=rules, estimates_s=estimates_s
    )
    if message := way_back(run.plan, context.env):
        journal.append(EntryKind.NOTE, says=message)


@dataclass(frozen=True)
class _OrderMoments:
    """When the outage was seen, when somebody ordered the run, and when it was free to begin."""

    seen_at: datetime
    ordered_at: datetime
    cleared_at: datetime


def _moments(context: RunContext) -> _OrderMoments:
    """The moments by AWS's execution where AWS started the run: its task looks only after the approver has waited.

    Who ordered or approved had seen the outage by then, even where this process looked later.
    """
    now, seen_at, approved_at = (
        context.app.clock.now(),
        context.start.snapshot.taken_at,
        context.start.clearance.approved_at,
    )
    if context.ordered is None:
        return _OrderMoments(min(seen_at, approved_at or now), now, now)
    ordered_at = context.ordered.began_at
    return _OrderMoments(min(seen_at, ordered_at), ordered_at, context.ordered.approved_at or now)


def _iso(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""


def _served_facts(run: PlanRun, seen: Snapshot) -> dict[str, list[int]]:
    """How many of how many tenants the region that is to serve answers; empty where nobody could visit them."""
    served = served_tenants(seen, run.env, serving_side(run.plan))
    return {"served": list(served)} if served else {}


def _last_request(run: PlanRun) -> dict[str, str]:
    """When the region that traffic left had its last request, as CloudWatch shows it; empty where it cannot be asked.

    A lost region is not asked.
    """
    if run.plan.goal is Goal.FAILOVER:
        return {}
    old = Side.DR if run.plan.goal is Goal.FAILBACK else Side.PRIMARY
    try:
        context = run.context_with(frozenset({elbv2_targets.minutes.name}))
        parts = [part for part, _ in context.snapshot.of_entrances(context.env)]
        minutes = [minute for part in parts for minute in part.get(elbv2_targets.minutes, old)]
    except (DataUnavailable, ReadFailed):
        return {}
    moments = [minute.at for minute in minutes if minute.requests]
    return {"last_request": max(moments).isoformat()} if moments else {}


def close_the_record(
    context: RunContext, run: PlanRun, result: RunResult, fence: Fence, visitors: VisitorAccess | None = None
) -> None:
    """Record how it ended. A failover leaves the estate without a standby; a validated failback closes the incident."""
    control, incident = context.app.control, run.clearance.incident
    who = person_of(context.app.caller.arn, context.env)
    with contextlib.suppress(Exception):  # the lock may be lost: then nothing may be written any more
        record_pauses(run.journal, control)
        if result.outcome == "stopped":
            run.journal.append(EntryKind.STOPPED, says=f"{who} stopped it.")
        known = {"visitors": visitors.sentence} if visitors else {}
        run.journal.append(EntryKind.END, outcome=result.outcome, says=result.message, **known)
    if result.outcome not in _REACHED or is_trial(incident) or run.plan.goal is Goal.CLEAN_UP:
        return
    with contextlib.suppress(Exception):  # said in the journal all the same
        if run.plan.goal is Goal.FAILBACK:
            control.set_unprotected_time(incident, None, who, fence)
            # A drill's incident stays open until its clean-up: closed, nothing would lead to what is left of it.
            if is_full(incident):
                control.enter_phase(incident, "failed back, not cleaned up", who, fence)
            else:
                control.close_incident(incident, who, fence)
        elif run.plan.goal in (Goal.ABORT, Goal.FENCE):
            if run.no_writes_since is not None:
                # The DR region writes again: without this the control stack goes on to notify people of an outage.
                control.stop_writes(incident, None, who, fence)
            control.enter_phase(incident, ON_DR if run.plan.goal is Goal.ABORT else "fenced", who, fence)
        elif run.plan.goal is Goal.RELEASE:
            control.close_incident(incident, who, fence)
        else:
            control.enter_phase(incident, ON_DR, who, fence)
            control.set_unprotected_time(incident, control.now(), who, fence)
