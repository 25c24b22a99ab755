"""Watch a run that AWS started: its execution, and its journal through the mirror, until it ends."""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from dr_actions.model.plan import Goal, SendFailed
from dr_actions.model.sequence import SEEN_FREEZES, Role, role_of
from dr_checks.posture.visitor_access import VisitorAccess
from dr_estate.model.unavailable import DataUnavailable, UnavailableKind
from reports.incident.log import incident_log, render
from reports.terminal import console
from reports.terminal.manual_step import ManualStepWriter
from reports.terminal.run_screen import RunScreen, markup
from reports.values.assessment import short
from reports.values.report import next_line
from reports.values.run_view import LineKind, RunFollower, RunView
from utils.aws_mgmt.app.automation import ExecutionState, RecoveryAutomation, RecoveryExecution, describe
from utils.aws_mgmt.app.connections import AppContext
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.incident_record import mirror_of, refusal_of
from utils.aws_mgmt.app.kept_files import fetch_files
from utils.aws_mgmt.app.next_steps import (
    after_watched_run,
    approval,
    attach_of,
    evidence_of,
    incident_report_of,
    log_of,
    report_of,
    withdrawal_of,
)
from utils.aws_mgmt.app.writers import visitors_of
from utils.aws_mgmt.cli.waiting_run import options_of

RECORD = "incident.md"
_POLL_S = 5.0
# Seconds of this machine: a sandbox's clock may run so fast that its screen would be drawn a hundred times a second.
_LEAST_POLL_S = 0.25
# How often it is looked what visitors can do: twenty reads, where a look at the run is two.
_LOOK_AGAIN_S = 60.0
# Steps after which visitors can do something else: then it is looked at once.
_MOVES_VISITORS = SEEN_FREEZES | {Role.CLOSE, Role.DATABASE, Role.SERVICES, Role.TRAFFIC}
_DONE = "done"  # the outcome on record of a run whose every step is done, and validated
_OVER = (ExecutionState.ENDED, ExecutionState.FAILED)


def watch(app: AppContext, execution_id: str, folder: Path, form: str) -> Exit:
    """Show the progress of the execution and its run, in the format ``form``; return the run's own exit code.

    A change that a person makes is shown with its batch in ``folder``. Raises Refused where AWS ends it without a run,
    DataUnavailable where it cannot be asked.
    """
    automation = RecoveryAutomation(app)
    found = automation.of(execution_id)
    try:
        with closing(_RunFollowing(app, found, folder)) as following:
            found = _until_it_ends(app, automation, found, following)
    except KeyboardInterrupt:
        again = attach_of(found.incident)
        console.complain(
            f"Interrupted. AWS goes on with it: {again} watches it again, and `dr_cli.py pause` stops the run."
        )
        return Exit.INTERRUPTED
    # First: the table has why the task ended, and the record may hold nothing of it.
    if refused := refusal_of(app, found.incident, found.id):
        console.complain(refused.sentence)
        return _conclude_run(app, found, None, form, following.visitors, refused=True)
    _keep_record(app, found, folder)
    return _conclude_run(app, found, following.view(), form, following.visitors, refused=False)


def _until_it_ends(
    app: AppContext, automation: RecoveryAutomation, found: RecoveryExecution, following: _RunFollowing
) -> RecoveryExecution:
    state = None
    while True:
        if found.state is not state:
            state = found.state
            console.complain(describe(found, app.env))
        following.show()
        following.show_visitors(over=found if found.state in _OVER else None)
        if found.state is ExecutionState.FAILED:
            # No run began, so there is no exit code of one: it ends as a refusal.
            reason = f"authority.automation: AWS ended it before a run did: {found.failure or found.state}."
            raise Refused(reason + (_other_run_sentence(automation, app) if found.beside_another else ""))
        if found.state is ExecutionState.ENDED:
            return found
        pause_s = min(_POLL_S, app.env.execution.poll_s)
        app.clock.wait(threading.Event(), max(pause_s, _LEAST_POLL_S * app.clock.speed))
        found = following.execution_now(automation, found)


