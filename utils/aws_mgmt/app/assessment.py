"""failover --assess-only: look, judge by the same scenarios, weigh, plan. It changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from dr_actions.assessment.data_loss import Loss, hourly_cost, losses_of, missing_items, planned_losses
from dr_actions.assessment.failback import (
    abort_gates,
    failback_advice,
    failback_gates,
    objects_to_copy,
    stranded_writes,
    sync_estimate,
    write_pause_gate,
)
from dr_actions.assessment.failover import (
    Advice,
    Assessment,
    control_gate,
    database_is_down,
    database_name_gate,
    failover_advice,
    fence_gate,
    gates_of,
    outage_start,
    targets_gates,
)
from dr_actions.assessment.fence import fence_gates
from dr_actions.model.action import PlanContext
from dr_actions.model.gates import Gate
from dr_actions.model.plan import FENCING, Goal, Plan, part_of
from dr_actions.planning.estimate import growth_of, past_durations, sizes_of, stages_of, step_estimate, write_pause
from dr_actions.planning.planner import context_of, make_plan, plan_estimate_s, rto_estimate_s
from dr_actions.run_history.durations import is_measured
from dr_checks.core.model import Area
from dr_checks.posture.posture import BLINDNESS, FENCE, PostureName, posture_of
from dr_checks.posture.signals import TrafficDirection, signals_of
from dr_estate.aws.read_client import Credentials
from dr_estate.aws.session_life import session_life
from dr_estate.config.environment import Environment, Side
from dr_estate.model.durations import duration
from dr_estate.model.session_life import SessionCoverage, coverage_of
from dr_estate.snapshot.snapshot import Snapshot
from reports.values.report import Report
from utils.aws_mgmt.app.areas import READINESS
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.evaluation import CommandRun, chosen_tenants, judge
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import FailoverOptions, PlanOptions

JUDGED = {
    Goal.FAILOVER: READINESS,
    Goal.SWITCHOVER: READINESS,
    Goal.FAILBACK: (Area.PREREQUISITES, Area.VALIDATION),
    Goal.FENCE: (Area.PREREQUISITES,),
    Goal.RELEASE: (Area.PREREQUISITES,),
    Goal.ABORT: (Area.PREREQUISITES,),
}


def goal_of(options: PlanOptions) -> Goal:
    """What the command is to reach."""
    if options.fence:
        return Goal.RELEASE if options.release else Goal.FENCE
    if options.failback:
        return Goal.ABORT if options.abort else Goal.FAILBACK
    return Goal.SWITCHOVER if options.planned else Goal.FAILOVER


def assess(options: PlanOptions, environment: Environment, snapshot: Snapshot, run: CommandRun) -> Report:
    """The report of the goal's scenarios with the assessment of their goal in it."""
    goal, since = goal_of(options), _since(options, snapshot)
    report = judge(options, environment, JUDGED[goal], snapshot, run)
    context = context_of(environment, snapshot, goal, chosen_tenants(options, snapshot, environment))
    context = replace(context, recorded=run.recorded, split_ended_at=run.split_ended_at)
    if goal in FENCING:
        assessment = assess_fence(report, replace(context, fence=_side_of(options, report, run.recorded)))
    elif goal is Goal.FAILBACK:
        assessment = assess_failback(report, context)
    elif goal is Goal.ABORT:
        plan, gates = make_plan(context, report.whole_posture.name), abort_gates(report.verdict.results, context)
        gates = (*gates, *control_gate(context))
        assessment = _assessment(report, context, plan, failback_advice(gates), gates, ())
    else:
        assessment = assess_failover(report, context, since)
    return replace(report, assessment=assessment, exit=exit_of_assessment(assessment))


def _since(options: PlanOptions, snapshot: Snapshot) -> datetime | None:
    """When the outage began, by the ticket; None where that was not given. Raises UsageError for what has not come."""
    since = options.since if isinstance(options, FailoverOptions) else None
    if since is not None and since > snapshot.taken_at:
        raise UsageError(f"--since {since.isoformat()} has not come yet: give the time at which the outage began.")
    return since


def assess_failover(report: Report, context: PlanContext, since: datetime | None = None) -> Assessment:
    """Plan the way into the DR region and weigh whether to take it. ``since``: when the outage began, by the ticket."""
    posture, snapshot = report.whole_posture, context.snapshot
    plan = make_plan(context, posture.name)
    is_outage = context.goal is Goal.FAILOVER and posture.name is PostureName.PRIMARY_LOST
    outage = outage_start(snapshot, context.env, since) if is_outage else None
    seen = outage_start(snapshot, context.env, None).since if is_outage else snapshot.taken_at  # no time that was typed
    lasts_s = (snapshot.taken_at - seen).total_seconds()
    losses = losses_of(report.verdict.lags, report.tenants, missing_items(snapshot), lasts_s)
    signals = signals_of(snapshot, context.env)
    leads = signals.answered_by_dr or signals.traffic_set is not TrafficDirection.UNKNOWN
    database_down = database_is_down(context)
    gates = gates_of(report.verdict.results, losses, plan, posture, context.env, database_down, leads)
    gates += (*control_gate(context), *fence_gate(context, signals.primary_api), *targets_gates(context))
    gates += tuple(database_name_gate(context, plan, posture))
    advice, reasons = failover_advice(gates)
    blind = posture.name in BLINDNESS
    advice = Advice.DO_NOT_FAILOVER if blind else advice
    shown = planned_losses(losses, plan) if context.goal is Goal.SWITCHOVER else losses
    return replace(_assessment(report, context, plan, (advice, reasons), gates, shown), outage=outage)


