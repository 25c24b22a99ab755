"""Visitors are led home by the plan's weights alone, each stage watched for its bake, and back to the last good one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.traffic.binomial import rarity
from dr_actions.actions.traffic.shift_to_primary import VERB
from dr_actions.model.action import HOME, Standing
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Side
from dr_estate.readers import dns_weight_samples, route53
from tests.dr_actions.actions.compute.compute_world import SIT, World, dark
from tests.dr_actions.actions.compute.failback_world import (
    ORIGIN,
    led_away,
    records_sight,
    stage,
    stage_sight,
    steps_home,
    take,
    weights,
    with_failback,
    with_traffic,
    write_weights,
)

ENV = with_failback()
STAGES = ("10", "50", "100")


@pytest.fixture(scope="module")
def away() -> Iterator[World]:
    with led_away(ENV) as world:
        yield world


@pytest.fixture
def world(away: World) -> Iterator[World]:
    yield away
    away.endpoint.return_to("away")


def _pair(step: Step, key: str = "after") -> list[tuple[str, int]]:
    return [(row["SetIdentifier"], row["Weight"]) for row in getattr(step, key)["records"]]


def test_there_is_one_step_a_weight_and_each_writes_the_plans_weights_alone(world: World) -> None:
    steps = steps_home(world)
    assert tuple(steps) == STAGES
    assert [step.stage for step in steps.values()] == [50, 51, 52]
    assert [step.number for step in steps.values()] == [4, 4, 5]
    primary, secondary = SIT.traffic.primary_set_identifier, SIT.traffic.secondary_set_identifier
    upon = 0
    for percent, step in zip((10, 50, 100), steps.values(), strict=True):
        assert _pair(step) == [(primary, percent), (secondary, 100 - percent)]
        assert _pair(step, "before") == [(primary, upon), (secondary, 100 - upon)]
        assert step.call is not None
        changes = step.call.params["ChangeBatch"]["Changes"]
        assert [change["ResourceRecordSet"] for change in changes] == step.after["records"]
        assert ({change["Action"] for change in changes}, step.call.region) == ({"UPSERT"}, "us-east-1")
        upon = percent


def test_all_visitors_come_home_and_the_answers_follow_each_weight(world: World) -> None:
    for percent, step in zip((10, 50, 100), steps_home(world).values(), strict=True):
        told = take(world, step)
        assert told.standing is Standing.DONE, told.says
        assert weights(world) == (percent, 100 - percent)
        facts = dict(told.facts)
        assert facts["sites visited"] == "2"
        if percent < 100:
            came, asked = map(int, facts[f"answers {ORIGIN} A"].split(" of "))
            assert asked == ENV.failback.dns_samples
            assert rarity(came, asked, percent / 100) > 1e-6
    assert steps_home(world) == {}


def test_a_stage_bakes_from_when_its_change_was_answered_and_no_sooner(world: World) -> None:
    step = steps_home(world)["10"]
    world.act(VERB, step)
    told = stage(world, step)
    assert (told.standing, "its bake begins" in told.says) == (Standing.WAITING, True)
    told = stage(world, step, since_s=0)
    assert (told.standing, "of the bake are left" in told.says) == (Standing.WAITING, True)
    assert stage(world, step, since_s=2).standing is Standing.DONE


def test_taking_a_stage_back_is_the_batch_of_the_last_good_weights(world: World) -> None:
    steps = steps_home(world)
    take(world, steps["10"])
    take(world, steps["50"])
    world.take_back(VERB, steps["50"])
    assert weights(world) == (10, 90)
    assert stage(world, steps["50"]).standing is Standing.READY
    assert stage(world, steps["10"], since_s=60).standing is Standing.DONE


def test_a_run_that_goes_on_later_goes_on_from_the_weight_that_is_there(world: World) -> None:
    take(world, steps_home(world)["10"])
    again = steps_home(world)
    assert tuple(again) == ("50", "100")
    assert [step.stage for step in again.values()] == [51, 52]
    write_weights(world, 25, 75)
    between = steps_home(world)["50"]
    assert _pair(between, "before")[0][1] == 25
    assert "25 percent lead" in between.undo


def test_weights_that_nobody_planned_stop_the_stage(world: World) -> None:
    step = steps_home(world)["10"]
    write_weights(world, 33, 67)
    told = stage(world, step)
    assert (told.standing, "Weight is 33" in told.says) == (Standing.CHANGED, True)


def test_a_primary_that_turns_unhealthy_gets_no_answers_and_its_stage_fails(world: World) -> None:
    step = steps_home(world)["50"]
    world.act(VERB, step)
    check = step.after["records"][0]["HealthCheckId"]
    world.send(Side.GLOBAL, "route53:UpdateHealthCheck", HealthCheckId=check, Port=81)
    told = stage(world, step, since_s=30)
    none = f"gate.answers: 0 of {ENV.failback.dns_samples}"
    assert (told.standing, none in told.says) == (Standing.WAITING, True), "the change may spread"
    told = stage(world, step, since_s=121)
    assert (told.standing, told.says.startswith(none)) == (Standing.FAILED, True)


def test_tasks_that_are_gone_at_home_fail_the_stage_at_once(world: World) -> None:
    step = steps_home(world)["10"]
    world.act(VERB, step)
    cluster = SIT.named(SIT.names.cluster)
    world.send(Side.PRIMARY, "ecs:UpdateService", cluster=cluster, service="sit-tenant2-service", desiredCount=0)
    told = stage(world, step, since_s=1)
    assert (told.standing, told.gate, told.says.partition(":")[0]) == (Standing.FAILED, True, "gate.targets")


def test_a_site_that_is_not_the_tenants_own_fails_the_stage_at_once(world: World) -> None:
    step = steps_home(world)["10"]
    world.act(VERB, step)
    rules = _rules_of(world, "tenant2")
    for rule in rules:
        world.send(Side.PRIMARY, "elbv2:DeleteRule", RuleArn=rule)
    told = stage(world, step, since_s=1)
    assert (told.standing, told.gate, told.says.partition(":")[0]) == (Standing.FAILED, True, "gate.probes")
    assert f"tenant2.{SIT.traffic.tenant_domain}" in told.says


def _rules_of(world: World, label: str) -> list[str]:
    name = SIT.named(SIT.names.load_balancer)
    (balancer,) = world.send(Side.PRIMARY, "elbv2:DescribeLoadBalancers", Names=[name])["LoadBalancers"]
    arn = balancer["LoadBalancerArn"]
    listeners = world.send(Side.PRIMARY, "elbv2:DescribeListeners", LoadBalancerArn=arn)["Listeners"]
    found = [
        rule
        for listener in listeners
        for rule in world.send(Side.PRIMARY, "elbv2:DescribeRules", ListenerArn=listener["ListenerArn"])["Rules"]
    ]
    host = f"{label}.{SIT.traffic.tenant_domain}"
    return [rule["RuleArn"] for rule in found if host in repr(rule.get("Conditions"))]


def test_no_question_is_asked_of_the_name_servers_while_nothing_is_split(world: World) -> None:
    assert world.whole(dns_weight_samples.tallies.name).get(dns_weight_samples.tallies, Side.GLOBAL) == ()
    write_weights(world, 50, 50)
    (tally,) = world.whole(dns_weight_samples.tallies.name, route53.records.name).get(
        dns_weight_samples.tallies, Side.GLOBAL
    )
    assert (sum(number for _, number in tally.counts), tally.silent) == (ENV.failback.dns_samples, 0)


def test_where_dns_is_a_persons_each_stage_is_theirs_and_says_how_to_lead_back(world: World) -> None:
    by_hand = steps_home(world, with_traffic(ENV, dns_step="manual"))
    own = steps_home(world)
    assert [step.manual for step in by_hand.values()] == [True] * 3
    assert [step.call for step in by_hand.values()] == [step.call for step in own.values()]
    step = by_hand["10"]
    write_weights(world, 10, 90)
    cluster = SIT.named(SIT.names.cluster)
    world.send(Side.PRIMARY, "ecs:UpdateService", cluster=cluster, service="sit-tenant2-service", desiredCount=0)
    told, back = stage(world, step, since_s=1), VERB.undo(step)
    assert back is not None
    assert (told.standing, told.back) == (Standing.FAILED, back)
    assert "back by hand" in told.says


def test_two_people_plan_the_same_and_what_cannot_be_seen_is_said(world: World) -> None:
    steps = steps_home(world)
    assert steps == steps_home(world)
    blind = replace(records_sight(world), snapshot=dark(world.healthy, Side.GLOBAL))
    assert (list(VERB.foresee(blind)), "us-east-1" in " ".join(VERB.notes(blind))) == ([], True)
    assert VERB.confirm(steps["10"], blind).standing is Standing.UNSEEN


def test_a_gate_that_cannot_be_looked_at_holds_the_stage_and_fails_nothing(world: World) -> None:
    step = steps_home(world)["10"]
    world.act(VERB, step)
    sight = stage_sight(world, step, since_s=60)
    blind = replace(sight, snapshot=dark(sight.snapshot, Side.PRIMARY))
    told = VERB.confirm(step, blind)
    assert (told.standing, "gate.targets: not seen" in told.says) == (Standing.WAITING, True)


def test_it_has_a_part_in_a_failback_alone_and_no_other_call() -> None:
    assert VERB.goals == HOME
    assert sorted(VERB.writes) == ["route53:ChangeResourceRecordSets"]


def test_the_estate_at_home_has_nothing_to_lead(away: World) -> None:
    at_home = replace(away.sight(), goal=Goal.FAILBACK)
    assert (list(VERB.foresee(at_home)), list(VERB.notes(at_home))) == ([], [])


def _failing_over(env: Any) -> Any:
    return with_traffic(env, policy="failover")


@pytest.mark.proof
def test_a_failover_pair_is_turned_home_whole_and_that_is_said() -> None:
    with led_away(_failing_over(ENV)) as world:
        (step,) = steps_home(world).values()
        assert (step.id, step.after["percent"]) == ("traffic/shift_to_primary:100", 100)
        assert "cannot be shared" in " ".join(VERB.notes(records_sight(world)))
        told = take(world, step)
        assert told.standing is Standing.DONE, told.says
        rows = world.look(VERB).snapshot.get(route53.records, Side.GLOBAL)
        assert [r for r in rows if r.name == ORIGIN] == [
            r for r in world.healthy.get(route53.records, Side.GLOBAL) if r.name == ORIGIN
        ]
