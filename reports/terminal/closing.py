"""The answer of every screen in a few lines: posture, visitors, plan, loss, what stands in the way, the next command.

They stand last, and above the status of an estate, which has its answer and its next command last once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console

from dr_actions.model.plan import Danger
from dr_checks.core.model import Severity, Status
from dr_checks.posture.causes import Unanswered
from dr_checks.posture.posture import PostureName
from dr_estate.model.durations import duration, lost_writes
from reports.terminal.parts import LABEL, NEXT, in_short, next_command, print_with_label
from reports.values.report import Report, gate_sentence, objective_answer
from reports.values.run_summary import RunSummary

WIDTH = 100
_GRAVE = (Severity.BLOCKER, Severity.CRITICAL)
# As many names as a line of 100 columns mostly holds; ``_first_that_fits`` takes fewer where it does not.
_NAMED, _NAMED_GATES, _NAMED_SERVICES, _INDENT = 3, 2, 3, 2


def show(report: Report, console: Console) -> None:
    """Print the closing lines of ``report`` to ``console``: nine at most, the next command last."""
    in_short(tuple(lines(report, console.width)), console)


def summary(report: Report, console: Console) -> None:
    """Print what stands above the status: the posture and its sentence, and the lines of ``show`` but its answer."""
    since = f" since {report.since:%Y-%m-%d %H:%M} UTC" if report.since else ""
    print_with_label(console, "Posture", f"{report.posture}{since}: {report.posture_says}")
    if report.served is not None:
        print_with_label(console, "Served", report.served_sentence)
    if report.writers:
        print_with_label(console, "Writes", report.writers)
    for label, text in lines(report, console.width):
        if label == NEXT:
            next_command(console, text)
        elif label not in ("Posture", "Answer"):
            print_with_label(console, label, text)


def show_last(report: Report, console: Console) -> None:
    """Print the answer and the next command, below the rest of the status."""
    in_short(tuple(line for line in lines(report, console.width) if line[0] in ("Answer", NEXT)), console, brief=True)


def lines(report: Report, width: int = WIDTH) -> Iterator[tuple[str, str]]:
    """Label and text of each line; each but the next command fits into ``width`` columns."""
    room = width - _INDENT - LABEL
    began = " when the drill began" if report.drills and report.assessment is not None else ""
    if not report.is_record:  # nothing was observed for it
        yield "Posture", f"{report.posture}{began}"
    yield "Answer", _first_that_fits([_answer(report, named) for named in range(_NAMED_GATES, -1, -1)], room)
    if report.ran is not None and report.ran.record.facts is not None:
        yield from report.ran.record.facts.rows()
    if report.is_record and report.ran is not None and (span := _span(report.ran)):
        yield "Duration", span
    if plan := _plan(report):
        yield "Plan", plan
    if loss := _loss(report):
        yield "Loss", loss
    if not report.is_record:
        yield "Gaps", _first_that_fits([_gaps(report, named) for named in range(_NAMED, -1, -1)], room)
    if report.gate is not None:
        yield "Gate", gate_sentence(report.gate, report.verdict.score)
    if report.next_step:
        yield NEXT, report.invocation.complete(report.next_step)


def _span(ran: RunSummary) -> str:
    """From when to when the incident's runs for its goal were at work; "" where none has an end."""
    runs = ran.record.timeline.runs if ran.record.timeline else ()
    begins, ends = [run.span.start for run in runs if run.span.start], [run.span.end for run in runs if run.span.end]
    if not (begins and ends):
        return ""
    began, ended = min(begins), max(ends)
    number = f" in {len(runs)} runs" if len(runs) > 1 else ""
    return f"{duration((ended - began).total_seconds())}{number}, {began:%Y-%m-%d %H:%M} to {ended:%H:%M} UTC"


def _first_that_fits(texts: list[str], room: int) -> str:
    """The first of ``texts`` that fits, else the last, which names least."""
    return next((text for text in texts if len(text) <= room), texts[-1])


def _answer(report: Report, named: int) -> str:
    verdict, weighed, ran = report.verdict, report.assessment, report.ran
    if ran is not None:
        return f"{ran.outcome.upper()}, exit {report.exit}"
    drills = ", ".join(f"{drill.kind} {drill.verdict.upper()}" for drill in report.drills)
    if drills and weighed is not None:
        return f"{drills}, exit {report.exit}"
    if weighed is not None:
        unmet_gates = [gate for gate in weighed.gates if not gate.met and not gate.relaxed]
        # Those that stop come first: the line names two.
        gates = [gate.id for gate in sorted(unmet_gates, key=lambda gate: not gate.stops)]
        number = f"{len(gates)} {'gate' if len(gates) == 1 else 'gates'} not met"
        unmet = f"; {f'gates not met: {_first_names(gates, named)}' if named else number}" if gates else ""
        return f"{weighed.advice}, exit {report.exit}{unmet}"
    alone = f" ({report.left_out} checks left out)" if report.left_out else ""
    answer = f"{drills}; {verdict.recommendation}" if drills else str(verdict.recommendation)
    if report.served_from_dr:
        return f"{answer}{alone}: {report.served_tenants}, exit {report.exit}"
    return f"{answer}{alone}, score {verdict.score} of 100, exit {report.exit}"


