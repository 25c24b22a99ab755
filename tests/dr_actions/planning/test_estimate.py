"""How long a plan takes: by past runs, by size and mechanism; never less than the budget where that is not known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from random import Random

import pytest

from dr_actions.model.plan import Call, Plan, Step, batches
from dr_actions.planning.estimate import (
    Sizes,
    estimate_s,
    floor_s,
    growth_of,
    look_s,
    past_durations,
    sizes_of,
    step_estimate,
    step_s,
)
from dr_actions.planning.planner import plan_estimate_s, rto_estimate_s
from dr_actions.run_history.durations import ENOUGH, StepDurations
from dr_checks.posture.posture import PostureName
from dr_estate.config.environment import Side
from dr_estate.model.aws_durations import operation
from dr_estate.readers import efs, elbv2, rds, s3_objects
from dr_estate.readers.s3_objects import BucketDifference
from tests.dr_actions.deciding import PROD, SIT, plan, step
from tests.dr_actions.plain import recorded
from tests.dr_checks.traffic import group
from tests.dr_checks.worlds import DENIED, world

KNOWN = Sizes(database_gib=200, files_gib=40)
REGION = PROD.regions.dr


def database(operation_name: str, budget_s: int = 2700, **params: object) -> Step:
    call = Call("rds", operation_name, REGION, params)
    return step("mysql", 40, "database/restore_dr", call=call, budget_s=budget_s)


def service(before: int, budget_s: int = 840, **params: object) -> Step:
    call = Call("ecs", "UpdateService", REGION, params)
    return step("tenant1", call=call, budget_s=budget_s, before={"desiredCount": before})


def backup(operation_name: str, **params: object) -> Step:
    return step("a", call=Call("backup", operation_name, REGION, params), budget_s=9999)


RESTORE, PROMOTION = database("RestoreDBInstanceToPointInTime"), database("PromoteReadReplica", 900)


def seconds(of: Step, sizes: Sizes = KNOWN) -> float:
    return step_s(of, PROD, {}, sizes)


def test_a_restore_counts_by_size_until_it_is_usable_and_a_promotion_less() -> None:
    assert seconds(RESTORE) == operation("rds.restore-to-point-in-time").phases_s(gib=200)[0][1]
    assert seconds(RESTORE) - seconds(RESTORE, Sizes(database_gib=100)) == pytest.approx(300)
    assert seconds(PROMOTION) < seconds(RESTORE) / 3


def test_an_s3_job_counts_by_missing_objects_up_to_its_wait() -> None:
    job = step("assets", 26, "objects/replicate_to_primary", call=Call("s3control", "CreateJob", REGION, {}))
    queue, more, most = (seconds(job, replace(KNOWN, objects={"assets": n})) for n in (0, 100_000, 10**9))
    assert (queue, most) == (seconds(job), PROD.failback.objects_batch_minutes * 60)
    assert more - queue == pytest.approx(1100)
    assert seconds(job, replace(KNOWN, objects={"another": 100_000})) == queue


def test_the_objects_that_a_bucket_lacks_are_those_that_were_counted() -> None:
    counted = BucketDifference("assets", "assets-dr", 9, 3, 30, 0, None, 0, 0, 0, ())
    assert {"assets": 3} == sizes_of(world({(s3_objects.apart, Side.DR): (counted, DENIED)}), SIT).objects


def test_a_start_waits_for_the_first_check_of_the_slowest_target_group() -> None:
    start = service(0, desiredCount=2)
    assert seconds(start, replace(KNOWN, check_interval_s=300)) - seconds(start) == pytest.approx(135)
    groups = (group(Side.DR, "tenant1", check_interval_s=120), group(Side.DR, "tenant2", check_interval_s=20))
    strange = group(Side.DR, "tenant1", name="of-another-team", check_interval_s=300)
    shown = world({(elbv2.target_groups, Side.DR): (*groups, strange)})
    assert sizes_of(shown, SIT).check_interval_s == 120


def test_the_unknown_counts_its_budget_and_a_large_store_its_time() -> None:
    assert seconds(RESTORE, Sizes()) == 2700
    assert seconds(RESTORE, Sizes(database_gib=100_000)) == 300_900
    assert seconds(step("dr", 30, "provisioning/apply", call=None, budget_s=1234)) == 1234


@pytest.mark.parametrize(
    ("of", "rows"),
    [
        (service(0, desiredCount=2), ("ecs.start-task", "ecs.warm-up", "elb.first-check", "cloudwatch.publish")),
        (service(4, desiredCount=0), ("ecs.stop-task",)),
        (database("ModifyDBInstance", NewDBInstanceIdentifier="old"), ("rds.rename",)),
        (database("ModifyDBInstance", MultiAZ=True), ("rds.modify-multi-az",)),
        (database("ModifyDBInstance", BackupRetentionPeriod=7), ("rds.modify",)),
        (backup("StartBackupJob", ResourceArn="arn:aws:rds:x:1:db:m"), ("backup.back-up-database",)),
        (backup("StartRestoreJob", ResourceType="EFS"), ("backup.restore-files",)),
        (step("a", call=Call("sns", "Publish", REGION, {})), ()),
    ],
)  # fmt: skip
def test_a_call_counts_as_the_operations_that_it_begins(of: Step, rows: Sequence[str]) -> None:
    gib = {"ecs": 0.2, "rds": 200, "backup.back-up-database": 200, "backup.restore-files": 40}
    wanted = sum(operation(row).wait_seconds(gib=gib.get(row, gib.get(row[:3], 0))) for row in rows)
    assert seconds(of) == pytest.approx(wanted)


def test_a_second_zone_is_asked_for_and_not_waited_for() -> None:
    request = replace(database("ModifyDBInstance", MultiAZ=True), id="database/protect_dr.second_zone:prod-mysql")
    assert seconds(request) == 0


def test_a_service_with_new_tasks_waits_until_the_old_ones_drained() -> None:
    more, redeployed = service(1, desiredCount=2), service(1, desiredCount=2, forceNewDeployment=True)
    assert seconds(redeployed) - seconds(more) == pytest.approx(operation("ecs.drain").seconds() + 12)


def test_past_runs_go_before_the_table_once_there_are_enough() -> None:
    few, enough = ({"database/restore_dr": StepDurations(times, 600.0, 900.0)} for times in (ENOUGH - 1, ENOUGH))
    assert step_s(RESTORE, PROD, few, KNOWN) == seconds(RESTORE)
    assert step_s(RESTORE, PROD, enough, KNOWN) == 600
    assert step_s(RESTORE, PROD, enough, KNOWN, quantile=0.9) == pytest.approx(900)
    assert step_s(replace(RESTORE, manual=True), PROD, enough, KNOWN) != 600


def test_a_plan_and_its_way_to_serving_count_past_runs_and_sizes_alike() -> None:
    whole, enough = plan(RESTORE, service(0, desiredCount=2)), {RESTORE.action: StepDurations(ENOUGH, 600.0, 900.0)}
    plain_s = plan_estimate_s(whole, PROD)
    for measured, sizes in ((enough, KNOWN), (enough, Sizes()), ({}, KNOWN)):
        found_s = plan_estimate_s(whole, PROD, measured, sizes)
        assert found_s == estimate_s(whole.steps, PROD, measured, sizes) != plain_s
        assert rto_estimate_s(whole, PROD, measured, sizes) - found_s == rto_estimate_s(whole, PROD) - plain_s


def test_of_many_steps_at_once_the_longest_counts_and_one_look_a_batch() -> None:
    look_s = operation("tool.look").seconds()
    alone = estimate_s([PROMOTION], PROD, {}, KNOWN)
    assert alone == round(seconds(PROMOTION) + look_s)
    assert estimate_s([PROMOTION, replace(RESTORE, stage=PROMOTION.stage + 1)], PROD, {}, KNOWN) == round(
        seconds(PROMOTION) + seconds(RESTORE) + 2 * look_s
    )
    many = estimate_s([PROMOTION] * 9, PROD, {}, KNOWN)
    assert many == round(step_s(PROMOTION, PROD, {}, KNOWN, quantile=0.9) + look_s) > alone


def test_sizes_are_the_largest_that_either_region_shows() -> None:
    assert sizes_of(world({}), SIT) == Sizes(None, None)
    healthy = recorded("healthy")
    name = SIT.named(SIT.names.database)
    assert sizes_of(healthy, SIT).database_gib == max(
        i.storage_gib for i in healthy.get(rds.instances, Side.PRIMARY) if i.identifier == name
    )
    (files,) = [f for f in healthy.get(efs.file_systems, Side.PRIMARY) if f.name == SIT.named(SIT.names.file_system)]
    grown = world({(efs.file_systems, Side.PRIMARY): (replace(files, size_bytes=3 * 2**30),)})
    assert sizes_of(grown, SIT) == Sizes(None, 3.0)


def test_what_steps_take_is_estimated_from_what_a_snapshot_shows() -> None:
    healthy = recorded("healthy")
    shown_s, plain_s = step_estimate(SIT, healthy)([RESTORE]), estimate_s([RESTORE], SIT, {}, Sizes())
    assert shown_s == estimate_s([RESTORE], SIT, past_durations(healthy), sizes_of(healthy, SIT)) != plain_s


def test_nine_of_ten_failovers_take_within_a_quarter_of_the_estimate() -> None:
    """Worlds draw each operation from its row's range; the run adds a look that takes as long as it likes."""
    recovery = _recovery(tenants=12)
    estimate = plan_estimate_s(recovery, PROD, {}, KNOWN)
    taken = [_played(recovery, Random(seed)) for seed in range(300)]  # noqa: S311 - draws worlds, guards nothing
    within = sum(abs(seconds - estimate) <= 0.25 * seconds for seconds in taken)
    assert within >= 0.9 * len(taken), (estimate, sorted(taken)[::30])


