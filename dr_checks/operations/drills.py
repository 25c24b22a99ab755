"""Checks of practice: tests are not overdue, tenants' tasks were started, and drills left no resources behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from dr_checks.core.model import (
    Area,
    Finding,
    NothingToJudge,
    Remedy,
    Severity,
    View,
    check,
    cite,
    if_replicated,
    weigh,
)
from dr_checks.derived.due import DueState, dues
from dr_checks.derived.leftovers import leftovers
from dr_checks.derived.pairing import tenant_services
from dr_estate.config.recovery_settings import Period
from dr_estate.model.durations import duration
from dr_estate.model.invocation import Command
from dr_estate.model.recovery_names import begin_of
from dr_estate.model.run_records import RunKind
from dr_estate.readers import control_table, ecs
from dr_estate.snapshot.tenants import Tenant

_START = Remedy("Start a task of each tenant once.", (Command(("test", "--infra", "--start")).line,))
_CLEAN = Remedy("Have the drill brought to its end.", (Command(("drill", "clean")).line,))


@check("every test of the recovery was run when it was due")
@weigh(Severity.NORMAL, Area.PREREQUISITES)
@cite("REL13-BP03", "NIST CP-4", "ISO22301 8.5", "SOC2 A1.3")
def on_schedule(view: View) -> Iterator[Finding]:
    """The last complete run of each test is within its period (schedule). Source: the runs in the control table."""
    past = view.get(control_table.runs)
    if past.reason:
        raise NothingToJudge("runs", f"{past.reason} See prerequisites.control-table.")
    for row in dues(view.env, past.runs, view.now):
        # A record that cannot be read may be the run that is missed here: late is then not proven.
        if row.state.late and (refusal := past.refusal(row.kind)):
            yield view.unknown(row.test, f"run {row.period}", refusal, remedy=f"`{row.command}` runs it again.")
            continue
        if row.period is Period.AS_NEEDED and not row.last:
            yield view.none_expected(row.test, "it is run as needed, and was never run")
            continue
        measured = f"last run {row.last.at:%Y-%m-%d}" if row.last else "never run"
        wanted = "run as needed" if row.period is Period.AS_NEEDED else f"run {row.period}, by {row.due}"
        if row.state.late:
            reason = "a recovery that was not practised recently is likely to fail"
            remedy = Remedy(f"Run the {row.test} test.", (row.command,))
            yield view.warn(row.test, measured, wanted, reason, remedy)
        else:
            note = "it was run in time" if row.state is DueState.OK else f"it was run in time ({row.state})"
            yield view.ok(row.test, measured, wanted, note)


@check("a task of each tenant's definition was started in the DR region recently enough, and its container ran")
@weigh(Severity.CRITICAL, Area.PREREQUISITES, applies=if_replicated)
@cite("T21", "T73", "REL13-BP03", "NIST CP-4")
def tasks_start(view: View) -> Iterator[Finding]:
    """The newest start test of each tenant ended well, within start_test_age_days; where a task runs, that shows it.

    A pilot light starts nothing by itself: what only ECS decides (a policy's condition, a route, an image) is seen in
    no configuration. Source: the runs in the control table; DescribeTasks (stoppedReason).
    """
    past, judged = view.get(control_table.runs), False
    if past.reason:
        raise NothingToJudge("runs", f"{past.reason} See prerequisites.control-table.")
    for tenant, service in tenant_services(view):
        judged = True
        yield _start_finding(view, past, tenant, service)
    if not judged:
        yield view.none_expected("all services", "no tenant has a service here that could start a task")


def _start_finding(view: View, past: control_table.RunHistory, tenant: Tenant, service: ecs.Service) -> Finding:
    name, limit = service.name, view.env.thresholds.start_test_age_days
    wanted = f"started within {limit} days"
    # A task that runs shows more than any test: it started, and stays.
    if service.running:
        return view.ok(name, f"{service.running} running", wanted, "tasks of it run in the DR region now", tenant.id)
    own = [
        # A run of the future is a wrong clock, and would hide a test that failed since.
        run
        for run in past.runs
        if run.kind is RunKind.START_TEST and tenant.id in run.starts and run.at <= view.now
    ]
    last = max(own, key=lambda run: run.at, default=None)
    if last is None and (refusal := past.refusal(RunKind.START_TEST)):
        return view.unknown(name, wanted, refusal, tenant.id, f"`{_START.commands[0]}` starts them again.")
    if last is None:
        reason = "what keeps its tasks from starting would show in a recovery for the first time"
        return view.warn(name, "no start test on record", wanted, reason, _START, tenant.id)
    if failed := last.starts[tenant.id]:
        measured = f"did not start on {last.at:%Y-%m-%d %H:%M} UTC"
        repair = Remedy("Remove what the reason names, then start it again.", _START.commands)
        return view.gap(name, measured, wanted, f"after a failover it would not serve: {failed}", repair, tenant.id)
    age_s = (view.now - last.at).total_seconds()
    measured = f"started {duration(age_s)} ago"
    if age_s > timedelta(days=limit).total_seconds():
        reason = "policies, images and routes may have changed since"
        return view.warn(name, measured, wanted, reason, _START, tenant.id)
    return view.ok(name, measured, wanted, "ECS pulled its image, read its secrets and mounted its files", tenant.id)


@check("no drill left any resource behind")
@weigh(Severity.NORMAL, Area.PREREQUISITES)
@cite("T47", "REL13-BP03", "NIST CP-4")
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
    created_at = begin_of(name)
    if created_at is None:
        return "of an unknown drill"
    return f"of a drill {duration((now - created_at).total_seconds())} old"
