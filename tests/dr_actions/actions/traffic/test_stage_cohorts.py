"""Canary tenants whose hosts have records of their own are moved back first, through every stage, in their own zone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.traffic import shift_to_dr
from dr_actions.actions.traffic.shift_to_primary import SHIFT_TO_PRIMARY
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.readers import route53
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.compute.compute_world import World, world_of
from tests.dr_actions.actions.compute.failback_world import steps_home, take, weights, with_failback
from tests.dr_actions.plain import ORIGIN, SIT, led, recorded, sight, with_part, with_traffic

HOST, DOMAIN = "www.customer-one.example", "customer-one.example"
ENV = with_failback(with_traffic(SIT, customer_hosts={"tenant1": (HOST,)}), canary_tenants=("tenant-1",))


def _with_customer(snapshot: Snapshot) -> Snapshot:
    """The estate with a customer's weighted pair in a zone of its own, which leads where the traffic name does."""
    pair = tuple(replace(r, name=HOST) for r in snapshot.get(route53.records, Side.GLOBAL) if r.name == ORIGIN)
    zones = (*snapshot.get(route53.zones, Side.GLOBAL), route53.ListedZone("ZCUSTOMER", DOMAIN, private=False))
    hosts = (route53.CustomerHost(HOST, DOMAIN, pair),)
    return with_part(with_part(snapshot, route53.zones, Side.GLOBAL, zones), route53.customer_hosts, Side.GLOBAL, hosts)


AWAY = _with_customer(led(recorded("healthy"), 0))


def _sight(env: Environment = ENV, snapshot: Snapshot = AWAY, **changes: Any) -> PlanContext:
    return sight(snapshot, env=env, goal=Goal.FAILBACK, **changes)


def _steps(env: Environment = ENV) -> dict[str, Step]:
    return {step.id.partition(":")[2]: step for step in SHIFT_TO_PRIMARY.plan_steps(_sight(env))}


def test_canaries_go_through_every_stage_before_anybody_else() -> None:
    steps = _steps()
    canary = [f"canary-{percent}.{DOMAIN}" for percent in (10, 50, 100)]
    assert list(steps) == [*canary, "10", "50", "100"]
    assert [step.stage for step in steps.values()] == [50, 51, 52, 53, 54, 55]
    assert {row["Name"] for name in canary for row in steps[name].after["records"]} == {f"{HOST}."}
    assert [row["Weight"] for row in steps[canary[0]].after["records"]] == [10, 90]


def test_other_tenants_own_pairs_go_with_everybody_in_the_same_stage() -> None:
    steps = _steps(with_failback(ENV, canary_tenants=()))
    assert list(steps) == [f"10.{DOMAIN}", "10", f"50.{DOMAIN}", "50", f"100.{DOMAIN}", "100"]
    assert [step.stage for step in steps.values()] == [50, 50, 51, 51, 52, 52]


def test_a_canary_without_own_records_moves_with_all_and_a_note_says_so() -> None:
    env = with_failback(ENV, canary_tenants=("tenant2",))
    assert "they are shifted with everybody" in " ".join(SHIFT_TO_PRIMARY.notes(_sight(env)))
    assert not any(name.startswith("canary") for name in _steps(env))


def test_some_tenants_alone_do_not_move_the_name_that_serves_all() -> None:
    some = _sight(only_tenants=frozenset({"tenant-1"}))
    assert {step.subject for step in SHIFT_TO_PRIMARY.plan_steps(some)} == {DOMAIN}
    assert "serves every tenant" in " ".join(SHIFT_TO_PRIMARY.notes(some))


def test_a_canarys_failover_pair_is_turned_home_whole_with_the_last_stage() -> None:
    hosts = AWAY.get(route53.customer_hosts, Side.GLOBAL)
    turned = tuple(_as_failover(host) for host in hosts if isinstance(host, route53.CustomerHost))
    failover = _sight(snapshot=with_part(AWAY, route53.customer_hosts, Side.GLOBAL, turned))
    steps = [step.id for step in SHIFT_TO_PRIMARY.plan_steps(failover) if step.subject == DOMAIN]
    assert steps == [f"traffic/shift_to_primary:canary-100.{DOMAIN}"]


def _as_failover(customer_host: route53.CustomerHost) -> route53.CustomerHost:
    """The customer's pair with roles, the DR region's record first."""
    regions = {SIT.regions.dr: "PRIMARY", SIT.regions.primary: "SECONDARY"}
    role = {
        r.set_identifier: next(x for name, x in regions.items() if name in (r.alias_target or ""))
        for r in customer_host.records
    }
    return replace(
        customer_host,
        records=tuple(replace(r, weight=None, failover=role[r.set_identifier]) for r in customer_host.records),
    )


@pytest.mark.proof
def test_a_canary_comes_home_alone_and_is_counted_in_its_own_zone() -> None:
    with world_of(ENV) as world:
        _own_pair(world)
        world.healthy = world.whole()
        for step in shift_to_dr.SHIFT_TO_DR.plan_steps(world.sight()):
            world.act(shift_to_dr.SHIFT_TO_DR, step)
        _come_home(world)


def _come_home(world: World) -> None:
    steps = list(steps_home(world).values())
    for step in steps[:3]:
        confirmed = take(world, step)
        assert confirmed.state is StepState.DONE, confirmed.message
        counted = f"answers {HOST} A" in dict(confirmed.evidence)
        assert counted is (step.after["percent"] < 100)
    assert weights(world) == (0, 100)
    confirmed = take(world, steps[3])
    assert confirmed.state is StepState.DONE, confirmed.message
    assert f"answers {ORIGIN} A" in dict(confirmed.evidence)


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
    response = world.send(Side.GLOBAL, "route53:ListResourceRecordSets", HostedZoneId=zone)
    rows: list[dict[str, Any]] = response["ResourceRecordSets"]
    return rows
