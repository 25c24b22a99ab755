"""failover and failback --execute: ask who may, take the lock, walk the plan, validate by looking, say how it ended."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable
from dataclasses import replace

from dr_actions.authorization.people import person_of
from dr_actions.clients.mutating_client import SendFailed
from dr_actions.control_table import lock as locking
from dr_actions.control_table.heartbeat import Heartbeat
from dr_actions.control_table.lock import CoolingDown, LockHeld
from dr_actions.execution.executor import Outcome, execute
from dr_actions.execution.run import Run
from dr_actions.guard.evidence import proven_by
from dr_actions.journal.journal import Journal, Kind
from dr_actions.journal.mirror import TableMirror
from dr_actions.model.action import Workshop
from dr_actions.model.plan import Goal
from dr_actions.model.sequence import Role, role_of
from dr_checks.core.model import Area
from dr_estate.readers.control_table import InForce
from dr_estate.snapshot.observer import observe
from dr_estate.snapshot.snapshot import Snapshot
from reports.terminal import run_progress
from reports.terminal.manual_step import ByHand
from reports.values.report import Report
from reports.values.run_record import recorded
from reports.values.run_summary import Ran
from utils.aws_mgmt.app import authorization, evaluation, next_steps
from utils.aws_mgmt.app.areas import READINESS
from utils.aws_mgmt.app.connections import Reach, clock
from utils.aws_mgmt.app.desk import Desk
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.incident_record import journals
from utils.aws_mgmt.app.interrupts import stopping
from utils.aws_mgmt.app.recording import close_the_record, open_the_record
from utils.aws_mgmt.app.run_result import Ending, ended, ending_of, of_a_defect, raise_the_alarm
from utils.aws_mgmt.app.temporary_folder import with_room


def _standing_now(reached: Reach) -> InForce | None:
    """What stands in the control table after the run, None where that cannot be read."""
    try:
        return reached.control.in_force()
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
    env, reached, clearance = desk.env, desk.reach, desk.start.clearance
    run_id = f"{clock():%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
    owner = locking.Owner(person_of(reached.caller.arn, env), reached.caller.arn)
    try:
        lock = locking.take(
            reached.control, owner, run_id, clearance.incident, env.execution, desk.start.waives_cool_down
        )
    except (LockHeld, CoolingDown) as held:
        raise Refused(f"{'lock.held' if isinstance(held, LockHeld) else 'lock.cool-down'}: {held}") from held
    mirror = TableMirror(reached.control, lock.fence)
    world = reached.world.id
    folder = journals(desk.request, world)
    with Heartbeat(reached.control, lock, env.execution) as heart:
        try:
            journal = Journal.open(
                folder, env.name, clearance.incident, run_id, clock, mirror, owner.person, world=world
            )
        except BaseException:
            with contextlib.suppress(Exception):  # why it could not be opened is what must be told
                locking.release(reached.control, lock, "failed")
            raise
        outcome = "failed"
        try:
            with journal:
                reached.zones.proven = lambda: proven_by(journal.entries, desk.start.plan)
                ran, report = work(heart, journal)
            outcome = ran.outcome
        finally:
            with contextlib.suppress(Exception):  # a lock that cannot be given back ends with its lease
                locking.release(reached.control, heart.lock, outcome)
    return ran, report


def walk(desk: Desk, heart: Heartbeat, journal: Journal, validates: bool = True) -> tuple[Ran, Report]:
    """Take the plan's steps, validate (where it ``validates``) what serves then, and tell how it ended."""
    by_hand = ByHand(desk.files.folder, desk.reach.world.by_hand)
    tell = run_progress.Live(desk.start.plan, authorization.at_terminal(), by_hand)
    run = run_of(desk, heart, journal, tell)
    journal.tell_to(tell.note)
    outcome, report = Outcome(), desk.start.report
    again = next_steps.after_run(desk.request, desk.start.clearance.incident)
    ending: Ending | None = None
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
        ending = ending_of(trouble, outcome, again)
        if ending is None:
            close_the_record(desk, run, of_a_defect(trouble), heart.lock.fence)
            raise
    finally:
        tell.close()
    if ending.alarms:
        raise_the_alarm(run, ending, again, next_steps.invocation_of(desk.request))
    close_the_record(desk, run, ending, heart.lock.fence)
    if report is None:
        with with_room(desk.files.folder) as folder:
            files = replace(desk.files, folder=folder)
            report = evaluation.judge(desk.request, desk.env, (Area.VALIDATION,), run.snapshot, files)
    return told(desk, run, ending, outcome), report


def run_of(desk: Desk, heart: Heartbeat, journal: Journal, tell: run_progress.Live) -> Run:
    """What the run has in its hands."""
    env, reached, start = desk.env, desk.reach, desk.start

    def look(parts: frozenset[str], upon: Snapshot | None) -> Snapshot:
        seen = observe(env, reached.world.credentials, reached.world.name, only=parts, upon=upon)
        reached.zones.mark(seen, env)  # what a trial has made meanwhile is its own
        return seen

    def standing_order() -> str:
        return authorization.paused_by(reached.control.in_force())

    return Run(
        env=env,
        plan=start.plan,
        clearance=start.clearance,
        hands=reached.hands,
        journal=journal,
        look=look,
        tell=tell,
        clock=clock,
        held=heart.check,
        standing_order=standing_order,
        stop_condition=desk.stop_condition,
        snapshot=start.snapshot,
        workshop=Workshop(env, desk.files.folder, _variables(reached)),
        stop=desk.stop,
        confirmed=start.confirmed,
        recorded=start.recorded,
        set_aside=start.set_aside,
        only_tenants=frozenset(desk.request.only_tenants),
    )


def _variables(reached: Reach) -> dict[str, str]:
    """This process's environment, with the run's own endpoint and keys where the sandbox gave them."""
    credentials = reached.world.credentials
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
    snapshot = evaluation.look_at(desk.reach.world, desk.env, desk.files)
    with with_room(desk.files.folder) as folder:
        return evaluation.judge(desk.request, desk.env, areas, snapshot, replace(desk.files, folder=folder))


def told(desk: Desk, run: Run, ending: Ending, outcome: Outcome) -> Ran:
    """The ending for the report."""
    clearance, complete = run.clearance, next_steps.invocation_of(desk.request).complete
    return Ran(
        incident=clearance.incident,
        run=run.journal.run,
        outcome=ending.outcome,
        says=complete(ending.says),
        digest=clearance.digest,
        operator=clearance.operator,
        approver=clearance.approver,
        degraded=tuple(map(complete, outcome.degraded)),
        undone=tuple(complete(one.says) for one in outcome.undone),
        overrides=tuple(override.gate for override in desk.start.overrides),
        mutations=sum(entry.kind is Kind.OUTCOME for entry in run.journal.entries),
        journal=run.journal.path,
        exit=ending.exit,
        goal=run.plan.goal,
        record=recorded(run.journal.entries, run.plan, desk.env.objectives.rto_minutes * 60),
    )
