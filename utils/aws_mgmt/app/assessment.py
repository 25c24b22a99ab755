"""failover --assess-only: look, judge by the same scenarios, weigh, plan. It changes nothing."""

from __future__ import annotations

from dataclasses import replace

from dr_actions.assessment.cost import hourly_cost
from dr_actions.assessment.data_loss import Loss, losses_of, missing_items
from dr_actions.assessment.failback import failback_advice, failback_gates, stranded_writes, sync_estimate
from dr_actions.assessment.failover import Advice, Assessment, failover_advice, gates_of
from dr_actions.model.action import PlanContext
from dr_actions.model.gates import Gate
from dr_actions.model.plan import Goal, Plan
from dr_actions.planning.planner import context_of, make_plan, rto_estimate_s
from dr_actions.run_history.durations import StepDurations, is_measured, measured
from dr_checks.core.model import Area
from dr_checks.posture.posture import BLINDNESS, Posture
from dr_checks.posture.signals import signals_of
from dr_estate.config.environment import Environment, Side
from dr_estate.model.durations import duration
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import control_table
from dr_estate.snapshot.snapshot import Snapshot
from reports.values.report import Report
from utils.aws_mgmt.app.areas import READINESS
from utils.aws_mgmt.app.evaluation import CommandRun, judge, narrowed
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import PlanOptions

JUDGED = {
    Goal.FAILOVER: READINESS,
    Goal.SWITCHOVER: READINESS,
    Goal.FAILBACK: (Area.PREREQUISITES, Area.VALIDATION),
}


def goal_of(options: PlanOptions) -> Goal:
    """What the command is to reach."""
    if options.failback:
        return Goal.FAILBACK
    return Goal.SWITCHOVER if options.planned else Goal.FAILOVER


def assess(options: PlanOptions, environment: Environment, snapshot: Snapshot, run: CommandRun) -> Report:
    """The report of the goal's scenarios with the assessment of their goal in it."""
    goal = goal_of(options)
    report = judge(options, environment, JUDGED[goal], snapshot, run)
    context = context_of(environment, snapshot, goal, narrowed(options, snapshot, environment))
    context = replace(context, recorded=run.recorded)
    assessment = assess_failback(report, context) if goal is Goal.FAILBACK else assess_failover(report, context)
    return replace(report, assessment=assessment, exit=exit_of_assessment(assessment))


def assess_failover(report: Report, context: PlanContext) -> Assessment:
    """Plan the way into the DR region and weigh whether to take it."""
    posture = Posture(report.posture, report.posture_says)
    plan = make_plan(context, posture.name)
    losses = losses_of(report.verdict.lags, report.tenants, missing_items(context.snapshot))
    gates = gates_of(report.verdict.results, losses, plan, posture, context.env)
    advice, reasons = failover_advice(gates)
    blind = posture.name in BLINDNESS
    advice = Advice.DO_NOT_FAILOVER if blind else advice
    return _assessment(report, context, plan, (advice, reasons), gates, losses)


def assess_failback(report: Report, context: PlanContext) -> Assessment:
    """Plan the way home and weigh whether to take it."""
    posture = Posture(report.posture, report.posture_says)
    plan = make_plan(context, posture.name)
    gates = failback_gates(report.verdict.results, plan, posture, signals_of(context.snapshot, context.env), context)
    advice, reasons = failback_advice(gates)
    gib, seconds = sync_estimate(context)
    reasons += (f"The sync moves about {gib:.0f} GiB, in about {duration(seconds)}.",) if gib else ()
    return _assessment(report, context, plan, (advice, reasons), gates, stranded_writes(context))


def _assessment(
    report: Report,
    context: PlanContext,
    plan: Plan,
    answer: tuple[Advice, tuple[str, ...]],
    gates: tuple[Gate, ...],
    losses: tuple[Loss, ...],
) -> Assessment:
    known = _measured(context.snapshot)
    return Assessment(
        advice=answer[0],
        blind=report.posture in BLINDNESS,
        reasons=tuple(map(report.invocation.complete, answer[1])),
        gates=tuple(replace(gate, says=report.invocation.complete(gate.says)) for gate in gates),
        losses=losses,
        plan=plan,
        posture=Posture(report.posture, report.posture_says),
        rto_estimate_s=rto_estimate_s(plan, context.env, known),
        rto_measured=sum(is_measured(step, known) for step in plan.steps),
        hourly_cost=hourly_cost(context.snapshot, context.env, len(report.tenants)),
    )


def _measured(snapshot: Snapshot) -> dict[str, StepDurations]:
    """What the runs on record took, by verb; nothing where they cannot be seen."""
    try:
        return measured(snapshot.get(control_table.runs, Side.DR).runs)
    except DataUnavailable:
        return {}


def exit_of_assessment(assessment: Assessment) -> Exit:
    """PROCEED is ready; blindness is never an answer; what would have to be overridden is not ready."""
    if assessment.blind:
        return Exit.COULD_NOT_SEE
    return Exit.READY if assessment.advice is Advice.PROCEED else Exit.NOT_READY
