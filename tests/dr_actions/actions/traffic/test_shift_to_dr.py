"""Traffic is shifted by one batch, confirmed by the records and by the answers, and taken back exactly."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_actions.actions.traffic.answers_gate import SETTLES
from dr_actions.actions.traffic.records import record_set
from dr_actions.actions.traffic.shift_to_dr import SHIFT_TO_DR
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Danger, Goal, Step
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.network.dns_query import DnsAnswer
from dr_estate.readers import dns_answers, dns_canary_polls, route53
from dr_estate.readers.dns_canary_polls import DnsChange
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.compute.compute_world import World, world_of
from tests.dr_actions.actions.compute.failback_world import with_health_checks
from tests.dr_actions.plain import (
    ORIGIN,
    SIT,
    dark,
    led,
    recorded,
    sight,
    steps_of,
    with_part,
    with_rows,
    with_traffic,
    with_weights,
)

OUT_OF_REACH = Unavailable(UnavailableKind.RESOLVER, "DNS server ns-1 did not answer.")
HOST, DOMAIN = "www.customer-one.example", "customer-one.example"
ENV = with_traffic(customer_hosts={"tenant1": (HOST,)})
ROLES = ("PRIMARY", "SECONDARY")
GLOBAL = Side.GLOBAL


def _with_customer(snapshot: Snapshot) -> Snapshot:
    """The estate with a customer's pair of failover records in a zone of its own."""
    pair = [record for record in snapshot.get(route53.records, GLOBAL) if record.name == ORIGIN]
    own = tuple(replace(r, name=HOST, weight=None, failover=role) for r, role in zip(pair, ROLES, strict=True))
    zones = (*snapshot.get(route53.zones, GLOBAL), route53.ListedZone("ZCUSTOMER", DOMAIN, private=False))
    part = with_part(snapshot, route53.customer_hosts, GLOBAL, (route53.CustomerHost(HOST, DOMAIN, own),))
    return with_part(part, route53.zones, GLOBAL, zones)


HEALTHY = _with_customer(recorded("healthy"))
SHIFTED = led(HEALTHY, 0)
PAIR = [record_set(record) for record in HEALTHY.get(route53.records, GLOBAL) if record.name == ORIGIN]


def _sight(snapshot: Snapshot = HEALTHY, **changes: Any) -> PlanContext:
    return sight(snapshot, **{"env": ENV, **changes})


def _steps(**changes: Any) -> dict[str, Step]:
    return steps_of(SHIFT_TO_DR, _sight(**changes))


STEP = _steps()[SIT.traffic.zone]


def _confirm(snapshot: Snapshot, since_s: float = 10, **changes: Any) -> StepStatus:
    """How the step stands, its change having been answered so many seconds ago."""
    sent_at = {STEP.id: snapshot.taken_at - timedelta(seconds=since_s)}
    return SHIFT_TO_DR.observe(STEP, _sight(snapshot, **{"sent_at": sent_at, **changes}))


def test_the_batch_upserts_exactly_the_pair_through_us_east_1() -> None:
    assert STEP.call is not None
    changes = STEP.call.params["ChangeBatch"]["Changes"]
    assert {change["Action"] for change in changes} == {"UPSERT"}
    named = [change["ResourceRecordSet"]["SetIdentifier"] for change in changes]
    assert sorted(named) == sorted(row["SetIdentifier"] for row in PAIR)
    assert {change["ResourceRecordSet"]["Name"] for change in changes} == {f"{ORIGIN}."}
    assert (STEP.call.region, [str(plane) for plane in STEP.planes]) == ("us-east-1", ["us-east-1 (global services)"])
    assert STEP.before["records"] == PAIR


def test_the_step_is_ready_then_done_and_its_undo_writes_every_attribute() -> None:
    assert _confirm(HEALTHY).state is StepState.READY
    confirmed = _confirm(SHIFTED)
    assert (confirmed.state, bool(confirmed.evidence)) == (StepState.DONE, True)
    assert _steps(snapshot=SHIFTED).keys() == {DOMAIN}
    undoing = SHIFT_TO_DR.rollback_call(STEP)
    assert undoing is not None
    assert [change["ResourceRecordSet"] for change in undoing.params["ChangeBatch"]["Changes"]] == PAIR


