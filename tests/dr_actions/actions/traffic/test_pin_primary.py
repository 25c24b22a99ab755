"""The pin holds the old primary down while it is dead and after it healed, and is taken back exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.traffic.pins import PIN_PRIMARY, VERSION
from dr_actions.actions.traffic.shift_to_dr import SHIFT_TO_DR as SHIFT
from dr_actions.model.action import StepState, StepStatus
from dr_actions.model.plan import Goal
from dr_checks.derived.record_pins import CLOSED_PORTS, MOST_CHILDREN, as_set, is_pinned, pin
from dr_estate.config.environment import Side
from dr_estate.readers import route53
from dr_estate.readers.route53_health_checks import checks, statuses
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.compute.compute_world import World, world_of
from tests.dr_actions.plain import ORIGIN, SIT, dark, recorded, sight, with_part, with_rows
from tests.dr_checks.edges import probe

CHECK = probe("hc-1", "alb.example")
ALARM = replace(CHECK, type="CLOUDWATCH_METRIC", port=0, alarm_name="lag", alarm_region=SIT.regions.primary)
HEALTHY, GLOBAL = recorded("healthy"), Side.GLOBAL
(STEP,) = PIN_PRIMARY.plan_steps(sight())


def _with_check(**changes: Any) -> Snapshot:
    """The estate with other settings of the primary's check."""
    return with_rows(HEALTHY, checks, GLOBAL, lambda check: check.id == STEP.subject, **changes)


PINNED = _with_check(port=STEP.after["Port"])


def _confirm(snapshot: Snapshot) -> StepStatus:
    return PIN_PRIMARY.observe(STEP, sight(snapshot))


def test_only_the_check_of_the_primary_changes_and_only_what_holds_it_down() -> None:
    records = HEALTHY.get(route53.records, GLOBAL)
    mine = next(r for r in records if r.set_identifier == SIT.traffic.primary_set_identifier)
    assert STEP.subject == mine.health_check_id
    assert STEP.after["Port"] in CLOSED_PORTS
    upright = {"HealthCheckId": STEP.subject, VERSION: 7, "Inverted": False}
    assert PIN_PRIMARY.build_call(STEP, sight(_with_check(version=7))).params == upright | {"Port": STEP.after["Port"]}


def test_it_is_ready_then_done_and_taken_back_to_every_value() -> None:
    assert _confirm(HEALTHY).state is StepState.READY
    down = with_rows(PINNED, statuses, GLOBAL, value=0.0)
    confirmed = _confirm(down)
    assert (confirmed.state, "reported unhealthy" in confirmed.message) == (StepState.DONE, True)
    assert list(PIN_PRIMARY.plan_steps(sight(down))) == []
    undoing = PIN_PRIMARY.rollback_call(STEP)
    assert undoing is not None
    assert undoing.params == {"HealthCheckId": STEP.subject, **STEP.before}


def test_a_check_that_somebody_else_changed_is_not_overwritten() -> None:
    confirmed = _confirm(_with_check(port=8080))
    assert (confirmed.state, "Port is 8080" in confirmed.message) == (StepState.DRIFTED, True)


def test_a_pin_that_is_set_and_not_yet_reported_is_waited_for() -> None:
    confirmed = _confirm(PINNED)
    assert (confirmed.state, "still reported healthy" in confirmed.message) == (StepState.IN_PROGRESS, True)
    assert _confirm(with_part(HEALTHY, checks, GLOBAL, ())).state is StepState.DRIFTED
    assert _confirm(dark(HEALTHY, GLOBAL)).state is StepState.UNAVAILABLE


@pytest.mark.parametrize(
    ("snapshot", "note"),
    [
        (_with_check(**{name: getattr(ALARM, name) for name in ("type", "port", "alarm_name")}), "held down by an"),
        (
            with_rows(HEALTHY, route53.records, GLOBAL, lambda r: r.health_check_id, health_check_id=STEP.subject),
            "decides other records too",
        ),
        (with_rows(HEALTHY, route53.records, GLOBAL, health_check_id=None), "has no health check"),
        (dark(HEALTHY, GLOBAL), "It is owed"),
    ],
    ids=["an alarm", "a check of both records", "no check", "unseen"],
)
def test_what_cannot_be_pinned_is_said(snapshot: Snapshot, note: str) -> None:
    assert list(PIN_PRIMARY.plan_steps(sight(snapshot))) == []
    assert note in " ".join(PIN_PRIMARY.notes(sight(snapshot)))


