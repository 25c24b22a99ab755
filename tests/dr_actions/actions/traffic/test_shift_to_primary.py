"""Visitors are led back by the plan's weights alone, each stage watched for its bake, a failed one undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_actions.actions.traffic.answers_gate import rarity
from dr_actions.actions.traffic.shift_to_primary import SHIFT_TO_PRIMARY
from dr_actions.model.action import TO_PRIMARY, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Side
from dr_estate.readers import dns_answers, dns_canary_polls, ecs, http_sites, route53
from dr_estate.readers.dns_canary_polls import AnswerTally
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.compute.compute_world import World
from tests.dr_actions.actions.compute.failback_world import (
    led_away,
    records_sight,
    stage,
    steps_home,
    take,
    weights,
    with_failback,
    with_health_checks,
    write_weights,
)
from tests.dr_actions.plain import (
    LAST,
    ORIGIN,
    SIT,
    dark,
    led,
    recorded,
    sight,
    with_part,
    with_rows,
    with_traffic,
    with_weights,
)

ENV = with_failback()
HEALTHY, GLOBAL, PRIMARY = recorded("healthy"), Side.GLOBAL, Side.PRIMARY
AWAY = led(HEALTHY, 0)
PRIMARY_ID, SECONDARY_ID = SIT.traffic.primary_set_identifier, SIT.traffic.secondary_set_identifier
BAKED_S = 60 * ENV.failback.bake_minutes + 1
DNS_SETTLED_S = 121


def _sight(snapshot: Snapshot = AWAY, **changes: Any) -> PlanContext:
    return sight(snapshot, **{"env": ENV, "goal": Goal.FAILBACK, **changes})


def _steps(snapshot: Snapshot = AWAY, **changes: Any) -> dict[str, Step]:
    """The steps by the percentage of visitors that they lead to the primary region."""
    return {step.id.partition(":")[2]: step for step in SHIFT_TO_PRIMARY.plan_steps(_sight(snapshot, **changes))}


STEPS = _steps()


def _confirm(percent: str, snapshot: Snapshot, since_s: float | None = None) -> StepStatus:
    """How a stage stands, its change having been answered so many seconds ago; None: no record says when."""
    step = STEPS[percent]
    moment = {} if since_s is None else {step.id: snapshot.taken_at - timedelta(seconds=since_s)}
    return SHIFT_TO_PRIMARY.observe(step, _sight(snapshot, sent_at=moment))


def _pair(step: Step, key: str = "after") -> list[tuple[str, int]]:
    return [(row["SetIdentifier"], row["Weight"]) for row in getattr(step, key)["records"]]


def test_each_weight_is_a_step_that_writes_the_weights_of_the_plan() -> None:
    assert tuple(STEPS) == ("10", "50", "100")
    assert [step.stage for step in STEPS.values()] == [50, 51, 52]
    assert [step.number for step in STEPS.values()] == [4, 4, 5]
    primary, secondary = SIT.traffic.primary_set_identifier, SIT.traffic.secondary_set_identifier
    upon = 0
    for percent, step in zip((10, 50, 100), STEPS.values(), strict=True):
        assert _pair(step) == [(primary, percent), (secondary, 100 - percent)]
        assert _pair(step, "before") == [(primary, upon), (secondary, 100 - upon)]
        assert step.call is not None
        changes = step.call.params["ChangeBatch"]["Changes"]
        assert [change["ResourceRecordSet"] for change in changes] == step.after["records"]
        assert ({change["Action"] for change in changes}, step.call.region) == ({"UPSERT"}, "us-east-1")
        upon = percent


@pytest.mark.parametrize("percent", STEPS)
def test_a_stage_is_ready_then_done_when_the_answers_follow_its_weight(percent: str) -> None:
    before = dict(zip(("10", "50", "100"), (0, 10, 50), strict=True))[percent]
    assert _confirm(percent, led(HEALTHY, before)).state is StepState.READY
    confirmed = _confirm(percent, led(HEALTHY, int(percent)), since_s=BAKED_S)
    assert confirmed.state is StepState.DONE, confirmed.message
    assert dict(confirmed.evidence)["sites visited"] == "2"


def test_nothing_is_left_to_lead_once_everybody_is_home() -> None:
    assert _steps(led(HEALTHY, 100)) == {}


def test_a_stage_bakes_from_when_its_change_was_answered_and_no_sooner() -> None:
    tenth = led(HEALTHY, 10)
    for since_s, reason in ((None, "its bake begins"), (0, "of the bake are left")):
        confirmed = _confirm("10", tenth, since_s)
        assert (confirmed.state, reason in confirmed.message) == (StepState.IN_PROGRESS, True)
    assert _confirm("10", tenth, since_s=BAKED_S).state is StepState.DONE


def test_taking_a_stage_back_is_the_batch_of_the_last_good_weights() -> None:
    undoing = SHIFT_TO_PRIMARY.rollback_call(STEPS["50"])
    assert undoing is not None
    rows = [change["ResourceRecordSet"] for change in undoing.params["ChangeBatch"]["Changes"]]
    assert [row["Weight"] for row in rows] == [10, 90]
    back = led(HEALTHY, 10)
    assert _confirm("50", back).state is StepState.READY
    assert _confirm("10", back, since_s=60).state is StepState.DONE


def test_a_run_that_goes_on_later_goes_on_from_the_weight_that_is_there() -> None:
    again = _steps(led(HEALTHY, 10))
    assert tuple(again) == ("50", "100")
    assert [step.stage for step in again.values()] == [51, 52]
    between = _steps(with_weights(AWAY, 25, 75))["50"]
    assert _pair(between, "before")[0][1] == 25
    assert "25 percent lead" in between.undo


def test_a_record_with_another_health_check_keeps_it_if_the_planned_ended() -> None:
    given = with_health_checks(AWAY, {PRIMARY_ID: "hc-new", SECONDARY_ID: ""})
    step = STEPS["10"]
    assert SHIFT_TO_PRIMARY.observe(step, _sight(given)).state is StepState.READY
    rows = [
        row["ResourceRecordSet"]
        for row in SHIFT_TO_PRIMARY.build_call(step, _sight(given)).params["ChangeBatch"]["Changes"]
    ]
    assert [("hc-new", 10), (None, 90)] == [(row.get("HealthCheckId"), row["Weight"]) for row in rows]
    assert step.call == SHIFT_TO_PRIMARY.build_call(step, _sight(AWAY)), "nothing else of the call is changed"


def test_visitors_whom_somebody_led_home_altogether_are_no_reason_to_stop() -> None:
    for percent, there, state in (
        ("10", (100, 0), StepState.DONE),
        ("50", (10, 0), StepState.DONE),
        ("10", (99, 1), StepState.DRIFTED),
        ("50", (0, 100), StepState.DRIFTED),
    ):
        assert _confirm(percent, with_weights(AWAY, *there)).state is state, (percent, there)


def test_a_stage_that_was_written_back_says_so_during_the_wait() -> None:
    confirmed = _confirm("50", led(HEALTHY, 10), since_s=60)
    assert (confirmed.state, "they were written back" in confirmed.message) == (StepState.READY, True)
    assert "written back" not in _confirm("50", led(HEALTHY, 10)).message


def test_weights_that_nobody_planned_stop_the_stage() -> None:
    confirmed = _confirm("10", with_weights(AWAY, 33, 67))
    assert (confirmed.state, "Weight is 33" in confirmed.message) == (StepState.DRIFTED, True)


def test_a_primary_that_turns_unhealthy_gets_no_answers_and_fails_a_stage() -> None:
    dns_samples = ENV.failback.dns_samples
    door = HEALTHY.get(dns_answers.door, Side.DR)
    tallies = (AnswerTally(ORIGIN, "A", ((door, dns_samples),), silent=0),)
    nobody = with_part(led(HEALTHY, 50), dns_canary_polls.tallies, GLOBAL, tallies)
    none = f"gate.answers: 0 of {dns_samples}"
    confirmed = _confirm("50", nobody, since_s=30)
    assert (confirmed.state, none in confirmed.message) == (StepState.IN_PROGRESS, True), "the change may spread"
    confirmed = _confirm("50", nobody, since_s=DNS_SETTLED_S)
    assert (confirmed.state, confirmed.message.startswith(none)) == (StepState.FAILED, True)


def _without_tasks(snapshot: Snapshot) -> Snapshot:
    """The last tenant's tasks are gone in the primary region."""
    return with_rows(snapshot, ecs.services, PRIMARY, lambda entry: entry.name == LAST, desired=0, running=0)


