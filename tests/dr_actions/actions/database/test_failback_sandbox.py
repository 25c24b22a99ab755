"""The database's failback in the sandbox: backed up, replicated, frozen, proven, promoted, protected again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from dr_actions.actions import backup
from dr_actions.actions.database import failback, rename
from dr_actions.actions.database import freeze as database_freeze
from dr_actions.actions.database import promotion as database_promotion
from dr_actions.actions.database import protection as database_protection
from dr_actions.actions.database import replication as database_replication
from dr_actions.actions.database import restore_dr as database_restore_dr
from dr_actions.guard import context
from dr_actions.model.action import Action, StepState
from dr_actions.model.plan import Danger, Goal, Step
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, rds
from tests.dr_actions.actions.failback_world import Home, past_the_second
from tests.dr_checks.worlds import SIT
from tests.worlds import borrowed

PRIMARY, DR = SIT.regions.primary, SIT.regions.dr
pytestmark = pytest.mark.proof

NAME = "sit-mysql"
WRITTEN = ["before", "away", "meanwhile"]
_TRIES = 30


@contextmanager
def _away() -> Iterator[Home]:
    """The database was restored in the DR region, which serves; the primary's tasks are stopped."""
    with borrowed(SIT, tenants=1) as endpoint:
        endpoint.timing(transition_s=0.3, log_upload_s=0, files_lag_s=0, replica_lag_s=0, lag_published_s=0.5)
        first = Home(endpoint, SIT)
        assert first.write(PRIMARY, "rows", "before") == 201
        past_the_second(first)
        seen = first.sight(first.whole(*database_restore_dr.RESTORE_DR.reads_parts), goal=Goal.FAILOVER)
        (step,) = database_restore_dr.RESTORE_DR.plan_steps(seen)
        first.hand.send(database_restore_dr.RESTORE_DR.build_call(step, seen))
        for service in first.healthy.get(ecs.services, Side.PRIMARY):
            first.send(Side.PRIMARY, "ecs:UpdateService", cluster="sit-cluster", service=service.name, desiredCount=0)
        assert first.until(StepState.DONE, database_restore_dr.RESTORE_DR, step).state is StepState.DONE
        for service in first.healthy.get(ecs.services, Side.DR):
            first.send(Side.DR, "ecs:UpdateService", cluster="sit-cluster", service=service.name, desiredCount=2)
        for _ in range(_TRIES):
            if first.write(DR, "rows", "away") == 201:
                break
            past_the_second(first)
        world = Home(endpoint, SIT)
        assert "away" in world.ids(DR, "rows")
        endpoint.keep("away")
        yield world


@pytest.fixture(scope="module")
def standing() -> Iterator[Home]:
    with _away() as world:
        yield world


@pytest.fixture
def away(standing: Home) -> Home:
    standing.endpoint.return_to("away")
    standing.sent_at.clear()
    standing.confirmed_at.clear()
    return standing


def _foreseen(world: Home, *wanted: Action) -> dict[str, list[Step]]:
    """What the actions foresee upon one look, by the action's name."""
    context = world.sight(world.whole(*WATCHED))
    return {action.name: list(action.plan_steps(context)) for action in wanted or WAY}


def _the(world: Home, action: Action) -> list[Step]:
    return _foreseen(world, action)[action.name]


def _take(world: Home, action: Action, steps: list[Step] | None = None) -> None:
    for step in _the(world, action) if steps is None else steps:
        ready = world.confirm(action, step)
        assert ready.state is StepState.READY or step.call is None, ready.message
        if step.call is not None:
            world.act(action, step)
            assert world.confirm(action, step).state in (StepState.IN_PROGRESS, StepState.DONE)
        status = world.until(StepState.DONE, action, step)
        assert status.state is StepState.DONE, status.message


def _instance(world: Home, side: Side, name: str = NAME) -> rds.Instance | None:
    seen = world.whole(rds.instances.name).get(rds.instances, side)
    return next((instance for instance in seen if instance.identifier == name), None)


