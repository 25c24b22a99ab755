"""Examples of what a run asks before it plans anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers.control_table import ControlState, IncidentJournal, Pause, RunBegin, begin, standing
from tests.dr_checks.worlds import DENIED, Example, world

FINE, FAILS, UNSEEN, IDLE = Status.PASS, Status.FAIL, Status.UNKNOWN, Status.NOT_APPLICABLE
PAUSED = ControlState(pause=Pause("Alice", "wait for the vendor", datetime(2026, 1, 7, tzinfo=UTC)))
FREE = ControlState()
HEALTHY_PARTS: Any = {(begin, Side.DR): RunBegin("sit-dr-control", True, "ACTIVE")}


def _begin(index: str = "ACTIVE", there: bool = True, state: Any = FREE, journal: IncidentJournal | None = None) -> Any:
    return world({(begin, Side.DR): RunBegin("sit-dr-control", there, index, journal), (standing, Side.DR): state})


EXAMPLES = [
    Example("run-begin.possible", FINE, _begin()),
    Example("run-begin.possible", FINE, _begin("UPDATING")),
    Example("run-begin.possible", FAILS, _begin("absent")),
    Example("run-begin.possible", FAILS, _begin("CREATING")),
    Example("run-begin.possible", FAILS, _begin("DELETING")),
    Example("run-begin.possible", UNSEEN, _begin("NEW_WORD")),
    Example("run-begin.possible", FAILS, _begin(state=PAUSED)),
    Example("run-begin.possible", UNSEEN, _begin(state=DENIED)),
    Example("run-begin.possible", UNSEEN, world({(begin, Side.DR): DENIED, (standing, Side.DR): FREE})),
    Example("run-begin.possible", FINE, _begin(journal=IncidentJournal("INC-1", 3))),
    Example("run-begin.possible", FAILS, _begin(journal=IncidentJournal("INC-1", 0, fault="It is broken at line 1."))),
    Example("run-begin.possible", UNSEEN, _begin(journal=IncidentJournal("INC-1", 3, refuted="entry 2 was rewritten"))),
    Example("run-begin.possible", IDLE, _begin("absent", there=False)),
]
