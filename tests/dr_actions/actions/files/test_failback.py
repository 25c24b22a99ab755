"""The failback of files: copied back in the one right direction, frozen, proven, released, and protected again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.files import freeze as files_freeze
from dr_actions.actions.files import replication as files_replication
from dr_actions.model.action import Action, StepState
from dr_actions.model.plan import Call, Danger, Goal, Step
from dr_actions.planning.planner import make_plan
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, efs
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.estates import failed_over, led, only, stands
from tests.dr_actions.actions.estates import home_sight as sight_of
from tests.dr_actions.actions.failback_world import Home, lead, past_the_second
from tests.dr_actions.plain import dark, with_part
from tests.dr_checks.worlds import DENIED, SIT

FREEZE, THAW, OPEN = files_freeze.FREEZE, files_freeze.UNFREEZE, files_replication.ALLOW_OVERWRITE_PRIMARY
REPLICATE, PROVE, RELEASE = (
    files_replication.REPLICATE_TO_PRIMARY,
    files_replication.VERIFY_PRIMARY_IN_SYNC,
    files_replication.PROMOTE_PRIMARY,
)
HOT = (files_replication.END_STALE_REPLICATION, OPEN, REPLICATE, files_replication.WAIT_SYNC_LAG)
TO_HOME = (*HOT, FREEZE, PROVE, RELEASE, files_replication.PROTECT_PRIMARY)
WRITTEN = ["before", "away", "meanwhile"]
AFTER = (THAW, files_replication.ALLOW_OVERWRITE_DR, files_replication.REPLICATE_TO_DR)
OTHER = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "elasticfilesystem:Client*"}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [OTHER]})


def systems(world: Home) -> files_failback.FileSystems:
    found = files_failback.file_systems(world.sight(world.whole(*PROVE.reads_parts)))
    assert found is not None
    return found


@pytest.mark.proof
def test_every_write_before_and_during_is_home_and_the_world_is_as_before(away: Home) -> None:
    home, there = away.env.regions.primary, away.env.regions.dr
    for action in HOT:
        away.take(action)
    assert 201 == away.write(there, "files", "meanwhile"), "writes go on while everything is copied"
    past_the_second(away)
    for action in (FREEZE, PROVE):
        away.take(action)
    assert 503 == away.write(there, "files", "refused")
    assert WRITTEN == away.ids(there, "files"), "still read while it is frozen"
    for action in (RELEASE, files_replication.PROTECT_PRIMARY):
        away.take(action)
    (row,) = away.send(Side.PRIMARY, "efs:DescribeFileSystems", FileSystemId=systems(away).primary.id)["FileSystems"]
    assert "ENABLED" == row["FileSystemProtection"]["ReplicationOverwriteProtection"]
    lead(away, Side.PRIMARY)
    for action in AFTER:
        away.take(action)
    seen = away.whole(*PROVE.reads_parts)
    found = systems(away)
    for side in (Side.PRIMARY, Side.DR):
        (back,) = seen.get(efs.replications, side)
        assert (found.primary.id, found.dr.id, "ENABLED") == (back.source_id, back.destination_id, back.status)
        (policy,) = seen.get(efs.policies, side)
        assert isinstance(policy, efs.FileSystemPolicy)
        assert not policy.present
    assert home != there
    assert WRITTEN == away.ids(there, "files")
    assert 503 == away.write(there, "files", "read-only again")


@pytest.mark.proof
def test_the_primary_takes_writes_once_the_files_are_released(away: Home) -> None:
    for action in TO_HOME:
        away.take(action)
    for service in away.healthy.get(ecs.services, Side.PRIMARY):
        away.send(Side.PRIMARY, "ecs:UpdateService", cluster="sit-cluster", service=service.name, desiredCount=1)
    ids = _until_served(away)
    assert ["before", "away"] == ids
    assert 201 == away.write(away.env.regions.primary, "files", "home")


def _until_served(world: Home) -> list[str]:
    for _ in range(20):
        ids = world.ids(world.env.regions.primary, "files")
        if "before" in ids:
            return ids
        past_the_second(world)
    raise AssertionError(ids)


@pytest.mark.proof
def test_an_existing_policy_is_kept_in_the_freeze_and_restored_exactly(away: Home) -> None:
    there = systems(away).dr.id
    away.send(Side.DR, "efs:PutFileSystemPolicy", FileSystemId=there, Policy=POLICY)
    context = away.sight(away.whole(*PROVE.reads_parts))
    freeze, thaw = only(FREEZE, context), only(THAW, context)
    assert StepState.READY is away.confirm(FREEZE, freeze).state
    assert StepState.DONE is away.confirm(THAW, thaw).state
    away.act(FREEZE, freeze)
    put = json.loads(away.send(Side.DR, "efs:DescribeFileSystemPolicy", FileSystemId=there)["Policy"])["Statement"]
    assert (OTHER, "Deny") == (put[0], put[1]["Effect"])
    assert StepState.DONE is away.until(StepState.DONE, FREEZE, freeze).state
    assert StepState.READY is away.confirm(THAW, thaw).state
    again = away.sight(away.whole(*PROVE.reads_parts))
    assert (freeze, thaw) == (only(FREEZE, again), only(THAW, again)), "a plan of meanwhile reads the same"
    away.act(THAW, thaw)
    assert StepState.DONE is away.confirm(THAW, thaw).state
    assert POLICY == away.send(Side.DR, "efs:DescribeFileSystemPolicy", FileSystemId=there)["Policy"]
    away.act(FREEZE, freeze)
    away.take_back(FREEZE, freeze)
    assert StepState.READY is away.confirm(FREEZE, freeze).state
    away.send(Side.DR, "efs:PutFileSystemPolicy", FileSystemId=there, Policy=POLICY.replace("*", "123456789012", 1))
    assert StepState.DRIFTED is away.confirm(FREEZE, freeze).state
    assert StepState.DRIFTED is away.confirm(THAW, thaw).state


AWAY_ID = failed_over().get(efs.file_systems, Side.DR)[0].id


def with_policy(snapshot: Snapshot, text: str) -> Snapshot:
    """The snapshot in which the DR region's file system has this policy."""
    policy = efs.FileSystemPolicy(AWAY_ID, present=bool(text), allows=(), denies=(), text=text)
    return with_part(snapshot, efs.policies, Side.DR, (policy,))


