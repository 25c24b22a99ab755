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
from dr_actions.execution.run import Run, Tell
from dr_actions.journal.journal import Journal, Kind, journal_path
from dr_actions.journal.mirror import TableMirror
from dr_actions.journal.pauses import record_pauses
from dr_actions.model import gates as gates_module
from dr_actions.model.action import Workshop
from dr_actions.model.plan import Goal, to_json
from dr_actions.model.sequence import Role, role_of
from dr_checks.core.model import Area
from dr_estate.config.environment import Environment
from dr_estate.model.drill_names import is_full, is_trial
from dr_estate.readers.control_table import InForce, Override
from reports.values.report import Report
from reports.values.run_record import recorded
from reports.values.run_summary import Ran
from utils.aws_mgmt.app import evaluation, next_steps
from utils.aws_mgmt.app.areas import READINESS
from utils.aws_mgmt.app.authorization import Start, paused_by
from utils.aws_mgmt.app.connections import AppContext, clock
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.incident_record import clearance_to_json, journals
from utils.aws_mgmt.app.interrupts import stopping
from utils.aws_mgmt.app.options import Options, PauseOptions, UnpauseOptions
from utils.aws_mgmt.app.run_folder import with_room
from utils.aws_mgmt.app.run_result import Ending, ended, ending_of, of_a_defect, raise_the_alarm


@dataclass(frozen=True)
class Desk:
    """What the command works with: where files go, what is open, and what it was cleared for.

    ``stop_condition`` is asked before every change: why the run is to stop, "" while it is not. ``inventory`` is what
    the estate held before a drill, packed, "" where no drill is held. ``stop`` is set when a person stops the run.
    """

    options: Options
    env: Environment
    app: AppContext
    start: Start
    files: evaluation.Run
    stop_condition: Callable[[], str] = str
    inventory: str = ""
    stop: threading.Event = field(default_factory=threading.Event)


def standing_now(app: AppContext) -> InForce | None:
    """What stands in the control table after the run, None where that cannot be read."""
    try:
        return app.control.in_force()
    except SendFailed:
        return None


def hold_and_run(desk: Desk) -> tuple[Ran, Report]:
    """Run the desk's plan with everything held that a run needs. Raises Refused."""
    return hold(desk, lambda heart, journal: walk(desk, heart, journal))


def hold(desk: Desk, work: Callable[[Heartbeat, Journal], tuple[Ran, Report]]) -> tuple[Ran, Report]:
    """Hold lock, heartbeat and journal around ``work``, and give them back whatever happens. Raises Refused."""
    with stopping(desk.stop):  # from before the lock is taken until it is given back
        return _held(desk, work)


def _held(desk: Desk, work: Callable[[Heartbeat, Journal], tuple[Ran, Report]]) -> tuple[Ran, Report]:
    env, app, clearance = desk.env, desk.app, desk.start.clearance
    run_id = f"{clock():%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
    owner = locking.Owner(person_of(app.caller.arn, env), app.caller.arn)
    try:
        lock = locking.take(app.control, owner, run_id, clearance.incident, env.execution, desk.start.waives_cool_down)
    except (LockHeld, CoolingDown) as error:
        raise Refused(f"{'lock.held' if isinstance(error, LockHeld) else 'lock.cool-down'}: {error}") from error
    mirror = TableMirror(app.control, lock.fence)
    world = app.world.id
    folder = journals(desk.options, world)
    with Heartbeat(app.control, lock, env.execution) as heart:
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
                ran, report = work(heart, journal)
            outcome = ran.outcome
        finally:
            with contextlib.suppress(Exception):  # a lock that cannot be given back ends with its lease
                locking.release(app.control, heart.lock, outcome)
    return ran, report


def walk(desk: Desk, heart: Heartbeat, journal: Journal, validates: bool = True) -> tuple[Ran, Report]:
    """Take the plan's steps, validate (where it ``validates``) what serves then, and tell how it ended."""
    outcome, report = Outcome(), desk.start.report
    again = next_steps.after_run(desk.options, desk.start.clearance.incident)
    with desk.files.dialog.follow(desk.start.plan, desk.files.folder, desk.app.world.by_hand) as tell:
        run = run_of(desk, heart.check, journal, tell)
        journal.tell_to(tell.note)
        try:
            open_the_record(desk, run, journal, heart.lock.fence)
            last = [s for s in run.plan.steps if role_of(run.plan.goal, s.id) is Role.NOTIFY_END]
            execute(run, [s for s in run.plan.steps if s not in last], outcome)
            passed = not outcome.degraded
            if validates:
                report = _validated(desk)
                passed = report.exit == Exit.READY and passed
                journal.append(Kind.VALIDATED, passed=passed, score=report.verdict.score, exit=report.exit)
            if passed:
                execute(run, last, outcome)
            ending = ended(outcome, passed, again, validates)
        except Exception as trouble:
            cause = ending_of(trouble, outcome, again)
            if cause is None:
                close_the_record(desk, run, of_a_defect(trouble), heart.lock.fence)
                raise
            ending = cause
    if ending.alarms:
        raise_the_alarm(run, ending, again, next_steps.invocation_of(desk.options))
    close_the_record(desk, run, ending, heart.lock.fence)
    if report is None:
        with with_room(desk.files.folder) as folder:
            files = replace(desk.files, folder=folder)
            report = evaluation.judge(desk.options, desk.env, (Area.VALIDATION,), run.snapshot, files)
    return told(desk, run, ending, outcome), report


