"""test with --restore, --start or --canary: the scenarios, then a trial beside the estate, then its clean-up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from dr_actions.control_table.heartbeat import Heartbeat
from dr_actions.drills.inventory import inventory, pack
from dr_actions.drills.stop_conditions import alarms_on, drill_gates
from dr_actions.journal.journal import Journal
from dr_actions.model.plan import Goal
from dr_actions.planning.planner import context_of, make_plan
from dr_checks.core.model import Area
from dr_estate.config.environment import Environment
from dr_estate.model.recovery_names import TRIAL, new_id
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import cloudwatch_alarms
from dr_estate.snapshot.snapshot import Snapshot
from reports.values.drill_summary import DrillSummary
from reports.values.report import Report
from reports.values.run_summary import RunSummary
from utils.aws_mgmt.app import evaluation
from utils.aws_mgmt.app.after_look import after_look
from utils.aws_mgmt.app.authorization import RunStart, clear_trial
from utils.aws_mgmt.app.connections import AppContext, open_context
from utils.aws_mgmt.app.drill_cleanup import CleanupResult, clean_up, of_trial
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.execution import RunContext, run_steps, with_lock
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import DRILL_CLEAN, after_drills, invocation_of
from utils.aws_mgmt.app.options import DrTestOptions
from utils.aws_mgmt.app.run_begin import refuse_impossible_begin
from utils.aws_mgmt.app.run_history import RunEvidence, record_tests, record_trial
from utils.aws_mgmt.app.target import ObservedWorld

# Watches a drill's stop alarms while it runs: looked at again before a change, but not more often than is of use.


def alarm_question(env: Environment, world: ObservedWorld) -> Callable[[], str]:
    """A question to ask before each change: why to stop, "" while there is no reason. Not seen is a reason."""
    looked_at: list[float] = []

    def stops() -> str:
        if looked_at and world.clock.monotonic() - looked_at[-1] < env.drill.alarms_every_s:
            return ""
        looked_at.append(world.clock.monotonic())
        try:
            seen = world.observe(env, only=frozenset({cloudwatch_alarms.alarms.name}))
        except DataUnavailable as error:
            return f"the alarms cannot be seen: {error.unavailable.why}"
        return alarms_on(seen, env)

    return stops


_LOST = "lost"


@dataclass
class TrialResult:
    """What became of a trial while its lock was held."""

    ran: RunSummary | None = None
    cleaned: CleanupResult | None = None
    notes: list[str] = field(default_factory=list)


def judge_and_run_trials(
    options: DrTestOptions, environment: Environment, areas: tuple[Area, ...], files: evaluation.CommandRun
) -> Report:
    """Judge as ``test`` does, then hold the trials asked for. The report has the gravest exit code of both."""
    began_s = files.clock.monotonic()
    with open_context(options, environment, files.clock) as app:
        with files.dialog.progress() as advance:
            run = replace(files, advance=advance)
            snapshot = evaluation.observe_world(app.world, environment, run)
            report = evaluation.judge(options, environment, areas, snapshot, run)
        notes = record_tests(options, environment, report, areas, RunEvidence(files.folder, files.clock, began_s))
        for goal in (goal for goal, wanted in _trials(options) if wanted):
            try:
                summary = run_trial(options, environment, app, goal, replace(report, notes=()), files)
            except Refused as refused:  # what the scenarios found is reported all the same
                files.dialog.note(f"The {goal} was not held: {refused}")
                report = replace(report, exit=worst(report.exit, Exit.REFUSED))
                continue
            notes += record_trial(app, environment, summary, goal, RunEvidence(files.folder, files.clock, began_s))
            report = replace(report, drills=(*report.drills, summary), exit=worst(report.exit, summary.exit))
    return replace(report, notes=notes, next_step=after_drills(report.drills, after_look(report)))


def _trials(options: DrTestOptions) -> tuple[tuple[Goal, bool], ...]:
    return ((Goal.RESTORE_TEST, options.restore), (Goal.START_TEST, options.start), (Goal.CANARY, options.canary))


def run_trial(
    options: DrTestOptions, env: Environment, app: AppContext, goal: Goal, judged: Report, files: evaluation.CommandRun
) -> DrillSummary:
    """Hold one trial, and take away again what it made, however it ended. Raises Refused where it may not be held."""
    began = app.clock.now()
    snapshot = evaluation.observe_world(app.world, env, files)
    start = _cleared_start(options, env, app, goal, judged, snapshot)
    stops = alarm_question(env, app.world)
    context = RunContext(options, env, app, start, files, stops, pack(inventory(snapshot)))
    tried = TrialResult()
    summary, _ = with_lock(context, _work_of(context, tried))
    return of_trial(context, goal, (began, app.clock.now()), summary, tried.cleaned, tuple(tried.notes))


def _work_of(context: RunContext, tried: TrialResult) -> Callable[[Heartbeat, Journal], tuple[RunSummary, Report]]:
    def work(heartbeat: Heartbeat, journal: Journal) -> tuple[RunSummary, Report]:
        try:
            summary, report = run_steps(context, heartbeat, journal, validates=False)
        except Exception:
            clean_up(context, heartbeat, journal)  # what was made is removed before the defect is reported
            raise
        # Without the lock nothing is written, not even to take away what this run made.
        if summary.outcome == _LOST:
            note = f"Another run took the lock: {DRILL_CLEAN} takes away what this one made."
            tried.notes.append(invocation_of(context.options).complete(note))
        else:
            tried.cleaned = clean_up(context, heartbeat, journal)
        return summary, report

    return work


def _cleared_start(
    options: DrTestOptions, env: Environment, app: AppContext, goal: Goal, judged: Report, snapshot: Snapshot
) -> RunStart:
    moment, posture = app.clock.now(), judged.whole_posture
    incident = new_id(TRIAL, moment)
    context = context_of(env, snapshot, goal, evaluation.chosen_tenants(options, snapshot, env))
    plan = make_plan(replace(context, incident=incident), posture.name)
    if not plan.steps:
        raise Refused(f"drill.nothing: {env.name} has nothing for a {goal}. {' '.join(plan.notes)}".rstrip())
    refuse_impossible_begin(app, options.overrides)
    gates, overrides = drill_gates(snapshot, env, posture, moment), options.overrides
    return clear_trial(app, plan, incident, snapshot, judged, gates=gates, overrides=overrides)


def worst(first: int, other: int) -> int:
    """The exit code to end with: a failed action, then a refusal, before what was judged; 0 only where both are."""
    # By weight, not by number: 130 is the highest of these numbers, and says the least.
    for code in (Exit.ACTION_FAILED, Exit.REFUSED, Exit.VALIDATION_FAILED, Exit.INTERRUPTED):
        if code in (first, other):
            return int(code)
    return max(first, other)
