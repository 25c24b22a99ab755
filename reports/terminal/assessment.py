"""A failover's assessment on a terminal: the answer, why, what would be lost, the plan, and what to type next."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from dr_actions.assessment.failover import Advice, Assessment
from dr_actions.model.plan import Goal, Plan
from dr_estate.model.durations import duration
from dr_estate.model.visible import one_line
from reports.terminal.parts import print_with_indent, table
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
    """Name what was assessed: the command's goal, its abort, or of an unfinished drill the part before it."""
    if report.drills:
        return "Assessment, before the drill,"
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
    print_with_indent(console, f"posture {report.posture}: {report.posture_says}", 2)
    print_with_indent(console, f"writes: {report.writers}", 2)
    # How long it would take with more tenants is planning, not the night of an outage.
    for sentence in values_assessment.sentences(assessment, env, report.observed_at, growth=report.every_finding):
        print_with_indent(console, report.invocation.complete(sentence), 2)
    _why(report, assessment, console)
    _losses(report, assessment, console)
    _plan(report, assessment, console)
    # What the plan leaves out, and what it leaves to people.
    for note in assessment.plan.notes:
        print_with_indent(console, f"Note: {report.invocation.complete(note)}", 2)


def _why(report: Report, assessment: Assessment, console: Console) -> None:
    """Each reason, who accepted which gap, and in one line how many gates are met beside those that are not."""
    console.print(Text("\nWhy", "bold"))
    shown = len(assessment.reasons) if report.every_finding else _SHOWN
    for reason in assessment.reasons[:shown]:
        print_with_indent(console, f"- {report.invocation.complete(reason)}", 2)
    if len(assessment.reasons) > shown:
        print_with_indent(console, f"... and {len(assessment.reasons) - shown} more (--all lists them)", 2, "dim")
    # A count of what is met says something only beside what is not.
    met, unmet = (sum(gate.met is well and not gate.relaxed for gate in assessment.gates) for well in (True, False))
    for rule in report.applied_exceptions:
        print_with_indent(
            console, f"- {rule.who} accepted {rule.check} for {rule.subject} until {rule.until}: {rule.why}", 2
        )
    if met and unmet:
        print_with_indent(console, f"- {met} {'gate passes' if met == 1 else 'gates pass'}", 2, "dim")


def _losses(report: Report, assessment: Assessment, console: Console) -> None:
    """What is lost by moving now: a line for what is alike of a store; all of it where every finding is wanted."""
    if not assessment.losses:
        return
    rows = table("\nWhat would be lost", "store", "of", "written since", "items", "basis")
    # The basis is the longest column and the last to matter: it is broken before the store or the number is.
    rows.expand, basis = True, rows.columns[-1]
    basis.ratio, basis.min_width = 1, len("automated-backup")
    losses = values_assessment.loss_rows if report.every_finding else values_assessment.loss_rows_by_store
    for row in losses(assessment):
        rows.add_row(*row)
    console.print(rows)


def _plan(report: Report, assessment: Assessment, console: Console) -> None:
    """One row a stage, as a person reads it at night; every step where every finding is wanted."""
    plan = assessment.plan
    counted = f"{len(plan.steps)} steps" if len(plan.steps) > 1 else f"{len(plan.steps) or 'no'} step"
    title = f"\nPlan {values_assessment.short(plan.digest)} ({counted}; "
    if report.every_finding:
        _every_step(plan, f"{title}--format json has every call)", console)
        return
    console.print(Text(f"{title}--all lists each, --format json every call)", "bold"))
    rows = table("", "steps", "stage", "about", "mind")
    for stage in assessment.stages:
        last = stage.first + len(stage.steps) - 1
        places = f"{stage.first} to {last}" if last > stage.first else str(stage.first)
        mind = Text("\n".join(map(one_line, values_assessment.to_mind(stage))), "bold yellow")
        rows.add_row(places, stage.name, duration(stage.estimate_s), mind)
    console.print(rows)


def _every_step(plan: Plan, title: str, console: Console) -> None:
    rows = table(title, "stage", "step", "danger", "control plane", "budget")
    below = []
    for number, message, *cells in values_assessment.step_rows(plan.steps):
        below += [f"{number}: {message}"] if holds_command(message) else []
        rows.add_row(number, "see below" if holds_command(message) else message, *cells)
    console.print(rows)
    for step in below:
        print_with_indent(console, step, 2)
