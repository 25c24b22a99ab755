"""failover and failback --execute: ask who may, take the lock, walk the plan, validate by looking, say how it ended."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from dr_actions.assessment.data_loss import Loss
from dr_actions.authorization.people import person_of
from dr_actions.clients.mutating_client import SendFailed
from dr_actions.control_table import lock as locking
from dr_actions.control_table.control import Fence, Fenced
from dr_actions.control_table.heartbeat import Heartbeat
from dr_actions.control_table.lock import CoolingDown, LockHeld
from dr_actions.execution.executor import Outcome, execute
from dr_actions.execution.run import PlanRun, RunListener
from dr_actions.journal.journal import EntryKind, Journal, journal_path
from dr_actions.journal.mirror import TableMirror
from dr_actions.journal.pauses import record_pauses
from dr_actions.model import gates as gates_module
from dr_actions.model.action import ProgramContext
from dr_actions.model.plan import Goal, to_json
from dr_actions.model.sequence import Role, role_of
from dr_checks.core.model import Area
from dr_estate.config.environment import Environment
from dr_estate.model.drill_names import is_full, is_trial
from dr_estate.readers.control_table import ControlState, RecordedOverride
from reports.values.report import Report
from reports.values.run_record import recorded
from reports.values.run_summary import RunSummary
from utils.aws_mgmt.app import evaluation, next_steps
from utils.aws_mgmt.app.areas import READINESS
from utils.aws_mgmt.app.authorization import RunStart, paused_by
from utils.aws_mgmt.app.connections import AppContext, clock
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.incident_record import clearance_to_json, journals
from utils.aws_mgmt.app.interrupts import stopping
from utils.aws_mgmt.app.options import Options, PauseOptions, UnpauseOptions
from utils.aws_mgmt.app.run_folder import with_room
from utils.aws_mgmt.app.run_result import RunResult, result_of, result_of_defect, result_of_error, send_alarm


@dataclass(frozen=True)
class RunContext:
    """What the command works with: where files go, what is open, and what it was cleared for.

    ``stop_condition`` is asked before every change: why the run is to stop, "" while it is not. ``inventory`` is what
    the estate held before a drill, packed, "" where no drill is held. ``stop`` is set when a person stops the run.
    """

    options: Options
    env: Environment
    app: AppContext
    start: RunStart
    files: evaluation.CommandRun
    stop_condition: Callable[[], str] = str
    inventory: str = ""
    stop: threading.Event = field(default_factory=threading.Event)


def control_state_now(app: AppContext) -> ControlState | None:
    """What stands in the control table after the run, None where that cannot be read."""
    try:
        return app.control.in_force()
    except SendFailed:
        return None


def lock_and_run(context: RunContext) -> tuple[RunSummary, Report]:
    """Run the desk's plan with everything held that a run needs. Raises Refused."""
    return with_lock(context, lambda heartbeat, journal: run_steps(context, heartbeat, journal))


def with_lock(
    context: RunContext, work: Callable[[Heartbeat, Journal], tuple[RunSummary, Report]]
) -> tuple[RunSummary, Report]:
    """Hold lock, heartbeat and journal around ``work``, and give them back whatever happens. Raises Refused."""
    with stopping(context.stop):  # from before the lock is taken until it is given back
        return _with_lock(context, work)


def _with_lock(
    context: RunContext, work: Callable[[Heartbeat, Journal], tuple[RunSummary, Report]]
) -> tuple[RunSummary, Report]:
    env, app, clearance = context.env, context.app, context.start.clearance
    run_id = f"{clock():%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
    owner = locking.Owner(person_of(app.caller.arn, env), app.caller.arn)
    try:
        lock = locking.take(
            app.control, owner, run_id, clearance.incident, env.execution, context.start.waives_cool_down
        )
    except (LockHeld, CoolingDown) as error:
        raise Refused(f"{'lock.held' if isinstance(error, LockHeld) else 'lock.cool-down'}: {error}") from error
    mirror = TableMirror(app.control, lock.fence)
    world = app.world.id
    folder = journals(context.options, world)
    with Heartbeat(app.control, lock, env.execution) as heartbeat:
        try:
            journal = Journal.open(
                folder, env.name, clearance.incident, run_id, clock, mirror, owner.person, world=world
            )
        except BaseException:
            with contextlib.suppress(Exception):  # why it could not be opened is what must be told
                locking.release(app.control, lock, "failed")
            raise
        outcome = "failed"
        try:
            with journal:
                summary, report = work(heartbeat, journal)
            outcome = summary.outcome
        finally:
            with contextlib.suppress(Exception):  # a lock that cannot be given back ends with its lease
                locking.release(app.control, heartbeat.lock, outcome)
    return summary, report


