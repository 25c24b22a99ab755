"""The status on a terminal: 100 columns, colour only where the terminal wants it, plain text into a pipe."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TextIO

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from dr_checks.core.model import CheckResult, Lag, Severity, Status
from dr_checks.core.verdict import Recommendation, best_lags
from dr_estate.model.durations import duration
from dr_estate.model.visible import one_line
from dr_estate.model.world_id import REHEARSAL, is_sandbox
from reports.terminal import closing
from reports.terminal.parts import Page, indented, table
from reports.values import control_state, run_summary
from reports.values.recovery_point import objective_met
from reports.values.report import Report

WIDTH = 100
_SHOWN, _MANY = 5, 12
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


def render_plain(report: Report) -> str:
    """The report without colour, as it is printed into a pipe and kept in the run's folder."""
    plain = io.StringIO()
    _print(report, console_for(plain))
    return "\n".join(line.rstrip() for line in plain.getvalue().splitlines()) + "\n"


def _print(report: Report, console: Console) -> None:
    if report.visitors:
        indented(console, report.first_line, 0, "bold red" if report.visitors.is_urgent else "bold")
    if report.alarm:
        indented(console, report.alarm, 0, "bold red")
    if is_sandbox(report.world):
        console.print(Text(f"{REHEARSAL} in {report.world}: nothing here is of the live account.\n", "bold yellow"))
    if report.ran is not None:
        for sentence in run_summary.sentences(report.ran):
            indented(console, report.invocation.complete(sentence), 0)
        console.print()
    if report.drills:
        from reports.terminal import drill as terminal_drill

        for drill in report.drills:
            terminal_drill.show(drill, console)
    _control_state(report, console)
    if report.assessment is not None:
        from reports.terminal import assessment as terminal_assessment

        terminal_assessment.show(report, report.assessment, console)
        _areas(report, console)
        _unseen_in_brief(report, console)
        _ending(report, console)
        return
    _headline(report, console)
    _changes(report, console)
    _areas(report, console)
    _lags(report, console)
    _findings(report, console, Status.FAIL, "Gaps")
    _silent_regions(report, console)
    _findings(report, console, Status.UNKNOWN, "Not seen")
    _findings(report, console, Status.WARN, "Warnings")
    _findings(report, console, Status.EXCEPTED, "Exceptions (beside the score, never counted as passed)")
    _not_applicable(report, console)
    _recommendations(report, console)
    _footer(report, console)


def _control_state(report: Report, console: Console) -> None:
    """The stop switch, the open incident, overrides, and exceptions that accept too much, before anything else."""
    if report.standing is not None:
        for sentence in control_state.sentences(report.standing, report.observed_at):
            indented(console, report.invocation.complete(sentence), 0, "bold yellow")
    for sentence in report.loose_exceptions:
        indented(console, sentence, 0, "bold yellow")


def _headline(report: Report, console: Console) -> None:
    env, verdict = report.environment, report.verdict
    console.print(
        Text.assemble(
            (f"{report.title} of {env.name.upper()}: ", "bold"),
            (f"{verdict.recommendation}, score {verdict.score}/100", _HEADLINE[verdict.recommendation]),
        )
    )
    number = len(report.tenants)
    tenants = f"{number} {'tenant' if number == 1 else 'tenants'}" if number else "tenants not seen"
    console.print(f"  account {env.account}, {env.regions.primary} (primary), {env.regions.dr} (DR), {tenants}")
    console.print(f"  world: {one_line(report.world)}; observed {report.observed_at:%Y-%m-%d %H:%M:%S} UTC")
    if report.rules:
        console.print(f"  rules {report.rules.digest[:12]}, version {report.rules.version}")
    indented(console, f"posture {report.posture}: {report.posture_says}", 2)
    indented(console, f"writes: {report.writers}", 2)
    rpo = verdict.rpo
    met = objective_met(rpo, verdict.lags)
    if report.measures_copies:
        console.print(f"  recovery point: worst {duration(rpo.worst_s)}, objective {duration(rpo.target_s)}: {met}")


