"""What is waited for around a move of traffic: a stable primary, healthy targets, arrivals."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dr_actions.actions.traffic.verification import (
    VERIFY_ARRIVAL,
    VERIFY_TARGETS,
    WAIT_PRIMARY_STABLE,
    probes_a_minute,
    stability,
)
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.gates import targets_gate
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Side
from dr_estate.config.map_names import Entrance
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import ecs, elbv2, elbv2_targets, region_heartbeat, route53, route53_health_checks
from dr_estate.readers.elbv2_targets import GroupHealth, Minute, dimension_of
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.compute.compute_world import world_of
from tests.dr_actions.plain import LAST, ORIGIN, SIT, dark, recorded, sight, with_part, with_traffic

NOW = datetime(2026, 1, 7, 10, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HEALTHY, PRIMARY = recorded("healthy"), Side.PRIMARY
(TARGETS,) = VERIFY_TARGETS.plan_steps(sight())
(ARRIVAL,) = VERIFY_ARRIVAL.plan_steps(sight())
SHIFT = f"traffic/shift_to_dr:{SIT.traffic.zone}"
MOVED_AT = HEALTHY.taken_at - timedelta(minutes=3)
SILENT = Unavailable(UnavailableKind.UNREACHABLE, "the global services do not answer.", "us-east-1")


def _beats(*ages: int) -> list[datetime]:
    return sorted(NOW.replace(second=0) - age * MINUTE for age in ages)


def test_every_minute_of_the_window_is_stable() -> None:
    found = stability(_beats(*range(1, 31)), NOW, 30, "af-south-1")
    assert (found.stable, found.gap, found.lasts) == (True, None, 30 * MINUTE)


def test_one_minute_too_few_is_not() -> None:
    early = stability(_beats(*range(1, 30)), NOW, 30, "af-south-1")
    assert not early.stable
    at = NOW + timedelta(minutes=1)
    assert early.message == f"af-south-1 has been stable for 29 of 30 minutes, for all of them at {at:%H:%M} UTC."


def test_a_flap_in_the_window_restarts_the_count_and_is_named() -> None:
    steadiness = stability(_beats(*range(1, 10), *range(12, 40)), NOW, 30, "af-south-1")
    assert (steadiness.stable, steadiness.lasts) == (False, 9 * MINUTE)
    assert steadiness.gap == NOW.replace(second=0) - 10 * MINUTE
    assert "silent at 09:50" in steadiness.message


def test_a_region_that_publishes_no_more_is_not_stable_however_long_it_was() -> None:
    steadiness = stability(_beats(*range(5, 60)), NOW, 30, "af-south-1")
    assert (steadiness.stable, steadiness.since) == (False, None)
    assert "no metric now" in steadiness.message
    assert not stability([], NOW, 30, "af-south-1").stable


def test_cloudwatch_may_be_some_minutes_late() -> None:
    assert stability(_beats(*range(3, 34)), NOW, 30, "af-south-1").stable


def _sight(snapshot: Snapshot = HEALTHY, minutes: int = 30) -> PlanContext:
    failback = SIT.failback.model_copy(update={"stable_minutes": minutes})
    return sight(snapshot, env=SIT.model_copy(update={"failback": failback}), goal=Goal.FAILBACK)


def _step(seen: PlanContext) -> Step:
    (step,) = WAIT_PRIMARY_STABLE.plan_steps(seen)
    return step


def _confirm(seen: PlanContext) -> StepStatus:
    return WAIT_PRIMARY_STABLE.observe(_step(seen), seen)


def _silent(ended_s_ago: int, lasted_s: int) -> Snapshot:
    """The region published nothing for so long, until so many seconds ago."""
    end = HEALTHY.taken_at - timedelta(seconds=ended_s_ago)
    gap = (end - timedelta(seconds=lasted_s), end)
    beats = HEALTHY.get(region_heartbeat.minutes, PRIMARY)
    return with_part(
        HEALTHY, region_heartbeat.minutes, PRIMARY, tuple(beat for beat in beats if not gap[0] <= beat < gap[1])
    )


def test_it_makes_no_call_and_its_budget_holds_the_whole_time() -> None:
    step = _step(_sight())
    assert (step.call, WAIT_PRIMARY_STABLE.writes, step.number, step.stage) == (None, frozenset(), 1, 15)
    assert step.budget_s > 30 * 60


def test_a_region_that_never_failed_is_stable() -> None:
    confirmed = _confirm(_sight())
    assert (confirmed.state, [name for name, _ in confirmed.evidence]) == (StepState.DONE, ["since"])


def test_a_flap_within_the_time_is_waited_out_and_an_older_one_is_ignored() -> None:
    flapped = _silent(ended_s_ago=600, lasted_s=180)
    confirmed = _confirm(_sight(flapped))
    assert (confirmed.state, "was silent at" in confirmed.message) == (StepState.IN_PROGRESS, True)
    assert _confirm(_sight(flapped, minutes=5)).state is StepState.DONE


def test_an_outage_that_has_just_ended_is_seen_by_one_read() -> None:
    assert _confirm(_sight(_silent(ended_s_ago=1, lasted_s=300))).state is StepState.IN_PROGRESS


def test_where_no_time_is_asked_an_answer_is_enough_and_silence_never_is() -> None:
    context = _sight(minutes=0)
    assert _confirm(context).state is StepState.DONE
    assert _confirm(replace(context, primary_answers=False)).state is StepState.IN_PROGRESS


def test_a_pulse_that_cannot_be_read_is_unseen() -> None:
    assert _confirm(_sight(dark(HEALTHY, PRIMARY))).state is StepState.UNAVAILABLE


@pytest.mark.proof
def test_minutes_of_an_outage_lack_and_those_of_a_renamed_database_do_not() -> None:
    with world_of() as world:
        world.endpoint.timing(transition_s=0)
        world.endpoint.was_dark(SIT.regions.primary, ended_s_ago=1, lasted_s=300)
        assert _confirm(_sight(world.look(WAIT_PRIMARY_STABLE).snapshot)).state is StepState.IN_PROGRESS
        world.send(
            PRIMARY,
            "rds:ModifyDBInstance",
            DBInstanceIdentifier="sit-mysql",
            NewDBInstanceIdentifier="sit-mysql-before",
            ApplyImmediately=True,
        )
        renamed = world.whole(region_heartbeat.minutes.name, "rds.instances")
        assert renamed.get(region_heartbeat.minutes, PRIMARY)


@pytest.mark.parametrize("minutes", [5, 30])
def test_two_people_who_look_a_minute_apart_plan_the_same(minutes: int) -> None:
    later = replace(HEALTHY, taken_at=HEALTHY.taken_at + timedelta(minutes=1))
    assert _step(_sight(minutes=minutes)) == _step(_sight(later, minutes))


def _counted(snapshot: Snapshot, service: str, value: float | None, age_s: float = 60) -> Snapshot:
    """The estate whose load balancer counts so many healthy targets of the service."""
    found = [row for row in snapshot.get(ecs.services, Side.DR) if row.name == service]
    groups = {arn.rpartition(":")[2] for row in found for arn in row.target_groups}
    at = snapshot.taken_at - timedelta(seconds=age_s)
    readings = tuple(
        replace(row, value=value, at=at) if row.dimension("TargetGroup") in groups else row
        for row in snapshot.get(elbv2.healthy_hosts, Side.DR)
    )
    return with_part(snapshot, elbv2.healthy_hosts, Side.DR, readings)


def _observed(snapshot: Snapshot, *accepted: str) -> StepStatus:
    return VERIFY_TARGETS.observe(TARGETS, sight(snapshot, accepted=frozenset(accepted)))


@pytest.mark.parametrize("goal", [Goal.FAILOVER, Goal.SWITCHOVER])
def test_traffic_waits_for_all_tenants_and_nothing_is_sent_for_it(goal: Goal) -> None:
    (step,) = VERIFY_TARGETS.plan_steps(sight(goal=goal))
    assert (step.call, step.after["tenants"]) == (None, ["tenant-1", "tenant2"])
    assert _observed(HEALTHY).state is StepState.DONE


def test_traffic_waits_for_no_target_of_a_worker() -> None:
    env = SIT.model_copy()
    env._workers = frozenset({"tenant2"})
    (step,) = VERIFY_TARGETS.plan_steps(sight(env=env))
    assert ["tenant-1"] == step.after["tenants"]


@pytest.mark.parametrize(("value", "age_s"), [(0.0, 60), (None, 60), (2.0, 3600)], ids=["none", "no reading", "old"])
def test_a_tenant_without_healthy_targets_holds_traffic_unless_accepted(value: float | None, age_s: float) -> None:
    lacking = _counted(HEALTHY, LAST, value, age_s)
    status = _observed(lacking)
    assert status.state is StepState.IN_PROGRESS
    assert status.message.endswith("--override traffic.targets.tenant2")
    assert _observed(lacking, targets_gate("tenant-1")).state is StepState.IN_PROGRESS
    accepted = _observed(lacking, targets_gate("tenant2"))
    assert (accepted.state, "accepted by name without: tenant2" in accepted.message) == (StepState.DONE, True)


def test_the_reason_for_unhealthy_targets_is_that_of_the_load_balancer() -> None:
    lacking = _counted(HEALTHY, LAST, None)
    arns = [arn for row in lacking.get(ecs.services, Side.DR) if row.name == LAST for arn in row.target_groups]
    unused = tuple(GroupHealth(dimension_of(arn), 0, "Target.NotInUse: no listener") for arn in arns)
    status = _observed(with_part(lacking, elbv2_targets.health, Side.DR, unused))
    assert "is seen of tenant2 (Target.NotInUse: no listener); to move traffic" in status.message


@pytest.mark.parametrize("there", [True, False], ids=["wants none", "not there"])
def test_a_service_that_wants_no_task_is_not_waited_for(there: bool) -> None:
    rows = (
        replace(row, desired=0) if row.name == LAST else row
        for row in HEALTHY.get(ecs.services, Side.DR)
        if there or row.name != LAST
    )
    status = _observed(_counted(with_part(HEALTHY, ecs.services, Side.DR, tuple(rows)), LAST if there else "", 0.0))
    assert status.state is StepState.FAILED
    assert status.message.endswith("--override traffic.targets.tenant2 (no task is wanted of tenant2)")


def test_a_tenant_that_is_not_meant_holds_nothing() -> None:
    (step,) = VERIFY_TARGETS.plan_steps(sight(only_tenants=frozenset({"tenant-1"})))
    lacking = sight(_counted(HEALTHY, LAST, 0.0), only_tenants=frozenset({"tenant-1"}))
    assert VERIFY_TARGETS.observe(step, lacking).state is StepState.DONE
    assert SIT.regions.dr in step.says


def _asked(requests: int, minutes_ago: int = 2, snapshot: Snapshot = HEALTHY) -> StepStatus:
    """How the move stands where one minute had so many requests."""
    minute = (snapshot.taken_at - timedelta(minutes=minutes_ago)).replace(second=0, microsecond=0)
    counted = with_part(snapshot, elbv2_targets.minutes, Side.DR, (Minute(minute, requests, 0),))
    return VERIFY_ARRIVAL.observe(ARRIVAL, sight(counted, sent_at={SHIFT: MOVED_AT}))


def test_more_requests_than_health_checkers_send_are_visitors() -> None:
    assert _asked(600).state is StepState.DONE
    assert dict(_asked(600).evidence)["requests a minute"] == "600"


@pytest.mark.parametrize(("requests", "minutes_ago"), [(0, 2), (60, 2), (600, 9)], ids=["none", "checkers", "before"])
def test_requests_of_checkers_or_from_before_the_move_confirm_nothing(requests: int, minutes_ago: int) -> None:
    unseen = _asked(requests, minutes_ago)
    assert unseen.state is StepState.UNAVAILABLE
    assert "visitors are not seen to arrive" in unseen.message


def test_where_no_health_check_can_be_read_one_fast_one_is_allowed_for() -> None:
    dark = with_part(HEALTHY, route53_health_checks.checks, Side.GLOBAL, SILENT)
    assert _asked(600, snapshot=dark).state is StepState.DONE
    assert _asked(180, snapshot=dark).state is StepState.UNAVAILABLE


def test_each_load_balancer_is_held_against_its_own_names_checkers() -> None:
    env = SIT.model_copy()
    env._entrances = tuple(
        Entrance(SIT.named(SIT.names.load_balancer) + end, "", name, *ids, frozenset())
        for end, name, ids in (
            ("", ORIGIN, (SIT.traffic.primary_set_identifier, SIT.traffic.secondary_set_identifier)),
            ("-api", "api.example", ("one", "two")),
        )
    )
    own = HEALTHY.get(route53.records, Side.GLOBAL)
    pair = [row for row in own if row.name == ORIGIN and row.set_identifier == SIT.traffic.secondary_set_identifier]
    others = tuple(replace(row, name="api.example", set_identifier="two") for row in pair)
    seen = sight(with_part(HEALTHY, route53.records, Side.GLOBAL, (*own, *others)), env=env)
    main, api = (probes_a_minute(seen, Side.DR, (env.at(entrance),)) for entrance in env.entrances)
    assert main == api == probes_a_minute(sight(), Side.DR) > 0


def test_without_an_own_shift_visitors_moved_at_the_last_call_of_the_run() -> None:
    minute = HEALTHY.taken_at.replace(second=0, microsecond=0)
    counted = with_part(HEALTHY, elbv2_targets.minutes, Side.DR, (Minute(minute, 600, 0),))
    assert (
        VERIFY_ARRIVAL.observe(ARRIVAL, sight(counted, sent_at={"database/restore_dr:x": MOVED_AT})).state
        is StepState.DONE
    )


def test_an_unconfirmed_move_ends_no_run_and_no_visits_are_not_waited_for() -> None:
    assert (VERIFY_ARRIVAL.essential, ARRIVAL.call, ARRIVAL.budget_s) == (False, None, 600)
    quiet = sight(env=with_traffic(confirm_minutes=0))
    assert list(VERIFY_ARRIVAL.plan_steps(quiet)) == []
    assert list(VERIFY_ARRIVAL.notes(sight())) == []
    assert "traffic.confirm_minutes is 0" in "".join(VERIFY_ARRIVAL.notes(quiet))
