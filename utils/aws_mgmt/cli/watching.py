"""Watch a run that AWS started: its execution, and its journal through the mirror, until it ends."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from dr_actions.clients.mutating_client import SendFailed
from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.journal.manual_wait import is_by_hand, shown_step
from dr_actions.model import plan as plans
from dr_actions.model.plan import Step
from dr_actions.model.sequence import announced
from dr_estate.model.unavailable import DataUnavailable, UnavailableKind
from reports.incident.log import incident_log, render
from reports.terminal import console
from reports.terminal.manual_step import ManualStepWriter
from reports.values.assessment import short
from utils.aws_mgmt.app.automation import ExecutionState, RecoveryAutomation, RecoveryExecution, describe
from utils.aws_mgmt.app.connections import AppContext
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.incident_record import mirror_of
from utils.aws_mgmt.app.next_steps import (
    after_watched_run,
    approval,
    attach_of,
    evidence_of,
    log_of,
    report_of,
    withdrawal_of,
)
from utils.aws_mgmt.cli.waiting_run import options_of

RECORD = "incident.md"
_POLL_S = 5.0
# What a person who watches does not need: the sentence of the step, and what was seen of it, say the same.
_UNREPORTED = frozenset({EntryKind.DETECTED, EntryKind.DECIDED, EntryKind.AUTHORISED, EntryKind.OUTCOME})
_SAYS = {EntryKind.BEGIN: "The run begins.", EntryKind.VALIDATED: "What serves now was looked at."}
_WORDS = {EntryKind.INTENT: "starts", EntryKind.CONFIRMED: "done", EntryKind.MANUAL_WAIT: "BY HAND"}


def watch(app: AppContext, execution_id: str, folder: Path, form: str) -> Exit:
    """Show the progress of the execution and its run, in the format ``form``; return the run's own exit code.

    A change that a person makes is shown with its batch in ``folder``. Raises Refused where AWS ends it without a run,
    DataUnavailable where it cannot be asked.
    """
    automation, view = RecoveryAutomation(app), _RunView(app, folder)
    found = automation.of(execution_id)
    try:
        return _watched(app, automation, found, view, form)
    except KeyboardInterrupt:
        again = attach_of(found.incident)
        console.complain(
            f"Interrupted. AWS goes on with it: {again} watches it again, and `dr_cli.py pause` stops the run."
        )
        return Exit.INTERRUPTED


def _watched(
    app: AppContext, automation: RecoveryAutomation, found: RecoveryExecution, view: _RunView, form: str
) -> Exit:
    state = None
    while True:
        if found.state is not state:
            state = found.state
            console.complain(describe(found, app.env))
        view.show(found)
        if found.state is ExecutionState.FAILED:
            reason = f"authority.automation: AWS ended it before a run did: {found.failure or found.state}."
            raise Refused(reason + (_of_the_other(automation, app) if found.beside_another else ""))
        if found.state is ExecutionState.ENDED:
            _keep_record(app, found, view.folder)
            return _ended(found, form)
        app.clock.wait(threading.Event(), min(_POLL_S, app.env.execution.poll_s))
        found = view.looked_again(automation, found)


def _of_the_other(automation: RecoveryAutomation, app: AppContext) -> str:
    """What is under way, and how it is ended or watched."""
    other = automation.going()
    if other is None:
        return " It is over by now: ask again."
    if other.state is ExecutionState.AWAITED:
        return (
            f" That is {describe(other, app.env)}. An approver ends it: {withdrawal_of(other.incident)}; then this "
            f"command asks again.{_as_it_was_asked_for(other, app)}"
        )
    return f" That is {describe(other, app.env)}. {attach_of(other.incident)} watches it."


def _as_it_was_asked_for(other: RecoveryExecution, app: AppContext) -> str:
    """How an approver lets the other one run as it is; "" where its words are none that anybody should approve."""
    try:
        options = options_of(other, app)
    except Refused:
        return ""
    aside = ", ".join(override.gate for override in options.overrides) or "no gate"
    command = approval(replace(options, overrides=()), other.incident, short(other.digest))
    return f" Or an approver lets that one run as it was asked for, with {aside} overridden: {command}."


def _keep_record(app: AppContext, found: RecoveryExecution, folder: Path) -> None:
    """Leave the run's record on this machine, and say how its report comes: its own files ended with AWS's task."""
    rto_s = app.env.objectives.rto_minutes * 60
    with suppress(SendFailed, OSError):
        chain = mirror_of(app, app.env, found.incident)
        log = incident_log(chain, app.env.name, found.incident, "the mirror in the control table", rto_s)
        path = folder / RECORD
        path.write_text(render(log, "markdown"), encoding="utf-8")
        console.complain(f"Record: {path}")
    console.complain(
        f"The report that the run wrote ended with AWS's task: {report_of(found.goal, found.incident)} judges what "
        f"serves now, and leaves report.html here; {evidence_of(found.incident)} packs the record and its approvals."
    )


def _ended(found: RecoveryExecution, form: str) -> Exit:
    code = next((code for code in Exit if code == found.exit_code), Exit.ACTION_FAILED)
    answer = f"the run of {found.incident} ended with exit {code}"
    if found.exit_code is None:
        code, answer = Exit.COULD_NOT_SEE, "the run is over, and AWS does not know how its task ended"
        console.complain(f"{answer[0].upper()}{answer[1:]}: {log_of(found.incident)} has what it recorded.")
    console.conclude(form, answer, after_watched_run(found.goal, found.incident, code, found.arguments))
    return code


def _plan_of(entry: Entry, entries: Sequence[Entry]) -> plans.Plan | None:
    """The plan that began last before the entry; None where the mirror holds none that can be read."""
    begun = [row for row in entries if row.kind is EntryKind.BEGIN and row.seq < entry.seq]
    with suppress(LookupError, TypeError, ValueError, AttributeError):
        return plans.from_json(begun[-1].data["plan"])
    return None


def _step_of(entry: Entry, entries: Sequence[Entry]) -> Step | None:
    """The step of that plan which the entry is of."""
    plan = _plan_of(entry, entries)
    return next((step for step in plan.steps if step.id == entry.step), None) if plan else None


def _announced_by(entry: Entry, entries: Sequence[Entry]) -> Step | None:
    """Return the manual change of that plan which the entry's step announces; None where it announces none."""
    plan = _plan_of(entry, entries)
    return announced(plan, str(entry.step)) if plan else None