def test_records_with_another_health_check_keep_it_if_the_planned_is_gone() -> None:
    given = with_health_checks(HEALTHY, {SIT.traffic.primary_set_identifier: "hc-new"})
    assert _confirm(given).state is StepState.READY
    assert SHIFT_TO_DR.is_rolled_back(STEP, _sight(given))
    changes = SHIFT_TO_DR.build_call(STEP, _sight(given)).params["ChangeBatch"]["Changes"]
    sent = {row["ResourceRecordSet"]["SetIdentifier"]: row["ResourceRecordSet"]["HealthCheckId"] for row in changes}
    was = {row["SetIdentifier"]: row["HealthCheckId"] for row in PAIR}
    assert was | {SIT.traffic.primary_set_identifier: "hc-new"} == sent
    assert STEP.call == SHIFT_TO_DR.build_call(STEP, _sight(HEALTHY)), "nothing else of the call is changed"


@pytest.mark.parametrize(
    ("planned", "given"), [(("", ""), ("hc-new", "")), (("", ""), ("", "hc-new")), (("hc", "hc"), ("hc-new", "hc"))]
)
def test_a_new_health_check_of_a_record_is_not_given_to_its_twin(
    planned: tuple[str, str], given: tuple[str, str]
) -> None:
    """Neither is it taken away again where both records had the same one, or none."""
    ids = (SIT.traffic.primary_set_identifier, SIT.traffic.secondary_set_identifier)
    found = with_health_checks(HEALTHY, dict(zip(ids, planned, strict=True)))
    step = _steps(snapshot=found)[SIT.traffic.zone]
    seen = _sight(with_health_checks(HEALTHY, dict(zip(ids, given, strict=True))))
    rows = [row["ResourceRecordSet"] for row in SHIFT_TO_DR.build_call(step, seen).params["ChangeBatch"]["Changes"]]
    sent = {row["SetIdentifier"]: row.get("HealthCheckId", "") for row in rows}
    assert dict(zip(ids, given, strict=True)) == sent


def test_health_checks_of_a_failover_pair_follow_their_targets() -> None:
    (customer,) = (step for step in _steps().values() if step.subject == DOMAIN)
    host = next(iter(HEALTHY.get(route53.customer_hosts, GLOBAL)))
    assert isinstance(host, route53.CustomerHost)
    first, second = host.records
    named = replace(host, records=(replace(first, health_check_id="hc-new"), second))
    seen = _sight(with_part(HEALTHY, route53.customer_hosts, GLOBAL, (named,)))
    assert SHIFT_TO_DR.observe(customer, seen).state is StepState.READY
    rows = [row["ResourceRecordSet"] for row in SHIFT_TO_DR.build_call(customer, seen).params["ChangeBatch"]["Changes"]]
    by_role = {row["Failover"]: row["HealthCheckId"] for row in rows}
    assert {"PRIMARY": second.health_check_id, "SECONDARY": "hc-new"} == by_role


def test_records_that_lead_there_while_the_answers_do_not_are_waited_for() -> None:
    confirmed = _confirm(with_weights(HEALTHY, 0, 100))
    assert (confirmed.state, "still answers" in confirmed.message) == (StepState.IN_PROGRESS, True)


def test_a_resolver_with_the_old_region_is_waited_for_as_long_as_a_change() -> None:
    old = DnsAnswer("192.0.2.53", ORIGIN, "A", "NOERROR", ("203.0.113.9",), (), 60, authoritative=False)
    stale = with_part(SHIFTED, dns_answers.resolved, GLOBAL, (old,))
    confirmed = _confirm(stale)
    assert (confirmed.state, confirmed.message) == (
        StepState.IN_PROGRESS,
        f"192.0.2.53 still answers {ORIGIN} with 203.0.113.9",
    )
    late = _confirm(stale, since_s=SETTLES.seconds + 1)
    assert late.state is StepState.DONE
    assert "192.0.2.53 still answers" in late.message