def test_tasks_that_are_gone_at_home_fail_the_stage_at_once() -> None:
    confirmed = _confirm("10", _without_tasks(led(HEALTHY, 10)), since_s=1)
    assert (confirmed.state, confirmed.gate, confirmed.message.partition(":")[0]) == (
        StepState.FAILED,
        True,
        "gate.targets",
    )


def test_a_site_that_is_not_the_tenants_own_fails_the_stage_at_once() -> None:
    tour = HEALTHY.get(http_sites.visits, PRIMARY)
    host = f"tenant2.{SIT.traffic.tenant_domain}"
    assert tour is not None
    stranger = replace(tour.stranger, host=host)
    visits = tuple(stranger if getattr(visit, "host", "") == host else visit for visit in tour.tenants)
    strange = with_part(led(HEALTHY, 10), http_sites.visits, PRIMARY, replace(tour, tenants=visits))
    confirmed = _confirm("10", strange, since_s=1)
    assert (confirmed.state, confirmed.gate, confirmed.message.partition(":")[0]) == (
        StepState.FAILED,
        True,
        "gate.probes",
    )
    assert host in confirmed.message


def test_each_dns_stage_of_a_person_says_how_to_go_back() -> None:
    by_hand = _steps(env=with_traffic(ENV, dns_step="manual"))
    assert [step.manual for step in by_hand.values()] == [True] * 3
    assert [step.call for step in by_hand.values()] == [step.call for step in STEPS.values()]
    step, gone = by_hand["10"], _without_tasks(led(HEALTHY, 10))
    moment = {step.id: gone.taken_at - timedelta(seconds=1)}
    confirmed, back = SHIFT_TO_PRIMARY.observe(step, _sight(gone, sent_at=moment)), SHIFT_TO_PRIMARY.rollback_call(step)
    assert back is not None
    assert (confirmed.state, confirmed.reversing_call) == (StepState.FAILED, back)
    assert "back by hand" in confirmed.message