def run_steps(
    context: RunContext, heartbeat: Heartbeat, journal: Journal, validates: bool = True
) -> tuple[RunSummary, Report]:
    """Take the plan's steps, validate (where it ``validates``) what serves then, and tell how it ended."""
    outcome, report = Outcome(), context.start.report
    again = next_steps.after_run(context.options, context.start.clearance.incident)
    with context.files.dialog.follow(context.start.plan, context.files.folder, context.app.world.by_hand) as listener:
        run = run_of(context, heartbeat.check, journal, listener)
        journal.tell_to(listener.note)
        try:
            open_the_record(context, run, journal, heartbeat.lock.fence)
            last = [s for s in run.plan.steps if role_of(run.plan.goal, s.id) is Role.NOTIFY_END]
            execute(run, [s for s in run.plan.steps if s not in last], outcome)
            passed = not outcome.degraded
            if validates:
                report = _validated(context)
                passed = report.exit == Exit.READY and passed
                journal.append(EntryKind.VALIDATED, passed=passed, score=report.verdict.score, exit=report.exit)
            if passed:
                execute(run, last, outcome)
            result = result_of(outcome, passed, again, validates)
        except Exception as trouble:
            cause = result_of_error(trouble, outcome, again)
            if cause is None:
                close_the_record(context, run, result_of_defect(trouble), heartbeat.lock.fence)
                raise
            result = cause
    if result.alarms:
        send_alarm(run, result, again, next_steps.invocation_of(context.options))
    close_the_record(context, run, result, heartbeat.lock.fence)
    if report is None:
        with with_room(context.files.folder) as folder:
            files = replace(context.files, folder=folder)
            report = evaluation.judge(context.options, context.env, (Area.VALIDATION,), run.snapshot, files)
    return run_summary(context, run, result, outcome), report


def run_of(context: RunContext, stored: Callable[[], None], journal: Journal, listener: RunListener) -> PlanRun:
    """What the run has in its hands; ``stored`` raises where the lock is lost."""
    env, app, start = context.env, context.app, context.start

    def standing_order() -> str:
        return paused_by(app.control.in_force())

    return PlanRun(
        env=env,
        plan=start.plan,
        clearance=start.clearance,
        client=app.hands,
        journal=journal,
        read=partial(app.world.observe, env),
        listener=listener,
        clock=clock,
        check_lock=stored,
        pause_reason=standing_order,
        stop_condition=context.stop_condition,
        snapshot=start.snapshot,
        program_context=ProgramContext(env, context.files.folder, _variables(app)),
        stop=context.stop,
        confirmed=start.confirmed,
        recorded=start.recorded,
        renamed_databases=start.renamed_databases,
        only_tenants=frozenset(context.options.only_tenants),
    )


def _variables(app: AppContext) -> dict[str, str]:
    """This process's environment, with the run's own endpoint and keys where the sandbox gave them."""
    credentials = app.world.credentials
    own = {
        "AWS_ENDPOINT_URL": credentials.endpoint_url,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
    }
    return dict(os.environ) | {name: value for name, value in own.items() if value}


def _validated(context: RunContext) -> Report:
    """Look anew, and judge that the region serves which is to serve now; at home that is readiness itself.

    An answer that got lost is asked for once more before the run is told invalid: UNKNOWN is no finding of the estate.
    """
    areas = READINESS if context.start.plan.goal is Goal.FAILBACK else (Area.VALIDATION,)
    report = _judged_now(context, areas)
    return _judged_now(context, areas) if report.exit == Exit.COULD_NOT_SEE else report


def _judged_now(context: RunContext, areas: tuple[Area, ...]) -> Report:
    snapshot = evaluation.observe_world(context.app.world, context.env, context.files)
    with with_room(context.files.folder) as folder:
        return evaluation.judge(context.options, context.env, areas, snapshot, replace(context.files, folder=folder))


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
        record=recorded(run.journal.entries, run.plan, context.env.objectives.rto_minutes * 60),
    )


