"""The status on a terminal: 100 columns, colour only where the terminal wants it, plain text into a pipe.

It fits a screen: the answer first (posture, visitors, loss, gaps, next command), then the areas, the causes with what
they explain, and where the files are. The answer and the next command stand once more at the end, where a small
terminal shows them. All findings are behind --all and on the page.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

from dr_actions.assessment.failover import Advice, Assessment
from dr_actions.model.plan import Goal, Plan
from dr_checks.core.model import CheckResult, Severity, Status
from dr_checks.core.verdict import Recommendation, with_findings
from dr_checks.posture.causes import Cause
from dr_estate.model.durations import duration
from dr_estate.model.visible import one_line
from dr_estate.model.world_id import REHEARSAL, is_sandbox
from reports.terminal import closing
from reports.terminal.console import WIDTH
from reports.terminal.parts import Page, print_with_indent, rows_of, table
from reports.values import assessment as values_assessment
from reports.values import drill_summary as summary_texts
from reports.values import run_summary
from reports.values.drill_summary import DrillSummary
from reports.values.escaping import holds_command
from reports.values.report import RUN_FOLDER, Report, next_line

# What a terminal shows at once, in its own rows: a command that is longer than a row takes several. The causes get
# what the rest leaves.
MOST_ROWS = 40
_SHOWN, _FEW, _REMEDY = 5, 3, 5
_AROUND = 3  # lines around the causes: a blank one, the title, how many more there are
COLOUR = {
    Status.PASS: "green",
    Status.WARN: "yellow",
    Status.FAIL: "bold red",
    Status.UNKNOWN: "bold magenta",
    Status.EXCEPTED: "cyan",
    Status.NOT_APPLICABLE: "dim",
}
_HEADLINE = {
    Recommendation.READY: "bold green",
    Recommendation.AT_RISK: "bold yellow",
    Recommendation.UNPROTECTED: "bold yellow",
    Recommendation.NOT_READY: "bold red",
    Recommendation.CANNOT_SAY: "bold magenta",
}


def console_for(stream: TextIO) -> Console:
    """A console no wider than 100 columns; it honours NO_COLOR, and is plain where ``stream`` is no terminal."""
    console = Page(file=stream)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    return console


def render(report: Report, stream: TextIO) -> None:
    """Print the report to ``stream``."""
    if stream.isatty():
        _print(report, console_for(stream))
    else:
        stream.write(render_plain(report))


def render_plain(report: Report, width: int = WIDTH) -> str:
    """The report without colour, as it is printed into a pipe and kept in the run's folder."""
    plain = io.StringIO()
    console = console_for(plain)
    console.width = width
    _print(report, console)
    return "\n".join(line.rstrip() for line in plain.getvalue().splitlines()) + "\n"


def _print(report: Report, console: Console) -> None:
    with console.capture() as head:
        _first_lines(report, console)
    # An assessment answers by its gates, the status by its causes.
    if report.assessment is not None:
        console.file.write(head.get())
        _assessment(report, report.assessment, console)
        _areas(report, console)
        # A dark region is one sentence, not sixty.
        for region in dict.fromkeys(part.region for part in report.unseen):
            parts = [part for part in report.unseen if part.region == region]
            first, more = parts[0], len(parts) - 1
            also = f" and {more} more {'part' if more == 1 else 'parts'}" if more else ""
            console.print()
            print_with_indent(console, f"{first.name}{also} of {region} could not be read: {first.value.why}", 0)
        _files(report, console)
        closing.show(report, console)
        return
    acted = report.ran is not None or bool(report.drills)  # what was done stands above, and its answer below
    with console.capture() as answer:
        _headline(report, console)
        if not acted:
            closing.summary(report, console)
        _areas(report, console)
        _changes(report, console)
    with console.capture() as tail:
        if not report.every_finding:
            _print_silent_places(report, console)
        _files(report, console)
        (closing.show if acted else closing.show_last)(report, console)
    above, below = head.get() + answer.get(), tail.get()
    console.file.write(above)
    if report.every_finding:
        _every_finding(report, console)
    else:
        _causes(report, console, MOST_ROWS - rows_of(above, console.width) - rows_of(below, console.width))
    console.file.write(below)


