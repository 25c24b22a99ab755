"""Checks of practice: tests are not overdue, and drills left no resources behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dr_checks.core.model import Area, Finding, Severity, View
from dr_checks.core.registry import check
from dr_checks.core.remedy import Remedy
from dr_checks.derived.due import DueState, dues
from dr_checks.derived.leftovers import leftovers
from dr_estate.config.recovery_settings import Period
from dr_estate.model.drill_names import made_at
from dr_estate.model.durations import duration
from dr_estate.model.invocation import Command
from dr_estate.readers import control_table

_CLEAN = Remedy("Have the drill brought to its end.", (Command(("drill", "clean")).line,))


@check(
    "every test of the recovery was run when it was due",
    severity=Severity.NORMAL,
    area=Area.PREREQUISITES,
    rules=("REL13-BP03", "NIST CP-4", "ISO22301 8.5", "SOC2 A1.3"),
)
def on_schedule(view: View) -> Iterator[Finding]:
    """The last complete run of each test is within its period (schedule). Source: the runs in the control table."""
    past = view.get(control_table.runs)
    if past.reason:
        yield view.none_expected("runs", f"{past.reason} See prerequisites.control-table.")
        return
    for row in dues(view.env, past.runs, view.now):
        measured = f"last run {row.last.at:%Y-%m-%d}" if row.last else "never run"
        wanted = "run as needed" if row.period is Period.AS_NEEDED else f"run {row.period}, by {row.due}"
        if row.state.late:
            reason = "a recovery that was not practised recently is likely to fail"
            remedy = Remedy(f"Run the {row.test} test.", (row.command,))
            yield view.warn(row.test, measured, wanted, reason, remedy)
        else:
            note = "it was run in time" if row.state is DueState.OK else f"it was run in time ({row.state})"
            yield view.ok(row.test, measured, wanted, note)


@check(
    "no drill left any resource behind",
    severity=Severity.NORMAL,
    area=Area.PREREQUISITES,
    rules=("REL13-BP03", "NIST CP-4"),
    traps=("T47",),
)
def nothing_left(view: View) -> Iterator[Finding]:
    """Nothing bears a drill's name: no database, no file system, no record. A drill that runs just now shows its own.

    How old each is says its name, which its maker gave it at the drill's beginning (UTC).
    """
    found = leftovers(view.snapshot, view.env)
    if not found:
        yield view.ok("drills", "none left", "none left", "no resource has a drill's name: every drill removed its own")
        return
    reason = "it keeps running and is billed, and disturbs the next drill (T47)"
    for leftover in found:
        measured = f"{leftover.kind} {_age(leftover.subject, view.now)}"
        yield view.warn(leftover.subject, measured, "taken away", reason, _CLEAN)


def _age(name: str, now: datetime) -> str:
    created_at = made_at(name)
    if created_at is None:
        return "of an unknown drill"
    return f"of a drill {duration((now - created_at).total_seconds())} old"