def test_the_whole_way_home_loses_no_row_and_deletes_nothing(away: Home) -> None:
    before = _instance(away, Side.PRIMARY)
    served = _instance(away, Side.DR)
    assert before is not None
    assert served is not None
    assert away.ids(DR, "rows") == ["before", "away"]
    plan = _foreseen(away)
    _freeze_late(away, plan)
    for action in WAY[6:]:
        if action is database_protection.PROTECT_PRIMARY:
            _unprotect(away, plan[action.name][0])
        _take(away, action, plan[action.name])

    at_home = _instance(away, Side.PRIMARY)
    assert at_home is not None
    assert at_home.resource_id not in (before.resource_id, served.resource_id)
    alike = {
        name: getattr(before, name)
        for name in (
            *("host", "arn", "key_arn", "parameter_groups", "subnet_group", "security_groups", "instance_class"),
            *("multi_az", "deletion_protection", "retention_days", "backup_window", "log_exports", "storage_type"),
            "maintenance_window",
        )
    }
    assert {name: getattr(at_home, name) for name in alike} == alike
    assert {k: v for k, v in at_home.tags if k != failback.COME_FROM} == dict(before.tags)
    instance = _instance(away, Side.PRIMARY, failback.retained_name(before))
    kept_away = _instance(away, Side.DR, failback.retained_name(served))
    assert instance is not None
    assert kept_away is not None
    assert (instance.resource_id, kept_away.resource_id) == (before.resource_id, served.resource_id)
    assert _instance(away, Side.DR) is None, "the name is free for a failover to come"

    away.send(Side.PRIMARY, "ecs:UpdateService", cluster="sit-cluster", service="sit-tenant-1-service", desiredCount=1)
    for _ in range(20):
        if away.ids(PRIMARY, "rows") == WRITTEN:
            break
        past_the_second(away)
    assert away.ids(PRIMARY, "rows") == WRITTEN
    assert away.write(PRIMARY, "rows", "at home") == 201
    past_the_second(away)
    seen = away.sight(away.whole(), goal=Goal.FAILOVER)
    (again,) = database_restore_dr.RESTORE_DR.plan_steps(seen)
    assert again.before["instance"] == "absent"
    away.hand.send(database_restore_dr.RESTORE_DR.build_call(again, seen))
    assert away.until(StepState.DONE, database_restore_dr.RESTORE_DR, again).state is StepState.DONE
    assert away.ids(DR, "rows") == [*WRITTEN, "at home"], "the next failover finds all of it"
    assert away.write(DR, "rows", "away again") == 201, "nothing is frozen any more"


WAY = (
    backup.CREATE_BACKUPS,
    database_replication.END_STALE_REPLICATION,
    rename.OLD_PRIMARY,
    database_replication.REPLICATE_TO_PRIMARY,
    database_promotion.WAIT_REPLICA_LAG,
    database_freeze.FREEZE,
    database_promotion.VERIFY_PRIMARY_IN_SYNC,
    database_promotion.PROMOTE_PRIMARY,
    database_protection.PROTECT_PRIMARY,
    rename.OLD_DR,
    database_freeze.UNFREEZE,
    database_replication.REPLICATE_TO_DR,
)


WATCHED = sorted({name for action in WAY for name in action.reads_parts})


def _freeze_late(world: Home, plan: dict[str, list[Step]]) -> None:
    """The DR region takes writes while everything is copied, and refuses them once it is frozen."""
    for action in WAY[:5]:
        _take(world, action, plan[action.name])
    assert world.write(DR, "rows", "meanwhile") == 201
    past_the_second(world)
    _take(world, WAY[5], plan[WAY[5].name])
    assert world.write(DR, "rows", "refused") == 503
    assert world.ids(DR, "rows") == WRITTEN, "pages are still served"


def _unprotect(world: Home, step: Step) -> None:
    """The replica was made protected, so that its windows alone are left to do; here RDS did not heed that."""
    assert (
        "lacks PreferredBackupWindow, PreferredMaintenanceWindow."
        in world.confirm(database_protection.PROTECT_PRIMARY, step).message
    )
    world.send(
        Side.PRIMARY, "rds:ModifyDBInstance",
        DBInstanceIdentifier=NAME, BackupRetentionPeriod=1, DeletionProtection=False, ApplyImmediately=True,
    )  # fmt: skip


def test_a_freeze_waits_until_the_instance_is_in_sync_and_can_be_undone(away: Home) -> None:
    (step,) = _the(away, database_freeze.FREEZE)
    away.endpoint.timing(transition_s=1.5)
    away.act(database_freeze.FREEZE, step)
    assert away.confirm(database_freeze.FREEZE, step).state is StepState.IN_PROGRESS
    assert away.write(DR, "rows", "just in time") == 201
    assert away.until(StepState.DONE, database_freeze.FREEZE, step).state is StepState.DONE
    assert away.write(DR, "rows", "late") == 503
    away.take_back(database_freeze.FREEZE, step)
    assert away.until(StepState.READY, database_freeze.FREEZE, step).state is StepState.READY
    assert away.write(DR, "rows", "again") == 201
    away.endpoint.timing(transition_s=0.3)


