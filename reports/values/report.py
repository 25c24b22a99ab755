"""The account of one run: the value every renderer is given."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from dr_actions.assessment.failover import Assessment
from dr_actions.authorization.rules import EffectiveRules
from dr_actions.model.plan import Goal
from dr_checks.core.exceptions import ExceptionRule, loose_exceptions
from dr_checks.core.model import Area, CheckResult, Lag, Remedy, Severity, Status, merged_remedies
from dr_checks.core.readiness_gate import GateCause, GateResult, JudgedSubject, StatusChange
from dr_checks.core.verdict import Recommendation, RecoveryPointResult, Verdict, best_lags
from dr_checks.derived.due import ScheduledTest
from dr_checks.posture.causes import Cause, Unanswered, causes_of, silent_places
from dr_checks.posture.posture import SERVED_BY_DR, Posture, PostureName
from dr_checks.posture.until_failback import expected_results, unexpected_results
from dr_checks.posture.visitor_access import VisitorAccess
from dr_estate.config.environment import Environment, Side
from dr_estate.model.control_items import DatabaseRecord, ItemKind
from dr_estate.model.invocation import Invocation
from dr_estate.model.recovery_document import WaitingStart
from dr_estate.readers.control_table import BEGUN, ControlState, RunHistory
from dr_estate.snapshot.snapshot import SnapshotPart
from reports.values.drill_summary import DrillSummary
from reports.values.run_summary import RunSummary

# What second persons approved for an incident, and what became of each approval.


class ApprovalState(StrEnum):
    """What became of an approval."""

    RUN = "run"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class GivenApproval:
    """An approval of the plan ``digest``, from ``at`` until ``expires_at`` (UTC), and what became of it.

    ``started`` are the runs that AWS was let start by it, a line each, with what of the rules each set aside;
    ``overrides`` are the gates that were approved to be set aside with the plan.
    """

    incident: str
    person: str
    digest: str
    at: datetime
    expires_at: datetime
    state: ApprovalState
    started: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()


def state_of(
    approval: tuple[str, datetime, datetime], now: datetime, begun: Iterable[tuple[str, datetime]], *, withdrawn: bool
) -> ApprovalState:
    """What became of an approval: its digest, and from when until when it is good; ``begun`` are runs by digest.

    A withdrawn one stays withdrawn where its plan was run before: that the run may not go on is what counts.
    """
    digest, since, until = approval
    if withdrawn:
        return ApprovalState.WITHDRAWN
    # A run outside the approval's time went by another approval of the same plan.
    if any(plan == digest and since <= at < until for plan, at in begun):
        return ApprovalState.RUN
    return ApprovalState.LAPSED if until <= now else ApprovalState.NOT_RUN


# Whether the recovery point's objective is met, in words, with the reason that no age of a copy shows.

_MANY = 3


def objective_answer(rpo: RecoveryPointResult, lags: Iterable[Lag]) -> str:
    """Met, not met or not known. A store without any copy is named: the worst age beside it may be good."""
    lags = tuple(lags)
    if rpo.compliant is not False:
        return "met" if rpo.compliant else "not known"
    # Before the ages: a blocker of a copy is why it is not met, however young the copy is.
    if rpo.blocked_by:
        more = f" and {len(rpo.blocked_by) - 1} more" if len(rpo.blocked_by) > 1 else ""
        return f"NOT MET, blocker {rpo.blocked_by[0]}{more}"
    best = best_lags(lags)
    lost = sorted({f"{lag.store} {lag.subject}" for lag in lags if lag.missing and _is_unmeasured(lag, best)})
    named = ", ".join(lost[:_MANY]) + (f" and {len(lost) - _MANY} more" if len(lost) > _MANY else "")
    return f"NOT MET, no copy of {named}" if lost else "NOT MET"


def _is_unmeasured(missing: Lag, best: Iterable[Lag]) -> bool:
    store = (missing.store, missing.subject, missing.tenant)
    return any(lag.seconds is None for lag in best if (lag.store, lag.subject, lag.tenant) == store)


# What to do next as two values: an explanation for people, and one line for a shell. Pure.

_COMMAND = re.compile("`([^`]+)`")
_RUNS = re.compile(
    r"(?:\S*python\S* |dr |dr_cli\.py |aws [a-z]|(?:# not in a sandbox: )?crane copy |AWS_ENDPOINT_URL=|"
    r"[^ ]*(?:terraform|tofu) )"
)


def next_line(text: str) -> tuple[str, str]:
    """The explanation and the command of what comes next; the command is "" where a person does something else.

    The first command of the text is the line. What stands behind it explains it; where it stands amid a sentence, the
    sentence says "the command below" in its place.
    """
    found = next((match for match in _COMMAND.finditer(text) if _RUNS.match(match[1])), None)
    if found is None:
        return text, ""
    before, after = text[: found.start()].strip(), text[found.end() :].strip()
    if not before:
        return after[:1].upper() + after[1:], found[1]
    if after.strip(".") == "":
        return before, found[1]
    words = "The command below" if before.endswith(".") else "the command below"
    return f"{before} {words} {after}", found[1]


SCHEMA = "aws-dr-manager/report/1"
# The title of a run's folder among its files.
RUN_FOLDER = "Results"
_TO_DR = (Goal.FAILOVER, Goal.SWITCHOVER)
_SERVED_BY_PRIMARY = (PostureName.NORMAL, PostureName.DEGRADED)


@dataclass(frozen=True)
class Report:
    """What was looked at, what was judged, and what that means. ``observed_at`` is UTC; ``exit`` the exit code.

    ``assessment`` is there where a failover or a failback was weighed, ``ran`` where it was executed.
    ``files`` are the run's own, by title; ``notes`` what kept one from being made, or the run from being recorded,
    and what of an earlier look was used.
    ``standing`` is what stands in the control table, None where that could not be read. ``drills`` were held with it.
    ``invocation`` completes the commands in the plan's notes, which are recorded bare. ``posture_severity``,
    ``posture_next`` and ``to_fence`` are the posture's own (dr_checks/posture). ``database`` is what the primary
    region's is like, None where the posture is not NORMAL or it was not seen. ``rules`` are those it was judged by.
    ``next_step`` is what to do now: a sentence, mostly with a bare command. ``every_finding``: a page for people lists
    those of one cause one by one, too. ``writers`` says which region's database takes writes, ``writer``
    is the one side that does, None where none, both, or not known. ``gate`` is how the run
    came out by a pipeline's rules, where it was given some. ``scheduled_tests`` and ``history``, the recorded runs, are
    None where the runs on record could not be read. ``left_out`` counts the checks that were not asked for, by name or
    severity: what is said holds of the others alone. ``evidence`` is the SHA-256 of what was observed. ``silent`` are
    the regions of which no service answers; ``served`` how many of the tenants' sites the DR region answers, while its
    database takes the writes, None where that is not so, or was not seen. ``decide_by`` is until when a failover can
    be decided upon and still keep the recovery time objective, None where no outage with a begin was seen.
    ``visitors`` is what they can do, None in a report that nothing was observed for. ``waiting`` are the runs that wait
    for an approver in AWS. ``caller`` is who looked, "" where
    AWS did not say.
    """

    command: str
    environment: Environment
    world: str
    observed_at: datetime
    posture: PostureName
    posture_says: str
    tenants: tuple[str, ...]
    verdict: Verdict
    unseen: tuple[SnapshotPart, ...]
    exceptions: tuple[ExceptionRule, ...]
    api_calls: int
    exit: int
    files: dict[str, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    left_out: int = 0
    assessment: Assessment | None = None
    ran: RunSummary | None = None
    standing: ControlState | None = None
    drills: tuple[DrillSummary, ...] = ()
    invocation: Invocation = field(default_factory=Invocation)
    posture_severity: Severity | None = None
    posture_next: str = ""
    writers: str = ""
    writer: Side | None = None
    to_fence: Side | None = None
    database: DatabaseRecord | None = None
    rules: EffectiveRules | None = None
    next_step: str = ""
    every_finding: bool = False
    gate: GateResult | None = None
    scheduled_tests: tuple[ScheduledTest, ...] | None = None
    history: RunHistory | None = None
    evidence: str = ""
    approvals: tuple[GivenApproval, ...] = ()
    silent: frozenset[str] = frozenset()
    decide_by: datetime | None = None
    served: tuple[int, int] | None = None
    visitors: VisitorAccess | None = None
    caller: str = ""
    waiting: tuple[WaitingStart, ...] = ()

    @property
    def in_force(self) -> list[str]:
        """A sentence for each run that waits for an approver, and for each thing that stands in the control table."""
        standing = control_sentences(self.standing, self.observed_at) if self.standing else ()
        return [self.invocation.complete(text) for text in (*(start.says for start in self.waiting), *standing)]

    @property
    def first_line(self) -> str:
        """What visitors can do, with the command that ends an outage; "" where nothing was observed."""
        return self.invocation.complete(self.visitors.line) if self.visitors else ""

    @property
    def whole_posture(self) -> Posture:
        """The posture as it was observed."""
        return Posture(self.posture, self.posture_says, self.posture_severity, self.to_fence, self.posture_next)

    @property
    def alarm(self) -> str:
        """The line after the first where the posture is a fault by itself: how bad, what, and what comes next."""
        if self.posture_severity is None:
            return ""
        next_step = "" if self.visitors and self.visitors.command else self.posture_next  # the first line has it
        message = f"{self.posture_severity.upper()}: posture {self.posture}: {self.posture_says} {next_step}"
        return self.invocation.complete(message.rstrip())

    @property
    def validates(self) -> bool:
        """Whether nothing but the service after a failover was judged."""
        return {result.area for result in self.verdict.results} == {Area.VALIDATION}

    @property
    def judges_prerequisites_alone(self) -> bool:
        """Whether nothing but what a run itself needs was judged, as before a failback: the score is of that."""
        return {result.area for result in self.verdict.results} == {Area.PREREQUISITES}

    @property
    def is_record(self) -> bool:
        """Whether it is an incident's record, for which nothing was observed and no check was judged."""
        return self.command == "report" and self.ran is not None

    @property
    def title(self) -> str:
        """What the checks' part is about: the status before a failover, or the validation after one."""
        if self.left_out:
            judged = len(self.verdict.results)
            return f"DR status by {judged} {'check' if judged == 1 else 'checks'} alone"
        if self.judges_prerequisites_alone:
            return "Prerequisites"
        return "DR validation" if self.validates else "DR status"

    def by_area(self) -> dict[Area, list[CheckResult]]:
        """The results of each area that was run, in the areas' order."""
        results = self.verdict.results
        grouped = {area: [result for result in results if result.area is area] for area in Area}
        return {area: rows for area, rows in grouped.items() if rows}

    @cached_property
    def unexpected_results(self) -> tuple[CheckResult, ...]:
        """The results without what only the failback ends: where no failover is in force, all of them."""
        return unexpected_results(self.verdict.results)

    @cached_property
    def failback_gaps(self) -> tuple[CheckResult, ...]:
        """The gaps that a failover made and the failback ends."""
        return expected_results(self.verdict.results)

    @cached_property
    def causes(self) -> tuple[Cause, ...]:
        """What is wrong, the gravest first, each cause before the checks that it explains."""
        return causes_of(self.unexpected_results)

    @cached_property
    def silent_places(self) -> tuple[Unanswered, ...]:
        """The regions and services that gave no answer, with the checks that nothing else keeps from being judged."""
        return silent_places(self.verdict.with_status(Status.UNKNOWN), self.silent)

    @property
    def since(self) -> datetime | None:
        """From when on the posture lasts, as far as something shows it: a failover's end, or a cause of an outage."""
        if self.serves_from_dr:
            return self.unprotected_since
        if self.posture not in (PostureName.IMPAIRED, PostureName.DEGRADED, PostureName.PRIMARY_LOST):
            return None
        of_cause = self.causes[0].since if self.causes else None
        return of_cause or (self.visitors.since if self.visitors else None)

    @property
    def unprotected_since(self) -> datetime | None:
        """From when on the data of the DR region has no copy, None where that is not on record."""
        incident = self.standing.known_incident if self.standing else None
        return incident.unprotected_since if incident else None

    def exception_state(self, rule: ExceptionRule) -> str:
        """Whether an accepted gap is ``applied``, ``unused``, or ``expired`` on the day of the report."""
        if self.observed_at.date() > rule.until:
            return "expired"
        excepted = self.verdict.with_status(Status.EXCEPTED)
        return "applied" if any(result.check == rule.check for result in excepted) else "unused"

    @property
    def loose_exceptions(self) -> list[str]:
        """A sentence on each exception in force that accepts whatever is found, or does so for more than a year."""
        return [f"Accepted: {named}." for named in loose_exceptions(self.exceptions, self.observed_at.date())]

    @property
    def applied_exceptions(self) -> list[ExceptionRule]:
        """The exceptions that met a finding."""
        return [rule for rule in self.exceptions if self.exception_state(rule) == "applied"]

    @property
    def serves_from_dr(self) -> bool:
        """Whether a failover is in force: what the DR region has is no copy, and no age of one says what is lost."""
        return self.posture in SERVED_BY_DR

    @property
    def served_from_dr(self) -> bool:
        """Whether the answer is about what the DR region serves, and about no standby."""
        return self.verdict.recommendation is Recommendation.UNPROTECTED

    @property
    def served_tenants(self) -> str:
        """How many tenants the DR region serves."""
        if self.served is None:
            return f"{self.environment.regions.dr} serves; how many tenants was not seen"
        return f"{self.environment.regions.dr} serves {self.served[0]} of {self.served[1]} tenants"

    @property
    def served_sentence(self) -> str:
        """How many tenants the DR region serves, and from when on its data has no copy."""
        since = self.unprotected_since
        return f"{self.served_tenants}{f'; unprotected since {since:%Y-%m-%d %H:%M} UTC' if since else ''}"

    @property
    def before_remedies(self) -> str:
        """What to know before any remedy, so that none by hand undoes a failover, or begins one that nobody wants."""
        regions = self.environment.regions
        if not self.recommendations():
            return ""
        begun = self.standing.known_incident if self.standing else None
        # A half-done failover looks like gaps: their remedies would take it back.
        if begun and begun.phase == BEGUN and begun.goal in _TO_DR and not self.serves_from_dr:
            return (
                f"The {begun.goal} of {begun.id} has begun: what it made is a gap of the estate of before, and what "
                f"restores that estate may take it back. Go on with the {begun.goal} first."
            )
        if self.validates and self.posture in _SERVED_BY_PRIMARY and not (self.standing and self.standing.incident):
            return (
                f"Nothing was failed over, and {regions.primary} serves: run now, these remedies would stop it or end "
                f"the protection of its data. `dr_cli.py failover` weighs a failover."
            )
        if self.validates or not self.serves_from_dr or self.writer is Side.PRIMARY:
            return ""
        return (
            f"{regions.dr} serves: a remedy that restores the state of before the failover may overwrite newer data or "
            f"send visitors to {regions.primary}. `dr_cli.py failback` restores it in order."
        )

    @property
    def measures_copies(self) -> bool:
        """Whether the age of the copies was judged, and says what would be lost."""
        judged = Area.REPLICATION in {result.area for result in self.verdict.results}
        return not self.serves_from_dr and (judged or bool(self.verdict.lags))

    def recommendations(self) -> tuple[Remedy, ...]:
        """What to do, the gravest cause first, each remedy once; what a cause explains needs none of its own."""
        return merged_remedies([remedy for cause in self.causes for remedy in cause.remedies])


