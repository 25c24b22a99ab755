"""failover --assess-only: look, judge by the same scenarios, weigh, plan. It changes nothing."""

from __future__ import annotations

import sys
from dataclasses import replace

from dr_actions.assessing import BLINDNESS, Advice, Assessment, gates_of, weigh_gates
from dr_actions.costing import hourly_cost
from dr_actions.losing import losses_of, missing_items
from dr_actions.plan import Goal
from dr_actions.planning import make_plan, rto_estimate_s, sight_of
from dr_actions.posture import Posture
from dr_estate.environments import Environment
from dr_estate.snapshot import Snapshot
from reports import rendering, voice
from reports.allure_files import finish_results
from reports.report import Report
from utils.aws_mgmt.commands import READINESS, run_folder
from utils.aws_mgmt.exits import Exit
from utils.aws_mgmt.judging import Run, judge, look, narrowed
from utils.aws_mgmt.request import Request


def goal_of(request: Request) -> Goal:
    """What the command is to reach."""
    return Goal.SWITCHOVER if "planned" in request.flags else Goal.FAILOVER


def assess_command(request: Request, environment: Environment) -> Exit:
    """Assess and print. Returns 0 for PROCEED, 1 for RISKY and DO_NOT_FAILOVER, 3 where too little could be seen."""
    with run_folder(request) as folder, voice.progress() as advance:
        run = Run(folder, advance)
        report = assess(request, environment, look(request, environment, run), run)
    files = finish_results(report, folder, html="report" in request.flags)
    rendering.print_report(replace(report, files=files.paths, notes=files.notes), request.format, sys.stdout)
    return Exit(report.exit)


def assess(request: Request, environment: Environment, snapshot: Snapshot, run: Run) -> Report:
    """The report of the readiness scenarios with the assessment of ``request``'s goal in it."""
    report = judge(request, environment, READINESS, snapshot, run)
    assessment = weigh(report, environment, snapshot, goal_of(request), narrowed(request, snapshot, environment))
    return replace(report, assessment=assessment, exit=exit_of_assessment(assessment))


def weigh(
    report: Report, environment: Environment, snapshot: Snapshot, goal: Goal, only_tenants: frozenset[str]
) -> Assessment:
    """Plan for ``goal`` upon ``snapshot`` and weigh whether to take it."""
    posture = Posture(report.posture, report.posture_says)
    plan = make_plan(sight_of(environment, snapshot, goal, only_tenants), posture.name)
    losses = losses_of(report.verdict.lags, report.tenants, missing_items(snapshot))
    gates = gates_of(report.verdict.results, losses, plan, posture, environment)
    advice, reasons = weigh_gates(gates)
    blind = posture.name in BLINDNESS
    return Assessment(
        advice=Advice.DO_NOT_FAILOVER if blind else advice,
        blind=blind,
        reasons=reasons,
        gates=gates,
        losses=losses,
        plan=plan,
        posture=posture,
        rto_estimate_s=rto_estimate_s(plan, environment),
        hourly_cost=hourly_cost(snapshot, environment, len(report.tenants)),
    )


def exit_of_assessment(assessment: Assessment) -> Exit:
    """PROCEED is ready; blindness is never an answer; what would have to be overridden is not ready."""
    if assessment.blind:
        return Exit.COULD_NOT_SEE
    return Exit.READY if assessment.advice is Advice.PROCEED else Exit.NOT_READY
