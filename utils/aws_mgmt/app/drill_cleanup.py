"""Takes away what a drill made, by looking at what is there, and proves by comparison that nothing else is left."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from dr_actions.authorization.clearance import Case, decide_trial
from dr_actions.authorization.people import person_of
from dr_actions.control_table.control import Fence
from dr_actions.control_table.heartbeat import Heartbeat
from dr_actions.drills.inventory import inventory, unpack
from dr_actions.drills.residue import Residue, is_clean, residue
from dr_actions.guard.evidence import proven_by, set_aside_by
from dr_actions.journal.entries import Entry, Kind
from dr_actions.journal.journal import Journal
from dr_actions.model.plan import Danger, Goal
from dr_actions.planning.planner import make_plan, sight_of
from dr_checks.posture.posture import posture_of
from dr_estate.config.environment import Environment
from dr_estate.model.drill_names import is_full
from dr_estate.snapshot.snapshot import Snapshot
from reports.values.report import Report
from reports.values.run_summary import Ran
from utils.aws_mgmt.app import evaluation
from utils.aws_mgmt.app.authorization import Start, granted, paused_by
from utils.aws_mgmt.app.connections import Reach, clock
from utils.aws_mgmt.app.desk import Desk
from utils.aws_mgmt.app.execution import walk
from utils.aws_mgmt.app.interrupts import stopping


@dataclass(frozen=True)
class Cleaned:
    """How the clean-up ended, and what is left of the drill; None where no inventory of before is on record."""

    ran: Ran
    report: Report
    rows: tuple[Residue, ...] | None

    @property
    def clean(self) -> bool:
        """Whether it is proven that nothing is left but what is kept by rule."""
        return self.rows is not None and is_clean(self.rows)


def clean_up(desk: Desk, heart: Heartbeat, journal: Journal) -> Cleaned:
    """Look anew, take away what bears the drill's name, and compare with what the estate held before.

    A drill that was stopped is cleaned up after all the same; another Ctrl-C stops that too.
    """
    desk = replace(desk, stop=threading.Event())
    with stopping(desk.stop):
        return _clean_up(desk, heart, journal)


def _clean_up(desk: Desk, heart: Heartbeat, journal: Journal) -> Cleaned:
    reached, env = desk.reach, desk.env
    seen = evaluation.look_at(reached.world, env, desk.files)
    start = start_to_clean(desk.env, reached, desk.start.clearance.incident, seen, journal.entries)
    start = replace(start, report=desk.start.report or start.report)
    reached.zones.proven = lambda: proven_by(journal.entries, start.plan)
    ran, report = walk(replace(desk, start=start, inventory="", stop_condition=str), heart, journal, validates=False)
    before = _inventory_of(journal.entries)
    if before is None:
        return Cleaned(ran, report, None)
    after = inventory(evaluation.look_at(reached.world, env, desk.files))
    rows = residue(unpack(before), after, env, journal.entries)
    journal.append(Kind.LOOKED, says=_told(rows), residue=[asdict(row) for row in rows])
    return Cleaned(ran, report, rows)


def close_the_drill(desk: Desk, fence: Fence, journal: Journal, accepted: str = "") -> None:
    """Close the full drill's incident: nothing is left, or somebody accepted what is, and said why."""
    who = person_of(desk.reach.caller.arn, desk.env)
    if accepted:
        journal.append(Kind.NOTE, says=f"{who} accepted what is left: {accepted}")
    incident, control = desk.start.clearance.incident, desk.reach.control
    standing = control.in_force().incident
    if is_full(incident) and standing is not None and standing.id == incident:
        with contextlib.suppress(Exception):  # it stays open then, and the next `drill clean` closes it
            control.close_incident(incident, who, fence)


def start_to_clean(
    env: Environment,
    reached: Reach,
    incident: str,
    seen: Snapshot,
    entries: Sequence[Entry],
    report: Report | None = None,
) -> Start:
    """What a clean-up starts from: all that is ``seen`` of a drill. Raises Refused while all runs are stopped."""
    reached.zones.learn(seen, env)
    made = set_aside_by(entries)
    sight = replace(sight_of(env, seen, Goal.CLEAN_UP), incident=incident, set_aside=made)
    plan = make_plan(sight, posture_of(seen, env).name)
    known = frozenset(step.id for step in plan.steps if step.danger is Danger.IRREVERSIBLE)
    case = Case(
        plan=plan,
        incident=incident,
        operator=reached.caller.arn,
        operator_userid=reached.caller.userid,
        approvals=(),
        gates=(),
        overrides=(),
        now=clock(),
        paused=paused_by(reached.control.in_force()),
        confirmed=known,
    )
    clearance = granted(decide_trial(case, env))
    return Start(plan, clearance, seen, report, known, (), {}, made)


def _inventory_of(entries: Sequence[Entry]) -> str | None:
    return next((str(e.data["inventory"]) for e in entries if e.kind is Kind.INVENTORY), None)


def _told(rows: Sequence[Residue]) -> str:
    left = [row for row in rows if row.fate != "kept"]
    kept = len(rows) - len(left)
    return f"Nothing is left over ({kept} kept by rule)." if not left else f"{len(left)} things are left over."