class _RunView:
    """What of the journal was shown so far."""

    def __init__(self, app: AppContext, folder: Path) -> None:
        self.folder = folder
        self._app, self._writer = app, ManualStepWriter(folder, app.world.by_hand)
        self._shown = 0
        self._silent_since_s: float | None = None

    def looked_again(self, automation: RecoveryAutomation, found: RecoveryExecution) -> RecoveryExecution:
        """Return the current execution, or the last known state where AWS does not answer.

        That AWS does not answer is reported once. Raises DataUnavailable once it has lasted
        execution.sign_in_wait_minutes.
        """
        clock, limits = self._app.clock, self._app.env.execution
        try:
            again = automation.of(found.id)
        except DataUnavailable as silent:
            if self._silent_since_s is None:
                self._silent_since_s = clock.monotonic()
                console.complain(
                    f"Not seen now: {silent.unavailable.why} AWS goes on with it, and this command looks again; "
                    f"{attach_of(found.incident)} watches it from anywhere."
                )
            if clock.monotonic() - self._silent_since_s >= limits.sign_in_wait_minutes * 60:
                raise
            if silent.unavailable.kind is UnavailableKind.CREDENTIALS:
                self._app.sign_in.renew()  # by the login that a person may have made meanwhile
            return found
        self._silent_since_s = None
        return again

    def show(self, found: RecoveryExecution) -> None:
        """Show what the mirror has of the run that was not shown yet; an answer that is lost is asked for again."""
        try:
            entries = mirror_of(self._app, self._app.env, found.incident).entries
        except SendFailed:
            return
        for entry in entries[self._shown :]:
            if entry.at >= found.began_at:
                self._report(entry, entries)
        self._shown = len(entries)

    def _report(self, entry: Entry, entries: Sequence[Entry]) -> None:
        if entry.kind in _UNREPORTED:
            return
        step = _step_of(entry, entries) if entry.kind is EntryKind.INTENT or is_by_hand(entry) else None
        says = str(entry.data.get("says") or entry.data.get("outcome") or _SAYS.get(entry.kind, entry.kind.sentence))
        if entry.kind is EntryKind.INTENT and step is not None:
            says = step.says
        console.complain(f"{entry.at:%H:%M:%S}  {_WORDS.get(entry.kind, entry.kind):<9}  {says}")
        if is_by_hand(entry) and step is not None and step.call is not None:
            shown = shown_step(step, entry)
            console.complain(f"{self._writer.who}:\n{self._writer.command(shown.id, shown.planned_call)}")
        later = _announced_by(entry, entries) if entry.kind is EntryKind.INTENT else None
        if later is not None and later.call is not None:
            console.complain(
                f"Check it now, and run it when the run asks:\n{self._writer.command(later.id, later.call)}"
            )