_REFUSAL_SHOWN = timedelta(days=1)  # a refusal: who ordered the run has long read it then


def control_sentences(control_state: ControlState, now: datetime) -> Iterator[str]:
    """Each thing that stands, as a sentence; nothing where nothing does."""
    if pause := control_state.pause:
        yield f"PAUSED: all runs are stopped by {pause.who}{pause.since}: {pause.why}"
    for item in control_state.unreadable:
        if item.kind is not ItemKind.PAUSE:  # said already
            yield f"UNREADABLE: {item.says}"
    if incident := control_state.known_incident:
        since = incident.unprotected_since
        bare = f", unprotected since {since:%Y-%m-%d %H:%M} UTC" if since else ""
        yield f"incident {incident.id} is open since {incident.since:%Y-%m-%d %H:%M} UTC ({incident.stands_at}){bare}"
    refused, last = control_state.refused_start, control_state.known_run
    if refused and timedelta(0) <= now - refused.at < _REFUSAL_SHOWN and (last is None or last.taken_at < refused.at):
        when = f"{refused.at:%Y-%m-%d %H:%M} UTC"
        yield f"REFUSED: the run for {refused.incident} that AWS started began nothing ({when}): {refused.says}"
    for override in control_state.overrides:
        if override.in_force(now):
            until = f"until {override.until:%Y-%m-%d %H:%M} UTC"
            by = f"{override.by} ({override.arn})" if override.arn else override.by
            yield f"override of {override.gate} by {by} for {override.incident}, {until}: {override.why}"