def frozen_by(freeze: Step, snapshot: Snapshot) -> Snapshot:
    """The snapshot once the freeze was sent."""
    return with_policy(snapshot, FREEZE.build_call(freeze, sight_of(snapshot)).params["Policy"])


def test_an_existing_policy_is_kept_and_its_restore_is_planned_exactly() -> None:
    seen = with_policy(failed_over(), POLICY)
    freeze, thaw = only(FREEZE, sight_of(seen)), only(THAW, sight_of(seen))
    assert (StepState.READY, StepState.DONE) == (stands(FREEZE, sight_of(seen))[0], stands(THAW, sight_of(seen))[0])
    frozen = frozen_by(freeze, seen)
    (policy,) = frozen.get(efs.policies, Side.DR)
    assert isinstance(policy, efs.FileSystemPolicy)
    put = json.loads(policy.text)["Statement"]
    assert (OTHER, "Deny") == (put[0], put[1]["Effect"])
    assert (StepState.DONE, StepState.READY) == tuple(
        stands(action, sight_of(frozen), step)[0] for action, step in ((FREEZE, freeze), (THAW, thaw))
    )
    again = sight_of(frozen)
    assert (freeze, thaw) == (only(FREEZE, again), only(THAW, again)), "a plan of meanwhile reads the same"
    undoing = FREEZE.rollback_call(freeze)
    assert undoing is not None
    for call in (THAW.build_call(thaw, again), undoing):
        assert ("PutFileSystemPolicy", POLICY) == (call.operation, call.params["Policy"])
    other = sight_of(with_policy(seen, POLICY.replace("*", "123456789012", 1)))
    for action, step in ((FREEZE, freeze), (THAW, thaw)):
        assert StepState.DRIFTED is stands(action, other, step)[0]


def test_a_freeze_holds_only_after_the_minutes_that_aws_may_take() -> None:
    step = only(FREEZE, sight_of())
    seen = frozen_by(step, failed_over())
    state, message = stands(FREEZE, sight_of(seen, env=SIT), step)
    assert (StepState.IN_PROGRESS, True) == (state, "AWS has until" in message)
    later = replace(seen, taken_at=seen.taken_at + timedelta(minutes=6))
    assert StepState.DONE is stands(FREEZE, sight_of(later, env=SIT), step)[0]


@pytest.mark.parametrize(
    ("minutes_ago", "expected"), [(20, StepState.DONE), (21, StepState.IN_PROGRESS), (None, StepState.IN_PROGRESS)]
)
def test_the_writes_are_not_stopped_before_the_files_were_synced_recently(
    minutes_ago: int | None, expected: StepState
) -> None:
    synced_at = failed_over().taken_at - timedelta(minutes=minutes_ago) if minutes_ago is not None else None
    seen = sight_of(_replicating(_between(synced_at=synced_at)))
    assert expected is stands(files_replication.WAIT_SYNC_LAG, seen)[0]
    assert StepState.DRIFTED is stands(files_replication.WAIT_SYNC_LAG, sight_of(FROZEN))[0], "nothing replicates"


