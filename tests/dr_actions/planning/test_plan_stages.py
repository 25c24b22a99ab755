"""A plan as people read it: what is of one playbook step and follows one another is one stage."""

from __future__ import annotations

from dr_actions.model.plan import Goal, Step, step_id
from dr_actions.model.sequence import playbook_step, row_of
from dr_actions.planning.estimate import PlanStage, StageWrites, stages_of, without_writes
from tests.dr_actions.deciding import plan, step


def of(action: str, label: str = "x", nth: int = 0) -> Step:
    row = row_of(Goal.FAILBACK, action)
    found = step(label, row.stage + nth, action, id=step_id(action, label), call=None)
    return step(label, row.stage + nth, action, id=found.id, call=None, number=row.playbook.number)


BACKUPS = (of("backup/create_backups", "mysql"), of("backup/create_backups", "efs"))
FREEZE, FIRST_MOVE = of("database/freeze"), of("traffic/shift_to_primary", "10")
LAST_MOVE, STOP = of("traffic/shift_to_primary", "100", 1), of("compute/stop_dr_services")
GOING_HOME = plan(*BACKUPS, FREEZE, FIRST_MOVE, LAST_MOVE, STOP, goal=Goal.FAILBACK)


def test_nobody_writes_from_the_freeze_to_the_first_move() -> None:
    assert without_writes(GOING_HOME) == range(2, 4)
    assert without_writes(plan(*BACKUPS, FREEZE, goal=Goal.FAILBACK)) == range(0)
    assert without_writes(plan(FIRST_MOVE, goal=Goal.FAILBACK)) == range(0)


def test_a_stage_says_where_it_begins_how_long_and_whether_visitors_write() -> None:
    stages = stages_of(GOING_HOME, lambda steps: 10.0 * len(steps))
    names = [playbook_step(Goal.FAILBACK, found).name for found in (BACKUPS[0], FREEZE, FIRST_MOVE, LAST_MOVE, STOP)]
    assert stages == (
        PlanStage(names[0], 1, BACKUPS, 20.0, StageWrites.GO_ON),
        PlanStage(names[1], 3, (FREEZE,), 10.0, StageWrites.STOPPED),
        PlanStage(names[2], 4, (FIRST_MOVE,), 10.0, StageWrites.RETURN),
        PlanStage(names[3], 5, (LAST_MOVE,), 10.0, StageWrites.GO_ON),
        PlanStage(names[4], 6, (STOP,), 10.0, StageWrites.GO_ON),
    )
    assert names[0] == names[1] != names[2] == names[3] != names[4], "one step of the playbook may be several stages"


def test_a_failover_stops_no_writes_of_its_own() -> None:
    stages = stages_of(plan(), lambda _: 1.0)
    assert {stage.writes for stage in stages} == {StageWrites.GO_ON}
    assert [stage.first for stage in stages] == [1, 3], "a database and the services of its tenants are one stage"