def _recovery(tenants: int) -> Plan:
    """The shape of a failover of PROD: a restore, the files, the services, the traffic, and what is said of it."""
    services = [replace(service(0, desiredCount=2), id=f"s{n}", subject=f"s{n}") for n in range(tenants)]
    files = Call("efs", "DeleteReplicationConfiguration", REGION, {})
    shift = Call("route53", "ChangeResourceRecordSets", "us-east-1", {})
    pin = Call("route53", "UpdateHealthCheck", "us-east-1", {})
    return plan(
        step("start", 10, "notifications/start", call=Call("sns", "Publish", REGION, {})),
        RESTORE,
        step("files", 41, "files/restore_dr", call=files, budget_s=900),
        *services,
        step("zone", 50, "traffic/shift_to_dr", call=shift, budget_s=600, manual=True),
        step("pin", 55, "traffic/pin_primary", call=pin, budget_s=300),
        posture=PostureName.PRIMARY_LOST,
    )


@pytest.mark.parametrize(
    ("action", "setting"),
    [
        ("traffic/shift_to_primary", "bake_minutes"),
        ("traffic/wait_primary_stable", "stable_minutes"),
        ("files/freeze", "files_freeze_minutes"),
    ],
)
def test_what_the_environment_lets_a_step_wait_is_counted(action: str, setting: str) -> None:
    waiting = step("x", 50, action)
    shorter, longer = (
        step_s(waiting, PROD.model_copy(update={"failback": PROD.failback.model_copy(update={setting: n})}), {}, KNOWN)
        for n in (100, 101)
    )
    assert longer - shorter == pytest.approx(60)


