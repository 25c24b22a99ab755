"""What was approved for an incident, for the report: each approval, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from dr_actions.authorization.approvals import StartApproval, override_line
from dr_actions.authorization.clearance import Approval
from dr_actions.authorization.people import person_of
from dr_actions.journal.entries import EntryKind
from reports.values.report import GivenApproval, Report, state_of
from utils.aws_mgmt.app.connections import AppContext
from utils.aws_mgmt.app.incident_record import entries_of_incident
from utils.aws_mgmt.app.options import Options


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
