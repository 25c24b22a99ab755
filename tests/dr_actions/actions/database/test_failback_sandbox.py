"""The database really goes home in the sandbox: frozen, backed up, replicated, proven, promoted, protected again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from dr_actions.actions.backup import create_backups
from dr_actions.actions.database import failback as home
from dr_actions.actions.database import freeze as database_freeze
from dr_actions.actions.database import promote_primary as database_promote_primary
from dr_actions.actions.database import protect_primary as database_protect_primary
from dr_actions.actions.database import rename_old_dr, rename_old_primary
from dr_actions.actions.database import replicate_to_dr as database_replicate_to_dr
from dr_actions.actions.database import replicate_to_primary as database_replicate_to_primary
from dr_actions.actions.database import restore_dr as database_restore_dr
from dr_actions.actions.database import unfreeze as database_unfreeze
from dr_actions.actions.database import verify_primary_in_sync as database_verify_primary_in_sync
from dr_actions.guard import evidence
from dr_actions.model.action import Standing, Verb
from dr_actions.model.plan import Danger, Goal, Step
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, rds
from tests.dr_actions.actions.failback_world import Home, past_the_second
from tests.dr_checks.worlds import SIT
from tests.worlds import borrowed

PRIMARY, DR = SIT.regions.primary, SIT.regions.dr
pytestmark = pytest.mark.proof

NAME = "sit-mysql"


@contextmanager
def _away() -> Iterator[Home]:
    """The database was restored in the DR region, which serves; the primary's tasks are stopped."""
    with borrowed(SIT, tenants=1) as endpoint:
        endpoint.timing(transition_s=0.3, log_upload_s=0, files_lag_s=0, replica_lag_s=0, lag_published_s=0.5)
        first = Home(endpoint, SIT)
        assert first.write(PRIMARY, "rows", "before") == 201
        past_the_second(first)
        seen = first.sight(first.whole(*database_restore_dr.VERB.watches), goal=Goal.FAILOVER)
        (step,) = database_restore_dr.VERB.foresee(seen)
        first.hand.send(database_restore_dr.VERB.fill(step, seen))
        for service in first.healthy.get(ecs.services, Side.PRIMARY):
            first.send(Side.PRIMARY, "ecs:UpdateService", cluster="sit-cluster", service=service.name, desiredCount=0)
        assert first.until(Standing.DONE, database_restore_dr.VERB, step).standing is Standing.DONE
        world = Home(endpoint, SIT)
        assert world.write(DR, "rows", "away") == 201
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
    return standing


def _foreseen(world: Home, *wanted: Verb) -> dict[str, list[Step]]:
    """What the verbs foresee upon one look, by the verb's name."""
    sight = world.sight(world.whole(*WATCHED))
    return {verb.name: list(verb.foresee(sight)) for verb in wanted or WAY}


def _the(world: Home, verb: Verb) -> list[Step]:
    return _foreseen(world, verb)[verb.name]


def _take(world: Home, verb: Verb, steps: list[Step] | None = None) -> None:
    for step in _the(world, verb) if steps is None else steps:
        ready = world.confirm(verb, step)
        assert ready.standing is Standing.READY or step.call is None, ready.says
        if step.call is not None:
            world.act(verb, step)
            assert world.confirm(verb, step).standing in (Standing.WAITING, Standing.DONE)
        status = world.until(Standing.DONE, verb, step)
        assert status.standing is Standing.DONE, status.says


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
    for verb in WAY[:2]:
        _take(away, verb, plan[verb.name])
    assert away.write(DR, "rows", "refused") == 503
    assert away.ids(DR, "rows") == ["before", "away"], "pages are still served"
    for verb in WAY[2:]:
        if verb is database_protect_primary.VERB:
            _unprotect(away, plan[verb.name][0])
        _take(away, verb, plan[verb.name])

    at_home = _instance(away, Side.PRIMARY)
    assert at_home is not None
    assert at_home.resource_id not in (before.resource_id, served.resource_id)
    alike = {
        name: getattr(before, name)
        for name in (
            *("host", "arn", "key_arn", "parameter_groups", "subnet_group", "security_groups", "instance_class"),
            *("multi_az", "deletion_protection", "retention_days", "backup_window", "log_exports", "storage_type"),
        )
    }
    assert {name: getattr(at_home, name) for name in alike} == alike
    assert {k: v for k, v in at_home.tags if k != home.COME_FROM} == dict(before.tags)
    instance = _instance(away, Side.PRIMARY, home.aside_name(before))
    kept_away = _instance(away, Side.DR, home.aside_name(served))
    assert instance is not None
    assert kept_away is not None
    assert (instance.resource_id, kept_away.resource_id) == (before.resource_id, served.resource_id)
    assert _instance(away, Side.DR) is None, "the name is free for a failover to come"

    away.send(Side.PRIMARY, "ecs:UpdateService", cluster="sit-cluster", service="sit-tenant-1-service", desiredCount=1)
    for _ in range(20):
        if away.ids(PRIMARY, "rows") == ["before", "away"]:
            break
        past_the_second(away)
    assert away.ids(PRIMARY, "rows") == ["before", "away"]
    assert away.write(PRIMARY, "rows", "at home") == 201
    past_the_second(away)
    seen = away.sight(away.whole(), goal=Goal.FAILOVER)
    (again,) = database_restore_dr.VERB.foresee(seen)
    assert again.before["instance"] == "absent"
    away.hand.send(database_restore_dr.VERB.fill(again, seen))
    assert away.until(Standing.DONE, database_restore_dr.VERB, again).standing is Standing.DONE
    assert away.ids(DR, "rows") == ["before", "away", "at home"], "the next failover finds all of it"
    assert away.write(DR, "rows", "away again") == 201, "nothing is frozen any more"


