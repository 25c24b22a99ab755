"""The pin holds the old primary down while it is dead and after it healed, and is taken back exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_actions.actions.traffic.pin_primary import VERB
from dr_actions.actions.traffic.shift_to_dr import VERB as SHIFT
from dr_actions.model.action import Sight, Standing
from dr_actions.model.plan import Goal, Step
from dr_checks.derived.health_check_pin import CLOSED_PORTS, MOST_CHILDREN, as_set, is_pinned, pin
from dr_estate.config.environment import Side
from dr_estate.readers import route53, route53_health_checks
from dr_estate.snapshot.snapshot import Part
from tests.dr_actions.actions.compute.compute_world import SIT, World, dark, world_of
from tests.dr_checks.edges import probe

CHECK = probe("hc-1", "alb.example")
ALARM = replace(CHECK, type="CLOUDWATCH_METRIC", port=0, alarm_name="lag", alarm_region=SIT.regions.primary)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with world_of() as world:
        yield world


@pytest.fixture
def step(world: World) -> Iterator[Step]:
    """The step; the check is put back to its port."""
    (step,) = VERB.foresee(world.sight())
    yield step
    world.send(Side.GLOBAL, "route53:UpdateHealthCheck", HealthCheckId=step.subject, **step.before)


def _config(world: World, check: str) -> dict[str, Any]:
    told = world.send(Side.GLOBAL, "route53:GetHealthCheck", HealthCheckId=check)["HealthCheck"]
    config: dict[str, Any] = told["HealthCheckConfig"]
    return config


def _answer(world: World) -> list[str]:
    zone = world.healthy.get(route53.zone, Side.GLOBAL)
    assert zone is not None
    told = world.send(
        Side.GLOBAL,
        "route53:TestDNSAnswer",
        HostedZoneId=zone.id,
        RecordName=SIT.traffic.origin_record,
        RecordType="A",
    )
    return sorted(told["RecordData"])


def _with_checks(world: World, *found: route53_health_checks.HealthCheck, records: Any = None) -> Sight:
    """The healthy sight with other health checks, and other records where given."""
    parts = dict(world.healthy.parts)
    for reader, value in ((route53_health_checks.checks, found), (route53.records, records)):
        part = parts[reader.name, Side.GLOBAL]
        if value is not None:
            parts[reader.name, Side.GLOBAL] = Part(part.name, part.side, part.region, part.read_at, value)
    return world.sight(replace(world.healthy, parts=parts))


def test_it_changes_the_primarys_check_alone_and_nothing_but_what_holds_it_down(world: World, step: Step) -> None:
    records = world.healthy.get(route53.records, Side.GLOBAL)
    mine = next(r for r in records if r.set_identifier == SIT.traffic.primary_set_identifier)
    before = _config(world, step.subject)
    assert step.subject == mine.health_check_id
    world.act(VERB, step)
    after = _config(world, step.subject)
    assert {key for key in before if before[key] != after[key]} == {"Port"}
    assert (after["Disabled"], after["Inverted"]) == (False, False)
    assert after["Port"] in CLOSED_PORTS


def test_it_is_ready_then_done_and_taken_back_to_every_value(world: World, step: Step) -> None:
    before = _config(world, step.subject)
    assert world.confirm(VERB, step).standing is Standing.READY
    world.act(VERB, step)
    told = world.until(Standing.DONE, VERB, step)
    assert (told.standing, "reported unhealthy" in told.says) == (Standing.DONE, True)
    assert list(VERB.foresee(world.look(VERB))) == []
    world.take_back(VERB, step)
    assert _config(world, step.subject) == before
    assert world.confirm(VERB, step).standing is Standing.READY


def test_pinned_traffic_stays_in_the_dr_region_whatever_becomes_of_either(world: World, step: Step) -> None:
    """The primary dead, healed, and the DR region's own check failing: each time the DR region is answered."""
    shift = next(iter(SHIFT.foresee(world.sight())))
    there = next(row["HealthCheckId"] for row in shift.after["records"] if row["Weight"])
    world.act(SHIFT, shift)
    expected = _answer(world)
    try:
        world.endpoint.break_("primary-dark")
        world.act(VERB, step)
        assert world.until(Standing.DONE, VERB, step).standing is Standing.DONE
        assert _answer(world) == expected
        world.endpoint.mend("primary-dark")
        assert _answer(world) == expected
        world.send(Side.GLOBAL, "route53:UpdateHealthCheck", HealthCheckId=there, Port=81)
        assert _answer(world) == expected
        world.take_back(VERB, step)
        assert _answer(world) != expected
    finally:
        world.endpoint.mend()
        world.send(Side.GLOBAL, "route53:UpdateHealthCheck", HealthCheckId=there, Port=80)
        world.take_back(SHIFT, shift)