def _plan(report: Report) -> str:
    """The plan in one line: its steps, those that cannot be undone or are a person's, the write pause, and its time."""
    if report.ran is not None or report.drills or report.assessment is None or not report.assessment.plan.steps:
        return ""
    weighed, steps = report.assessment, report.assessment.plan.steps
    irreversible = sum(step.danger is Danger.IRREVERSIBLE for step in steps)
    by_hand = sum(step.manual for step in steps)
    pause = weighed.write_pause
    paused = [f"write pause {duration(pause.first_p50_s)}"] if pause else []
    number = "1 step" if len(steps) == 1 else f"{len(steps)} steps"
    counts = f"{number}: {irreversible} irreversible, {by_hand} by hand"
    return "; ".join([counts, *paused, f"about {duration(weighed.plan_estimate_s)}"])


def _loss(report: Report) -> str:
    """What is lost by moving now, by the worst store."""
    if report.ran is not None or report.drills or (report.serves_from_dr and report.assessment is None):
        return ""
    # Each region has writes that the other lacks (T41): no age of a copy says how many.
    if report.posture is PostureName.SPLIT and report.assessment is None:
        return "two regions take writes: what the one that is fenced wrote is not in the other"
    if report.assessment is not None:
        losses = report.assessment.losses
        measured = [loss.seconds for loss in losses if loss.seconds is not None]
        unmeasured = sorted({loss.store for loss in losses if loss.seconds is None})
        worst = [f"{lost_writes(max(measured))}{' of writes' * any(measured)}"] if measured else []
        return "; ".join([*worst, *([f"not measured: {', '.join(unmeasured)}"] if unmeasured else [])])
    rpo = report.verdict.rpo
    if rpo.worst_s is None and not report.verdict.lags:
        return ""
    if rpo.worst_s is None:
        return f"how old the copies are was not seen (objective {duration(rpo.target_s)})"
    met = objective_answer(rpo, report.verdict.lags)
    return f"the worst copy is {duration(rpo.worst_s)} old (objective {duration(rpo.target_s)}: {met})"


def _unanswered_lines(places: Sequence[Unanswered]) -> list[str]:
    """What could not be judged, by place; the services of a region together, where they are many."""
    counts = [f"{len(place.results)} not judged ({place.place} {place.how})" for place in places]
    services = [place for place in places if place.service]
    if len(services) <= _NAMED_SERVICES:
        return counts
    unseen = sum(len(place.results) for place in services)
    where = " and ".join(dict.fromkeys(place.region for place in services))
    whole = [count for count, place in zip(counts, places, strict=True) if not place.service]
    return [*whole, f"{unseen} not judged ({len(services)} services in {where} do not answer well)"]


def _gaps(report: Report, named: int) -> str:
    """How many checks failed, by which causes, ``named`` of the gravest by name; and how many could not be judged."""
    if not report.verdict.results:
        return "no check was run"
    causes = [cause for cause in report.causes if not cause.warns]
    failed = len(causes) + sum(len(cause.effects) for cause in causes)
    grave = sum(cause.result.severity in _GRAVE for cause in causes)
    # Where some causes are grave, only those are named: a minor one beside them would weigh as much.
    shown = min(named, grave or named)
    of_causes = f" by {len(causes)} {'cause' if len(causes) == 1 else 'causes'}" if failed > len(causes) else ""
    names = f" ({_first_names([cause.result.check for cause in causes], shown)})" if named else ""
    counts = [f"{failed} failed{of_causes}{names}"] if failed else []
    counts += _unanswered_lines(report.silent_places)
    # Each result is counted once: by a region's silence, by the failback, or by itself.
    apart = {result.check for place in report.silent_places for result in place.results}
    expected = [result for result in report.failback_gaps if result.check not in apart]
    counts += [f"{len(expected)} that the failback ends"] if expected else []
    apart |= {result.check for result in (*expected, *(cause.result for cause in causes))}
    unknown = sum(result.check not in apart for result in report.verdict.with_status(Status.UNKNOWN))
    others = ("other " if unknown == 1 else "others ") if report.silent_places else ""
    counts += [f"{unknown} {others}not judged"] if unknown else []
    warned = sum(cause.warns for cause in report.causes)
    counts += [f"{warned} {'warns' if warned == 1 else 'warn'}"] if warned else []
    accepted = [result.check for result in report.verdict.with_status(Status.EXCEPTED)]
    names = f" ({_first_names(accepted, min(named, 1))})" if named else ""
    counts += [f"{len(accepted)} accepted{names}"] if accepted else []
    return "; ".join(counts) or "none"


def _first_names(names: list[str], shown: int) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
