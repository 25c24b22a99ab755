"""When no drill is held, and when one stops: gates of a drill, each with its id, and the alarms that end it. Pure.

A drill is practice: it never runs beside an incident (T48), in a blocked window, while an alarm is on, upon what an
earlier drill left behind (T47), or in an estate that is not well. What could not be seen is no leave to begin.

Which part of a full drill is next, from its record alone: switchover, failback, clean-up, or nothing. Pure.

A drill that was stopped anywhere is completed in the direction in which nothing is lost: a switchover that changed
nothing, or rolled back all that it did, only needs a clean-up; a switchover that is half done is finished, and then the
estate fails back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from dr_actions.journal.entries import Entry, EntryKind
from dr_actions.model.gates import Gate
from dr_actions.model.plan import Goal
from dr_actions.model.sequence import NOTIFYING, role_of
from dr_checks.derived.due import block_reason
from dr_checks.derived.leftovers import leftovers
from dr_checks.posture.posture import Posture, PostureName
from dr_estate.config.environment import Environment, Side
from dr_estate.model.control_items import UnreadableItem
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import cloudwatch_alarms, control_table
from dr_estate.readers.control_table import ControlState
from dr_estate.snapshot.snapshot import Snapshot

ALARMS = "drill.alarms"
_OFF = ("OK", "INSUFFICIENT_DATA")
_SIDES = (Side.PRIMARY, Side.DR)
_WALKED = ("done", "unconfirmed", "invalid", "degraded")
_TOUCHES = (EntryKind.INTENT, EntryKind.MANUAL_DONE)


def drill_gates(snapshot: Snapshot, env: Environment, posture: Posture, now: datetime) -> tuple[Gate, ...]:
    """Every gate of beginning a drill ``now``."""
    window, ringing = block_reason(env, now), alarms_on(snapshot, env)
    return (
        Gate("drill.window", met=not window, says=f"{window or 'no blocked window'}.", stops=True),
        Gate(ALARMS, met=not ringing, says=ringing or "no stop alarm is on.", stops=True),
        Gate("drill.estate", met=posture.name is PostureName.NORMAL, says=posture.says, stops=True),
        *_no_incident(snapshot),
        *_residue_gate(snapshot, env),
    )


def alarms_on(snapshot: Snapshot, env: Environment) -> str:
    """Which stop alarm is on, or cannot be seen, in a sentence; "" while none is."""
    names = tuple(env.named(name) for name in env.drill.stop_alarms)
    for side in _SIDES:
        try:
            found = snapshot.get(cloudwatch_alarms.alarms, side)
        except DataUnavailable as error:
            return f"the alarms of {env.region(side)} cannot be seen: {error.unavailable.why}"
        on = [alarm for alarm in found if alarm.state not in _OFF and (not names or alarm.name in names)]
        if on:
            return f"alarm {on[0].name} in {env.region(side)} is {on[0].state}: {on[0].reason.rstrip('.')}."
    return ""


def drill_refusal(control_state: ControlState) -> str:
    """Why no drill is held while this stands in the control table; "" where one may be."""
    if control_state.reason:
        return f"{control_state.reason} A drill keeps its lock and its record there."
    if isinstance(control_state.incident, UnreadableItem):
        return control_state.incident.says
    if control_state.incident is not None:
        incident = control_state.incident
        return f"incident {incident.id} is open since {incident.since:%Y-%m-%d %H:%M} UTC ({incident.stands_at})."
    return ""


def _no_incident(snapshot: Snapshot) -> Iterator[Gate]:
    try:
        refused = drill_refusal(snapshot.get(control_table.standing, Side.DR))
    except DataUnavailable as error:
        refused = error.unavailable.why
    yield Gate("drill.incident", met=not refused, says=refused or "no incident is open.", stops=True)


def _residue_gate(snapshot: Snapshot, env: Environment) -> Iterator[Gate]:
    try:
        left = [leftover.subject for leftover in leftovers(snapshot, env)]
        message = f"an earlier drill left {', '.join(left[:3])}: `dr_cli.py drill clean` removes it." if left else ""
    except DataUnavailable as error:
        message = f"whether an earlier drill left something cannot be seen: {error.unavailable.why}"
    yield Gate("drill.leftovers", met=not message, says=message or "no earlier drill left anything.", stops=True)


def next_part(past: Sequence[Entry]) -> Goal | None:
    """The goal of the next part; None where the drill is over."""
    begun = max((number for number, entry in enumerate(past) if entry.kind is EntryKind.BEGIN), default=None)
    if begun is None:
        return None
    goal, since = Goal(past[begun].data["plan"]["goal"]), past[begun:]
    ended = [str(entry.data.get("outcome")) for entry in since if entry.kind is EntryKind.END]
    walked = ended[-1:] != [] and ended[-1] in _WALKED
    if goal is Goal.SWITCHOVER:
        if walked:
            return Goal.FAILBACK
        return Goal.SWITCHOVER if has_changes(since) else Goal.CLEAN_UP
    if goal is Goal.FAILBACK:
        return Goal.CLEAN_UP if walked else Goal.FAILBACK
    return None if goal is Goal.CLEAN_UP and "done" in ended else Goal.CLEAN_UP


def needs_new_plan(past: Sequence[Entry], goal: Goal) -> bool:
    """Whether ``goal`` is another than that of the plan on record, so that it begins with a plan of its own."""
    begun = [entry for entry in past if entry.kind is EntryKind.BEGIN]
    return not begun or begun[-1].data["plan"]["goal"] != goal


def has_changes(since: Sequence[Entry]) -> bool:
    """Whether a step of the plan that begins ``since`` changed what was not taken back; a message changes nothing."""
    goal = Goal(since[0].data["plan"]["goal"])
    touched: set[str] = set()
    for entry in since:
        step = str(entry.step)
        if entry.kind is EntryKind.UNDONE:
            touched.discard(step)
        elif entry.kind in _TOUCHES and role_of(goal, step) not in NOTIFYING:
            touched.add(step)
    return bool(touched)
