"""What the page shows of a report, as plain values: verdict, score, copies, tenants, gaps and practice. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dr_actions.assessment.failover import Advice, Assessment
from dr_checks.core.model import CheckResult, Finding, Lag, Remedy, Severity, Status, merged_remedies, worst
from dr_checks.core.registry import checks
from dr_checks.core.verdict import (
    MOST_WHEN_BLOCKED,
    Recommendation,
    best_lags,
    fails,
    readiness_score,
    telling_findings,
)
from dr_checks.derived.due import ScheduledTest, block_reason, dues
from dr_estate.model.run_records import RunRecord
from dr_estate.model.stores import STORES
from reports.page.charts import PhaseBar, phase_bars
from reports.render.schedule import Trend, trends
from reports.values import drill_summary
from reports.values.crosswalk import ControlResult, Framework, crosswalk
from reports.values.report import Report

TROUBLED = (Status.FAIL, Status.UNKNOWN, Status.WARN, Status.EXCEPTED)
_TONES = {
    Recommendation.READY: Status.PASS,
    Recommendation.UNPROTECTED: Status.WARN,
    Recommendation.AT_RISK: Status.WARN,
    Recommendation.NOT_READY: Status.FAIL,
    Recommendation.CANNOT_SAY: Status.UNKNOWN,
    Advice.PROCEED: Status.PASS,
    Advice.RISKY: Status.WARN,
    Advice.WAIT: Status.WARN,
    Advice.DO_NOT_FAILOVER: Status.FAIL,
}
# Each room of checks as a column of the tenants' table.
_COLUMNS = {
    **{store.id: store.id for store in STORES if store.has_room},
    "security": "secrets, keys",
    "backup": "backup",
    "compute": "service",
    "edge": "edge",
    "dns": "DNS",
    "network": "network",
    "operations": "operations",
    "validation": "validation",
}


@dataclass(frozen=True, slots=True)
class VerdictLine:
    """The first sentence of the page, the answer in a word, and how both are coloured."""

    sentence: str
    answer: str
    tone: Status


@dataclass(frozen=True, slots=True)
class ScoreCard:
    """The score, its colour, what it would be without its cap, and what caps it, "" where nothing does."""

    value: int
    tone: Status
    uncapped: int
    cap: str


@dataclass(frozen=True, slots=True)
class CopyAge:
    """The oldest copy of a store, of ``count`` subjects, against the objective. ``seconds`` None: not measured."""

    store: str
    subject: str
    seconds: float | None
    target_s: float
    basis: str
    count: int
    missing: bool

    @property
    def status(self) -> Status:
        """FAIL beyond the objective, or where there is no copy; UNKNOWN where it was not measured."""
        if self.seconds is None:
            return Status.FAIL if self.missing else Status.UNKNOWN
        return Status.PASS if self.seconds <= self.target_s else Status.FAIL


@dataclass(frozen=True, slots=True)
class TenantCell:
    """A tenant's checks of one room: the worst status, the check that has it, and how many have it."""

    status: Status
    check: str
    count: int


@dataclass(frozen=True, slots=True)
class TenantRow:
    """A tenant, None for what all share, with a cell a column; None where no check looks at it there."""

    tenant: str | None
    cells: tuple[TenantCell | None, ...]
    status: Status


@dataclass(frozen=True, slots=True)
class TenantTable:
    """Its columns, what all tenants share, and the tenants, those in trouble first."""

    columns: tuple[str, ...]
    rows: tuple[TenantRow, ...]


@dataclass(frozen=True, slots=True)
class GapCard:
    """A result that did not pass: its check's sentence, the findings to blame, and each remedy once."""

    result: CheckResult
    sentence: str
    findings: tuple[Finding, ...]
    remedies: tuple[Remedy, ...]


@dataclass(frozen=True, slots=True)
class GapGroup:
    """The results of one status, worst first. ``cause``: what all of them come from, and are folded below."""

    status: Status
    cards: tuple[GapCard, ...]
    cause: str = ""
    lead: str = ""


@dataclass(frozen=True)
class PageContent:
    """All that the template draws, beside the report itself."""

    verdict: VerdictLine
    score: ScoreCard
    counts: Mapping[Status, int]
    copies: tuple[CopyAge, ...]
    tenants: TenantTable
    groups: tuple[GapGroup, ...]
    sentences: Mapping[str, str]
    controls: Mapping[Framework, tuple[ControlResult, ...]]
    schedule: tuple[ScheduledTest, ...] = ()
    blocked: str = ""
    trends: tuple[Trend, ...] = ()
    phases: tuple[PhaseBar, ...] = ()


# Outcomes that are a verb by themselves.
_VERBS = {"failed", "stepped back"}


