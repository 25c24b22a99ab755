"""The last lines of every screen with a report: posture, answer, loss, what stands in the way, and the next command."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from dr_actions.model.plan import Danger
from dr_checks.core.model import Severity, Status
from dr_estate.model.durations import duration
from reports.terminal.parts import indented
from reports.values import gate as values_gate
from reports.values.report import Report

_GRAVE = (Severity.BLOCKER, Severity.CRITICAL)
_NAMED, _LABEL = 3, 10


def show(report: Report, console: Console) -> None:
    """Print the closing lines to ``console``: eight at most, the next command last."""
    console.print(Text("\nIn short", "bold"))
    for label, text in lines(report):
        indented(console, f"{label + ':':{_LABEL}}{text}", 2)


def lines(report: Report) -> Iterator[tuple[str, str]]:
    """Label and text of each line."""
    yield "Posture", str(report.posture)
    yield "Answer", _answer(report)
    if loss := _loss(report):
        yield "Loss", loss
    yield "Gaps", _gaps(report)
    if report.gate is not None:
        yield "Gate", values_gate.sentence(report.gate, report.verdict.score)
    if report.next_step:
        yield "Next", report.invocation.complete(report.next_step)


def _answer(report: Report) -> str:
    verdict, weighed, ran = report.verdict, report.assessment, report.ran
    if ran is not None:
        return f"{ran.outcome.upper()}, exit {report.exit}"
    if weighed is not None:
        steps = weighed.plan.steps
        counts = [f"{len(steps)} steps", *_of(sum(s.danger is Danger.IRREVERSIBLE for s in steps), "irreversible")]
        counts += [*_of(sum(s.manual for s in steps), "by hand"), f"about {duration(weighed.plan_estimate_s)}"]
        return f"{weighed.advice}; {', '.join(counts)}; exit {report.exit}"
    return f"{verdict.recommendation}, score {verdict.score} of 100, exit {report.exit}"


def _of(count: int, what: str) -> list[str]:
    return [f"{count} {what}"] if count else []


def _loss(report: Report) -> str:
    """What is lost by moving now, by the worst store."""
    if report.ran is not None:
        return ""
    if report.assessment is not None:
        losses = report.assessment.losses
        measured = [loss.seconds for loss in losses if loss.seconds is not None]
        unmeasured = sorted({loss.store for loss in losses if loss.seconds is None})
        worst = [f"at most {duration(max(measured))} of writes"] if measured else []
        return "; ".join([*worst, *([f"not measured: {', '.join(unmeasured)}"] if unmeasured else [])])
    rpo = report.verdict.rpo
    if rpo.worst_s is None and not report.verdict.lags:
        return ""
    met = {True: "met", False: "NOT MET", None: "not known"}[rpo.compliant]
    return f"the worst copy is {duration(rpo.worst_s)} old (objective {duration(rpo.target_s)}: {met})"


def _gaps(report: Report) -> str:
    """How many checks failed, the gravest by name, and how many could not be judged."""
    failed = report.verdict.with_status(Status.FAIL)
    names = [result.check for result in failed if result.severity in _GRAVE] or [result.check for result in failed]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    counts = [f"{len(failed)} failed ({', '.join(names[:_NAMED])}{more})"] if failed else []
    silent = report.silent_regions()
    counts += [f"{len(results)} not judged ({region} is silent)" for region, results in silent.items()]
    unknown = len(report.verdict.with_status(Status.UNKNOWN)) - sum(map(len, silent.values()))
    counts += [f"{unknown} {'others ' if silent else ''}not judged"] if unknown else []
    return "; ".join(counts) or "none"