def control_to_dict(control_state: ControlState | None) -> dict[str, Any] | None:
    """The key ``control_state`` of the JSON report; null where the control table could not be read."""
    if control_state is None:
        return None
    incident = asdict(control_state.known_incident) if control_state.known_incident else None
    if incident is not None:
        del incident["staged"]  # the printed command that continues the incident shows it
    return {
        "pause": asdict(control_state.pause) if control_state.pause else None,
        "incident": incident,
        "overrides": [asdict(override) for override in control_state.overrides],
        "unreadable": [asdict(item) for item in control_state.unreadable],
    }


def gate_sentence(gate: GateResult, score: int) -> str:
    """Whether the pipeline goes on, and what stops it."""
    reasons = [_count_text(gate.stopping, "new " if gate.rules.baseline else "")] if gate.stopping else []
    if GateCause.SCORE in gate.causes:
        reasons.append(f"score {score} is below {gate.rules.min_score}")
    if GateCause.POSTURE in gate.causes:
        reasons.append("the posture is a fault by itself")
    if GateCause.NOTHING_JUDGED in gate.causes:
        reasons.append("nothing was judged")
    # Known gaps are counted where the gate passes too: a baseline must not hide them.
    known = [f"{len(gate.known)} known from {gate.rules.baseline.name}"] if gate.rules.baseline and gate.known else []
    return f"{'passed' if gate.passes else 'STOPPED'}: {'; '.join([*reasons, *known]) or 'nothing stops'}"


def _count_text(rows: tuple[JudgedSubject, ...], new: str) -> str:
    counts = Counter(row.status for row in rows)
    words = {Status.FAIL: "failed", Status.UNKNOWN: "not seen", Status.WARN: "warned of"}
    return ", ".join(f"{count} {new}{words[status]}" for status, count in counts.items())


def gate_to_dict(gate: GateResult) -> dict[str, Any]:
    """The gate as plain values, for JSON."""
    rules = gate.rules
    return {
        "passed": gate.passes,
        "fail_on": rules.fail_on,
        "min_score": rules.min_score,
        "baseline": {"file": rules.baseline.name, "observed_at": rules.baseline.observed_at}
        if rules.baseline
        else None,
        "causes": sorted(gate.causes),
        "stopping": [_subject(row) | {"status": row.status} for row in gate.stopping],
        "known": [_subject(row) | {"status": row.status} for row in gate.known],
        "changes": [_subject(change) | {"before": change.before, "after": change.after} for change in gate.changes],
    }


def _subject(row: JudgedSubject | StatusChange) -> dict[str, Any]:
    key = row.key
    return {"check": key.check, "side": key.side, "subject": key.subject, "tenant": key.tenant}