def _first_lines(report: Report, console: Console) -> None:
    """What stands above every answer: an alarm, that it is a rehearsal, the run and its drills, what is in force."""
    if report.visitors:
        print_with_indent(console, report.first_line, 0, "bold red" if report.visitors.is_urgent else "bold")
    if report.alarm:
        print_with_indent(console, report.alarm, 0, "bold red")
    if is_sandbox(report.world):
        console.print(Text(f"{REHEARSAL} in {report.world}: nothing here is of the live account.", "bold yellow"))
    if report.ran is not None:
        console.print()
        for sentence in run_summary.sentences(report.ran):
            print_with_indent(console, report.invocation.complete(sentence), 0)
        console.print()
    for drill in report.drills:
        _drill_account(drill, console)
    # Runs that wait, stop switch, open incident, overrides, and exceptions that accept too much: before all else.
    for sentence in (*report.in_force, *report.loose_exceptions):
        print_with_indent(console, sentence, 0, "bold yellow")


def _headline(report: Report, console: Console) -> None:
    env, verdict = report.environment, report.verdict
    if report.is_record and report.ran is not None:
        console.print(Text(f"Record of the {report.ran.goal} of {report.ran.incident} in {env.name.upper()}", "bold"))
        console.print(Text(f"  {one_line(report.world)}, last entry {report.observed_at:%Y-%m-%d %H:%M:%S} UTC", "dim"))
        return
    # A score is of the standby: while the DR region serves there is none, and the number would say nothing.
    score = "" if report.served_from_dr else f", score {verdict.score}/100"
    console.print(
        Text.assemble(
            (f"{report.title} of {env.name.upper()}: ", "bold"),
            (f"{verdict.recommendation}{score}", _HEADLINE[verdict.recommendation]),
        )
    )
    number = len(report.tenants)
    tenants = f"{number} {'tenant' if number == 1 else 'tenants'}" if number else "tenants not seen"
    rules = f", rules {report.rules.digest[:12]}" if report.rules else ""
    about = f"account {env.account}, {env.regions.primary} (primary), {env.regions.dr} (DR), {tenants}"
    console.print(Text(f"  {about}", "dim"), soft_wrap=True)
    seen = f"{one_line(report.world)}, observed {report.observed_at:%Y-%m-%d %H:%M:%S} UTC{rules}"
    console.print(Text(f"  {seen}", "dim"), soft_wrap=True)


def _changes(report: Report, console: Console) -> None:
    """What changed since the gate's baseline, before anything else that was found."""
    if report.gate is None or report.gate.rules.baseline is None:
        return
    changes, before = report.gate.changes, report.gate.rules.baseline.observed_at
    console.print(Text(f"\nChanged since {before:%Y-%m-%d %H:%M} UTC", "bold"))
    for change in changes[:_SHOWN]:
        print_with_indent(console, change.sentence, 2)
    if len(changes) > _SHOWN:
        print_with_indent(console, f"... and {len(changes) - _SHOWN} more (--format markdown lists them)", 2, "dim")
    if not changes:
        print_with_indent(console, "nothing", 2)


def _areas(report: Report, console: Console) -> None:
    names = [status for status in COLOUR if any(r.status is status for r in report.verdict.results)]
    rows = table("", "area", *names)
    for area, results in report.by_area().items():
        counts = [sum(r.status is status for r in results) for status in names]
        cells = [Text(str(n), COLOUR[s] if n else "dim") for n, s in zip(counts, names, strict=True)]
        rows.add_row(area, *cells)
    if rows.row_count:
        console.print()
        console.print(rows)


def _lags(report: Report, console: Console) -> None:
    if not report.verdict.lags:
        return
    rows = table("\nLag by store", "store", "subject", "lag", "basis")
    target_s = report.verdict.rpo.target_s
    for lag in report.verdict.lags:
        bad = lag.seconds is None or lag.seconds > target_s
        rows.add_row(lag.store, lag.subject, Text(duration(lag.seconds), "yellow" if bad else "green"), lag.basis)
    console.print(rows)