def test_a_person_goes_back_with_the_health_check_of_that_time() -> None:
    step = _steps(env=with_traffic(ENV, dns_step="manual"))["10"]
    ours = SIT.traffic.primary_set_identifier
    gone = with_health_checks(_without_tasks(led(HEALTHY, 10)), {ours: "hc-new"})
    back = SHIFT_TO_PRIMARY.observe(
        step, _sight(gone, sent_at={step.id: gone.taken_at - timedelta(seconds=1)})
    ).reversing_call
    assert back is not None
    rows = [change["ResourceRecordSet"] for change in back.params["ChangeBatch"]["Changes"]]
    assert [row["HealthCheckId"] for row in rows if row["SetIdentifier"] == ours] == ["hc-new"]


def test_what_cannot_be_seen_is_said() -> None:
    blind = _sight(dark(AWAY, GLOBAL))
    assert (list(SHIFT_TO_PRIMARY.plan_steps(blind)), "us-east-1" in " ".join(SHIFT_TO_PRIMARY.notes(blind))) == (
        [],
        True,
    )
    assert SHIFT_TO_PRIMARY.observe(STEPS["10"], blind).state is StepState.UNAVAILABLE


def test_a_gate_that_cannot_be_looked_at_holds_the_stage_and_fails_nothing() -> None:
    confirmed = _confirm("10", dark(led(HEALTHY, 10), PRIMARY), since_s=60)
    assert (confirmed.state, "gate.targets: not seen" in confirmed.message) == (StepState.IN_PROGRESS, True)


def test_it_has_a_part_in_a_failback_alone_and_no_other_call() -> None:
    assert SHIFT_TO_PRIMARY.goals == TO_PRIMARY
    assert sorted(SHIFT_TO_PRIMARY.writes) == ["route53:ChangeResourceRecordSets"]


def test_the_estate_at_home_has_nothing_to_lead() -> None:
    assert (list(SHIFT_TO_PRIMARY.plan_steps(_sight(HEALTHY))), list(SHIFT_TO_PRIMARY.notes(_sight(HEALTHY)))) == (
        [],
        [],
    )


@pytest.fixture(scope="module")
def away() -> Iterator[World]:
    with led_away(ENV) as world:
        yield world


@pytest.fixture
def world(away: World) -> World:
    away.endpoint.return_to("away")
    return away


