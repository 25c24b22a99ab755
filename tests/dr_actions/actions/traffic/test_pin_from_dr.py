"""The pin of the DR region: one call there holds the primary's record down, and one releases it after the records."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_actions.actions.traffic import pins, shift_to_dr, shift_to_primary
from dr_actions.model.action import TO_DR, TO_PRIMARY, PlanContext, StepState
from dr_actions.model.plan import Goal
from dr_actions.model.sequence import row_of
from dr_estate.config.environment import Environment, Side
from dr_estate.readers import elbv2, route53
from dr_estate.readers.elbv2 import Listener, ListenerAction
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.plain import SIT, dark, recorded, sight, with_part, with_weights

PIN, UNPIN = pins.PIN_FROM_DR, pins.UNPIN_FROM_DR
HEALTHY = recorded("healthy")
PREPARED = SIT.model_copy(update={"traffic": SIT.traffic.model_copy(update={"pin_port": 8053})})


def switched(status: int, snapshot: Snapshot = HEALTHY, body: str = "") -> Snapshot:
    """The DR region's load balancer with the switch that answers ``status``; ``body`` is a setting before it."""
    rows = snapshot.get(elbv2.listeners, Side.DR)
    answer = ListenerAction("fixed-response", (), f"ContentType text/plain, {body}StatusCode {status}")
    switch = Listener("arn:switch", 8053, "HTTP", "", (), answer)
    return with_part(snapshot, elbv2.listeners, Side.DR, (*rows, switch))


OPEN, HELD = switched(404), switched(200)


def to_dr(snapshot: Snapshot, env: Environment = PREPARED, **more: Any) -> PlanContext:
    return sight(snapshot, env=env, **more)


def home(snapshot: Snapshot) -> PlanContext:
    return sight(snapshot, env=PREPARED, goal=Goal.FAILBACK)


def test_one_call_in_the_dr_region_holds_the_switch_and_one_releases_it() -> None:
    (holding,), (releasing,) = PIN.plan_steps(to_dr(OPEN)), UNPIN.plan_steps(home(HELD))
    calls = [step.planned_call for step in (holding, releasing)]
    answers = [call.params["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] for call in calls]
    assert [(call.name, call.region, call.params["ListenerArn"]) for call in calls] == [
        ("elbv2:ModifyListener", SIT.regions.dr, "arn:switch")
    ] * 2
    assert answers == ["200", "404"]
    assert PIN.rollback_call(holding) == releasing.call
    assert UNPIN.rollback_call(releasing) == holding.call


def test_it_is_ready_then_done_and_gone_with_its_listener() -> None:
    (step,) = PIN.plan_steps(to_dr(OPEN))
    states = [PIN.observe(step, to_dr(snapshot)).state for snapshot in (OPEN, HELD, HEALTHY, dark(OPEN, Side.DR))]
    assert states == [StepState.READY, StepState.DONE, StepState.DRIFTED, StepState.UNAVAILABLE]


def test_what_the_body_of_the_answer_says_holds_nothing() -> None:
    open_ = switched(404, body="MessageBody StatusCode 200, ")
    (step,) = PIN.plan_steps(to_dr(open_))
    assert PIN.observe(step, to_dr(open_)).state is StepState.READY


def test_it_needs_no_control_plane_of_us_east_1() -> None:
    (step,) = PIN.plan_steps(to_dr(dark(OPEN, Side.GLOBAL)))
    assert [str(plane) for plane in step.planes] == ["DR region"]


def test_nothing_is_held_twice_nor_released_where_nothing_is_held() -> None:
    assert list(PIN.plan_steps(to_dr(HELD))) == []
    assert list(UNPIN.plan_steps(home(OPEN))) == []
    assert list(PIN.plan_steps(to_dr(OPEN, env=SIT))) == [], "no port is configured"
    assert (PIN.goals, UNPIN.goals) == (TO_DR | {Goal.ABORT}, TO_PRIMARY)


def test_a_configured_listener_that_is_missing_or_unseen_is_reported() -> None:
    assert "has no listener on port 8053" in " ".join(PIN.notes(to_dr(HEALTHY)))
    assert "cannot be seen" in " ".join(PIN.notes(to_dr(dark(HEALTHY, Side.DR))))
    assert list(PIN.notes(to_dr(OPEN))) == list(PIN.notes(to_dr(HEALTHY, env=SIT))) == []


def test_a_failback_turns_other_records_before_the_switch_is_released() -> None:
    (turning,) = shift_to_dr.SHIFT_TO_DR.plan_steps(home(HELD))
    stages = list(shift_to_primary.SHIFT_TO_PRIMARY.plan_steps(home(HELD)))
    assert [step.after["percent"] for step in stages] == [*SIT.failback.stages]
    assert stages[0].before["records"] == turning.after["records"]
    order = [row_of(Goal.FAILBACK, name).stage for name in ("traffic/shift_to_dr", "traffic/unpin_from_dr")]
    assert order[0] < order[1] < stages[0].stage


def test_turned_records_are_recognised_by_their_target_and_not_by_name() -> None:
    main, standby = "z-main", "a-standby"
    swapped = {"primary_set_identifier": main, "secondary_set_identifier": standby, "pin_port": 8053}
    env = SIT.model_copy(update={"traffic": SIT.traffic.model_copy(update=swapped)})
    names = {
        SIT.traffic.primary_set_identifier: main,
        SIT.traffic.secondary_set_identifier: standby,
    }
    records = HELD.get(route53.records, Side.GLOBAL)
    renamed = with_part(
        HELD,
        route53.records,
        Side.GLOBAL,
        tuple(replace(r, set_identifier=names.get(r.set_identifier or "", r.set_identifier)) for r in records),
    )
    stages = list(shift_to_primary.SHIFT_TO_PRIMARY.plan_steps(sight(renamed, env=env, goal=Goal.FAILBACK)))
    weights = {record["SetIdentifier"]: record["Weight"] for record in stages[-1].after["records"]}
    assert weights == {main: 100, standby: 0}


def test_a_failback_whose_records_lead_to_the_dr_region_already_turns_none() -> None:
    turned = switched(200, with_weights(HEALTHY, 0, 100))
    assert list(shift_to_dr.SHIFT_TO_DR.plan_steps(home(turned))) == []
    assert list(shift_to_dr.SHIFT_TO_DR.plan_steps(home(OPEN))) == []
