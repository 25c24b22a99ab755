"""What a run does about a write pause: it is on record for others, people are notified, and it may last too long.

Nothing is undone by it: continuing ends the pause soonest, and an operator who wants the DR region to write again
aborts. No timer ends the run meanwhile, neither a wait for a person nor a step's budget: without it nobody would be
left who ends the pause. What holds nothing up has its budget still: to wait for it would make the pause longer.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from dr_actions.actions.notifications import Message, critical, nobody_writes, write_pause_lasts
from dr_actions.actions.registry import actions
from dr_actions.actions.traffic.records import as_command
from dr_actions.execution.run import PlanRun
from dr_actions.journal.entries import EntryKind, of_last_plan
from dr_actions.journal.point_of_no_return import last_reversible_step, point_of_no_return
from dr_actions.model.action import Action, PlanContext
from dr_actions.model.plan import Step
from dr_actions.planning.estimate import is_over, lasting_s
from dr_estate.model.durations import duration

# The alarm of a run: its message to the critical topic of the DR region. A failed delivery never stops a run (T40).


def raise_alarm(run: PlanRun, message: Message, sentence: str) -> None:
    """Send ``message``, and record ``sentence`` as what was sent; a delivery that fails is noted."""
    for call in critical(run.env, replace(message, journal_head=run.journal.head, rules=run.clearance.rules)):
        try:
            with run.client.permitting(run.guard_context(actions()["notifications/start"].writes)):
                run.client.send(call)
            run.journal.append(EntryKind.NOTIFIED, says=f"{call.params['TopicArn']} was notified: {sentence}")
        except Exception as failed:  # noqa: BLE001 - whatever it was, the run's own account matters more
            run.listener.note(f"The alarm could not be sent to {call.params['TopicArn']}: {failed}")


_MINUTE_S = 60
# After this the control stack notifies again, and as often as that until somebody can write.
AGAIN = timedelta(minutes=10)


def is_waited_on(run: PlanRun, action: Action) -> bool:
    """Whether a step of ``action`` is waited for without an end."""
    return run.no_writes_since is not None and action.essential


def report(run: PlanRun, context: PlanContext) -> None:
    """Record that the pause began or is over, and once that it lasts longer than the environment allows."""
    now, lasted_s = run.clock.now(), lasting_s(run.plan, context.sent_at, run.clock.now())
    if lasted_s is None:
        if run.no_writes_since is not None and is_over(run.plan, context.sent_at):
            _end(run, now)
        return
    allowed = timedelta(minutes=run.env.failback.max_write_pause_minutes)
    if run.no_writes_since is None:
        # From the journal, not from this look: a run that resumes counts the whole pause.
        run.no_writes_since = now - timedelta(seconds=lasted_s)
        _record(run, run.no_writes_since + allowed)
    if now - run.no_writes_since > allowed:
        _report_length(run, (now - run.no_writes_since).total_seconds(), allowed.total_seconds())


def notify(run: PlanRun, step: Step) -> None:
    """Notify people at once that nobody can write until a person makes this change; the control stack goes on so."""
    if run.no_writes_since is None:
        return
    needed = f"Make this change, the run goes on when it sees it:\n{as_command(step.call)}" if step.call else step.says
    message = nobody_writes(run.env, run.clearance.incident, run.no_writes_since, step.id, needed, run.journal.run)
    raise_alarm(run, message, message.happened)
    _record(run, run.clock.now() + AGAIN)


def notify_late(run: PlanRun, step: Step, number: int, reason: str) -> None:
    """Notify people, for the ``number``-th time, that a step takes long while nobody can write."""
    if run.no_writes_since is None:
        return
    ends, about = _abort_sentence(run), (run.env, run.clearance.incident, run.no_writes_since)
    message = write_pause_lasts(*about, step.id, number, reason, ends, run.journal.run)
    raise_alarm(run, message, message.happened)
    _record(run, run.clock.now() + AGAIN)


def _record(run: PlanRun, alarm_from: datetime) -> None:
    with suppress(Exception):  # the pause ends by going on, and not by this
        run.report_writes(run.no_writes_since, alarm_from)


def _end(run: PlanRun, now: datetime) -> None:
    lasted_s = (now - run.no_writes_since).total_seconds() if run.no_writes_since else 0.0
    run.no_writes_since = None
    message = f"Every visitor is led to a region that takes writes, after {duration(lasted_s)}."
    try:
        run.report_writes(None, None)
    except Exception as failed:  # noqa: BLE001 - the pause is over all the same
        reason = str(failed).rstrip(".")
        message += f" The control table does not have it ({reason}): it alarms people until the incident is closed."
    run.journal.append(EntryKind.NOTE, says=message)
    run.listener.note(message)


def _report_length(run: PlanRun, lasted_s: float, allowed_s: float) -> None:
    """Note it on screen and in the record, if the record does not have it since the run's plan began."""
    entries = of_last_plan(run.journal.entries)
    if any("write_pause_s" in entry.data for entry in entries if entry.kind is EntryKind.NOTE):
        return
    message = (
        f"The write pause lasts for {duration(lasted_s)}, and {duration(allowed_s)} are allowed "
        f"(failback.max_write_pause_minutes). {_abort_sentence(run)}"
    )
    run.journal.append(EntryKind.NOTE, says=message, write_pause_s=round(lasted_s))
    run.listener.note(message)


def _abort_sentence(run: PlanRun) -> str:
    """Say that going on ends the pause, and until which step an abort does too."""
    last = last_reversible_step(run.plan)
    is_reversible = last is not None and point_of_no_return(run.journal.entries) is None
    abort = f"; until {last.id} an abort lets the DR region write again" if is_reversible and last else ""
    return f"Going on ends it soonest{abort}."