@pytest.mark.proof
def test_all_visitors_come_home_and_the_answers_follow_each_weight(world: World) -> None:
    for percent, step in zip((10, 50, 100), steps_home(world).values(), strict=True):
        confirmed = take(world, step)
        assert confirmed.state is StepState.DONE, confirmed.message
        assert weights(world) == (percent, 100 - percent)
        if percent < 100:
            came, total = map(int, dict(confirmed.evidence)[f"answers {ORIGIN} A"].split(" of "))
            assert total == ENV.failback.dns_samples
            assert rarity(came, total, percent / 100) > 1e-6
    assert steps_home(world) == {}


@pytest.mark.proof
def test_no_question_is_asked_of_the_name_servers_while_nothing_is_split(world: World) -> None:
    assert world.whole(dns_canary_polls.tallies.name).get(dns_canary_polls.tallies, GLOBAL) == ()
    write_weights(world, 50, 50)
    seen = world.whole(dns_canary_polls.tallies.name, route53.records.name)
    (tally,) = seen.get(dns_canary_polls.tallies, GLOBAL)
    assert (sum(number for _, number in tally.counts), tally.silent) == (ENV.failback.dns_samples, 0)


def _fail_its_checks(world: World) -> None:
    records = world.healthy.get(route53.records, GLOBAL)
    check = next(r.health_check_id for r in records if r.set_identifier == SIT.traffic.primary_set_identifier)
    world.send(GLOBAL, "route53:UpdateHealthCheck", HealthCheckId=check, Port=81)


def _stop_a_service(world: World) -> None:
    cluster = SIT.named(SIT.names.cluster)
    world.send(PRIMARY, "ecs:UpdateService", cluster=cluster, service=LAST, desiredCount=0)


def _lose_a_site(world: World) -> None:
    """Rules that lead another host to the tenant's group, whose targets stay healthy."""
    other = [{"Field": "host-header", "HostHeaderConfig": {"Values": ["elsewhere.example.org"]}}]
    for rule in _rules_of(world, "tenant2"):
        world.send(PRIMARY, "elbv2:ModifyRule", RuleArn=rule, Conditions=other)


@pytest.mark.proof
@pytest.mark.parametrize(
    ("spoil", "gate"),
    [(_fail_its_checks, "gate.answers"), (_stop_a_service, "gate.targets"), (_lose_a_site, "gate.probes")],
)
def test_a_home_that_is_spoiled_fails_the_stage(world: World, spoil: Callable[[World], None], gate: str) -> None:
    step = steps_home(world)["50"]
    world.act(SHIFT_TO_PRIMARY, step)
    spoil(world)
    confirmed = stage(world, step, since_s=DNS_SETTLED_S)
    assert (confirmed.state, confirmed.message.partition(":")[0]) == (StepState.FAILED, gate)


def _rules_of(world: World, label: str) -> list[str]:
    name = SIT.named(SIT.names.load_balancer)
    (balancer,) = world.send(PRIMARY, "elbv2:DescribeLoadBalancers", Names=[name])["LoadBalancers"]
    arn = balancer["LoadBalancerArn"]
    listeners = world.send(PRIMARY, "elbv2:DescribeListeners", LoadBalancerArn=arn)["Listeners"]
    found = [
        rule
        for listener in listeners
        for rule in world.send(PRIMARY, "elbv2:DescribeRules", ListenerArn=listener["ListenerArn"])["Rules"]
    ]
    host = f"{label}.{SIT.traffic.tenant_domain}"
    return [rule["RuleArn"] for rule in found if host in repr(rule.get("Conditions"))]


@pytest.mark.proof
def test_a_failover_pair_is_turned_home_whole_and_that_is_said() -> None:
    with led_away(with_traffic(ENV, policy="failover")) as world:
        (step,) = steps_home(world).values()
        assert (step.id, step.after["percent"]) == ("traffic/shift_to_primary:100", 100)
        assert "cannot be shared" in " ".join(SHIFT_TO_PRIMARY.notes(records_sight(world)))
        confirmed = take(world, step)
        assert confirmed.state is StepState.DONE, confirmed.message
        rows = world.look(SHIFT_TO_PRIMARY).snapshot.get(route53.records, GLOBAL)
        assert [r for r in rows if r.name == ORIGIN] == [
            r for r in world.healthy.get(route53.records, GLOBAL) if r.name == ORIGIN
        ]
