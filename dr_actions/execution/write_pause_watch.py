"""Reports, once, that a failback's write pause lasts longer than the environment allows, and what ends it.

Nothing is undone by it: continuing ends the pause soonest, and an operator who wants the DR region to write again
aborts.
"""

from __future__ import annotations

from dr_actions.execution.run import PlanRun
from dr_actions.journal.journal import EntryKind
from dr_actions.journal.point_of_no_return import last_reversible_step, point_of_no_return
from dr_actions.model.action import PlanContext
from dr_actions.planning.write_pause import lasting_s
from dr_estate.model.durations import duration

_MINUTE_S = 60


def report(run: PlanRun, context: PlanContext) -> None:
    """Note it on screen and in the record, if the record does not have it since the run's plan began."""
    allowed_s = run.env.failback.max_write_pause_minutes * _MINUTE_S
    lasted_s = lasting_s(run.plan, context.sent_at, run.clock.now())
    if lasted_s is None or lasted_s <= allowed_s:
        return
    entries = run.journal.entries
    begun = max((number for number, entry in enumerate(entries) if entry.kind is EntryKind.BEGIN), default=0)
    if any("write_pause_s" in entry.data for entry in entries[begun:] if entry.kind is EntryKind.NOTE):
        return
    last = last_reversible_step(run.plan)
    is_reversible = last is not None and point_of_no_return(entries) is None
    message = (
        f"The write pause lasts for {duration(lasted_s)}, and {duration(allowed_s)} are allowed "
        "(failback.max_write_pause_minutes). Going on ends it soonest"
        f"{f'; until {last.id} an abort lets the DR region write again' if is_reversible and last else ''}."
    )
    run.journal.append(EntryKind.NOTE, says=message, write_pause_s=round(lasted_s))
    run.listener.note(message)
