"""Canary tenants whose hosts have records of their own go home first, through every stage, in their own zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.traffic import shift_to_dr
from dr_actions.actions.traffic.shift_to_primary import VERB
from dr_actions.model.action import Standing
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.readers import route53
from tests.dr_actions.actions.compute.compute_world import World, world_of
from tests.dr_actions.actions.compute.failback_world import (
    records_sight,
    steps_home,
    take,
    weights,
    with_failback,
)
from tests.dr_actions.plain import ORIGIN, SIT, with_part, with_traffic

pytestmark = pytest.mark.proof

HOST, DOMAIN = "www.customer-one.example", "customer-one.example"
ENV = with_failback(with_traffic(SIT, customer_hosts={"tenant1": (HOST,)}), canary_tenants=("tenant-1",))


@pytest.fixture(scope="module")
def away() -> Iterator[World]:
    """Visitors of the traffic name and of the customer's own pair are all led to the DR region."""
    with world_of(ENV) as world:
        _own_pair(world)
        world.healthy = world.whole()
        for step in shift_to_dr.VERB.foresee(world.sight()):
            world.act(shift_to_dr.VERB, step)
        world.endpoint.keep("away")
        yield world


@pytest.fixture
def world(away: World) -> Iterator[World]:
    yield away
    away.endpoint.return_to("away")


def _own_pair(world: World) -> None:
    """The customer's CNAME to the traffic name becomes a weighted pair of the two load balancers."""
    zones = {z["Name"]: z["Id"] for z in world.send(Side.GLOBAL, "route53:ListHostedZones")["HostedZones"]}
    pair = [row for row in _rows(world, zones[f"{SIT.traffic.zone}."]) if row["Name"] == f"{ORIGIN}."]
    zone = zones[f"{DOMAIN}."]
    changes = [("DELETE", row) for row in _rows(world, zone) if row["Name"] == f"{HOST}."]
    changes += [("CREATE", row | {"Name": f"{HOST}."}) for row in pair]
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": row} for action, row in changes]}
    world.send(Side.GLOBAL, "route53:ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=batch)


def _rows(world: World, zone: str) -> list[dict[str, Any]]:
    told = world.send(Side.GLOBAL, "route53:ListResourceRecordSets", HostedZoneId=zone)
    rows: list[dict[str, Any]] = told["ResourceRecordSets"]
    return rows


def _own_weights(step: Step) -> list[int]:
    return [row["Weight"] for row in step.after["records"]]


def test_canaries_go_through_every_stage_before_anybody_else(world: World) -> None:
    steps = steps_home(world)
    canary = [f"canary-{percent}.{DOMAIN}" for percent in (10, 50, 100)]
    assert list(steps) == [*canary, "10", "50", "100"]
    assert [step.stage for step in steps.values()] == [50, 51, 52, 53, 54, 55]
    assert {row["Name"] for name in canary for row in steps[name].after["records"]} == {f"{HOST}."}
    assert _own_weights(steps[canary[0]]) == [10, 90]


def test_a_canary_comes_home_alone_and_its_answers_are_counted_in_its_own_zone(world: World) -> None:
    steps = list(steps_home(world).values())
    for step in steps[:3]:
        told = take(world, step)
        assert told.standing is Standing.DONE, told.says
        counted = f"answers {HOST} A" in dict(told.facts)
        assert counted is (step.after["percent"] < 100)
    assert weights(world) == (0, 100)
    told = take(world, steps[3])
    assert told.standing is Standing.DONE, told.says
    assert f"answers {ORIGIN} A" in dict(told.facts)


def test_other_tenants_own_pairs_go_with_everybody_in_the_same_stage(world: World) -> None:
    steps = steps_home(world, with_failback(ENV, canary_tenants=()))
    assert list(steps) == [f"10.{DOMAIN}", "10", f"50.{DOMAIN}", "50", f"100.{DOMAIN}", "100"]
    assert [step.stage for step in steps.values()] == [50, 50, 51, 51, 52, 52]


def test_a_canary_without_records_of_its_own_goes_with_everybody_and_that_is_said(world: World) -> None:
    env = with_failback(ENV, canary_tenants=("tenant2",))
    assert "go home with everybody" in " ".join(VERB.notes(records_sight(world, env)))
    assert not any(name.startswith("canary") for name in steps_home(world, env))


def test_some_tenants_alone_do_not_move_the_name_that_serves_all(world: World) -> None:
    sight = replace(records_sight(world), only_tenants=frozenset({"tenant-1"}))
    assert {step.subject for step in VERB.foresee(sight)} == {DOMAIN}
    assert "serves every tenant" in " ".join(VERB.notes(sight))


def test_a_canarys_failover_pair_is_turned_home_whole_with_the_last_stage(world: World) -> None:
    held = world.healthy.get(route53.customer_hosts, Side.GLOBAL)
    turned = tuple(_as_failover(one) if isinstance(one, route53.CustomerHost) else one for one in held)
    sight = records_sight(world)
    steps = list(
        VERB.foresee(replace(sight, snapshot=with_part(sight.snapshot, route53.customer_hosts, Side.GLOBAL, turned)))
    )
    assert [step.id for step in steps if step.subject == DOMAIN] == [f"traffic/shift_to_primary:canary-100.{DOMAIN}"]


def _as_failover(held: route53.CustomerHost) -> route53.CustomerHost:
    """The customer's pair with roles, the DR region's record first."""
    regions = {SIT.regions.dr: "PRIMARY", SIT.regions.primary: "SECONDARY"}
    role = {
        r.set_identifier: next(x for name, x in regions.items() if name in (r.alias_target or "")) for r in held.records
    }
    return replace(held, records=tuple(replace(r, weight=None, failover=role[r.set_identifier]) for r in held.records))
