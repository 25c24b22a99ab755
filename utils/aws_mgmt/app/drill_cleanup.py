"""The end of a drill: what it made is removed, nothing else is left by comparison, and its account is drawn up.

The account is made from the drill's record: what each part took, recovery time and point, residue, and cost.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from dr_actions.assessment.data_loss import hourly_cost
from dr_actions.authorization.people import person_of
from dr_actions.control_table.control import Fence
from dr_actions.control_table.heartbeat import Heartbeat
from dr_actions.drills.inventory import Inventory, Residue, ResidueState, inventory, is_clean, residue, unpack
from dr_actions.guard.context import renamed_databases_in
from dr_actions.journal import journal as journals
from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.journal.journal import Journal
from dr_actions.journal.timeline import Timeline, timelines
from dr_actions.model.plan import Goal
from dr_actions.model.sequence import Role, role_of
from dr_actions.planning.planner import context_of, make_plan
from dr_checks.posture.posture import posture_of
from dr_estate.config.environment import Environment
from dr_estate.model.invocation import Invocation
from dr_estate.model.recovery_names import is_full, is_trial
from dr_estate.model.world_id import is_sandbox
from dr_estate.readers import drill_resources
from dr_estate.reading.reader import TrackedChanges
from dr_estate.snapshot.snapshot import Snapshot
from reports.values.drill_summary import DrillSummary, PhaseDuration
from reports.values.report import Report
from reports.values.run_summary import RunSummary
from utils.aws_mgmt.app import evaluation
from utils.aws_mgmt.app.authorization import RunStart, clear_trial
from utils.aws_mgmt.app.connections import AppContext
from utils.aws_mgmt.app.execution import RunContext, run_steps
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.interrupts import stop_on_signals
from utils.aws_mgmt.app.next_steps import invocation_of

_HOUR_S = 3600
_MINUTE_S = 60
RESTORED_TO = "restored to"
_TIMED = (Goal.SWITCHOVER, Goal.FAILBACK)  # a clean-up is nobody's recovery time


@dataclass(frozen=True)
class CleanupResult:
    """How the clean-up ended, and what is left of the drill; None where no inventory of before is on record."""

    ran: RunSummary
    report: Report
    rows: tuple[Residue, ...] | None

    @property
    def clean(self) -> bool:
        """Whether it is proven that nothing is left but what is kept by rule."""
        return self.rows is not None and is_clean(self.rows)


def clean_up(context: RunContext, heartbeat: Heartbeat, journal: Journal) -> CleanupResult:
    """Observe again, remove what bears the drill's name, and compare with what the estate held before.

    A stopped drill is cleaned up all the same; another Ctrl-C stops the clean-up too.
    """
    # A stop of its own: the drill's may be set already, and would end the clean-up at its first call.
    context = replace(context, stop=threading.Event())
    with stop_on_signals(context.stop):
        return _clean_up(context, heartbeat, journal)


def _clean_up(context: RunContext, heartbeat: Heartbeat, journal: Journal) -> CleanupResult:
    app, env = context.app, context.env
    seen = evaluation.observe_world(app.world, env, context.files)
    if is_trial(context.start.clearance.incident):  # its tasks bear its id alone, and nothing else shows that they run
        followed = replace(seen, followed=TrackedChanges(trial=context.start.clearance.incident))
        seen = app.world.observe(env, frozenset({drill_resources.tasks.name}), followed)
    # With the report: its rules have the exceptions, without which they are not the rules that are pinned.
    incident, report = context.start.clearance.incident, context.start.report
    start = start_to_clean(context.env, app, incident, seen, journal.entries, report)
    # `str` never gives a reason: the alarm that stopped a drill must not stop the clean-up after it.
    summary, report = run_steps(
        replace(context, start=start, inventory="", stop_condition=str), heartbeat, journal, validates=False
    )
    before = inventory_before(journal.entries)
    # Without the inventory of before there is nothing to compare: it is not proven clean.
    if before is None:
        return CleanupResult(summary, report, None)
    # Looked at once more: what was seen before the clean-up shows what it was to remove, not what is left.
    after = inventory(evaluation.observe_world(app.world, env, context.files))
    rows = with_typed_commands(residue(before, after, env, journal.entries), invocation_of(context.options), seen.world)
    journal.append(EntryKind.LOOKED, says=_summary(rows), residue=[asdict(row) for row in rows])
    return CleanupResult(summary, report, rows)


def inventory_before(entries: Sequence[Entry]) -> Inventory | None:
    """What the drill found before it began; None where its record does not say it, for a driller's keys write that."""
    for entry in entries:
        if entry.kind is EntryKind.INVENTORY:
            with contextlib.suppress(ValueError):
                return unpack(str(entry.data.get("inventory")))
            break
    return None