def test_a_backup_of_this_run_differs_from_an_older_one_and_starts_once(away: Home) -> None:
    steps = {step.id: step for step in _the(away, backup.CREATE_BACKUPS)}
    assert sorted(steps) == [
        f"backup/create_backups:{side}-{store}" for side in ("dr", "primary") for store in ("database", "files")
    ]
    step = steps["backup/create_backups:dr-database"]
    assert step.call is not None
    away.send(Side.DR, "backup:StartBackupJob", **{**step.call.params, "IdempotencyToken": "another's, of before"})
    past_the_second(away, 90)
    away.begun_at = away.whole("sts_identity.caller").taken_at
    assert away.confirm(backup.CREATE_BACKUPS, step).state is StepState.READY, "what was there before proves nothing"
    away.endpoint.timing(transition_s=1.5)
    away.act(backup.CREATE_BACKUPS, step)
    unrecorded = away.sent_at.pop(step.id)
    assert away.confirm(backup.CREATE_BACKUPS, step).state is StepState.IN_PROGRESS, (
        "found although its call was not recorded"
    )
    away.act(backup.CREATE_BACKUPS, step)
    away.sent_at[step.id] = unrecorded
    done = away.until(StepState.DONE, backup.CREATE_BACKUPS, step)
    assert done.state is StepState.DONE, done.message
    proof = context.proof_of(dict(done.evidence))
    assert proof is not None
    assert (proof.side, proof.store) == (Side.DR, "database")
    assert away.begun_at is not None
    assert proof.created_at >= away.begun_at.replace(microsecond=0)
    away.endpoint.timing(transition_s=0.3)
    jobs = away.send(Side.DR, "backup:ListBackupJobs", ByResourceArn=step.call.params["ResourceArn"])["BackupJobs"]
    assert len(jobs) == 2


def test_no_database_is_promoted_while_its_source_region_takes_writes(away: Home) -> None:
    plan = _foreseen(away)
    for action in (database_freeze.FREEZE, rename.OLD_PRIMARY, database_replication.REPLICATE_TO_PRIMARY):
        _take(away, action, plan[action.name])
    (frozen,), (proof,), (promotion,) = (
        plan[action.name]
        for action in (
            database_freeze.FREEZE,
            database_promotion.VERIFY_PRIMARY_IN_SYNC,
            database_promotion.PROMOTE_PRIMARY,
        )
    )
    assert promotion.danger is Danger.IRREVERSIBLE
    assert away.confirm(database_promotion.PROMOTE_PRIMARY, promotion).state is StepState.READY
    away.take_back(database_freeze.FREEZE, frozen)
    away.until(StepState.READY, database_freeze.FREEZE, frozen)
    assert away.confirm(database_promotion.PROMOTE_PRIMARY, promotion).state is StepState.DRIFTED
    assert away.confirm(database_promotion.VERIFY_PRIMARY_IN_SYNC, proof).state is StepState.DRIFTED


def test_a_renamed_database_can_have_its_name_again(away: Home) -> None:
    (step,) = _the(away, rename.OLD_PRIMARY)
    before = _instance(away, Side.PRIMARY)
    away.act(rename.OLD_PRIMARY, step)
    assert away.confirm(rename.OLD_PRIMARY, step).state is StepState.IN_PROGRESS
    assert away.until(StepState.DONE, rename.OLD_PRIMARY, step).state is StepState.DONE
    away.take_back(rename.OLD_PRIMARY, step)
    assert away.until(StepState.READY, rename.OLD_PRIMARY, step).state is StepState.READY
    after = _instance(away, Side.PRIMARY)
    assert before is not None
    assert after is not None
    renamed = replace(after, latest_restorable=before.latest_restorable, created_at=before.created_at)
    assert renamed == before, "but for its age"


def test_nothing_replicates_from_a_database_that_keeps_no_backups_yet(away: Home) -> None:
    none = {"DBInstanceIdentifier": NAME, "BackupRetentionPeriod": 0, "ApplyImmediately": True}
    away.send(Side.DR, "rds:ModifyDBInstance", **none)
    keeping, replica = _the(away, database_replication.REPLICATE_TO_PRIMARY)
    assert keeping.stage < replica.stage
    _take(away, database_replication.REPLICATE_TO_PRIMARY, [keeping])