def content_of(report: Report) -> PageContent:
    """The content of the page about ``report``."""
    runs: tuple[RunRecord, ...] = report.history.runs if report.history else ()
    timeline = report.ran.record.timeline if report.ran else None
    sentences = {check.id: check.says for check in checks().values()}
    return PageContent(
        verdict=verdict_line(report),
        score=score_card(report),
        counts={status: len(report.verdict.with_status(status)) for status in Status},
        # What the DR region has is no copy while it serves: no age of one says what is lost.
        copies=() if report.serves_from_dr else copy_ages(report.verdict.lags, report.verdict.rpo.target_s),
        tenants=tenant_table(report.tenants, report.verdict.results),
        groups=gap_groups(report),
        sentences=sentences,
        controls=_by_framework(report.verdict.results),
        schedule=dues(report.environment, runs, report.observed_at) if report.history else (),
        blocked=block_reason(report.environment, report.observed_at),
        trends=trends(runs),
        phases=phase_bars(timeline) if timeline else (),
    )


def verdict_line(report: Report) -> VerdictLine:
    """The outcome of a run or drill where there was one, else the answer to what was asked, else the readiness."""
    ran, weighed, advice = report.ran, report.assessment, report.verdict.recommendation
    # How a run ended comes before what the checks found: that is what it was called for.
    if ran is not None:
        became = ran.outcome if ran.outcome in _VERBS else f"is {ran.outcome}"
        sentence = f"The {ran.goal} of {report.environment.name.upper()} for {ran.incident} {became}."
        return VerdictLine(sentence, ran.outcome, Status.PASS if ran.outcome == "done" else Status.FAIL)
    if report.drills:
        last = report.drills[-1]
        tone = Status.PASS if last.verdict == "done" else Status.FAIL
        return VerdictLine(f"{drill_summary.headline(last)}.", last.verdict, tone)
    if weighed is not None:
        # An answer given without sight of the estate is coloured as unknown, whatever it advises.
        tone = Status.UNKNOWN if weighed.blind else _TONES[weighed.advice]
        return VerdictLine(_answer(report, weighed), str(weighed.advice).replace("_", " "), tone)
    return VerdictLine(_readiness(report), str(advice).replace("_", " "), _TONES[advice])


def _answer(report: Report, weighed: Assessment) -> str:
    unmet = [gate for gate in weighed.gates if not gate.met and not gate.relaxed]
    stopping = sum(gate.stops for gate in unmet)
    goal = f"A {weighed.plan.goal} of {report.environment.name.upper()} now"
    if not unmet:
        return f"{goal}: every gate that counts is met."
    also = f", and {stopping} of them {'stops' if stopping == 1 else 'stop'} it" if stopping else ""
    return f"{goal}: {len(unmet)} of {len(weighed.gates)} gates {'is' if len(unmet) == 1 else 'are'} not met{also}."


def _readiness(report: Report) -> str:
    verdict, name = report.verdict, report.environment.name.upper()
    could = "serves from the DR region" if report.validates else "could fail over now"
    failed, unknown = [r for r in verdict.results if fails(r)], verdict.with_status(Status.UNKNOWN)
    applicable = sum(result.status is not Status.NOT_APPLICABLE for result in verdict.results)
    if report.served_from_dr:
        return f"{name}: {report.served_sentence}. The failback ends that."
    if verdict.recommendation is Recommendation.CANNOT_SAY:
        places = [f"{place.place} {place.how}" for place in report.silent_places]
        cause = f", {' and '.join(places)}" if places else ""
        also = f", and {_failure_count(failed)}" if failed else ""
        seen = f"{len(unknown)} of {applicable} checks could not be judged{cause}{also}"
        return f"It is not known whether {name} {could}: {seen}."
    if verdict.recommendation is Recommendation.NOT_READY:
        causes = [_failure_count(failed)] if failed else []
        causes += [f"its posture is {report.posture}"] if report.posture_severity is Severity.BLOCKER else []
        negated = "does not serve from the DR region" if report.validates else "is not ready to fail over"
        return f"{name} {negated}: {' and '.join(causes)}."
    if report.left_out:
        return f"None of {applicable} checks alone fails. {report.left_out} were left out: nothing is said of them."
    if verdict.recommendation is Recommendation.AT_RISK:
        warned, accepted = verdict.with_status(Status.WARN), verdict.with_status(Status.EXCEPTED)
        parts = [f"{len(warned)} of {applicable} checks warn"] if warned else []
        parts += [f"{len(accepted)} gaps are accepted"] if accepted else []
        return f"{name} {could}, at a risk: {' and '.join(parts)}."
    return f"{name} {could}: all {applicable} checks that apply pass."


def _failure_count(failed: Sequence[CheckResult]) -> str:
    grave = sum(result.severity is Severity.BLOCKER for result in failed)
    also = f" ({grave} {'blocker' if grave == 1 else 'blockers'})" if grave else ""
    return f"{len(failed)} {'check fails' if len(failed) == 1 else 'checks fail'}{also}"


def score_card(report: Report) -> ScoreCard:
    """The score, and by what it is capped."""
    uncapped = readiness_score(report.verdict.results)
    idle = (Status.PASS, Status.WARN, Status.NOT_APPLICABLE)
    stopped = [r for r in report.verdict.results if r.severity is Severity.BLOCKER and r.status not in idle]
    causes = [f"posture {report.posture}"] if report.posture_severity is Severity.BLOCKER else []
    if stopped:
        causes.append("1 blocker did not pass" if len(stopped) == 1 else f"{len(stopped)} blockers did not pass")
    # A cap that takes nothing away is not worth a word.
    capped = uncapped > MOST_WHEN_BLOCKED and causes
    tone = _TONES[report.verdict.recommendation]
    return ScoreCard(report.verdict.score, tone, uncapped, " and ".join(causes) if capped else "")