def _other_run_sentence(automation: RecoveryAutomation, app: AppContext) -> str:
    """What is under way, and how it is ended or watched."""
    other = automation.going()
    if other is None:
        return " It is over by now: ask again."
    if other.state is ExecutionState.AWAITED:
        return (
            f" That is {describe(other, app.env)}. An approver ends it: {withdrawal_of(other.incident)}; then this "
            f"command asks again.{_approval_command(other, app)}"
        )
    return f" That is {describe(other, app.env)}. {attach_of(other.incident)} watches it."


def _approval_command(other: RecoveryExecution, app: AppContext) -> str:
    """How an approver lets the other one run as it is; "" where its words are none that anybody should approve."""
    try:
        options = options_of(other, app)
    except Refused:
        return ""
    aside = ", ".join(override.gate for override in options.overrides) or "no gate"
    command = approval(replace(options, overrides=()), other.incident, short(other.digest))
    return f" Or an approver lets that one run as it was asked for, with {aside} overridden: {command}."


def _keep_record(app: AppContext, found: RecoveryExecution, folder: Path) -> None:
    """Leave the run's record and what its task kept on this machine, and say how its report comes."""
    rto_s = app.env.objectives.rto_minutes * 60
    # The record is in the table all the same: what the run came to must be said without this copy too.
    with suppress(SendFailed, OSError):
        chain = mirror_of(app, app.env, found.incident)
        log = incident_log(chain, app.env.name, found.incident, "the mirror in the control table", rto_s)
        path = folder / RECORD
        path.write_text(render(log, "markdown"), encoding="utf-8")
        console.complain(f"Record: {path}")
    if fetched := fetch_files(app, found.incident, folder):
        console.complain(fetched)
    console.complain(
        f"The disk of AWS's task ended with it: {incident_report_of(found.incident)} makes its report "
        f"from the record, on any machine, and {report_of(found.goal, found.incident)} judges what serves now; "
        f"{evidence_of(found.incident)} packs record, page and approvals."
    )


def _conclude_run(
    app: AppContext,
    found: RecoveryExecution,
    view: RunView | None,
    form: str,
    visitors: VisitorAccess | None,
    *,
    refused: bool,
) -> Exit:
    found, answer = with_recorded_end(found, view, refused=refused)
    code = _exit_of(found)
    if found.exit_code is None:
        code = Exit.COULD_NOT_SEE
        console.complain(f"{answer[0].upper()}{answer[1:]}: {log_of(found.incident)} has what it recorded.")
    facts = view.facts.rows() if view is not None and view.facts is not None else ()
    next_step = _next_step(app, found)
    if visitors and visitors.is_outage:
        facts = (("Visitors", visitors.sentence), *facts)
        if visitors.command and visitors.command != next_line(next_step)[1]:
            next_step = f"`{visitors.command}` ends the outage."
    console.conclude(form, answer, next_step, facts=facts)
    return code


def with_recorded_end(
    found: RecoveryExecution, view: RunView | None, *, refused: bool
) -> tuple[RecoveryExecution, str]:
    """The execution with the exit code that its record means, and the answer.

    A task may be killed after its run is over: the record, which closed the incident, is right, not the task's code.
    """
    name, code = f"the {found.goal} of {found.incident}", _exit_of(found)
    if view is not None and view.outcome == _DONE and found.exit_code != Exit.READY:
        task = "an end that AWS does not know" if found.exit_code is None else f"exit {found.exit_code}"
        answer = f"{name} is complete, exit {Exit.READY}; its task came to {task} after that"
        return replace(found, exit_code=int(Exit.READY)), answer
    if found.exit_code is None:
        return found, "the run is over, and AWS does not know how its task ended"
    how = "was refused" if refused else "is complete" if code is Exit.READY else "is not complete"
    return found, f"{name} {how}, exit {code}"