def with_typed_commands(rows: Sequence[Residue], invocation: Invocation, world: str) -> tuple[Residue, ...]:
    """The rows, the command of each as a person types it who means this world: a sandbox's deletes nothing live."""
    rehearsal = is_sandbox(world)
    return tuple(
        replace(row, command=invocation.typed_line(row.command, rehearsal)) if row.command else row for row in rows
    )


def close_the_drill(context: RunContext, fence: Fence, journal: Journal, accepted: str = "") -> None:
    """Close the full drill's incident: nothing is left, or somebody accepted what is, and said why."""
    who = person_of(context.app.caller.arn, context.env)
    if accepted:
        journal.append(EntryKind.NOTE, says=f"{who} accepted what is left: {accepted}")
    incident, control = context.start.clearance.incident, context.app.control
    standing = control.in_force().known_incident
    if is_full(incident) and standing is not None and standing.id == incident:
        with contextlib.suppress(Exception):  # it stays open then, and the next `drill clean` closes it
            # Last: once it is closed, `drill clean` finds this drill no more.
            control.close_incident(incident, who, fence)


def start_to_clean(
    env: Environment,
    app: AppContext,
    incident: str,
    seen: Snapshot,
    entries: Sequence[Entry],
    report: Report | None = None,
) -> RunStart:
    """What a clean-up starts from: all that is ``seen`` of a drill. Raises Refused while all runs are stopped."""
    renamed_databases = renamed_databases_in(entries)
    context = replace(context_of(env, seen, Goal.CLEAN_UP), incident=incident, renamed_databases=renamed_databases)
    plan = make_plan(context, posture_of(seen, env).name)
    return clear_trial(app, plan, incident, seen, report, renamed_databases=renamed_databases)


def _summary(rows: Sequence[Residue]) -> str:
    left = [row for row in rows if row.fate is not ResidueState.KEPT]
    count = len(rows) - len(left)
    return f"Nothing is left over ({count} kept by rule)." if not left else f"{len(left)} things are left over."


def of_trial(
    context: RunContext,
    goal: Goal,
    span: tuple[datetime, datetime],
    summary: RunSummary,
    cleaned: CleanupResult | None,
    notes: tuple[str, ...] = (),
) -> DrillSummary:
    """The account of a restore test, a start test or a canary that lasted ``span``."""
    env, entries = context.env, entries_of(summary.journal, context.env, summary.incident)
    took_s = (span[1] - span[0]).total_seconds()
    # Only a restore test lets a database instance run for as long as it takes.
    priced = env.costs.database_instance if goal is Goal.RESTORE_TEST else 0.0
    # The oldest of what was restored, in seconds before the drill began.
    facts = [e.data.get("facts", {}) for e in entries if e.kind is EntryKind.CONFIRMED]
    moments = [datetime.fromisoformat(fact[RESTORED_TO]) for fact in facts if fact.get(RESTORED_TO)]
    return DrillSummary(
        kind=str(goal),
        incident=summary.incident,
        parts=(summary, cleaned.ran) if cleaned else (summary,),
        phases=tuple(_action_durations(entries)),
        rto_s=None,
        rto_target_s=env.objectives.rto_minutes * _MINUTE_S,
        rpo_s=max(((span[0] - moment).total_seconds() for moment in moments), default=None),
        residue=cleaned.rows if cleaned else None,
        took_s=took_s,
        cost=round(priced * took_s / _HOUR_S, 2),
        currency=env.costs.currency,
        journal=summary.journal,
        exit=exit_of([summary, *([cleaned.ran] if cleaned else [])], cleaned),
        notes=notes,
        journal_head=entries[-1].digest if entries else "",
    )