def _played(recovery: Plan, world_of: Random) -> float:
    """Seconds that a world takes for the plan: each operation of each step from its own place in the row's range."""
    look = operation("tool.look")
    return sum(
        look.seconds(world_of.random()) + max(_drawn(of, world_of) for of in batch) for batch in batches(recovery.steps)
    )


def _drawn(of: Step, world_of: Random) -> float:
    return sum(operation(row).wait_seconds(world_of.random(), gib=gib) for row, gib in _operations(of))


def _operations(of: Step) -> Iterator[tuple[str, float]]:
    rows: dict[str, tuple[tuple[str, float], ...]] = {
        "notifications/start": (),
        "database/restore_dr": (("rds.restore-to-point-in-time", 200),),
        "files/restore_dr": (("efs.end-replication", 40),),
        "compute/scale_dr_services": (
            ("ecs.start-task", 0.124), ("ecs.warm-up", 0), ("elb.first-check", 0), ("cloudwatch.publish", 0)
        ),
        "traffic/shift_to_dr": (("person.change-by-hand", 0), ("route53.change", 0)),
        "traffic/pin_primary": (("route53.health-check", 0),),
    }  # fmt: skip
    yield from rows[of.action]


def repointed(tenant: str) -> Step:
    call = Call("ecs", "RegisterTaskDefinition", REGION, {"family": tenant})
    return step(tenant, 44, "compute/repoint_dr_tasks", call=call, tenant=tenant)