def _causes(report: Report, console: Console, room: int) -> None:
    """What is wrong, each cause with its remedy and the checks that it explains, as many as fit into ``room`` rows."""
    left = room - _AROUND - bool(report.before_remedies)
    brief = len(report.causes) > _FEW
    blocks = [_cause(report, console, number, cause, brief) for number, cause in enumerate(report.causes, 1)]
    if blocks and left < rows_of(blocks[0], console.width):
        blocks = [_cause(report, console, number, cause, True) for number, cause in enumerate(report.causes, 1)]
    shown: list[str] = []
    for block in blocks:
        # The first cause is shown whole, even where it does not fit: without it the page has no answer.
        if left < (rows := rows_of(block, console.width)) and shown:
            break
        shown.append(block)
        left -= rows
    if not blocks:
        return
    console.print(Text("\nCauses" if len(blocks) > 1 else "\nCause", "bold"))
    if report.before_remedies:
        print_with_indent(console, report.invocation.complete(report.before_remedies), 2, "bold yellow")
    console.file.write("".join(shown))
    if len(blocks) > len(shown):
        console.print(Text(f"  ... and {len(blocks) - len(shown)} more: --all lists them", "dim"))


def _cause(report: Report, console: Console, number: int, cause: Cause, brief: bool) -> str:
    """A cause: what is wrong, what to do (``brief``: in one line), and what it explains."""
    first, more = cause.findings[:1], len(cause.findings) - 1
    since = f" since {cause.since:%Y-%m-%d %H:%M} UTC" if cause.since else ""
    subject = f"{first[0].subject}: {first[0].measured}, wanted {first[0].wanted}" if first else cause.result.reason
    also = f" (and {more} more)" if more > 0 else ""
    name, width = f"{cause.result.check} ({cause.result.grade}){since}", console.width
    with console.capture() as text:
        line = Text.assemble(f"  {number}. ", (name, COLOUR[cause.result.status]), f": {one_line(subject)}{also}")
        line.truncate(width, overflow="ellipsis")
        console.print(line, soft_wrap=True)
        if cause.remedies:
            sentence, command = _remedy(report, cause)
            if sentence and not (command and brief):
                remedy = Text(f"     {one_line(sentence)}")
                remedy.truncate(width, overflow="ellipsis")
                if brief and not holds_command(sentence):
                    console.print(remedy, soft_wrap=True)
                else:
                    print_with_indent(console, sentence, _REMEDY)
            if command:
                console.print(Text(f"     {one_line(command)}"), soft_wrap=True)
            if more := len(cause.remedies[0].commands[1:]):
                console.print(Text(f"     ... and {more} more {'command' if more == 1 else 'commands'}: --all", "dim"))
        if cause.effects:
            names = ", ".join(result.check for result in cause.effects)
            effects = Text(f"     explains {len(cause.effects)}: {names}", "dim")
            effects.truncate(width, overflow="ellipsis")
            console.print(effects, soft_wrap=True)
    return text.get()


def _remedy(report: Report, cause: Cause) -> tuple[str, str]:
    """The one remedy of a cause, and its first command."""
    remedy = cause.remedies[0]
    sentence, command = next_line(report.invocation.complete(remedy.sentence))
    return (sentence, command) if command else (sentence, next(iter(remedy.commands), ""))


def _print_silent_places(report: Report, console: Console) -> None:
    """A line for each place that gave no answer, and for each other reason that something was not judged or read."""
    rows = [
        f"{place.place} {place.how}: {_count_text(place.results, 'check')} cannot be judged"
        for place in report.silent_places
    ]
    shown = {result.check for place in report.silent_places for result in place.results}
    shown |= {result.check for result in (*report.failback_gaps, *(cause.result for cause in report.causes))}
    rest: dict[str, list[str]] = {}
    for result in report.verdict.with_status(Status.UNKNOWN):
        if result.check not in shown:
            unseen = next((str(f.because) for f in result.findings if f.status is Status.UNKNOWN), result.reason)
            rest.setdefault(unseen, []).append(result.check)
    # A silent region is one line above: its parts are not named once more.
    silent = {place.region for place in report.silent_places} | report.silent
    for part in report.unseen:
        if (part.value.region or part.region) not in silent:
            rest.setdefault(part.value.why, []).append(f"{part.name} ({part.side})")
    rows += [f"{reason.rstrip('.')}: {_first_name(names)}" for reason, names in rest.items()]
    if rows:
        console.print(Text("\nNot seen", "bold"))
    for row in rows[:_SHOWN]:
        line = Text(f"  {one_line(row)}", "magenta")
        line.truncate(console.width, overflow="ellipsis")
        console.print(line, soft_wrap=True)
    if len(rows) > _SHOWN:
        console.print(Text(f"  ... and {len(rows) - _SHOWN} more: --all lists them", "dim"))