def run_of(desk: Desk, stored: Callable[[], None], journal: Journal, tell: Tell) -> Run:
    """What the run has in its hands; ``stored`` raises where the lock is lost."""
    env, app, start = desk.env, desk.app, desk.start

    def standing_order() -> str:
        return paused_by(app.control.in_force())

    return Run(
        env=env,
        plan=start.plan,
        clearance=start.clearance,
        hands=app.hands,
        journal=journal,
        look=partial(app.world.observe, env),
        tell=tell,
        clock=clock,
        held=stored,
        standing_order=standing_order,
        stop_condition=desk.stop_condition,
        snapshot=start.snapshot,
        workshop=Workshop(env, desk.files.folder, _variables(app)),
        stop=desk.stop,
        confirmed=start.confirmed,
        recorded=start.recorded,
        set_aside=start.set_aside,
        only_tenants=frozenset(desk.options.only_tenants),
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


def _validated(desk: Desk) -> Report:
    """Look anew, and judge that the region serves which is to serve now; at home that is readiness itself.

    An answer that got lost is asked for once more before the run is told invalid: UNKNOWN is no finding of the estate.
    """
    areas = READINESS if desk.start.plan.goal is Goal.FAILBACK else (Area.VALIDATION,)
    report = _judged_now(desk, areas)
    return _judged_now(desk, areas) if report.exit == Exit.COULD_NOT_SEE else report


def _judged_now(desk: Desk, areas: tuple[Area, ...]) -> Report:
    snapshot = evaluation.look_at(desk.app.world, desk.env, desk.files)
    with with_room(desk.files.folder) as folder:
        return evaluation.judge(desk.options, desk.env, areas, snapshot, replace(desk.files, folder=folder))


def told(desk: Desk, run: Run, ending: Ending, outcome: Outcome) -> Ran:
    """The ending for the report."""
    clearance, complete = run.clearance, next_steps.invocation_of(desk.options).complete
    return Ran(
        incident=clearance.incident,
        run=run.journal.run,
        outcome=ending.outcome,
        says=complete(ending.says),
        digest=clearance.digest,
        operator=clearance.operator,
        approver=clearance.approver,
        degraded=tuple(map(complete, outcome.degraded)),
        undone=tuple(complete(rollback.says) for rollback in outcome.undone),
        overrides=tuple(override.gate for override in desk.start.overrides),
        mutations=sum(entry.kind is Kind.OUTCOME for entry in run.journal.entries),
        journal=run.journal.path,
        exit=ending.exit,
        goal=run.plan.goal,
        record=recorded(run.journal.entries, run.plan, desk.env.objectives.rto_minutes * 60),
    )


def open_the_record(desk: Desk, run: Run, journal: Journal, fence: Fence) -> None:
    """Record what the run begins with, or that it goes on; open the incident; list the overrides."""
    clearance, control = run.clearance, desk.app.control
    who = person_of(desk.app.caller.arn, desk.env)
    if desk.start.report is None:
        journal.append(Kind.RESUMED, says=f"{who} goes on with plan {clearance.digest[:12]}.", digest=clearance.digest)
    else:
        cleared = clearance_to_json(clearance)
        seen_at = desk.start.snapshot.taken_at.isoformat()
        journal.append(Kind.DETECTED, moment=seen_at, says=run.plan.posture)
        journal.append(Kind.DECIDED, moment=clock().isoformat(), says=f"{who} ordered the {run.plan.goal}.")
        if (weighed := desk.start.report.assessment) is not None:
            losses = _worst(weighed.losses)
            journal.append(Kind.LOOKED, says=f"Assessed: {weighed.advice}.", losses=losses)
        gates = [asdict(gate) for gate in desk.start.gates]
        journal.append(Kind.AUTHORISED, operator=clearance.operator, approver=clearance.approver, gates=gates)
        journal.append(Kind.BEGIN, plan=to_json(run.plan), digest=run.plan.digest, clearance=cleared)
    record_pauses(journal, control)
    if desk.inventory:
        journal.append(Kind.INVENTORY, inventory=desk.inventory)
    if is_trial(clearance.incident):
        return  # it touches nothing of the estate: an emergency is not to be kept waiting by it
    control.open_incident(clearance.incident, run.plan.goal, clock(), who, fence=fence)
    for override in desk.start.overrides:
        journal.append(
            Kind.OVERRIDE, gate=override.gate, by=override.by, why=override.why, until=override.until.isoformat()
        )
        control.override(_standing(override, clearance.incident, run.plan.digest), fence)


def _worst(losses: Sequence[Loss]) -> list[dict[str, Any]]:
    """One loss a store and subject, tenants alike being one: what the review tells of the data-loss window."""
    losses_by_subject = {(loss.store, loss.subject): loss for loss in losses}
    return [
        {"store": s, "subject": of, "seconds": loss.seconds, "basis": loss.basis}
        for (s, of), loss in losses_by_subject.items()
    ]


def _standing(override: gates_module.Override, incident: str, digest: str) -> Override:
    return Override(override.gate, override.by, override.why, override.until, incident, digest)


def close_the_record(desk: Desk, run: Run, ending: Ending, fence: Fence) -> None:
    """Record how it ended. Away, the estate has no standby from now on; home and validated, the incident closes."""
    control, incident = desk.app.control, run.clearance.incident
    who = person_of(desk.app.caller.arn, desk.env)
    with contextlib.suppress(Exception):  # the lock may be lost: then nothing may be written any more
        record_pauses(run.journal, control)
        if ending.outcome == "stopped":
            run.journal.append(Kind.STOPPED, says=f"{who} stopped it.")
        run.journal.append(Kind.END, outcome=ending.outcome, says=ending.says)
    if ending.outcome != "done" or is_trial(incident) or run.plan.goal is Goal.CLEAN_UP:
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
    standing = app.control.in_force()
    incident, last = standing.incident, standing.run
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