def of_drill(
    context: RunContext,
    kind: str,
    span: tuple[datetime, datetime],
    parts: Sequence[RunSummary],
    cleaned: CleanupResult | None,
    refused: str = "",
) -> DrillSummary:
    """The account of a full drill, or of what took one up again: its times are the whole drill's, over all runs."""
    env, last = context.env, parts[-1]
    entries = entries_of(last.journal, env, last.incident)
    lines = timelines(entries, env.objectives.rto_minutes * _MINUTE_S)
    away = next((line for line in lines if line.goal == Goal.SWITCHOVER), None)
    # From the first entry: a drill that was taken up again lasts since its first run.
    whole_s = (span[1] - entries[0].at).total_seconds() if entries else (span[1] - span[0]).total_seconds()
    hourly = hourly_cost(context.start.snapshot, env, len(context.start.report.tenants) if context.start.report else 0)
    # 0 where every store was proven to hold all that was written before its writers stopped.
    proven = [
        e for e in entries if e.kind is EntryKind.CONFIRMED and role_of(Goal.SWITCHOVER, str(e.step)) is Role.ZERO_LOSS
    ]
    return DrillSummary(
        kind=kind,
        incident=last.incident,
        parts=tuple(parts),
        phases=tuple(_phases(lines)),
        rto_s=away.reached_s if away else None,
        rto_target_s=env.objectives.rto_minutes * _MINUTE_S,
        rpo_s=0.0 if proven else None,
        residue=cleaned.rows if cleaned else None,
        took_s=whole_s,
        cost=round(hourly * whole_s / _HOUR_S, 2),
        currency=env.costs.currency,
        journal=last.journal,
        exit=exit_of(parts, cleaned) if not refused else int(Exit.REFUSED),
        notes=(refused,) if refused else (),
        journal_head=entries[-1].digest if entries else "",
    )


def _phases(lines: Sequence[Timeline]) -> Iterator[PhaseDuration]:
    for line in lines:
        for phase, span in line.phases.items():
            if span.seconds is not None and line.goal in _TIMED:
                yield PhaseDuration(line.goal, str(phase), span.seconds)


def entries_of(path: Path | None, env: Environment, incident: str) -> tuple[Entry, ...]:
    """What is on record; nothing without a file, and where it cannot be read."""
    if path is None:
        return ()
    try:
        return journals.read(path, env.name, incident).entries
    except OSError:
        return ()


def exit_of(parts: Sequence[RunSummary], cleaned: CleanupResult | None) -> int:
    """The first part that went wrong decides; done, but something left over or not compared, is a failed validation."""
    for part in parts:
        if part.exit != Exit.READY:
            return part.exit
    return int(Exit.READY if cleaned is not None and cleaned.clean else Exit.VALIDATION_FAILED)


def _action_durations(entries: Sequence[Entry]) -> Iterator[PhaseDuration]:
    """From the first call of each action to the last confirmation: its steps of one stage overlap."""
    goal, actions = "", dict[str, str]()
    begun, over = dict[tuple[str, str], datetime](), dict[tuple[str, str], datetime]()
    for entry in entries:
        if entry.kind is EntryKind.BEGIN:
            goal = str(entry.data["plan"]["goal"])
            actions = {item["id"]: item["action"] for item in entry.plan_steps}
        elif entry.step in actions:
            key = (goal, actions[str(entry.step)])
            if entry.kind is EntryKind.INTENT:
                begun.setdefault(key, entry.at)
            elif entry.kind is EntryKind.CONFIRMED:
                over[key] = entry.at
    for key, at in begun.items():
        yield PhaseDuration(*key, (over[key] - at).total_seconds() if key in over else None)
