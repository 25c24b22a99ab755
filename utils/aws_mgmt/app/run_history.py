"""What a command leaves in the history of runs: best effort, for a run that cannot be recorded has still been made.

Recording needs keys that may write to the control table. A reader's run is told as it is, with a note that it does not
count for the schedule.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from dr_actions.authorization.people import person_of
from dr_actions.clients.mutating_client import SendFailed
from dr_actions.control_table.control import Control
from dr_actions.journal import journal
from dr_actions.model.plan import Goal
from dr_actions.run_history.durations import durations, sample
from dr_actions.run_history.run_history import keep, measured_of
from dr_checks.core.model import Area
from dr_checks.core.verdict import Recommendation, Verdict
from dr_estate.config.environment import Environment
from dr_estate.model.run_records import RunKind, RunRecord
from reports.values.drill_summary import Drilled
from reports.values.report import Report
from reports.values.run_summary import Ran
from utils.aws_mgmt.app.connections import AppContext, clock, open_context
from utils.aws_mgmt.app.execution import Desk
from utils.aws_mgmt.app.incident_record import past_of
from utils.aws_mgmt.app.options import Options
from utils.aws_mgmt.app.target import outlives

Notes = tuple[str, ...]


@dataclass(frozen=True)
class Proof:
    """Where a run's evidence is (the file ``name`` in ``folder``), and when the run began (UTC)."""

    folder: Path
    began: datetime
    name: str = "evidence.json"

    @property
    def digest(self) -> str:
        """SHA-256 of the evidence, "" where nothing was kept."""
        evidence = self.folder / self.name
        return hashlib.sha256(evidence.read_bytes()).hexdigest() if evidence.exists() else ""


def record(kind: RunKind, world: str, verdict: str, complete: bool, proof: Proof) -> RunRecord:
    """A run that ends now; who ran it is set when it is kept."""
    ended = clock()
    return RunRecord(
        kind=kind,
        at=ended,
        run=proof.folder.name,
        who="",
        world=world,
        verdict=verdict,
        complete=complete,
        duration_s=round((ended - proof.began).total_seconds(), 1),
        evidence=proof.digest,
        report=str(proof.folder),
    )


def judged(run_record: RunRecord, verdict: Verdict) -> RunRecord:
    """The record with what the scenarios said."""
    return replace(
        run_record,
        score=verdict.score,
        recommendation=str(verdict.recommendation),
        worst_lag_s=verdict.rpo.worst_s,
    )


def keep_apart(options: Options, env: Environment, records: tuple[RunRecord, ...]) -> Notes:
    """Record runs of a command that held nothing open. Returns notes on what was not recorded.

    Nothing is recorded of saved evidence, nor in a sandbox that ends with the command.
    """
    if not records or options.from_evidence or not outlives(options, env):
        return ()
    try:
        with open_context(options, env) as app:
            who = person_of(app.caller.arn, env)
            return tuple(
                note for run_record in records for note in keep_record(app.control, replace(run_record, who=who))
            )
    except Exception as refused:  # noqa: BLE001 - the run was made, whatever keeps it from being recorded
        return (_not_recorded(records[0], refused),)


def keep_record(control: Control, run_record: RunRecord) -> Notes:
    """Record one run. Returns a note where that failed."""
    try:
        keep(control, run_record)
    except Exception as refused:  # noqa: BLE001 - the run was made, whatever keeps it from being recorded
        return (_not_recorded(run_record, refused),)
    return ()


def keep_tests(options: Options, env: Environment, report: Report, areas: tuple[Area, ...], proof: Proof) -> Notes:
    """Record ``test``: as test-infra, test-dns or both, by the areas it looked at.

    Narrowed to tenants, or blind, it is kept but does not count.
    """
    verdict = report.verdict
    complete = not options.only_tenants and verdict.recommendation is not Recommendation.CANNOT_SAY
    looked = {RunKind.TEST_INFRA: Area.INFRASTRUCTURE in areas, RunKind.TEST_DNS: Area.DNS in areas}
    run_records = (
        record(kind, report.world, verdict.recommendation, complete, proof) for kind, yes in looked.items() if yes
    )
    return keep_apart(options, env, tuple(judged(run_record, verdict) for run_record in run_records))


def keep_recovery(desk: Desk, ran: Ran, report: Report) -> Notes:
    """Record a failover or failback that was executed, with what its journal measured."""
    goal = desk.start.plan.goal
    kind = RunKind.FAILBACK if goal is Goal.FAILBACK else RunKind.FAILOVER
    complete = ran.outcome == "done" and not desk.options.only_tenants
    proof = Proof(desk.files.folder, clock())
    run_record = record(kind, desk.app.world.name, ran.outcome, complete, proof)
    who = person_of(desk.app.caller.arn, desk.env)
    run_record = replace(judged(run_record, report.verdict), run=ran.run, incident=ran.incident, who=who)
    try:
        entries = past_of(desk.options, desk.env, ran.incident, desk.app)  # the file may be behind its mirror
        run_record = replace(run_record, **measured_of(entries, goal, ran.run))
    except (OSError, SendFailed) as unread:
        return (*keep_record(desk.app.control, run_record), f"The journal was not read for the history: {unread}")
    return keep_record(desk.app.control, run_record)


def keep_trial(app: AppContext, env: Environment, drilled: Drilled, goal: Goal, proof: Proof) -> Notes:
    """Record a restore test, with how long each of its restores took; a canary is part of the DNS test's record."""
    if goal is not Goal.RESTORE_TEST:
        return ()
    run_record = record(RunKind.RESTORE_TEST, app.world.name, drilled.verdict, drilled.verdict == "done", proof)
    return keep_record(app.control, _drilled(run_record, env, app, drilled))


def keep_drill(desk: Desk, drilled: Drilled, report: Report) -> Notes:
    """Record a full drill, with its measured recovery time and phases.

    One that was cleaned up after before it went there and back leaves its record, and counts for no schedule.
    """
    app, proof = desk.app, Proof(desk.files.folder, clock())
    complete = drilled.verdict == "done" and drilled.went_there_and_back
    run_record = record(RunKind.FULL_DRILL, app.world.name, drilled.verdict, complete, proof)
    return keep_record(app.control, _drilled(judged(run_record, report.verdict), desk.env, app, drilled))


def _drilled(run_record: RunRecord, env: Environment, app: AppContext, drilled: Drilled) -> RunRecord:
    phases_s = {f"{phase.part}: {phase.phase}": phase.seconds for phase in drilled.phases if phase.seconds is not None}
    entries = journal.read(drilled.journal, env.name, drilled.incident).entries if drilled.journal else ()
    runs = dict.fromkeys(entry.run for entry in entries)
    steps: dict[str, tuple[float, ...]] = {}
    for run in runs:
        for verb, taken in durations(entries, run).items():
            steps[verb] = sample((*steps.get(verb, ()), *taken))
    return replace(
        run_record,
        who=person_of(app.caller.arn, env),
        rto_s=drilled.rto_s,
        duration_s=round(drilled.took_s, 1),
        phases=phases_s,
        steps=steps,
        incident=drilled.incident,
    )


def _not_recorded(run_record: RunRecord, why: Exception) -> str:
    return (
        f"This {run_record.kind} was not recorded in the control table, so the schedule does not count it: {why} "
        "Run it with keys that may write there (the operator's)."
    )
