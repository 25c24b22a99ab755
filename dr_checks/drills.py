"""Is practice up to date? The tests of the environment's schedule against the runs on record in the control table."""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.due import State, dues
from dr_checks.model import Area, Finding, Severity, View
from dr_checks.registry import check
from dr_estate.facts import control
from dr_estate.recovery_settings import Period


@check(
    "every test of the recovery was run when it was due",
    severity=Severity.NORMAL,
    area=Area.PREREQUISITES,
    rules=("REL13-BP03", "NIST CP-4", "ISO22301 8.5", "SOC2 A1.3"),
)
def on_schedule(view: View) -> Iterator[Finding]:
    """The last complete run of each test is within its period (schedule). Source: the runs in the control table."""
    past = view.get(control.runs)
    if past.reason:
        yield view.none_expected("runs", f"{past.reason} prerequisites.control-table says so.")
        return
    for row in dues(view.env, past.runs, view.now):
        measured = f"last run {row.last.at:%Y-%m-%d}" if row.last else "never run"
        wanted = "run as needed" if row.period is Period.AS_NEEDED else f"run {row.period}, by {row.due}"
        if row.state.late:
            because = "a recovery that nobody practised lately fails where nobody looked"
            remedy = f"dr_cli.py -e {view.env.name} {row.command}"
            yield view.warn(row.test, measured, wanted, because, remedy)
        else:
            said = "it was practised in time" if row.state is State.OK else f"it was practised in time ({row.state})"
            yield view.ok(row.test, measured, wanted, said)
