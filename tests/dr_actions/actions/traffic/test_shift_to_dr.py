"""Traffic is shifted by one batch, confirmed by the records and by the answers, and taken back exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_actions.actions.traffic.share_gate import SETTLES
from dr_actions.actions.traffic.shift_to_dr import VERB
from dr_actions.model.action import Sight, Standing
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unseen import Blindness, Unseen
from dr_estate.network.dns_query import Answer
from dr_estate.readers import route53
from dr_estate.readers.dns_canary_polls import Change
from dr_estate.snapshot.snapshot import Part
from tests.dr_actions.actions.compute.compute_world import SIT, World, dark, world_of

OUT_OF_REACH = Unseen(Blindness.RESOLVER, "DNS server ns-1 did not answer.")
HOST, DOMAIN = "www.customer-one.example", "customer-one.example"


def _with(**traffic: Any) -> Environment:
    return SIT.model_copy(update={"traffic": SIT.traffic.model_copy(update=traffic)})


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A world with a customer's pair of failover records in a zone of its own."""
    with world_of(_with(customer_hosts={"tenant1": (HOST,)})) as world:
        _customer_pair(world)
        world.healthy = world.whole()
        yield world


def _customer_pair(world: World) -> None:
    """The customer's CNAME to the traffic name becomes a failover pair of the two load balancers."""
    zones = world.send(Side.GLOBAL, "route53:ListHostedZones")["HostedZones"]
    zone = next(one["Id"] for one in zones if one["Name"] == f"{DOMAIN}.")
    pair = [one for one in _pair(world) if one["Type"] == "A"]
    rows = world.send(Side.GLOBAL, "route53:ListResourceRecordSets", HostedZoneId=zone)["ResourceRecordSets"]
    changes = [("DELETE", row) for row in rows if row["Name"] == f"{HOST}."]
    for one, role in zip(pair, ("PRIMARY", "SECONDARY"), strict=True):
        bare = {key: value for key, value in one.items() if key != "Weight"}
        changes.append(("CREATE", bare | {"Name": f"{HOST}.", "Failover": role}))
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": row} for action, row in changes]}
    world.send(Side.GLOBAL, "route53:ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=batch)


def _pair(world: World) -> list[dict[str, Any]]:
    zone = world.healthy.get(route53.zone, Side.GLOBAL)
    assert zone is not None
    rows = world.send(Side.GLOBAL, "route53:ListResourceRecordSets", HostedZoneId=zone.id)["ResourceRecordSets"]
    return [row for row in rows if row["Name"] == f"{SIT.traffic.origin_record}."]


def _upsert(world: World, *rows: dict[str, Any]) -> None:
    zone = world.healthy.get(route53.zone, Side.GLOBAL)
    assert zone is not None
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": row} for row in rows]}
    world.send(Side.GLOBAL, "route53:ChangeResourceRecordSets", HostedZoneId=zone.id, ChangeBatch=batch)


def _steps(world: World, **changes: Any) -> dict[str, Step]:
    return {step.subject: step for step in VERB.foresee(world.sight(**changes))}


@pytest.fixture
def step(world: World) -> Iterator[Step]:
    """The step for the traffic name; the records are put back as they were."""
    before = _pair(world)
    yield _steps(world)[SIT.traffic.zone]
    _upsert(world, *before)


def test_the_batch_upserts_exactly_the_pair_through_us_east_1(world: World, step: Step) -> None:
    assert step.call is not None
    changes = step.call.params["ChangeBatch"]["Changes"]
    assert {change["Action"] for change in changes} == {"UPSERT"}
    named = [change["ResourceRecordSet"]["SetIdentifier"] for change in changes]
    assert sorted(named) == sorted(row["SetIdentifier"] for row in _pair(world))
    assert {change["ResourceRecordSet"]["Name"] for change in changes} == {f"{SIT.traffic.origin_record}."}
    assert (step.call.region, [str(plane) for plane in step.planes]) == ("us-east-1", ["us-east-1 (global services)"])
    assert step.before["records"] == _pair(world)


def test_the_step_is_ready_then_done_and_taking_it_back_restores_every_attribute(world: World, step: Step) -> None:
    before = _pair(world)
    assert world.confirm(VERB, step).standing is Standing.READY
    world.act(VERB, step)
    told = world.until(Standing.DONE, VERB, step)
    assert told.standing is Standing.DONE
    assert told.facts
    assert _steps(world, snapshot=world.look(VERB).snapshot).keys() == {DOMAIN}
    world.take_back(VERB, step)
    assert _pair(world) == before
    assert world.confirm(VERB, step).standing is Standing.READY


def test_records_that_lead_there_while_the_answers_do_not_are_waited_for(world: World, step: Step) -> None:
    check = next(row["HealthCheckId"] for row in _pair(world) if not row["Weight"])
    world.send(Side.GLOBAL, "route53:UpdateHealthCheck", HealthCheckId=check, Port=81)
    try:
        world.act(VERB, step)
        told = world.confirm(VERB, step)
        assert told.standing is Standing.WAITING
        assert "still answers" in told.says
    finally:
        world.send(Side.GLOBAL, "route53:UpdateHealthCheck", HealthCheckId=check, Port=80)
    assert world.until(Standing.DONE, VERB, step).standing is Standing.DONE


@pytest.fixture
def shifted(world: World, step: Step) -> Sight:
    """What is seen once the step is done, its change having been answered a moment ago."""
    world.act(VERB, step)
    assert world.until(Standing.DONE, VERB, step).standing is Standing.DONE
    sight = world.look(VERB)
    return replace(sight, sent_at={step.id: sight.snapshot.taken_at - timedelta(seconds=10)})


def _seen(sight: Sight, **values: Any) -> Sight:
    """The sight with other parts, named by their reader's last word."""
    parts = dict(sight.snapshot.parts)
    for (name, side), part in sight.snapshot.parts.items():
        if name.rpartition(".")[2] in values and side in (Side.GLOBAL, Side.DR):
            value = values[name.rpartition(".")[2]]
            parts[name, side] = Part(part.name, side, part.region, part.read_at, value)
    return replace(sight, snapshot=replace(sight.snapshot, parts=parts))


def _later(sight: Sight, step: Step) -> Sight:
    """The same, the change having had its time."""
    return replace(sight, sent_at={step.id: sight.snapshot.taken_at - SETTLES - timedelta(seconds=1)})


def test_a_resolver_that_answers_with_the_old_region_is_waited_for_no_longer_than_a_change_takes(
    step: Step, shifted: Sight
) -> None:
    old = Answer("192.0.2.53", SIT.traffic.origin_record, "A", "NOERROR", ("203.0.113.9",), (), 60, authoritative=False)
    kept = _seen(shifted, resolved=(old,))
    told = VERB.confirm(step, kept)
    assert (told.standing, told.says) == (
        Standing.WAITING,
        f"192.0.2.53 still answers {SIT.traffic.origin_record} with 203.0.113.9",
    )
    late = VERB.confirm(step, _later(kept, step))
    assert late.standing is Standing.DONE
    assert "192.0.2.53 still answers" in late.says


def test_where_no_dns_server_can_be_reached_route_53_itself_tells_what_it_answers(step: Step, shifted: Sight) -> None:
    closed = _seen(shifted, resolved=OUT_OF_REACH, authorities=(OUT_OF_REACH,))
    told = VERB.confirm(step, closed)
    assert told.standing is Standing.DONE
    assert told.says.endswith("its records, read back, Route 53 (TestDNSAnswer)")
    nothing = VERB.confirm(step, _seen(closed, door=OUT_OF_REACH))
    assert nothing.standing is Standing.DONE
    assert "cannot be seen from here: DNS server ns-1 did not answer" in nothing.says


@pytest.mark.parametrize(
    ("status", "expected"),
    [("PENDING", Standing.WAITING), ("INSYNC", Standing.DONE), ("NoSuchChange", Standing.DONE)],
)
def test_route_53_has_the_change_everywhere_before_the_step_is_done(
    step: Step, shifted: Sight, status: str, expected: Standing
) -> None:
    sight = replace(_seen(shifted, changes=(Change("C1", status),)), changes={step.id: "C1"})
    assert VERB.confirm(step, sight).standing is expected
    unheard = replace(_seen(shifted, changes=(OUT_OF_REACH,)), changes={step.id: "C1"})
    assert VERB.confirm(step, unheard).standing is Standing.WAITING
    assert VERB.confirm(step, _later(unheard, step)).standing is Standing.DONE


def test_records_as_before_although_route_53_took_the_change_were_written_back(world: World, step: Step) -> None:
    sight = replace(_seen(world.look(VERB), changes=(Change("C1", "INSYNC"),)), changes={step.id: "C1"})
    told = VERB.confirm(step, sight)
    assert (told.standing, "somebody wrote them back" in told.says) == (Standing.FAILED, True)
    assert VERB.is_undone(step, sight)


def test_records_changed_by_somebody_else_stop_the_step(world: World, step: Step) -> None:
    primary = _pair(world)[0]
    _upsert(world, primary | {"AliasTarget": primary["AliasTarget"] | {"EvaluateTargetHealth": False}})
    told = world.confirm(VERB, step)
    assert told.standing is Standing.CHANGED
    assert "AliasTarget" in told.says


def test_records_turned_by_hand_in_another_way_are_as_good(world: World, step: Step) -> None:
    rows = step.after["records"]
    by_hand = [row | {"AliasTarget": row["AliasTarget"] | {"EvaluateTargetHealth": False}} for row in rows]
    _upsert(world, *by_hand)
    assert world.until(Standing.DONE, VERB, step).standing is Standing.DONE


def test_weights_change_sides(step: Step) -> None:
    weights = {row["SetIdentifier"]: row["Weight"] for row in step.after["records"]}
    assert weights == {SIT.traffic.primary_set_identifier: 0, SIT.traffic.secondary_set_identifier: 100}


def test_a_customers_own_failover_pair_gets_the_same_treatment(world: World) -> None:
    step = _steps(world)[DOMAIN]
    assert world.confirm(VERB, step).standing is Standing.READY
    world.act(VERB, step)
    assert world.until(Standing.DONE, VERB, step).standing is Standing.DONE
    roles = {row["SetIdentifier"]: row["Failover"] for row in step.after["records"]}
    assert roles == {row["SetIdentifier"]: row["Failover"] for row in step.before["records"]}
    world.take_back(VERB, step)
    assert world.confirm(VERB, step).standing is Standing.READY


@pytest.mark.proof
def test_two_people_who_look_at_once_plan_the_same(world: World) -> None:
    assert _steps(world) == _steps(world, snapshot=world.whole())


def test_without_us_east_1_there_is_no_step_but_what_route_53_does_and_what_is_owed(world: World) -> None:
    sight = world.sight(dark(world.healthy, Side.GLOBAL), primary_answers=False)
    assert list(VERB.foresee(sight)) == []
    said = " ".join(VERB.notes(sight))
    assert "by health, in the data plane" in said
    assert "pin is owed" in said


def test_a_dark_primary_and_an_unseen_part_are_told_apart(world: World, step: Step) -> None:
    alone = world.sight(dark(world.healthy, Side.PRIMARY), primary_answers=False)
    assert [other.subject for other in VERB.foresee(alone)] == [DOMAIN, SIT.traffic.zone]
    assert VERB.confirm(step, world.sight(dark(world.healthy, Side.GLOBAL))).standing is Standing.UNSEEN


@pytest.mark.parametrize(
    ("traffic", "said"),
    [
        ({"denied_zones": (SIT.traffic.zone,)}, "denied zone"),
        ({"policy": "failover"}, "never converts"),
        ({"origin_record": "nobody.wpsit.kimmyai.io"}, "has no record"),
    ],
)
def test_what_must_not_be_changed_is_left_and_said(world: World, traffic: dict[str, Any], said: str) -> None:
    sight = world.sight(env=_with(**traffic))
    assert list(VERB.foresee(sight)) == []
    assert said in " ".join(VERB.notes(sight))


def test_the_traffic_name_is_not_moved_for_some_tenants_alone(world: World) -> None:
    sight = world.sight(only_tenants=frozenset({"tenant-1"}))
    assert [step.subject for step in VERB.foresee(sight)] == [DOMAIN]
    assert "serves every tenant" in " ".join(VERB.notes(sight))
    everybody = world.sight(only_tenants=frozenset({"tenant1", "tenant2"}))
    assert len(list(VERB.foresee(everybody))) == len(_steps(world))


def test_where_dns_is_a_persons_the_step_is_theirs_and_carries_the_same_call(world: World) -> None:
    by_hand = _steps(world, env=_with(dns_step="manual"))[SIT.traffic.zone]
    own = _steps(world)[SIT.traffic.zone]
    assert (by_hand.manual, own.manual) == (True, False)
    assert by_hand.call == own.call
    assert by_hand.owner == "Platform Admin"


def test_a_failback_has_no_part_in_it(world: World) -> None:
    sight = world.sight(goal=Goal.FAILBACK)
    assert (list(VERB.foresee(sight)), list(VERB.notes(sight))) == ([], [])


def test_it_may_send_one_operation_and_no_other() -> None:
    assert VERB.writes == {"route53:ChangeResourceRecordSets"}
    assert VERB.undo(_without_call()) is None


def _without_call() -> Step:
    from dr_actions.model.plan import Danger

    return Step("x", 7, 50, "traffic/shift_to_dr", "x", "x", Side.GLOBAL, "x", Danger.REVERSIBLE, "", 1)
