"""The whole report of an incident from its record: mirror or journal, approvals, runs on record.

It needs no file of the machine that ran, so that another one can make it, also a year later. No check is shown, for
nothing is observed, and nothing counts as passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from dr_actions.authorization.approvals import StartApproval, override_line
from dr_actions.authorization.clearance import Approval
from dr_actions.authorization.people import person_of
from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.journal.timeline import REACHED
from dr_actions.model import plan as plans
from dr_checks.core.verdict import verdict_of
from dr_checks.posture.posture import PostureName
from dr_estate.config.environment import Environment, Side
from dr_estate.model.run_records import RunKind, RunRecord
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import control_table
from reports.values.report import GivenApproval, Report, state_of
from reports.values.run_summary import RunSummary, journaled_run
from utils.aws_mgmt.app import evaluation, next_steps
from utils.aws_mgmt.app.connections import AppContext
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.incident_record import all_journals, entries_of_incident, last_beginning
from utils.aws_mgmt.app.options import Options

# What was approved for an incident, for the report: each approval, and what became of it.


def with_approvals(report: Report, options: Options, incident: str, app: AppContext) -> Report:
    """The report with the incident's approvals, the newest first; with a note where they cannot be read."""
    env, now = app.env, app.clock.now()
    if not incident or env.approvals.people == 1:
        return report
    try:
        entries = entries_of_incident(options, env, incident, app)
        rows, starts = app.approvals.history_of(incident), app.approvals.starts(incident)
    except Exception as unread:  # noqa: BLE001 - what was run or assessed stands, whatever keeps this from being read
        return replace(report, notes=(*report.notes, f"What was approved for {incident} was not read: {unread}"))
    approvals = [row for row, _ in rows]
    begun = [(str(entry.data.get("digest")), entry.at) for entry in entries if entry.kind is EntryKind.BEGIN]
    given = (
        GivenApproval(
            incident,
            person_of(row.arn, env),
            row.digest,
            row.at,
            row.expires_at,
            state_of((row.digest, row.at, row.expires_at), now, begun, withdrawn=withdrawn),
            tuple(line for start in starts if _upon(start, approvals) is row for line in _start_lines(start)),
            tuple(map(override_line, row.overrides)),
        )
        for row, withdrawn in rows
    )
    return replace(report, approvals=tuple(sorted(given, key=lambda row: row.at, reverse=True)))


def _start_lines(start: StartApproval) -> Iterator[str]:
    """The execution, or that a run went on, and what was set aside by it."""
    aside = "" if start.set_aside else ": nothing set aside"
    yield f"{start.execution or 'went on'} at {start.at:%Y-%m-%d %H:%M} UTC{aside}"
    yield from start.set_aside


def _upon(start: StartApproval, approvals: Iterable[Approval]) -> Approval | None:
    """The approver's newest approval of the plan before it was let start."""
    own = [row for row in approvals if (row.userid, row.digest) == (start.userid, start.digest) and row.at <= start.at]
    return max(own, key=lambda row: row.at, default=None)


_DRILLS = (RunKind.FULL_DRILL, RunKind.RESTORE_TEST)
_READ = frozenset({control_table.runs.name, control_table.standing.name, control_table.begin.name})


def incident_report(options: Options, env: Environment, app: AppContext, incident: str) -> Report:
    """The report of the incident's last run. Raises UsageError where no run of it is on record."""
    entries = entries_of_incident(options, env, incident, app)
    journals = all_journals(options)  # on another machine than the runs' there is none
    ran = summary_of(entries, env, incident, journals if journals.is_dir() else None)
    if ran is None:
        where = env.named(env.names.control_table)
        raise UsageError(f"No run of {incident} is on record in {env.name}, here or in the table {where}.")
    report = Report(
        command="report",
        environment=env,
        world=app.world.id.full_name,
        observed_at=entries[-1].at,
        posture=PostureName.BLIND,
        posture_says="this is the record of a run: nothing was observed for it.",
        tenants=(),
        verdict=verdict_of((), (), env.objectives.rpo_minutes * 60.0),
        unseen=(),
        exceptions=(),
        api_calls=0,
        exit=ran.exit,
        ran=ran,
        rules=evaluation.rules_of(options, env),
        invocation=next_steps.invocation_of(options),
        next_step=str(next_steps.NextStep(next_steps.evidence_of(incident), "makes one signed archive of it")),
    )
    with suppress(DataUnavailable):
        seen = app.world.observe(env, only=_READ)
        report = replace(
            report,
            standing=evaluation.standing_with_overrides(seen),
            history=seen.get_if_seen(control_table.runs, Side.DR),
        )
    return with_approvals(report, options, incident, app)


def last_drill(report: Report) -> RunRecord | None:
    """The newest drill before the incident's run; None where none is on record."""
    runs = report.history.runs if report.history else ()
    return max(
        (run for run in runs if run.kind in _DRILLS and run.at <= report.observed_at),
        key=lambda run: run.at,
        default=None,
    )


def runs_on_record(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Each run of a journal: its id, what it was for, and how it ended ("" where it ended without a word)."""
    runs: dict[str, dict[str, Any]] = {}
    goal = ""
    for entry in entries:
        if entry.kind is EntryKind.BEGIN:
            goal = str(entry.data["plan"]["goal"])
        if entry.kind in (EntryKind.BEGIN, EntryKind.RESUMED):
            runs[entry.run] = {"run": entry.run, "goal": goal, "outcome": ""}
        elif entry.kind is EntryKind.END and entry.run in runs:
            runs[entry.run]["outcome"] = str(entry.data.get("outcome", ""))
    return list(runs.values())


def summary_of(entries: Sequence[Entry], env: Environment, incident: str, journals: Path | None) -> RunSummary | None:
    """The ending of the last run as the journal has it; None where no plan began, or none that this version reads."""
    begun = last_beginning(entries)
    if begun is None:
        return None
    with suppress(LookupError, TypeError, ValueError, AttributeError):
        plan, own = plans.from_json(begun.data["plan"]), [entry for entry in entries if entry.seq >= begun.seq]
        end = next((entry.data for entry in reversed(own) if entry.kind is EntryKind.END), {})
        cleared = begun.data.get("clearance", {})
        outcome = str(end.get("outcome") or "ended without a word")
        return RunSummary(
            incident=incident,
            run=own[-1].run,
            outcome=outcome,
            says=str(end.get("says", "")),
            digest=str(begun.data.get("digest", "")),
            operator=str(cleared.get("operator") or ""),
            approver=str(cleared.get("approver") or ""),
            degraded=tuple(_about(entry) for entry in own if entry.kind in (EntryKind.FAILED, EntryKind.LATE)),
            undone=tuple(_about(entry) for entry in own if entry.kind is EntryKind.UNDONE),
            overrides=tuple(str(entry.data["gate"]) for entry in entries if entry.kind is EntryKind.OVERRIDE),
            mutations=sum(entry.kind is EntryKind.OUTCOME for entry in own),
            journal=journals,
            exit=Exit.READY if outcome in REACHED else Exit.ACTION_FAILED,
            goal=str(plan.goal),
            approved_at=str(cleared.get("approved_at") or ""),
            rules=str(cleared.get("rules") or ""),
            record=journaled_run(entries, plan, env, incident),
        )
    return None


def _about(entry: Entry) -> str:
    return f"{entry.step}: {entry.data.get('says', '')}" if entry.step else str(entry.data.get("says", ""))
