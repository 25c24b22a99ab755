"""Examples of the check that practice is up to date."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dr_checks.model import Status
from dr_estate.environments import Environment, Side
from dr_estate.facts import control
from dr_estate.recovery_settings import Period
from dr_estate.run_records import RunKind, RunRecord
from tests.dr_checks.worlds import DENIED, NOW, SIT, Example, world

_CHECK = "drills.on-schedule"


def _ran(kind: RunKind, days_ago: int, complete: bool = True) -> RunRecord:
    return RunRecord(kind, NOW - timedelta(days=days_ago), "run", "Alice", "values", "READY", complete)


IN_TIME = (_ran(RunKind.TABLETOP, 5), _ran(RunKind.TEST_INFRA, 20), _ran(RunKind.FULL_DRILL, 80))
AS_NEEDED = SIT.model_copy(
    update={"schedule": SIT.schedule.model_copy(update={"full_drill": Period.AS_NEEDED})},
)


def _example(expected: Status, past: Any, *subjects: str, env: Environment = SIT) -> Example:
    return Example(_CHECK, expected, world({(control.runs, Side.DR): past}), frozenset(subjects), env)


EXAMPLES = [
    _example(Status.PASS, control.Past(IN_TIME)),
    _example(Status.PASS, control.Past(reason="There is no table.")),
    _example(Status.PASS, control.Past(IN_TIME[:2]), env=AS_NEEDED),
    _example(Status.WARN, control.Past(IN_TIME[:2]), "full drill"),
    _example(Status.WARN, control.Past(), "tabletop", "infrastructure", "full drill"),
    _example(Status.WARN, control.Past((_ran(RunKind.TABLETOP, 40), *IN_TIME[1:])), "tabletop"),
    _example(Status.WARN, control.Past((_ran(RunKind.TABLETOP, 5, complete=False), *IN_TIME[1:])), "tabletop"),
    _example(Status.UNKNOWN, DENIED),
]