def test_a_child_of_the_other_regions_check_is_not_held_down() -> None:
    parent = with_rows(
        HEALTHY,
        checks,
        GLOBAL,
        lambda check: check.id != STEP.subject,
        type="CALCULATED",
        children=(STEP.subject,),
        children_needed=1,
    )
    assert list(PIN_PRIMARY.plan_steps(sight(parent))) == []


def test_failback_releases_it_elsewhere() -> None:
    back = sight(goal=Goal.FAILBACK)
    assert (list(PIN_PRIMARY.plan_steps(back)), list(PIN_PRIMARY.notes(back))) == ([], [])


@pytest.mark.parametrize("kind", ["HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP"])
def test_an_endpoint_is_pointed_at_a_closed_port_and_restored(kind: str) -> None:
    check = replace(CHECK, type=kind, inverted=True)
    assert pin(check, {80, 443}) == {"Port": 1, "Inverted": False}
    assert pin(check, {80, 1, 2}) == {"Port": 3, "Inverted": False}
    assert is_pinned(replace(check, port=1, inverted=False))
    assert not is_pinned(replace(check, port=1))


def test_a_calculated_check_needs_more_children_than_it_has() -> None:
    check = replace(CHECK, type="CALCULATED", port=0, children=("a", "b"), children_needed=1)
    assert pin(check, ()) == {"HealthThreshold": 3, "Inverted": False}
    assert is_pinned(replace(check, children_needed=3))
    assert pin(replace(check, children=tuple(map(str, range(MOST_CHILDREN)))), ()) is None


def test_neither_an_alarm_nor_a_routing_control_can_be_pinned() -> None:
    assert pin(ALARM, ()) is None
    assert pin(replace(ALARM, type="RECOVERY_CONTROL"), ()) is None


def test_a_disabled_check_is_enabled_and_never_disabled_again() -> None:
    (enabling,) = PIN_PRIMARY.plan_steps(sight(with_rows(HEALTHY, checks, GLOBAL, disabled=True)))
    assert enabling.after["Disabled"] is False
    undoing = PIN_PRIMARY.rollback_call(enabling)
    assert undoing is not None
    assert undoing.params == {"HealthCheckId": STEP.subject, "Port": 80, "Inverted": False}


def test_a_port_that_aws_does_not_report_is_the_usual_one_of_its_type() -> None:
    assert as_set(replace(CHECK, port=0), ["Port"]) == {"Port": 80}
    assert as_set(replace(CHECK, port=0, type="HTTPS"), ["Port"]) == {"Port": 443}


@pytest.mark.proof
def test_pinned_traffic_stays_in_the_dr_region_whatever_becomes_of_either() -> None:
    """The primary dead, healed, and the DR region's own check failing: each time the DR region is answered."""
    with world_of() as world:
        world.endpoint.timing(transition_s=0)
        (shift,), (step,) = SHIFT.plan_steps(world.sight()), PIN_PRIMARY.plan_steps(world.sight())
        there = next(row["HealthCheckId"] for row in shift.after["records"] if row["Weight"])
        world.act(SHIFT, shift)
        expected = _answer(world)
        world.endpoint.inject("primary-dark")
        world.act(PIN_PRIMARY, step)
        assert world.confirm(PIN_PRIMARY, step).state is StepState.DONE
        assert _answer(world) == expected
        world.endpoint.repair("primary-dark")
        assert _answer(world) == expected
        world.send(GLOBAL, "route53:UpdateHealthCheck", HealthCheckId=there, Port=81)
        assert _answer(world) == expected
        world.take_back(PIN_PRIMARY, step)
        assert _answer(world) != expected


def _answer(world: World) -> list[str]:
    zone = world.healthy.get(route53.zone, GLOBAL)
    assert zone is not None
    params = {"HostedZoneId": zone.id, "RecordName": ORIGIN, "RecordType": "A"}
    return sorted(world.send(GLOBAL, "route53:TestDNSAnswer", **params)["RecordData"])