def _changes(report: Report, console: Console) -> None:
    """What changed since the gate's baseline, before anything else that was found."""
    if report.gate is None or report.gate.rules.baseline is None:
        return
    changes, before = report.gate.changes, report.gate.rules.baseline.observed_at
    console.print(Text(f"\nChanged since {before:%Y-%m-%d %H:%M} UTC", "bold"))
    for change in changes[: 2 * _MANY]:
        indented(console, change.sentence, 2)
    if len(changes) > 2 * _MANY:
        indented(console, f"... and {len(changes) - 2 * _MANY} more (--format markdown lists them)", 2, "dim")
    if not changes:
        indented(console, "nothing", 2)


def _areas(report: Report, console: Console) -> None:
    names = [status for status in COLOUR if any(r.status is status for r in report.verdict.results)]
    rows = table("\nChecks", "area", *names)
    for area, results in report.by_area().items():
        counts = [sum(r.status is status for r in results) for status in names]
        cells = [Text(str(n), COLOUR[s] if n else "dim") for n, s in zip(counts, names, strict=True)]
        rows.add_row(area, *cells)
    console.print(rows)


def _lags(report: Report, console: Console) -> None:
    if not report.verdict.lags or (report.serves_from_dr and not report.every_finding):
        return
    rows = table("\nLag by store", "store", "subject", "lag", "basis")
    target_s = report.verdict.rpo.target_s
    for lag in report.verdict.lags if report.every_finding else _worst_of_stores(report.verdict.lags):
        bad = lag.seconds is None or lag.seconds > target_s
        rows.add_row(lag.store, lag.subject, Text(duration(lag.seconds), "yellow" if bad else "green"), lag.basis)
    console.print(rows)


def _worst_of_stores(lags: Sequence[Lag]) -> list[Lag]:
    """One row a store: the subject that is worst by its best mechanism, and of how many; one not measured is worst."""
    stores: dict[str, list[Lag]] = {}
    for lag in best_lags(lags):
        stores.setdefault(lag.store, []).append(lag)
    return [_worst(rows) for rows in stores.values()]


def _worst(lags: list[Lag]) -> Lag:
    worst = max(lags, key=_age_s)
    return worst if len(lags) == 1 else replace(worst, subject=f"{worst.subject} (worst of {len(lags)})")


def _age_s(lag: Lag) -> float:
    return math.inf if lag.seconds is None else lag.seconds


def _silent_regions(report: Report, console: Console) -> None:
    """The cause before its effects: a region that does not answer is one line, and its checks are in the report."""
    if report.every_finding:
        return
    for region, results in report.silent_regions().items():
        grave = [result.check for result in results if result.severity is Severity.BLOCKER]
        checks = "1 check" if len(results) == 1 else f"{len(results)} checks"
        cause = f"\n{region} {report.silence_of(region)}: {checks} cannot be judged"
        console.print(Text(cause, "bold magenta"))
        named = f"{len(grave)} of them are blockers, such as {', '.join(grave[:_SHOWN])}; " if grave else ""
        named = f"1 of them is a blocker, {grave[0]}; " if len(grave) == 1 else named
        console.print(Padding(Text(f"{named}--all lists them", "dim"), (0, 0, 0, 2)))


def _findings(report: Report, console: Console, status: Status, title: str) -> None:
    folded = [] if report.every_finding else [r for rows in report.silent_regions().values() for r in rows]
    results = [result for result in report.verdict.with_status(status) if result not in folded]
    if results:
        console.print(Text(f"\n{title}", "bold"))
    for result in results:
        rows = [f for f in result.findings if f.status is status]
        if not rows:
            continue
        console.print(Text.assemble((f"  {result.check}", COLOUR[status]), f" ({result.severity})"))
        for f in rows[:_SHOWN]:
            reason = report.invocation.complete(str(f.because))
            indented(console, f"{f.side}: {f.subject}: {f.measured}, wanted {f.wanted}: {reason}", 4)
        if len(rows) > _SHOWN:
            indented(console, f"... and {len(rows) - _SHOWN} more (--format markdown lists them)", 4, "dim")

    _bare(results, console)