WAY = (
    database_freeze.VERB,
    create_backups.VERB,
    rename_old_primary.VERB,
    database_replicate_to_primary.VERB,
    database_verify_primary_in_sync.VERB,
    database_promote_primary.VERB,
    database_protect_primary.VERB,
    rename_old_dr.VERB,
    database_unfreeze.VERB,
    database_replicate_to_dr.VERB,
)


WATCHED = sorted({name for verb in WAY for name in verb.watches})


def _unprotect(world: Home, step: Step) -> None:
    """The replica was made protected, so that nothing is left to do; here RDS did not heed that."""
    assert world.confirm(database_protect_primary.VERB, step).standing is Standing.DONE
    world.send(
        Side.PRIMARY, "rds:ModifyDBInstance",
        DBInstanceIdentifier=NAME, BackupRetentionPeriod=1, DeletionProtection=False, ApplyImmediately=True,
    )  # fmt: skip


def test_a_freeze_is_waited_for_until_the_instance_is_in_sync_and_is_taken_back(away: Home) -> None:
    (step,) = _the(away, database_freeze.VERB)
    away.endpoint.timing(transition_s=1.5)
    away.act(database_freeze.VERB, step)
    assert away.confirm(database_freeze.VERB, step).standing is Standing.WAITING
    assert away.write(DR, "rows", "just in time") == 201
    assert away.until(Standing.DONE, database_freeze.VERB, step).standing is Standing.DONE
    assert away.write(DR, "rows", "late") == 503
    away.take_back(database_freeze.VERB, step)
    assert away.until(Standing.READY, database_freeze.VERB, step).standing is Standing.READY
    assert away.write(DR, "rows", "again") == 201
    away.endpoint.timing(transition_s=0.3)


def test_a_backup_is_told_from_one_of_before_the_freeze_and_is_not_started_twice(away: Home) -> None:
    steps = {step.id: step for step in _the(away, create_backups.VERB)}
    assert sorted(steps) == [
        f"backup/create_backups:{side}-{store}" for side in ("dr", "primary") for store in ("database", "files")
    ]
    step = steps["backup/create_backups:dr-database"]
    assert step.call is not None
    away.send(Side.DR, "backup:StartBackupJob", **{**step.call.params, "IdempotencyToken": "another's, of before"})
    past_the_second(away)
    _take(away, database_freeze.VERB)
    assert away.confirm(create_backups.VERB, step).standing is Standing.READY, "what was there before proves nothing"
    away.endpoint.timing(transition_s=1.5)
    away.act(create_backups.VERB, step)
    unrecorded = away.sent_at.pop(step.id)
    assert away.confirm(create_backups.VERB, step).standing is Standing.WAITING, (
        "found although its call was not recorded"
    )
    away.act(create_backups.VERB, step)
    away.sent_at[step.id] = unrecorded
    done = away.until(Standing.DONE, create_backups.VERB, step)
    assert done.standing is Standing.DONE, done.says
    proof = evidence.proof_of(dict(done.facts))
    assert proof is not None
    assert (proof.side, proof.store) == (Side.DR, evidence.DATABASE)
    assert proof.created_at > away.sent_at[f"database/freeze:{NAME}"]
    away.endpoint.timing(transition_s=0.3)
    jobs = away.send(Side.DR, "backup:ListBackupJobs", ByResourceArn=step.call.params["ResourceArn"])["BackupJobs"]
    assert len(jobs) == 2


def test_the_database_is_not_promoted_while_the_region_it_comes_from_takes_writes(away: Home) -> None:
    plan = _foreseen(away)
    for verb in (database_freeze.VERB, rename_old_primary.VERB, database_replicate_to_primary.VERB):
        _take(away, verb, plan[verb.name])
    (frozen,), (proof,), (promotion,) = (
        plan[verb.name]
        for verb in (database_freeze.VERB, database_verify_primary_in_sync.VERB, database_promote_primary.VERB)
    )
    assert promotion.danger is Danger.IRREVERSIBLE
    assert away.confirm(database_promote_primary.VERB, promotion).standing is Standing.READY
    away.take_back(database_freeze.VERB, frozen)
    away.until(Standing.READY, database_freeze.VERB, frozen)
    assert away.confirm(database_promote_primary.VERB, promotion).standing is Standing.CHANGED
    assert away.confirm(database_verify_primary_in_sync.VERB, proof).standing is Standing.CHANGED


def test_a_renamed_database_can_have_its_name_again(away: Home) -> None:
    (step,) = _the(away, rename_old_primary.VERB)
    before = _instance(away, Side.PRIMARY)
    away.act(rename_old_primary.VERB, step)
    assert away.confirm(rename_old_primary.VERB, step).standing is Standing.WAITING
    assert away.until(Standing.DONE, rename_old_primary.VERB, step).standing is Standing.DONE
    away.take_back(rename_old_primary.VERB, step)
    assert away.until(Standing.READY, rename_old_primary.VERB, step).standing is Standing.READY
    after = _instance(away, Side.PRIMARY)
    assert before is not None
    assert after is not None
    renamed = replace(after, latest_restorable=before.latest_restorable, created_at=before.created_at)
    assert renamed == before, "but for its age"


def test_nothing_is_replicated_from_a_database_without_backups_until_it_keeps_some(away: Home) -> None:
    none = {"DBInstanceIdentifier": NAME, "BackupRetentionPeriod": 0, "ApplyImmediately": True}
    away.send(Side.DR, "rds:ModifyDBInstance", **none)
    keeping, replica = _the(away, database_replicate_to_primary.VERB)
    assert keeping.stage < replica.stage
    _take(away, database_replicate_to_primary.VERB, [keeping])