def test_route_53_is_asked_where_no_dns_server_can_be_reached() -> None:
    closed = with_part(SHIFTED, dns_answers.resolved, GLOBAL, OUT_OF_REACH)
    closed = with_part(closed, dns_answers.authorities, GLOBAL, (OUT_OF_REACH,))
    confirmed = _confirm(closed)
    assert confirmed.state is StepState.DONE
    assert confirmed.message.endswith("(confirmed by its records, read back, Route 53 (TestDNSAnswer))")
    nothing = _confirm(with_part(closed, dns_answers.door, Side.DR, OUT_OF_REACH))
    assert nothing.state is StepState.DONE
    assert "cannot be seen from here: DNS server ns-1 did not answer" in nothing.message


@pytest.mark.parametrize(
    ("status", "expected"),
    [("PENDING", StepState.IN_PROGRESS), ("INSYNC", StepState.DONE), ("NoSuchChange", StepState.DONE)],
)
def test_route_53_has_the_change_everywhere_before_the_step_is_done(status: str, expected: StepState) -> None:
    followed = with_part(SHIFTED, dns_canary_polls.changes, GLOBAL, (DnsChange("C1", status),))
    assert _confirm(followed, changes={STEP.id: "C1"}).state is expected
    unheard = with_part(SHIFTED, dns_canary_polls.changes, GLOBAL, (OUT_OF_REACH,))
    assert _confirm(unheard, changes={STEP.id: "C1"}).state is StepState.IN_PROGRESS
    assert _confirm(unheard, since_s=SETTLES.seconds + 1, changes={STEP.id: "C1"}).state is StepState.DONE


def test_unchanged_records_after_an_accepted_change_were_written_back() -> None:
    in_sync = with_part(HEALTHY, dns_canary_polls.changes, GLOBAL, (DnsChange("C1", "INSYNC"),))
    confirmed = _confirm(in_sync, changes={STEP.id: "C1"})
    assert (confirmed.state, "somebody wrote them back" in confirmed.message) == (StepState.FAILED, True)
    assert SHIFT_TO_DR.is_rolled_back(STEP, _sight(in_sync))


def test_records_changed_by_somebody_else_stop_the_step() -> None:
    primary = SIT.traffic.primary_set_identifier
    changed = with_rows(
        HEALTHY, route53.records, GLOBAL, lambda row: row.set_identifier == primary, evaluate_target_health=False
    )
    confirmed = _confirm(changed)
    assert (confirmed.state, "AliasTarget" in confirmed.message) == (StepState.DRIFTED, True)


def test_records_turned_by_hand_in_another_way_are_as_good() -> None:
    by_hand = with_rows(SHIFTED, route53.records, GLOBAL, lambda row: row.name == ORIGIN, evaluate_target_health=False)
    assert _confirm(by_hand).state is StepState.DONE


def test_weights_change_sides() -> None:
    weights = {row["SetIdentifier"]: row["Weight"] for row in STEP.after["records"]}
    assert weights == {SIT.traffic.primary_set_identifier: 0, SIT.traffic.secondary_set_identifier: 100}


def test_a_customers_own_failover_pair_gets_the_same_treatment() -> None:
    step = _steps()[DOMAIN]
    assert SHIFT_TO_DR.observe(step, _sight()).state is StepState.READY
    roles = {row["SetIdentifier"]: row["Failover"] for row in step.after["records"]}
    assert roles == {row["SetIdentifier"]: row["Failover"] for row in step.before["records"]}
    targets = [row["AliasTarget"] for row in step.after["records"]]
    assert targets == [row["AliasTarget"] for row in step.before["records"]][::-1]


def test_without_us_east_1_there_is_no_step_but_route_53_by_health() -> None:
    blind = _sight(dark(HEALTHY, GLOBAL), primary_answers=False)
    assert list(SHIFT_TO_DR.plan_steps(blind)) == []
    notes = " ".join(SHIFT_TO_DR.notes(blind))
    assert "by health, in the data plane" in notes
    assert "until then nothing pins the traffic" in notes