def copy_ages(lags: Sequence[Lag], target_s: float) -> tuple[CopyAge, ...]:
    """One a store: the subject that is worst by its best mechanism; one that was not measured is worst."""
    stores: dict[str, list[Lag]] = defaultdict(list)
    for lag in best_lags(lags):
        stores[lag.store].append(lag)
    return tuple(_copy_age(store, rows, target_s) for store, rows in stores.items())


def _copy_age(store: str, rows: Sequence[Lag], target_s: float) -> CopyAge:
    # What was not measured may be the oldest, so it stands before any number.
    lag = max(rows, key=lambda row: (row.seconds is None, row.seconds or 0.0))
    return CopyAge(store, lag.subject, lag.seconds, target_s, lag.basis, len(rows), lag.missing)


def tenant_table(tenants: Sequence[str], results: Iterable[CheckResult]) -> TenantTable:
    """Where each tenant stands in each store; what has no tenant is shared by all and stands first."""
    rooms = {check.id: check.judge.__module__.split(".")[1] for check in checks().values()}
    found: dict[str | None, dict[str, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        for finding in result.findings:
            if finding.status is not Status.NOT_APPLICABLE:
                found[finding.tenant][rooms.get(result.check, "operations")].append(finding)
    # A validation judges few rooms: a column that nobody has would read as a pass.
    columns = [room for room in _COLUMNS if any(room in row for row in found.values())]
    names = [*dict.fromkeys((*tenants, *sorted(tenant for tenant in found if tenant)))]
    rows = [_tenant_row(name, columns, found[name]) for name in names]
    order = (*TROUBLED, Status.PASS, Status.NOT_APPLICABLE)
    # Those in trouble first: of 2,000 tenants nobody scrolls to the one that fails.
    rows.sort(key=lambda row: order.index(row.status))
    # What all share stands above every tenant: a fault in it is one of each.
    shared = _tenant_row(None, columns, found[None])
    return TenantTable(tuple(_COLUMNS[room] for room in columns), (shared, *rows) if columns else ())


def _tenant_row(name: str | None, columns: Sequence[str], found: Mapping[str, Sequence[Finding]]) -> TenantRow:
    cells = tuple(_tenant_cell(found[room]) if room in found else None for room in columns)
    statuses = [cell.status for cell in cells if cell]
    return TenantRow(name, cells, worst(statuses) if statuses else Status.NOT_APPLICABLE)


def _tenant_cell(findings: Sequence[Finding]) -> TenantCell:
    status = worst([finding.status for finding in findings])
    blamed = list(dict.fromkeys(finding.check for finding in findings if finding.status is status))
    return TenantCell(status, blamed[0], len(blamed))


def gap_groups(report: Report) -> tuple[GapGroup, ...]:
    """What did not pass: the causes, their effects, what the failback ends, what gave no answer, and the rest."""
    groups = []
    failed = [cause.result for cause in report.causes if not cause.warns]
    groups += [GapGroup(Status.FAIL, _cards(failed))] if failed else []
    groups += [
        _folded_group(Status.FAIL, f"Effects of {cause.result.check}", cause.effects, "They end with their cause.")
        for cause in report.causes
        if cause.effects
    ]
    groups += [
        _folded_group(Status.UNKNOWN, f"{place.place} {place.how}", place.results, _UNANSWERED)
        for place in report.silent_places
    ]
    # Each result stands once, with its cause where it has one.
    shown = {card.result.check for group in groups for card in group.cards}
    expected = [result for result in report.failback_gaps if result.check not in shown]
    if expected:
        groups.append(_folded_group(Status.WARN, "Expected until the failback", expected, "The failover made them so."))
        shown |= {result.check for result in expected}
    for status in (Status.UNKNOWN, Status.WARN, Status.EXCEPTED):
        rest = [result for result in report.verdict.with_status(status) if result.check not in shown]
        groups += [GapGroup(status, _cards(rest))] if rest else []
    return tuple(groups)


_UNANSWERED = "One cause. The checks below say nothing until there is an answer."


def _folded_group(status: Status, cause: str, results: Sequence[CheckResult], lead: str) -> GapGroup:
    return GapGroup(status, _cards(results), cause, lead)


def _cards(results: Iterable[CheckResult]) -> tuple[GapCard, ...]:
    sentences = {check.id: check.says for check in checks().values()}
    return tuple(_card(result, sentences.get(result.check, "")) for result in results)


def _card(result: CheckResult, sentence: str) -> GapCard:
    findings = telling_findings(result)
    return GapCard(result, sentence, findings, merged_remedies(finding.healing for finding in findings))


def _by_framework(results: Iterable[CheckResult]) -> dict[Framework, tuple[ControlResult, ...]]:
    rows = crosswalk(results)
    return {framework: tuple(row for row in rows if row.control.framework is framework) for framework in Framework}