def open_the_record(context: RunContext, run: PlanRun, journal: Journal, fence: Fence) -> None:
    """Record what the run begins with, or that it goes on; open the incident; list the overrides."""
    clearance, control = run.clearance, context.app.control
    who = person_of(context.app.caller.arn, context.env)
    if context.start.report is None:
        journal.append(
            EntryKind.RESUMED, says=f"{who} goes on with plan {clearance.digest[:12]}.", digest=clearance.digest
        )
    else:
        cleared = clearance_to_json(clearance)
        seen_at = context.start.snapshot.taken_at.isoformat()
        journal.append(EntryKind.DETECTED, moment=seen_at, says=run.plan.posture)
        journal.append(EntryKind.DECIDED, moment=clock().isoformat(), says=f"{who} ordered the {run.plan.goal}.")
        if (weighed := context.start.report.assessment) is not None:
            losses = _worst(weighed.losses)
            journal.append(EntryKind.LOOKED, says=f"Assessed: {weighed.advice}.", losses=losses)
        gates = [asdict(gate) for gate in context.start.gates]
        journal.append(EntryKind.AUTHORISED, operator=clearance.operator, approver=clearance.approver, gates=gates)
        journal.append(EntryKind.BEGIN, plan=to_json(run.plan), digest=run.plan.digest, clearance=cleared)
    record_pauses(journal, control)
    if context.inventory:
        journal.append(EntryKind.INVENTORY, inventory=context.inventory)
    if is_trial(clearance.incident):
        return  # it touches nothing of the estate: an emergency is not to be kept waiting by it
    control.open_incident(clearance.incident, run.plan.goal, clock(), who, fence=fence)
    for override in context.start.overrides:
        journal.append(
            EntryKind.OVERRIDE, gate=override.gate, by=override.by, why=override.why, until=override.until.isoformat()
        )
        control.override(_control_state(override, clearance.incident, run.plan.digest), fence)


def _worst(losses: Sequence[Loss]) -> list[dict[str, Any]]:
    """One loss a store and subject, tenants alike being one: what the review tells of the data-loss window."""
    losses_by_subject = {(loss.store, loss.subject): loss for loss in losses}
    return [
        {"store": s, "subject": of, "seconds": loss.seconds, "basis": loss.basis}
        for (s, of), loss in losses_by_subject.items()
    ]


def _control_state(override: gates_module.Override, incident: str, digest: str) -> RecordedOverride:
    return RecordedOverride(override.gate, override.by, override.why, override.until, incident, digest)


def close_the_record(context: RunContext, run: PlanRun, result: RunResult, fence: Fence) -> None:
    """Record how it ended. Away, the estate has no standby from now on; home and validated, the incident closes."""
    control, incident = context.app.control, run.clearance.incident
    who = person_of(context.app.caller.arn, context.env)
    with contextlib.suppress(Exception):  # the lock may be lost: then nothing may be written any more
        record_pauses(run.journal, control)
        if result.outcome == "stopped":
            run.journal.append(EntryKind.STOPPED, says=f"{who} stopped it.")
        run.journal.append(EntryKind.END, outcome=result.outcome, says=result.message)
    if result.outcome != "done" or is_trial(incident) or run.plan.goal is Goal.CLEAN_UP:
        return
    with contextlib.suppress(Exception):  # said in the journal all the same
        if run.plan.goal is Goal.FAILBACK and is_full(incident):
            control.unprotected(incident, None, who, fence)
            control.enter_phase(incident, "home, not cleaned up", who, fence)
        elif run.plan.goal is Goal.FAILBACK:
            control.unprotected(incident, None, who, fence)
            control.close_incident(incident, who, fence)
        else:
            control.enter_phase(incident, "on DR", who, fence)
            control.unprotected(incident, clock(), who, fence)


def record_pause(options: PauseOptions | UnpauseOptions, env: Environment, app: AppContext) -> None:
    """Put what was done with the stop switch into the open incident's journal, while no run is at work.

    A run that is at work, or that begins meanwhile, does so itself. Raises what keeps the journal from being written.
    """
    control_state = app.control.in_force()
    incident, last = control_state.incident, control_state.run
    if incident is None or last is None or last.ended_at is None:
        return
    who, run = person_of(app.caller.arn, env), f"{clock():%Y%m%dT%H%M%S}-{options.command}"
    mirror = TableMirror(app.control, Fence(last.run, last.token))  # refused as soon as a run takes the lock
    with (
        tempfile.TemporaryDirectory(prefix="aws-dr-manager-") as folder,
        contextlib.suppress(Fenced),
        Journal.open(Path(folder), env.name, incident.id, run, clock, mirror, who, world=app.world.id) as journal,
    ):
        record_pauses(journal, app.control)
    own, world = journals(options, app.world.id), app.world.id
    if journal_path(own, env.name, incident.id).exists():  # completed from the mirror
        Journal.open(own, env.name, incident.id, run, clock, TableMirror(app.control), who, world=world).close()