def started(tenant: str) -> Step:
    return replace(service(0, desiredCount=2), id=f"scale:{tenant}", tenant=tenant)


@pytest.mark.parametrize(
    ("one_of", "tenants", "floor"),
    [
        (started, 12, 1.0),  # 24 targets, of which 20 are registered at once
        (started, 100, 45.0),  # 200 targets, at 20 and then 4 a second
        (started, 1000, 495.0),
        (started, 10_000, 4995.0),
        (repointed, 12, 0.0),
        (repointed, 1000, 980.0),  # revisions, at 20 and then 1 a second
    ],
)
def test_a_batch_lasts_until_published_rates_let_its_last_call_leave(
    one_of: Callable[[str], Step], tenants: int, floor: float
) -> None:
    steps = [one_of(f"t{n}") for n in range(tenants)]
    assert floor_s(steps, PROD) == floor
    alike = step_s(steps[0], PROD, {}, KNOWN, tenants / (tenants + 1))
    assert estimate_s(steps, PROD, {}, KNOWN) == round(floor + alike + look_s())


def test_past_runs_count_from_each_call_after_its_wait() -> None:
    steps = [started(f"t{n}") for n in range(1000)]
    past = {steps[0].action: StepDurations(ENOUGH, 240.0, 240.0)}
    assert estimate_s(steps, PROD, past, KNOWN) == pytest.approx(495 + 240 + look_s(), abs=1)


def test_a_plan_is_estimated_for_more_tenants_as_if_they_were_in_it() -> None:
    zone = step("zone", 50, "traffic/shift_to_dr", call=None, tenant="", budget_s=60)
    few, many = ((*(started(f"t{n}") for n in range(number)), zone) for number in (10, 1000))
    now, hundred, thousand, most = growth_of(few, PROD, {}, KNOWN)
    assert [row.tenants for row in (now, hundred, thousand, most)] == [10, 100, 1000, 10_000]
    assert (now.estimate_s, now.floor_s) == (estimate_s(few, PROD, {}, KNOWN), 0)
    assert (thousand.estimate_s, thousand.floor_s) == (estimate_s(many, PROD, {}, KNOWN), 495)
    assert growth_of((zone,), PROD, {}, KNOWN) == ()
    of_many = [row.floor_s for row in growth_of([repointed(f"t{n}") for n in range(999)], PROD, {}, KNOWN)]
    assert of_many == [979, 980, 9980], "not each tenant is rounded up"