def test_a_policy_that_would_grow_too_long_is_not_sent() -> None:
    step = only(FREEZE, sight_of())
    long = replace(step, before={**step.before, "policy": json.dumps({"Statement": [OTHER] * 250})})
    with pytest.raises(ValueError, match="longer than 20000 characters"):
        FREEZE.build_call(long, sight_of())


FROZEN = with_part(frozen_by(only(FREEZE, sight_of()), failed_over()), efs.replications, Side.PRIMARY, ())
"""The failed-over estate once its files are frozen and the old half of the replication is gone."""


def _between(status: str = "ENABLED", synced_at: datetime | None = None, home: bool = True) -> efs.FileReplication:
    """A replication of the files into the primary region, or out of it."""
    found = files_failback.file_systems(sight_of())
    assert found is not None
    ends = (found.dr.id, "d", found.primary.id, "p") if home else (found.primary.id, "p", found.dr.id, "d")
    return efs.FileReplication(*ends, status, "", synced_at)


def _replicating(*rows: efs.FileReplication) -> Snapshot:
    return with_part(FROZEN, efs.replications, Side.DR, rows)


def _running() -> Snapshot:
    services = tuple(replace(service, running=1) for service in FROZEN.get(ecs.services, Side.PRIMARY))
    return with_part(FROZEN, ecs.services, Side.PRIMARY, services)


def _empty() -> Snapshot:
    (system,) = FROZEN.get(efs.file_systems, Side.PRIMARY)
    return with_part(FROZEN, efs.file_systems, Side.PRIMARY, (replace(system, size_bytes=1 << 30),))


WRONG = {
    "the primary replicates into the DR region": (_replicating(_between(home=False)), "the older ones"),
    "tasks run in the primary region": (_running(), "may write files there"),
    "the DR region's file system is empty": (_empty(), "holds nothing"),
}


@pytest.mark.parametrize("action", [OPEN, REPLICATE], ids=lambda action: str(action.name))
def test_the_wrong_direction_is_a_change_with_its_reason_and_never_a_call(action: Action) -> None:
    step = only(action, sight_of(FROZEN))
    for cause, (spoilt, reason) in WRONG.items():
        state, message = stands(action, sight_of(spoilt), step)
        assert (StepState.DRIFTED, True, True) == (state, "T28" in message, reason in message), f"{cause}: {message}"
    assert step.danger is Danger.IRREVERSIBLE


def test_nothing_is_replicated_over_the_region_that_visitors_use() -> None:
    for action in (files_replication.ALLOW_OVERWRITE_DR, files_replication.REPLICATE_TO_DR):
        assert StepState.DRIFTED is stands(action, sight_of(FROZEN))[0]
    assert StepState.READY is stands(OPEN, sight_of(FROZEN))[0]
    seen = sight_of(led(FROZEN, Side.PRIMARY))
    for action in (OPEN, REPLICATE):
        state, message = stands(action, seen)
        assert (StepState.DRIFTED, True) == (state, "traffic is set to primary" in message)
    assert StepState.READY is stands(files_replication.ALLOW_OVERWRITE_DR, seen)[0]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("ENABLING", StepState.IN_PROGRESS),
        ("ENABLED", StepState.DONE),
        ("ERROR", StepState.FAILED),
        ("PAUSED", StepState.FAILED),
        ("DELETING", StepState.DRIFTED),
    ],
)
def test_replication_to_the_primary_is_awaited_and_its_failure_reported(status: str, state: StepState) -> None:
    step = only(REPLICATE, sight_of(FROZEN))
    assert state is stands(REPLICATE, sight_of(_replicating(_between(status))), step)[0]


def test_nothing_is_replicated_home_while_the_protection_is_on() -> None:
    state, message = stands(REPLICATE, sight_of(FROZEN))
    assert (StepState.DRIFTED, True) == (state, "overwrite protection" in message), "it is not switched off yet"