def _first_name(names: Sequence[str]) -> str:
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _count_text(results: Sequence[CheckResult], noun: str) -> str:
    grave = sum(result.severity is Severity.BLOCKER for result in results)
    number = f"{len(results)} {noun}" if len(results) == 1 else f"{len(results)} {noun}s"
    return f"{number} ({grave} {'blocker' if grave == 1 else 'blockers'})" if grave else number


def _every_finding(report: Report, console: Console) -> None:
    """All that was found, one by one: --all."""
    _lags(report, console)
    _findings(report, console, Status.FAIL, "Gaps")
    _findings(report, console, Status.UNKNOWN, "Not seen")
    _findings(report, console, Status.WARN, "Warnings")
    _findings(report, console, Status.EXCEPTED, "Exceptions (beside the score, never counted as passed)")
    results = report.verdict.with_status(Status.NOT_APPLICABLE)
    if results:
        console.print(Text("\nNot applicable", "bold"))
        _bare(results, console)
    _recommendations(report, console)
    _unseen_in_full(report, console)


def _findings(report: Report, console: Console, status: Status, title: str) -> None:
    results = with_findings(report.verdict.results, status)
    if results:
        console.print(Text(f"\n{title}", "bold"))
    for result in results:
        rows = [f for f in result.findings if f.status is status]
        if not rows:
            continue
        console.print(Text.assemble((f"  {result.check}", COLOUR[status]), f" ({result.grade})"))
        for f in rows[:_SHOWN]:
            reason = report.invocation.complete(str(f.because))
            print_with_indent(console, f"{f.side}: {f.subject}: {f.measured}, wanted {f.wanted}: {reason}", 4)
        if len(rows) > _SHOWN:
            print_with_indent(console, f"... and {len(rows) - _SHOWN} more (--format markdown lists them)", 4, "dim")

    _bare(results, console)


def _bare(results: list[CheckResult], console: Console) -> None:
    """Results without findings, or that do not apply: each reason once, with the checks it holds for."""
    bare: dict[str, list[str]] = {}
    for result in results:
        if not result.findings or result.status is Status.NOT_APPLICABLE:
            bare.setdefault(result.reason, []).append(result.check)
    for reason, checks in bare.items():
        print_with_indent(console, f"{len(checks)} {'check' if len(checks) == 1 else 'checks'}: {reason}", 2)
        print_with_indent(console, f"{', '.join(checks)}", 4, "dim")


def _recommendations(report: Report, console: Console) -> None:
    recommendations = report.recommendations()
    if recommendations:
        console.print(Text("\nRecommendations", "bold"))
    if report.before_remedies:
        print_with_indent(console, report.invocation.complete(report.before_remedies), 2, "bold yellow")
    for number, remedy in enumerate(recommendations[: 2 * _SHOWN], 1):
        print_with_indent(console, f"{number}. {remedy.sentence}", 2)
        for command in remedy.commands[:_SHOWN]:
            print_with_indent(console, command, 5)
        if len(remedy.commands) > _SHOWN:
            more = f"... and {len(remedy.commands) - _SHOWN} more commands (--format markdown lists them)"
            print_with_indent(console, more, 5, "dim")
    if len(recommendations) > 2 * _SHOWN:
        print_with_indent(console, f"... and {len(recommendations) - 2 * _SHOWN} more", 2, "dim")


def _unseen_in_full(report: Report, console: Console) -> None:
    if not report.unseen:
        return
    console.print(Text(f"\nCould not be read ({len(report.unseen)} parts)", "bold"))
    reasons: dict[str, list[str]] = {}
    for part in report.unseen:
        reasons.setdefault(part.value.why, []).append(f"{part.name} ({part.side})")
    for reason, names in reasons.items():
        print_with_indent(console, f"{reason}", 2)
        print_with_indent(console, f"{', '.join(names)}", 4, "dim")


