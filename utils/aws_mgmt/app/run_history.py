"""Records a command in the run history: best effort, for a run that cannot be recorded took place all the same.

Recording needs keys that may write to the control table. A run with read-only keys is reported as it is, with a note
that it does not count for the schedule.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dr_actions.authorization.people import person_of
from dr_actions.clients.mutating_client import GuardRefused
from dr_actions.control_table.control import ControlStore
from dr_actions.journal import journal
from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.model.plan import NO_RECOVERY, Goal, SendFailed
from dr_actions.run_history.durations import durations, sample
from dr_actions.run_history.run_history import measurements_of, write_record
from dr_checks.core.model import Area, Status
from dr_checks.core.verdict import Recommendation, Verdict
from dr_estate.aws.clock import WorldClock
from dr_estate.config.environment import Environment
from dr_estate.model.control_items import DatabaseRecord
from dr_estate.model.run_records import RunKind, RunRecord
from reports.values.drill_summary import DrillSummary
from reports.values.report import Report
from reports.values.run_summary import RunSummary
from utils.aws_mgmt.app.connections import AppContext, open_context
from utils.aws_mgmt.app.execution import RunContext
from utils.aws_mgmt.app.incident_record import entries_of_incident
from utils.aws_mgmt.app.options import Options
from utils.aws_mgmt.app.target import outlives

Notes = tuple[str, ...]
_RECORDED_TRIALS = {Goal.RESTORE_TEST: RunKind.RESTORE_TEST, Goal.START_TEST: RunKind.START_TEST}
_LONGEST_REASON = 1000  # ECS's own, of which an item of 400 KB holds one for each of 300 tenants


@dataclass(frozen=True)
class RunEvidence:
    """Where a run's evidence is (the file ``name`` in ``folder``), and when the run began by the ``clock``'s count."""

    folder: Path
    clock: WorldClock
    began_s: float
    name: str = "evidence.json"

    @property
    def digest(self) -> str:
        """SHA-256 of the evidence, "" where nothing was kept."""
        evidence = self.folder / self.name
        return hashlib.sha256(evidence.read_bytes()).hexdigest() if evidence.exists() else ""


def record(kind: RunKind, world: str, verdict: str, complete: bool, proof: RunEvidence) -> RunRecord:
    """A run that ends now; who ran it is set when it is kept."""
    return RunRecord(
        kind=kind,
        at=proof.clock.now(),
        run=proof.folder.name,
        who="",
        world=world,
        verdict=verdict,
        complete=complete,
        duration_s=round(proof.clock.monotonic() - proof.began_s, 1),
        evidence=proof.digest,
        report=str(proof.folder),
    )


def with_verdict(run_record: RunRecord, verdict: Verdict) -> RunRecord:
    """The record with what the scenarios said."""
    return replace(
        run_record, score=verdict.score, recommendation=str(verdict.recommendation), worst_lag_s=verdict.rpo.worst_s
    )


def record_runs(
    options: Options, env: Environment, records: tuple[RunRecord, ...], database: DatabaseRecord | None = None
) -> Notes:
    """Record runs of a command that held nothing open, and what the database is like. Returns notes on what was not.

    Nothing is recorded of saved evidence, nor in a sandbox that ends with the command.
    """
    if not records or options.from_evidence or not outlives(options, env):
        return ()
    try:
        # Opened here, at the end: a command that only looks needs no keys that may write until it is over.
        with open_context(options, env) as app:
            who = person_of(app.caller.arn, env)
            notes = [note for run_record in records for note in record_run(app.control, replace(run_record, who=who))]
            return (*notes, *(remember(app.control, database) if not notes else ()))
    except Exception as refused:  # noqa: BLE001 - the run was made, whatever keeps it from being recorded
        return (_unrecorded_sentence(records[0], refused),)


def record_run(control: ControlStore, run_record: RunRecord) -> Notes:
    """Record one run. Returns a note where that failed."""
    try:
        write_record(control, run_record)
    except Exception as refused:  # noqa: BLE001 - the run was made, whatever keeps it from being recorded
        return (_unrecorded_sentence(run_record, refused),)
    return ()


def remember(control: ControlStore, database: DatabaseRecord | None) -> Notes:
    """Remember what the primary's database is like, for the day it cannot be seen. Returns a note where that failed."""
    if database is None:
        return ()
    try:
        control.remember(database)
    except (SendFailed, GuardRefused) as refused:
        return (f"What {database.identifier} is like was not remembered in the control table: {refused}",)
    return ()