def _bare(results: list[CheckResult], console: Console) -> None:
    """Results without findings, or that do not apply: each reason once, with the checks it holds for."""
    bare: dict[str, list[str]] = {}
    for result in results:
        if not result.findings or result.status is Status.NOT_APPLICABLE:
            bare.setdefault(result.reason, []).append(result.check)
    for reason, checks in bare.items():
        indented(console, f"{len(checks)} {'check' if len(checks) == 1 else 'checks'}: {reason}", 2)
        indented(console, f"{', '.join(checks)}", 4, "dim")


def _not_applicable(report: Report, console: Console) -> None:
    results = report.verdict.with_status(Status.NOT_APPLICABLE)
    if results and report.every_finding:
        console.print(Text("\nNot applicable", "bold"))
        _bare(results, console)
    elif results:
        apply = "1 check does not apply" if len(results) == 1 else f"{len(results)} checks do not apply"
        names = "it" if len(results) == 1 else "them"
        console.print(Text(f"\n{apply} here; --all names {names} and why", "dim"))


def _recommendations(report: Report, console: Console) -> None:
    recommendations = report.recommendations()
    if recommendations:
        console.print(Text("\nRecommendations", "bold"))
    if report.before_remedies:
        indented(console, report.invocation.complete(report.before_remedies), 2, "bold yellow")
    for number, remedy in enumerate(recommendations[: 2 * _SHOWN], 1):
        indented(console, f"{number}. {remedy.sentence}", 2)
        for command in remedy.commands[:_SHOWN]:
            indented(console, command, 5)
        if len(remedy.commands) > _SHOWN:
            more = f"... and {len(remedy.commands) - _SHOWN} more commands (--format markdown lists them)"
            indented(console, more, 5, "dim")
    if len(recommendations) > 2 * _SHOWN:
        indented(console, f"... and {len(recommendations) - 2 * _SHOWN} more", 2, "dim")


def _footer(report: Report, console: Console) -> None:
    if len(report.unseen) > _MANY:
        _unseen_in_brief(report, console)
    elif report.unseen:
        _unseen_in_full(report, console)
    _ending(report, console)


def _unseen_in_full(report: Report, console: Console) -> None:
    console.print(Text(f"\nCould not be read ({len(report.unseen)} parts)", "bold"))
    reasons: dict[str, list[str]] = {}
    for part in report.unseen:
        reasons.setdefault(part.value.why, []).append(f"{part.name} ({part.side})")
    for reason, names in reasons.items():
        indented(console, f"{reason}", 2)
        indented(console, f"{', '.join(names)}", 4, "dim")


def _unseen_in_brief(report: Report, console: Console) -> None:
    """How many parts of each region could not be read, and why: a dark region is one sentence, not sixty."""
    for region in dict.fromkeys(part.region for part in report.unseen):
        parts = [part for part in report.unseen if part.region == region]
        first, more = parts[0], len(parts) - 1
        also = f" and {more} more {'part' if more == 1 else 'parts'}" if more else ""
        console.print()
        indented(console, f"{first.name}{also} of {region} could not be read: {first.value.why}", 0)


def _ending(report: Report, console: Console) -> None:
    console.print(
        f"\n{report.api_calls} API calls. Score = passed / applicable weight (docs/score.md); exit {report.exit}."
    )
    for title, path in report.files.items():
        console.print(f"{title}: {path}", soft_wrap=True)
    for note in report.notes:
        indented(console, note, 0)
    closing.show(report, console)