def test_nothing_is_proven_before_a_sync_later_than_the_freeze() -> None:
    since = files_failback.still_since(sight_of(FROZEN))
    assert since is not None
    for synced_at, proven, released in (
        (since, StepState.DONE, StepState.READY),
        (since - timedelta(seconds=1), StepState.IN_PROGRESS, StepState.IN_PROGRESS),
        (None, StepState.IN_PROGRESS, StepState.IN_PROGRESS),
    ):
        seen = _replicating(_between(synced_at=synced_at))
        assert (proven, released) == (stands(PROVE, sight_of(seen))[0], stands(RELEASE, sight_of(seen))[0])
        for action in (PROVE, RELEASE):
            assert StepState.DRIFTED is stands(action, sight_of(with_policy(seen, "")))[0], "more may be written"
    assert StepState.DRIFTED is stands(PROVE, sight_of(FROZEN))[0], "nothing replicates home"


def test_a_living_replication_is_never_taken_for_an_abandoned_half() -> None:
    action, step = files_replication.END_STALE_REPLICATION, only(files_replication.END_STALE_REPLICATION, sight_of())
    assert StepState.READY is stands(action, sight_of(), step)[0]
    rows = failed_over().get(efs.replications, Side.PRIMARY)
    known = sight_of(with_part(failed_over(), efs.replications, Side.DR, rows))
    assert [] == list(action.plan_steps(known)), "both regions know it"
    state, message = stands(action, known, step)
    assert (StepState.DRIFTED, True) == (state, "T28" in message)
    leaving = tuple(replace(row, status="DELETING") for row in rows)
    seen = sight_of(with_part(failed_over(), efs.replications, Side.PRIMARY, leaving))
    assert StepState.IN_PROGRESS is stands(action, seen, step)[0]


def test_protection_is_switched_on_where_aws_left_it_off() -> None:
    (system,) = failed_over().get(efs.file_systems, Side.PRIMARY)
    for protection, state in (("DISABLED", StepState.READY), ("ENABLED", StepState.DONE)):
        rows = (replace(system, overwrite_protection=protection),)
        seen = with_part(failed_over(), efs.file_systems, Side.PRIMARY, rows)
        assert state is stands(files_replication.PROTECT_PRIMARY, sight_of(seen))[0]


@pytest.mark.parametrize(("protection", "planned"), [("DISABLED", 1), ("ENABLED", 0), ("REPLICATING", 0)])
def test_an_abort_protects_the_files_of_the_primary_unless_they_replicate(protection: str, planned: int) -> None:
    (system,) = failed_over().get(efs.file_systems, Side.PRIMARY)
    rows = (replace(system, overwrite_protection=protection),)
    seen = replace(sight_of(with_part(failed_over(), efs.file_systems, Side.PRIMARY, rows)), goal=Goal.ABORT)
    steps = [step for step in make_plan(seen, "ON_DR").steps if step.call and "efs" in step.call.service]
    calls = [step.call for step in steps if step.side is Side.PRIMARY]
    params = {"FileSystemId": system.id, "ReplicationOverwriteProtection": "ENABLED"}
    assert [Call("efs", "UpdateFileSystemProtection", SIT.regions.primary, params)] * planned == calls
    for step in steps[-planned:] if planned else []:
        assert StepState.READY is stands(files_replication.PROTECT_PRIMARY_AGAIN, seen, step)[0]
    unseen = sight_of(with_part(failed_over(), efs.file_systems, Side.PRIMARY, DENIED))
    assert make_plan(replace(unseen, goal=Goal.ABORT), "ON_DR").steps, "the DR region's part needs no primary"


def test_without_a_replication_before_none_is_made_and_said_so() -> None:
    seen = sight_of(recorded={"files/restore_copy:sit-efs": {"file system": "fs-1", "point": "arn:point"}})
    for action in (files_replication.ALLOW_OVERWRITE_DR, files_replication.REPLICATE_TO_DR):
        assert [] == list(action.plan_steps(seen))
    assert any("backup plan" in note for note in files_replication.ALLOW_OVERWRITE_DR.notes(seen))


def test_other_goals_and_unseen_regions_have_no_steps() -> None:
    assert any("not frozen" in note for note in FREEZE.notes(sight_of()))
    nowhere = sight_of(with_part(failed_over(), efs.file_systems, Side.DR, ()))
    assert any("Name tag" in note for note in FREEZE.notes(nowhere))
    for action in (*TO_HOME, *AFTER):
        assert [] == list(action.plan_steps(sight_of(goal=Goal.FAILOVER)))
        assert [] == list(action.plan_steps(sight_of(dark(failed_over(), Side.PRIMARY))))
        assert [] == list(action.plan_steps(nowhere))
        for step in action.plan_steps(sight_of()):
            assert StepState.UNAVAILABLE is stands(action, sight_of(dark(failed_over(), Side.DR)), step)[0]
            if action not in (FREEZE, THAW):
                assert StepState.DRIFTED is stands(action, nowhere, step)[0]