def test_a_check_that_somebody_else_changed_is_not_overwritten(world: World, step: Step) -> None:
    looked = VERB.fill(step, world.look(VERB))
    world.send(Side.GLOBAL, "route53:UpdateHealthCheck", HealthCheckId=step.subject, Port=8080)
    told = world.confirm(VERB, step)
    assert (told.standing, "Port is 8080" in told.says) == (Standing.CHANGED, True)
    with pytest.raises(ClientError) as refused:
        world.hand.send(looked)
    assert refused.value.response["Error"]["Code"] == "HealthCheckVersionMismatch"


def test_a_pin_that_is_set_and_not_yet_reported_is_waited_for(world: World, step: Step) -> None:
    known = world.healthy.get(route53_health_checks.checks, Side.GLOBAL)
    held = tuple(replace(c, port=step.after["Port"]) if c.id == step.subject else c for c in known)
    told = VERB.confirm(step, _with_checks(world, *held))
    assert (told.standing, "still reported healthy" in told.says) == (Standing.WAITING, True)
    assert VERB.confirm(step, _with_checks(world)).standing is Standing.CHANGED
    assert VERB.confirm(step, world.sight(dark(world.healthy, Side.GLOBAL))).standing is Standing.UNSEEN


def test_what_cannot_be_pinned_is_said(world: World, step: Step) -> None:
    known = world.healthy.get(route53_health_checks.checks, Side.GLOBAL)
    records = world.healthy.get(route53.records, Side.GLOBAL)
    alarm = tuple(replace(ALARM, id=c.id) if c.id == step.subject else c for c in known)
    both = tuple(replace(r, health_check_id=step.subject) if r.health_check_id else r for r in records)
    bare = tuple(replace(r, health_check_id=None) for r in records)
    for sight, said in (
        (_with_checks(world, *alarm), "cannot be held down by an update"),
        (_with_checks(world, *known, records=both), "steers other records too"),
        (_with_checks(world, *known, records=bare), "has no health check"),
        (world.sight(dark(world.healthy, Side.GLOBAL)), "It is owed"),
    ):
        assert list(VERB.foresee(sight)) == []
        assert said in " ".join(VERB.notes(sight))


def test_a_child_of_the_other_regions_check_is_not_held_down(world: World, step: Step) -> None:
    known = world.healthy.get(route53_health_checks.checks, Side.GLOBAL)
    parent = tuple(
        c if c.id == step.subject else replace(c, type="CALCULATED", children=(step.subject,), children_needed=1)
        for c in known
    )
    assert list(VERB.foresee(_with_checks(world, *parent))) == []


def test_failback_releases_it_elsewhere(world: World) -> None:
    sight = world.sight(goal=Goal.FAILBACK)
    assert (list(VERB.foresee(sight)), list(VERB.notes(sight))) == ([], [])


@pytest.mark.parametrize("kind", ["HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP"])
def test_an_endpoint_is_pointed_at_a_port_that_nobody_listens_on_and_set_upright(kind: str) -> None:
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


def test_a_disabled_check_is_enabled_and_never_disabled_again(world: World, step: Step) -> None:
    disabled = tuple(replace(c, disabled=True) for c in world.healthy.get(route53_health_checks.checks, Side.GLOBAL))
    (held,) = VERB.foresee(_with_checks(world, *disabled))
    assert held.after["Disabled"] is False
    taken_back = VERB.undo(held)
    assert taken_back is not None
    assert taken_back.params == {"HealthCheckId": step.subject, "Port": 80, "Inverted": False}


def test_a_port_that_aws_does_not_tell_is_the_usual_one_of_its_type() -> None:
    assert as_set(replace(CHECK, port=0), ["Port"]) == {"Port": 80}
    assert as_set(replace(CHECK, port=0, type="HTTPS"), ["Port"]) == {"Port": 443}