def _files(report: Report, console: Console) -> None:
    calls = f"{report.api_calls} API calls. Score = passed / applicable weight (docs/score.md); exit {report.exit}."
    console.print("" if report.is_record else f"\n{calls}")
    folder, within = report.files.get(RUN_FOLDER), []
    for title, path in report.files.items():
        if folder is not None and path.parent == folder:
            within.append(path.name)
        else:
            console.print(f"{title}: {path}", soft_wrap=True)
    if within:
        console.print(f"In it: {', '.join(within)}", soft_wrap=True)
    for note in report.notes:
        print_with_indent(console, note, 0)


# As many as leave room for the phases on a screen; Markdown has them all.
_RESIDUE = 12


def _drill_account(summary: DrillSummary, console: Console) -> None:
    """Print a drill's account: the end, measured times, what is left, and what is kept by rule."""
    good = summary.verdict == "done" and not summary.exit
    print_with_indent(console, summary_texts.headline(summary), 0, "bold green" if good else "bold red")
    for sentence in summary_texts.sentences(summary):
        print_with_indent(console, sentence, 2)
    if summary.phases:
        rows = table("\nMeasured", "part", "phase", "took")
        for phase in summary.phases:
            rows.add_row(phase.part, phase.phase, duration(phase.seconds))
        console.print(rows)
    _residue(summary, console)
    console.print()


def _residue(summary: DrillSummary, console: Console) -> None:
    if summary.left:
        rows = table("\nLeft over", "where", "what", "why")
        for row in summary.left[:_RESIDUE]:
            rows.add_row(row.place, row.subject, row.says)
        console.print(rows)
        for row in summary.left[:_RESIDUE]:
            if row.command:
                print_with_indent(console, f"{row.subject} by hand: {row.command}", 2)
        if len(summary.left) > _RESIDUE:
            print_with_indent(console, f"... and {len(summary.left) - _RESIDUE} more (--format markdown)", 2, "dim")
    if summary.kept_by_rule:
        console.print(Text("\nKept by rule", "bold"))
        for row in summary.kept_by_rule:
            print_with_indent(console, f"{row.subject}: {row.says}", 2)
            if row.command:
                print_with_indent(console, f"by hand, once it is not needed: {row.command}", 4)


_ADVICE = {
    Advice.PROCEED: "bold green",
    Advice.RISKY: "bold yellow",
    Advice.WAIT: "bold yellow",
    Advice.DO_NOT_FAILOVER: "bold red",
}
_PLANNED = 12
_OF, _SINCE, _BASIS = 16, 14, len("automated-backup")


def _assessment_title(report: Report, assessment: Assessment) -> str:
    """Name what was assessed: the command's goal, its abort, or of an unfinished drill the part before it."""
    if report.drills:
        return "Assessment, before the drill,"
    return (Goal.ABORT if assessment.plan.goal is Goal.ABORT else report.command).capitalize()


def _assessment(report: Report, assessment: Assessment, console: Console) -> None:
    """Print the assessment to ``console``."""
    env = report.environment
    console.print(
        Text.assemble(
            (f"{_assessment_title(report, assessment)} of {env.name.upper()}: ", "bold"),
            (str(assessment.advice), _ADVICE[assessment.advice]),
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
    _plan_in_brief(report, assessment, console)
    # What the plan leaves out, and what it leaves to people.
    for note in assessment.plan.notes:
        print_with_indent(console, f"Note: {report.invocation.complete(note)}", 2)


def _why(report: Report, assessment: Assessment, console: Console) -> None:
    """Each reason, who accepted which gap, and in one line how many gates are met beside those that are not."""
    console.print(Text("\nWhy", "bold"))
    shown = len(assessment.reasons) if report.every_finding else _PLANNED
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
    losses = values_assessment.loss_rows if report.every_finding else values_assessment.loss_rows_by_store
    rows = table("\nWhat would be lost", "store", "of", "written since", "items", "basis")
    # The basis is the longest column and the last to matter: it is broken before the store or the number is.
    rows.expand, basis = True, rows.columns[-1]
    basis.ratio, basis.min_width = 1, _BASIS
    # Of a narrow terminal it takes what it needs to be read, and what the loss is of is broken.
    if console.width < WIDTH:
        rows.columns[1].max_width = _OF
        rows.columns[2].max_width = _SINCE
    for row in losses(assessment):
        rows.add_row(*row)
    console.print(rows)


def _plan_in_brief(report: Report, assessment: Assessment, console: Console) -> None:
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
