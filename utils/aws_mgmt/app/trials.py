"""test --infra --restore and test --dns --canary: the scenarios, then a trial beside the estate, then its clean-up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from dr_actions.control_table.heartbeat import Heartbeat
from dr_actions.drills.inventory import inventory, pack
from dr_actions.drills.stop_conditions import drill_gates
from dr_actions.journal.journal import Journal
from dr_actions.model.plan import Goal
from dr_actions.planning.planner import make_plan, sight_of
from dr_checks.core.model import Area
from dr_checks.posture.posture import Posture
from dr_estate.config.environment import Environment
from dr_estate.model.drill_names import TRIAL, new_id
from dr_estate.snapshot.snapshot import Snapshot
from reports.values.drill_summary import Drilled
from reports.values.report import Report
from reports.values.run_summary import Ran
from utils.aws_mgmt.app import evaluation
from utils.aws_mgmt.app.alarm_watch import alarms_watched
from utils.aws_mgmt.app.authorization import Start, clear_trial
from utils.aws_mgmt.app.connections import AppContext, clock, open_context
from utils.aws_mgmt.app.drill_cleanup import Cleaned, clean_up, of_trial
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.execution import Desk, hold, walk
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import DRILL_CLEAN, invocation_of
from utils.aws_mgmt.app.options import DrTestOptions
from utils.aws_mgmt.app.run_history import Proof, keep_tests, keep_trial

_LOST = "lost"


@dataclass
class Tried:
    """What became of a trial while its lock was held."""

    ran: Ran | None = None
    cleaned: Cleaned | None = None
    notes: list[str] = field(default_factory=list)


def judge_and_try(
    options: DrTestOptions, environment: Environment, areas: tuple[Area, ...], files: evaluation.Run
) -> Report:
    """Judge as ``test`` does, then hold the trials asked for. The report has the gravest exit code of both."""
    began = clock()
    with open_context(options, environment) as app:
        with files.dialog.progress() as advance:
            run = replace(files, advance=advance)
            snapshot = evaluation.look_at(app.world, environment, run)
            report = evaluation.judge(options, environment, areas, snapshot, run)
        notes = keep_tests(options, environment, report, areas, Proof(files.folder, began))
        for goal in (goal for goal, wanted in _trials(options) if wanted):
            try:
                drilled = try_out(options, environment, app, goal, replace(report, notes=()), files)
            except Refused as refused:  # what the scenarios found is told all the same
                files.dialog.note(f"The {goal} was not held: {refused}")
                report = replace(report, exit=worst(report.exit, Exit.REFUSED))
                continue
            notes += keep_trial(app, environment, drilled, goal, Proof(files.folder, began))
            report = replace(report, drills=(*report.drills, drilled), exit=worst(report.exit, drilled.exit))
    return replace(report, notes=notes)


def _trials(options: DrTestOptions) -> tuple[tuple[Goal, bool], ...]:
    return (Goal.RESTORE_TEST, options.restore), (Goal.CANARY, options.canary)


def try_out(
    options: DrTestOptions, env: Environment, app: AppContext, goal: Goal, judged: Report, files: evaluation.Run
) -> Drilled:
    """Hold one trial, and take away again what it made, however it ended. Raises Refused where it may not be held."""
    began = clock()
    snapshot = evaluation.look_at(app.world, env, files)
    start = _cleared(options, env, app, goal, judged, snapshot)
    stops = alarms_watched(env, app.world, clock)
    desk = Desk(options, env, app, start, files, stops, pack(inventory(snapshot)))
    tried = Tried()
    ran, _ = hold(desk, _at_work(desk, tried))
    return of_trial(desk, goal, (began, clock()), ran, tried.cleaned, tuple(tried.notes))


def _at_work(desk: Desk, tried: Tried) -> Callable[[Heartbeat, Journal], tuple[Ran, Report]]:
    def work(heart: Heartbeat, journal: Journal) -> tuple[Ran, Report]:
        try:
            ran, report = walk(desk, heart, journal, validates=False)
        except Exception:
            clean_up(desk, heart, journal)  # what was made is taken away before the defect is told
            raise
        if ran.outcome == _LOST:
            note = f"Another run took the lock: {DRILL_CLEAN} takes away what this one made."
            tried.notes.append(invocation_of(desk.options).complete(note))
        else:
            tried.cleaned = clean_up(desk, heart, journal)
        return ran, report

    return work


def _cleared(
    options: DrTestOptions, env: Environment, app: AppContext, goal: Goal, judged: Report, snapshot: Snapshot
) -> Start:
    moment, posture = clock(), Posture(judged.posture, judged.posture_says)
    incident = _new(moment)
    sight = sight_of(env, snapshot, goal, evaluation.narrowed(options, snapshot, env))
    plan = make_plan(replace(sight, incident=incident), posture.name)
    if not plan.steps:
        raise Refused(f"drill.nothing: {env.name} has nothing for a {goal}. {' '.join(plan.notes)}".rstrip())
    gates, overrides = drill_gates(snapshot, env, posture, moment), options.overrides
    return clear_trial(app, plan, incident, snapshot, judged, gates=gates, overrides=overrides)


def _new(moment: datetime) -> str:
    return new_id(TRIAL, moment)


def worst(first: int, other: int) -> int:
    """The exit code to end with: a failed action, then a refusal, before what was judged; 0 only where both are."""
    for code in (Exit.ACTION_FAILED, Exit.REFUSED, Exit.VALIDATION_FAILED, Exit.INTERRUPTED):
        if code in (first, other):
            return int(code)
    return max(first, other)