def test_a_dark_primary_is_distinguished_from_an_unseen_part() -> None:
    alone = _sight(dark(HEALTHY, Side.PRIMARY), primary_answers=False)
    assert [step.subject for step in SHIFT_TO_DR.plan_steps(alone)] == [DOMAIN, SIT.traffic.zone]
    assert _confirm(dark(HEALTHY, GLOBAL)).state is StepState.UNAVAILABLE


@pytest.mark.parametrize(
    ("traffic", "note"),
    [
        ({"denied_zones": (SIT.traffic.zone,)}, "denied zone"),
        ({"policy": "failover"}, "never converts"),
        ({"origin_record": "nobody.wpsit.kimmyai.io"}, "has no record"),
    ],
)
def test_what_must_not_be_changed_is_left_and_said(traffic: dict[str, Any], note: str) -> None:
    seen = _sight(env=with_traffic(**traffic))
    assert list(SHIFT_TO_DR.plan_steps(seen)) == []
    assert note in " ".join(SHIFT_TO_DR.notes(seen))


def test_the_traffic_name_is_not_moved_for_some_tenants_alone() -> None:
    some = _sight(only_tenants=frozenset({"tenant-1"}))
    assert [step.subject for step in SHIFT_TO_DR.plan_steps(some)] == [DOMAIN]
    assert "serves every tenant" in " ".join(SHIFT_TO_DR.notes(some))
    everybody = _sight(only_tenants=frozenset({"tenant1", "tenant2"}))
    assert len(list(SHIFT_TO_DR.plan_steps(everybody))) == len(_steps())


def test_the_dns_step_of_a_person_carries_the_same_call() -> None:
    by_hand = _steps(env=with_traffic(ENV, dns_step="manual"))[SIT.traffic.zone]
    assert (by_hand.manual, STEP.manual) == (True, False)
    assert by_hand.call == STEP.call
    assert by_hand.owner == "Platform Admin"


def test_a_failback_has_no_part_in_it() -> None:
    back = _sight(goal=Goal.FAILBACK)
    assert (list(SHIFT_TO_DR.plan_steps(back)), list(SHIFT_TO_DR.notes(back))) == ([], [])


def test_it_may_send_one_operation_and_no_other() -> None:
    assert SHIFT_TO_DR.writes == {"route53:ChangeResourceRecordSets"}
    bare = Step("x", 7, 50, "traffic/shift_to_dr", "x", "x", GLOBAL, "x", Danger.REVERSIBLE, "", 1)
    assert SHIFT_TO_DR.rollback_call(bare) is None


@pytest.mark.proof
def test_a_customer_pair_is_turned_in_its_own_zone_by_the_same_plan() -> None:
    with world_of(ENV) as world:
        _make_pair(world)
        world.endpoint.timing(transition_s=0)
        world.healthy = world.whole()
        steps = steps_of(SHIFT_TO_DR, world.sight())
        assert steps == steps_of(SHIFT_TO_DR, world.sight(world.whole()))
        world.act(SHIFT_TO_DR, steps[DOMAIN])
        assert world.confirm(SHIFT_TO_DR, steps[DOMAIN]).state is StepState.DONE
        world.take_back(SHIFT_TO_DR, steps[DOMAIN])
        assert steps == steps_of(SHIFT_TO_DR, world.sight(world.whole()))


def _make_pair(world: World) -> None:
    """The customer's CNAME to the traffic name becomes a failover pair of the two load balancers."""
    zones = world.send(GLOBAL, "route53:ListHostedZones")["HostedZones"]
    zone = next(hosted_zone["Id"] for hosted_zone in zones if hosted_zone["Name"] == f"{DOMAIN}.")
    rows = world.send(GLOBAL, "route53:ListResourceRecordSets", HostedZoneId=zone)["ResourceRecordSets"]
    pair = [record_set(r) for r in world.healthy.get(route53.records, GLOBAL) if r.name == ORIGIN]
    changes = [("DELETE", row) for row in rows if row["Name"] == f"{HOST}."]
    for row, role in zip(pair, ROLES, strict=True):
        bare = {key: value for key, value in row.items() if key != "Weight"}
        changes.append(("CREATE", bare | {"Name": f"{HOST}.", "Failover": role}))
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": row} for action, row in changes]}
    world.send(GLOBAL, "route53:ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=batch)
