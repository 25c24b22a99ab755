"""The alarm of a run: its message to the critical topic of the DR region. A failed delivery never stops a run (T40)."""

from __future__ import annotations

from dataclasses import replace

from dr_actions.actions.notifications.messages import Message, critical
from dr_actions.actions.registry import actions
from dr_actions.execution.run import PlanRun
from dr_actions.journal.journal import EntryKind


def raise_alarm(run: PlanRun, message: Message, sentence: str) -> None:
    """Send ``message``, and record ``sentence`` as what was sent; a delivery that fails is noted."""
    for call in critical(run.env, replace(message, journal_head=run.journal.head, rules=run.clearance.rules)):
        try:
            with run.client.permitting(run.guard_context(actions()["notifications/start"].writes)):
                run.client.send(call)
            run.journal.append(EntryKind.NOTIFIED, says=f"{call.params['TopicArn']} was notified: {sentence}")
        except Exception as failed:  # noqa: BLE001 - whatever it was, the run's own account matters more
            run.listener.note(f"The alarm could not be sent to {call.params['TopicArn']}: {failed}")
