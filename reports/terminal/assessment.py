"""A failover's assessment on a terminal: the answer, why, what would be lost, the plan, and what to type next."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from dr_actions.assessment.failover import Advice, Assessment
from dr_actions.model.plan import Goal
from dr_estate.model.visible import one_line
from reports.terminal.parts import indented, table
from reports.values import assessment as values_assessment
from reports.values.escaping import holds_command
from reports.values.report import Report

_COLOUR = {
    Advice.PROCEED: "bold green",
    Advice.RISKY: "bold yellow",
    Advice.WAIT: "bold yellow",
    Advice.DO_NOT_FAILOVER: "bold red",
}
_SHOWN = 12


def _title(report: Report, assessment: Assessment) -> str:
    """What was assessed: the command's goal, or the abort of it."""
    return (Goal.ABORT if assessment.plan.goal is Goal.ABORT else report.command).capitalize()


def show(report: Report, assessment: Assessment, console: Console) -> None:
    """Print the assessment to ``console``."""
    env = report.environment
    console.print(
        Text.assemble(
            (f"{_title(report, assessment)} of {env.name.upper()}: ", "bold"),
            (str(assessment.advice), _COLOUR[assessment.advice]),
            (" (too little can be seen to say more)" if assessment.blind else "", "bold magenta"),
        )
    )
    console.print(f"  account {env.account}, {env.regions.primary} (primary), {env.regions.dr} (DR)")
    console.print(f"  world: {one_line(report.world)}; observed {report.observed_at:%Y-%m-%d %H:%M:%S} UTC")
    indented(console, f"posture {report.posture}: {report.posture_says}", 2)
    indented(console, f"writes: {report.writers}", 2)
    for sentence in values_assessment.sentences(assessment, env, report.observed_at):
        indented(console, report.invocation.complete(sentence), 2)
    console.print(Text("\nWhy", "bold"))
    for reason in assessment.reasons[:_SHOWN]:
        indented(console, f"- {report.invocation.complete(reason)}", 2)
    if len(assessment.reasons) > _SHOWN:
        indented(console, f"... and {len(assessment.reasons) - _SHOWN} more (--format markdown)", 2, "dim")
    _losses(assessment, console)
    _plan(report, assessment, console)


def _losses(assessment: Assessment, console: Console) -> None:
    if not assessment.losses:
        return
    rows = table("\nWhat would be lost", "store", "of", "written since", "items", "basis")
    for row in list(values_assessment.loss_rows(assessment))[:_SHOWN]:
        rows.add_row(*row)
    console.print(rows)


def _plan(report: Report, assessment: Assessment, console: Console) -> None:
    plan = assessment.plan
    title = f"\nPlan {values_assessment.short(plan.digest)} ({len(plan.steps)} steps; --format json has every call)"
    rows = table(title, "stage", "step", "danger", "control plane", "budget")
    below = []
    for number, message, *cells in values_assessment.step_rows(plan.steps):
        below += [f"{number}: {message}"] if holds_command(message) else []
        rows.add_row(number, "see below" if holds_command(message) else message, *cells)
    console.print(rows)
    for step in below:
        indented(console, step, 2)
    for note in plan.notes:
        indented(console, f"Note: {report.invocation.complete(note)}", 2)
