"""No drill beside an incident, in a blocked window, while an alarm is on, upon leftovers, or where none can be seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from dr_actions.drills.stop_conditions import alarms_on, drill_gates, drill_refusal
from dr_checks.posture.posture import Posture, PostureName
from dr_estate.config.environment import Side
from dr_estate.readers import cloudwatch_alarms, control_table, drill_resources, efs, rds, route53
from dr_estate.readers.control_table import ControlState, Incident
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks import databases as plain
from tests.dr_checks.worlds import DENIED, NOW, SIT, Values, world

QUIET = cloudwatch_alarms.Alarm("sit-mysql-cpu", "OK", "", "Average CPU", 90.0, 5, "missing", True, ())
RINGS = replace(QUIET, state="ALARM", reason="Threshold crossed.")
WELL: Values = {
    (cloudwatch_alarms.alarms, Side.PRIMARY): (QUIET,),
    (cloudwatch_alarms.alarms, Side.DR): (QUIET,),
    (control_table.standing, Side.DR): ControlState(),
    (rds.instances, Side.DR): (),
    (efs.of_drills, Side.DR): (),
    (drill_resources.access_points, Side.DR): (),
    (drill_resources.mount_targets, Side.DR): (),
    (drill_resources.tasks, Side.DR): (),
    (route53.records, Side.GLOBAL): (),
}
NORMAL = Posture(PostureName.NORMAL, "all is well.")
OPEN = ControlState(incident=Incident("INC-9", "failover", "open", NOW, None))
LEFT = replace(plain.PRIMARY, identifier="sit-mysql-drill-20260107-030000")


def unmet(values: Values = {}, posture: Posture = NORMAL, now: datetime = NOW, **rules: Any) -> list[str]:  # noqa: B006
    env = SIT.model_copy(update={"schedule": SIT.schedule.model_copy(update=rules)})
    gates = drill_gates(seen(values), env, posture, now)
    assert all(gate.stops for gate in gates)
    return [gate.id for gate in gates if not gate.met]


def seen(values: Values) -> Snapshot:
    return world({**WELL, **values})


def test_a_drill_may_begin_in_a_sound_estate() -> None:
    assert [] == unmet()


@pytest.mark.parametrize(
    ("values", "gate"),
    [
        ({(cloudwatch_alarms.alarms, Side.DR): (RINGS,)}, "drill.alarms"),
        ({(cloudwatch_alarms.alarms, Side.PRIMARY): DENIED}, "drill.alarms"),
        ({(control_table.standing, Side.DR): OPEN}, "drill.incident"),
        ({(control_table.standing, Side.DR): ControlState(reason="There is no table.")}, "drill.incident"),
        ({(control_table.standing, Side.DR): DENIED}, "drill.incident"),
        ({(rds.instances, Side.DR): (LEFT,)}, "drill.leftovers"),
        ({(efs.of_drills, Side.DR): DENIED}, "drill.leftovers"),
    ],
)
def test_each_reason_has_a_gate_of_its_own_and_what_is_unseen_is_no_leave(values: Values, gate: str) -> None:
    assert [gate] == unmet(values)


@pytest.mark.parametrize("posture", sorted(set(PostureName) - {PostureName.NORMAL}))
def test_an_estate_that_is_not_well_is_not_practised_on(posture: PostureName) -> None:
    assert ["drill.estate"] == unmet(posture=Posture(posture, "it is not."))


def test_no_drill_is_held_in_a_blocked_window_of_the_schedules_own_days() -> None:
    window = (f"{date(2026, 3, 2)}..{date(2026, 3, 2)}",)
    assert ["drill.window"] == unmet(blocked=window)
    late = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)  # the third of March in Johannesburg
    assert [] == unmet(blocked=window, now=late)


def test_only_the_named_alarms_stop_a_drill_and_the_message_names_them() -> None:
    rung = seen({(cloudwatch_alarms.alarms, Side.DR): (RINGS,)})
    assert "alarm sit-mysql-cpu in eu-west-1 is ALARM: Threshold crossed." == alarms_on(rung, SIT)
    others = SIT.model_copy(update={"drill": SIT.drill.model_copy(update={"stop_alarms": ("{env}-alb-5xx",)})})
    assert "" == alarms_on(rung, others)


def test_an_open_incident_is_named() -> None:
    assert drill_refusal(OPEN) == f"incident INC-9 is open since {NOW:%Y-%m-%d %H:%M} UTC (failover)."