def assess_failback(report: Report, context: PlanContext) -> Assessment:
    """Plan a failback and assess whether to begin it."""
    posture = report.whole_posture
    plan = make_plan(context, posture.name)
    env, snapshot = context.env, context.snapshot
    gates = failback_gates(report.verdict.results, plan, posture, signals_of(snapshot, env), context)
    pause = write_pause(plan, env, past_durations(snapshot), sizes_of(snapshot, env))
    gates += (*write_pause_gate(pause, env), *control_gate(context))
    advice, reasons = failback_advice(gates)
    gib, seconds = sync_estimate(context)
    reasons += (f"The sync moves about {gib:.0f} GiB, in about {duration(seconds)}.",) if gib else ()
    reasons += tuple(sentence for sentence in (objects_to_copy(context),) if sentence)
    weighed = _assessment(report, context, plan, (advice, reasons), gates, stranded_writes(context, posture))
    return replace(weighed, write_pause=pause)


def full_drill_estimate_s(environment: Environment, snapshot: Snapshot) -> int:
    """Seconds that a full drill begun upon ``snapshot`` is estimated to take: the way over, and the failback."""
    past, sizes = past_durations(snapshot), sizes_of(snapshot, environment)
    postures = {Goal.SWITCHOVER: posture_of(snapshot, environment).name, Goal.FAILBACK: PostureName.ON_DR}
    plans = [make_plan(context_of(environment, snapshot, goal), posture) for goal, posture in postures.items()]
    return sum(plan_estimate_s(plan, environment, past, sizes) for plan in plans)


def with_session(report: Report, credentials: Credentials, now: datetime, drill_s: int = 0) -> Report:
    """The report with what the credentials in use mean for the plan that it assessed, or for a drill of ``drill_s``."""
    weighed = report.assessment
    if weighed is None:
        return report
    life = session_life(report.environment, credentials, now)
    # a fence is over with its last step: nobody verifies tenants, and no visitor has to leave a region
    needed_s = drill_s or (weighed.plan_estimate_s if weighed.plan.goal in FENCING else weighed.rto_estimate_s)
    session = coverage_of(life, now, needed_s)
    return replace(report, assessment=replace(weighed, session=session))


def session_gate(session: SessionCoverage) -> Gate:
    """The gate of running a plan with this session: unmet where its keys end before the plan does, or may (hours)."""
    return Gate(
        "credentials.outlive-plan", met=session.is_enough, says=f"{session.says}. {session.remedy}".strip(), stops=True
    )


def assess_fence(report: Report, context: PlanContext) -> Assessment:
    """Plan how one side is stopped from writing, or let go again, and weigh whether to."""
    posture = report.whole_posture
    plan = make_plan(context, posture.name)
    gates = fence_gates(report.verdict.results, plan, posture, signals_of(context.snapshot, context.env), context)
    gates = (*gates, *control_gate(context))
    return _assessment(report, context, plan, failback_advice(gates), gates, ())


def _side_of(options: PlanOptions, report: Report, recorded: Mapping[str, object]) -> Side:
    """The side named, else the one that was fenced, else the one the posture proposes. Raises UsageError."""
    fenced = {Side.DR if part_of(step) == Side.DR else Side.PRIMARY for step in recorded if "/fence_" in step}
    recorded_side = next(iter(fenced)) if len(fenced) == 1 else None
    proposed = recorded_side if options.release else report.to_fence or recorded_side
    if not options.side and proposed is None:
        raise UsageError(f"Which region is meant? {FENCE[None]}")
    return Side(options.side) if options.side else Side(str(proposed))


def _assessment(
    report: Report,
    context: PlanContext,
    plan: Plan,
    answer: tuple[Advice, tuple[str, ...]],
    gates: tuple[Gate, ...],
    losses: tuple[Loss, ...],
) -> Assessment:
    known, sizes = past_durations(context.snapshot), sizes_of(context.snapshot, context.env)
    return Assessment(
        advice=answer[0],
        blind=report.posture in BLINDNESS,
        reasons=tuple(map(report.invocation.complete, answer[1])),
        gates=tuple(replace(gate, says=report.invocation.complete(gate.says)) for gate in gates),
        losses=losses,
        plan=plan,
        posture=report.whole_posture,
        rto_estimate_s=rto_estimate_s(plan, context.env, known, sizes),
        plan_estimate_s=plan_estimate_s(plan, context.env, known, sizes),
        stages=stages_of(plan, step_estimate(context.env, context.snapshot)),
        rto_measured=sum(is_measured(step, known) for step in plan.steps),
        hourly_cost=hourly_cost(context.snapshot, context.env, len(report.tenants)),
        growth=growth_of(plan.steps, context.env, known, sizes),
    )


def exit_of_assessment(assessment: Assessment) -> Exit:
    """PROCEED is ready; blindness is never an answer; what would have to be overridden is not ready."""
    if assessment.blind:
        return Exit.COULD_NOT_SEE
    return Exit.READY if assessment.advice is Advice.PROCEED else Exit.NOT_READY