def record_tests(
    options: Options, env: Environment, report: Report, areas: tuple[Area, ...], proof: RunEvidence
) -> Notes:
    """Record ``test``: as test-infra, test-dns or both, by the areas it looked at; remember the primary's database.

    Narrowed to tenants, or blind, it is kept but does not count.
    """
    verdict = report.verdict
    seen = verdict.recommendation is not Recommendation.CANNOT_SAY and not verdict.with_status(Status.UNKNOWN)
    # A blind test does not count for the schedule: else a region that is silent would pass as tested.
    complete = not options.only_tenants and seen
    looked = {RunKind.TEST_INFRA: Area.INFRASTRUCTURE in areas, RunKind.TEST_DNS: Area.DNS in areas}
    run_records = (
        record(kind, report.world, verdict.recommendation, complete, proof) for kind, yes in looked.items() if yes
    )
    database = None if options.acts else report.database  # a driller's keys write nothing that a recovery reads
    return record_runs(options, env, tuple(with_verdict(run_record, verdict) for run_record in run_records), database)


def record_recovery(context: RunContext, summary: RunSummary, report: Report) -> Notes:
    """Record an executed failover or failback, with what its journal measured, and the primary region's database."""
    goal = context.start.plan.goal
    if goal in NO_RECOVERY:
        return ()  # no recovery: its journal and the incident have it
    kind = RunKind.FAILBACK if goal is Goal.FAILBACK else RunKind.FAILOVER
    complete = summary.outcome == "done" and not context.options.only_tenants
    proof = _run_evidence(context)
    run_record = record(kind, context.app.world.name, summary.outcome, complete, proof)
    who = person_of(context.app.caller.arn, context.env)
    run_record = replace(with_verdict(run_record, report.verdict), run=summary.run, incident=summary.incident, who=who)
    try:
        entries = entries_of_incident(
            context.options, context.env, summary.incident, context.app
        )  # the file may be behind its mirror
        run_record = replace(run_record, **measurements_of(entries, goal, summary.run))
    except (OSError, SendFailed) as unread:
        return (*record_run(context.app.control, run_record), f"The journal was not read for the history: {unread}")
    return (*record_run(context.app.control, run_record), *remember(context.app.control, report.database))


def record_trial(app: AppContext, env: Environment, summary: DrillSummary, goal: Goal, proof: RunEvidence) -> Notes:
    """Record a restore test or a start test, with what it measured; a canary is part of the DNS test's record."""
    if goal not in _RECORDED_TRIALS:
        return ()
    run_record = record(_RECORDED_TRIALS[goal], app.world.name, summary.verdict, summary.verdict == "done", proof)
    return record_run(app.control, _drill_record(run_record, env, app, summary))


def record_drill(context: RunContext, summary: DrillSummary, report: Report) -> Notes:
    """Record a full drill, with its measured recovery time and phases.

    One that was cleaned up after before it went there and back leaves its record, and counts for no schedule.
    """
    app, proof = context.app, _run_evidence(context)
    complete = summary.verdict == "done" and summary.went_there_and_back
    run_record = record(RunKind.FULL_DRILL, app.world.name, summary.verdict, complete, proof)
    return record_run(app.control, _drill_record(with_verdict(run_record, report.verdict), context.env, app, summary))


def _run_evidence(context: RunContext) -> RunEvidence:
    """Return the evidence of a run whose own record states how long it took."""
    return RunEvidence(context.files.folder, context.app.clock, context.app.clock.monotonic())


def _drill_record(run_record: RunRecord, env: Environment, app: AppContext, summary: DrillSummary) -> RunRecord:
    phases_s = {f"{phase.part}: {phase.phase}": phase.seconds for phase in summary.phases if phase.seconds is not None}
    entries = journal.read(summary.journal, env.name, summary.incident).entries if summary.journal else ()
    runs = dict.fromkeys(entry.run for entry in entries)
    steps: dict[str, tuple[float, ...]] = {}
    for run in runs:
        for action, taken in durations(entries, run).items():
            steps[action] = sample((*steps.get(action, ()), *taken))
    return replace(
        run_record,
        who=person_of(app.caller.arn, env),
        rto_s=summary.rto_s,
        duration_s=round(summary.took_s, 1),
        phases=phases_s,
        steps=steps,
        incident=summary.incident,
        starts=_starts(entries) if run_record.kind is RunKind.START_TEST else {},
    )


def _starts(entries: Sequence[Entry]) -> dict[str, str]:
    """Why the task of each tenant did not start, "" where it did: the last word of its step in the journal."""
    ends, tenants = {EntryKind.CONFIRMED, EntryKind.FAILED, EntryKind.LATE}, dict[str, str]()
    starts = dict[str, str]()
    for entry in entries:
        if entry.kind is EntryKind.BEGIN and entry.data["plan"]["goal"] == Goal.START_TEST:
            tenants = {step["id"]: step["tenant"] for step in entry.plan_steps if step.get("tenant")}
        elif entry.kind in ends and entry.step in tenants:
            reason = (
                "" if entry.kind is EntryKind.CONFIRMED else str(entry.data.get("says") or "no reason is on record")
            )
            starts[tenants[entry.step]] = reason[:_LONGEST_REASON]
    return starts


def _unrecorded_sentence(run_record: RunRecord, why: Exception) -> str:
    return (
        f"This {run_record.kind} was not recorded in the control table, so the schedule does not count it: {why} "
        "Run it with keys that may write there (the operator's)."
    )