def _exit_of(found: RecoveryExecution) -> Exit:
    """The exit code of the task, that of a failed run where it is none of this tool's."""
    return next((code for code in Exit if code == found.exit_code), Exit.ACTION_FAILED)


def _next_step(app: AppContext, found: RecoveryExecution) -> str:
    """What comes after the run that is over."""
    return after_watched_run(found.goal, found.incident, _exit_of(found), found.arguments, paused=_is_paused(app))


def _is_paused(app: AppContext) -> bool:
    """Whether all runs are stopped; not where that cannot be read."""
    try:
        return app.control.in_force().pause is not None
    except SendFailed:
        return False


class _RunFollowing:
    """The incident's run on this screen, by the mirror of its journal."""

    def __init__(self, app: AppContext, found: RecoveryExecution, folder: Path) -> None:
        self.folder = folder
        self._app, self._incident, self._began_at = app, found.incident, found.began_at
        self._follower, self._lock = RunFollower(app.env, found.incident), threading.Lock()
        self.visitors: VisitorAccess | None = None
        self._screen = RunScreen(ManualStepWriter(folder, app.world.by_hand), self.view, self._outage)
        self._silent_since_s: float | None = None
        self._has_begun = False
        self._looked_at_s: float | None = None

    def _outage(self) -> str:
        """What visitors cannot do, by the last look; "" where nobody has to act."""
        seen = self.visitors
        return replace(seen, at=self._app.clock.now()).sentence if seen is not None and seen.is_urgent else ""

    def show_visitors(self, *, over: RecoveryExecution | None = None) -> None:
        """Show what visitors can do, at first, as it changes, and as the run is ``over``."""
        clock, at_once = self._app.clock, over is not None
        if not at_once and self._looked_at_s is not None and clock.monotonic() - self._looked_at_s < _LOOK_AGAIN_S:
            return
        self._looked_at_s, before = clock.monotonic(), self.visitors
        self.visitors = visitors_of(self._app.world, self._app.env)
        if self.visitors is None:
            return
        # The lock of a task that was killed stands until its lease is over, but nothing of this run is left to watch:
        # what goes on with it ends the outage.
        if over is not None and self.visitors.command == attach_of(self._incident).line:
            goes_on = "" if _exit_of(over) is Exit.READY else next_line(_next_step(self._app, over))[1]
            self.visitors = replace(self.visitors, command=goes_on)
        # Without a command while it runs: this run is what ends an outage, and what it needs is pinned.
        same = before is not None and replace(before, command=self.visitors.command).share == self.visitors.share
        if at_once or not same:
            style = "bold red" if self.visitors.is_urgent else "bold"
            self._screen.print(f"[{style}]{markup(self.visitors.line if at_once else self.visitors.sentence)}[/]")

    def execution_now(self, automation: RecoveryAutomation, found: RecoveryExecution) -> RecoveryExecution:
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

    def show(self) -> None:
        """Show what the mirror has of the run that was not shown yet; an answer that is lost is asked for again."""
        try:
            entries = mirror_of(self._app, self._app.env, self._incident).entries
        except SendFailed:
            return
        with self._lock:
            lines = self._follower.follow(entries)
        for line in lines:
            if line.entry.at >= self._began_at:  # what came before is of an earlier execution
                self._has_begun = True
                self._screen.line(line)
                # A step is over, or waits for a person, after which visitors can do something else.
                view = self._follower.view(line.entry.at)
                moves = view is not None and role_of(Goal(view.goal), line.entry.step or "") in _MOVES_VISITORS
                if moves and line.kind in (LineKind.BY_HAND, LineKind.DONE):
                    self._looked_at_s = None
        self._screen.draw()

    def view(self) -> RunView | None:
        """The run as it stands now; None before this execution's plan begins."""
        with self._lock:
            return self._follower.view(self._app.clock.now()) if self._has_begun else None

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._screen.close()
