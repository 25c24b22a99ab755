"""Files come home: frozen, brought back in the one right direction, proven, released, and protected again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from dr_actions.actions.files import allow_overwrite_dr, allow_overwrite_primary, end_stale_replication
from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.files import freeze as files_freeze
from dr_actions.actions.files import promote_primary as files_promote_primary
from dr_actions.actions.files import protect_primary as files_protect_primary
from dr_actions.actions.files import replicate_to_dr as files_replicate_to_dr
from dr_actions.actions.files import replicate_to_primary as files_replicate_to_primary
from dr_actions.actions.files import unfreeze as files_unfreeze
from dr_actions.actions.files import verify_primary_in_sync as files_verify_primary_in_sync
from dr_actions.model.action import Sight, Standing, Verb
from dr_actions.model.plan import Danger, Goal, Step
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, efs, efs_policy
from tests.dr_actions.actions.compute.compute_world import SIT, dark
from tests.dr_actions.actions.failback_world import Home, lead, past_the_second, with_part

FREEZE, THAW, OPEN = files_freeze.VERB, files_unfreeze.VERB, allow_overwrite_primary.VERB
REPLICATE, PROVE, RELEASE = (
    files_replicate_to_primary.VERB,
    files_verify_primary_in_sync.VERB,
    files_promote_primary.VERB,
)
HOMEWARD = (FREEZE, end_stale_replication.VERB, OPEN, REPLICATE, PROVE, RELEASE, files_protect_primary.VERB)
AFTER = (THAW, allow_overwrite_dr.VERB, files_replicate_to_dr.VERB)
OTHER = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "elasticfilesystem:Client*"}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [OTHER]})


def only(verb: Verb, sight: Sight) -> Step:
    (step,) = verb.foresee(sight)
    return step


def confirmed(verb: Verb, sight: Sight, step: Step | None = None) -> tuple[Standing, str]:
    told = verb.confirm(step or only(verb, sight), sight)
    return told.standing, told.says


def systems(world: Home) -> files_failback.Systems:
    found = files_failback.systems(world.sight(world.whole(*PROVE.watches)))
    assert found is not None
    return found


@pytest.mark.proof
def test_everything_written_before_and_meanwhile_is_home_and_the_world_is_as_before(away: Home) -> None:
    home, there = away.env.regions.primary, away.env.regions.dr
    for verb in HOMEWARD[:-2]:
        away.take(verb)
    assert 503 == away.write(there, "files", "refused")
    assert ["before", "away"] == away.ids(there, "files"), "still read while it is frozen"
    for verb in HOMEWARD[-2:]:
        away.take(verb)
    (row,) = away.send(Side.PRIMARY, "efs:DescribeFileSystems", FileSystemId=systems(away).home.id)["FileSystems"]
    assert "ENABLED" == row["FileSystemProtection"]["ReplicationOverwriteProtection"]
    lead(away, Side.PRIMARY)
    for verb in AFTER:
        away.take(verb)
    seen = away.whole(*PROVE.watches)
    found = systems(away)
    for side in (Side.PRIMARY, Side.DR):
        (back,) = seen.get(efs.replications, side)
        assert (found.home.id, found.away.id, "ENABLED") == (back.source_id, back.destination_id, back.status)
        (policy,) = seen.get(efs_policy.policies, side)
        assert isinstance(policy, efs_policy.Policy)
        assert not policy.present
    assert home != there
    assert ["before", "away"] == away.ids(there, "files")
    assert 503 == away.write(there, "files", "read-only again")


def test_the_primary_takes_writes_once_the_files_are_released(away: Home) -> None:
    for verb in HOMEWARD:
        away.take(verb)
    for service in away.healthy.get(ecs.services, Side.PRIMARY):
        away.send(Side.PRIMARY, "ecs:UpdateService", cluster="sit-cluster", service=service.name, desiredCount=1)
    told = _until_served(away)
    assert ["before", "away"] == told
    assert 201 == away.write(away.env.regions.primary, "files", "home")


def _until_served(world: Home) -> list[str]:
    for _ in range(20):
        told = world.ids(world.env.regions.primary, "files")
        if "before" in told:
            return told
        past_the_second(world)
    raise AssertionError(told)


def test_a_policy_that_is_there_is_kept_in_the_freeze_and_restored_to_the_letter(away: Home) -> None:
    there = systems(away).away.id
    away.send(Side.DR, "efs:PutFileSystemPolicy", FileSystemId=there, Policy=POLICY)
    sight = away.sight(away.whole(*PROVE.watches))
    freeze, thaw = only(FREEZE, sight), only(THAW, sight)
    assert Standing.READY is away.confirm(FREEZE, freeze).standing
    assert Standing.DONE is away.confirm(THAW, thaw).standing
    away.act(FREEZE, freeze)
    put = json.loads(away.send(Side.DR, "efs:DescribeFileSystemPolicy", FileSystemId=there)["Policy"])["Statement"]
    assert (OTHER, "Deny") == (put[0], put[1]["Effect"])
    assert Standing.DONE is away.until(Standing.DONE, FREEZE, freeze).standing
    assert Standing.READY is away.confirm(THAW, thaw).standing
    again = away.sight(away.whole(*PROVE.watches))
    assert (freeze, thaw) == (only(FREEZE, again), only(THAW, again)), "a plan of meanwhile reads the same"
    away.act(THAW, thaw)
    assert Standing.DONE is away.confirm(THAW, thaw).standing
    assert POLICY == away.send(Side.DR, "efs:DescribeFileSystemPolicy", FileSystemId=there)["Policy"]
    away.act(FREEZE, freeze)
    away.take_back(FREEZE, freeze)
    assert Standing.READY is away.confirm(FREEZE, freeze).standing
    away.send(Side.DR, "efs:PutFileSystemPolicy", FileSystemId=there, Policy=POLICY.replace("*", "123456789012", 1))
    assert Standing.CHANGED is away.confirm(FREEZE, freeze).standing
    assert Standing.CHANGED is away.confirm(THAW, thaw).standing


def test_a_freeze_holds_only_after_the_minutes_that_aws_may_take(away: Home) -> None:
    step = only(FREEZE, away.sight())
    away.act(FREEZE, step)
    seen = away.whole(*FREEZE.watches)
    patient = away.sight(seen, env=SIT)
    standing, says = confirmed(FREEZE, patient, step)
    assert (Standing.WAITING, True) == (standing, "AWS has until" in says)
    later = away.sight(replace(seen, taken_at=seen.taken_at + timedelta(minutes=6)), env=SIT)
    assert Standing.DONE is confirmed(FREEZE, later, step)[0]


def test_a_policy_that_would_grow_too_long_is_not_sent(away: Home) -> None:
    step = only(FREEZE, away.sight())
    long = replace(step, before={**step.before, "policy": json.dumps({"Statement": [OTHER] * 250})})
    with pytest.raises(ValueError, match="longer than 20000 characters"):
        FREEZE.fill(long, away.sight())


@pytest.fixture
def frozen(away: Home) -> Sight:
    """What is seen of the failed-over world once its files are frozen and the old half of the replication is gone."""
    away.take(FREEZE)
    away.take(end_stale_replication.VERB)
    return away.sight(away.whole(*OPEN.watches))


def _fed(sight: Sight) -> Sight:
    found = files_failback.systems(sight)
    assert found is not None
    row = efs.Replication(found.home.id, "p", found.away.id, "d", "ENABLED", "", None)
    return replace(sight, snapshot=with_part(sight.snapshot, "efs.replications", Side.DR, (row,)))


def _running(sight: Sight) -> Sight:
    services = tuple(replace(one, running=1) for one in sight.snapshot.get(ecs.services, Side.PRIMARY))
    return replace(sight, snapshot=with_part(sight.snapshot, "ecs.services", Side.PRIMARY, services))


def _thawed(sight: Sight) -> Sight:
    (policy,) = sight.snapshot.get(efs_policy.policies, Side.DR)
    assert isinstance(policy, efs_policy.Policy)
    bare = efs_policy.Policy(policy.file_system, present=False, allows=(), denies=())
    return replace(sight, snapshot=with_part(sight.snapshot, "efs_policy.policies", Side.DR, (bare,)))


def _empty(sight: Sight) -> Sight:
    (one,) = sight.snapshot.get(efs.file_systems, Side.PRIMARY)
    sized = (replace(one, size_bytes=1 << 30),)
    return replace(sight, snapshot=with_part(sight.snapshot, "efs.file_systems", Side.PRIMARY, sized))


WRONG: dict[str, tuple[Callable[[Sight], Sight], str]] = {
    "the primary replicates into the DR region": (_fed, "the older ones"),
    "tasks run in the primary region": (_running, "may write files there"),
    "the DR region is not frozen": (_thawed, "are not frozen"),
    "the DR region's file system is empty": (_empty, "holds nothing"),
}


@pytest.mark.parametrize("verb", [OPEN, REPLICATE], ids=lambda verb: str(verb.name))
def test_the_wrong_direction_is_a_change_with_its_reason_and_never_a_call(frozen: Sight, verb: Verb) -> None:
    step = only(verb, frozen)
    for why, (spoilt, reason) in WRONG.items():
        standing, says = confirmed(verb, spoilt(frozen), step)
        assert (Standing.CHANGED, True, True) == (standing, "T28" in says, reason in says), f"{why}: {says}"
    assert step.danger is Danger.IRREVERSIBLE


def test_while_traffic_is_at_home_nothing_is_written_over_it_and_while_it_is_away_nothing_there(
    away: Home, frozen: Sight
) -> None:
    back = (allow_overwrite_dr.VERB, files_replicate_to_dr.VERB)
    for verb in back:
        assert Standing.CHANGED is confirmed(verb, frozen)[0]
    assert Standing.READY is confirmed(OPEN, frozen)[0]
    lead(away, Side.PRIMARY)
    seen = away.sight(away.whole(*OPEN.watches))
    for verb in (OPEN, REPLICATE):
        standing, says = confirmed(verb, seen)
        assert (Standing.CHANGED, True) == (standing, "traffic is set to primary" in says)
    assert Standing.READY is confirmed(allow_overwrite_dr.VERB, seen)[0]


def test_a_replication_home_is_waited_for_and_its_trouble_told(frozen: Sight) -> None:
    step, found = only(REPLICATE, frozen), files_failback.systems(frozen)
    assert found is not None
    row = efs.Replication(found.away.id, "d", found.home.id, "p", "ENABLING", "", None)
    for status, standing in (
        ("ENABLING", Standing.WAITING),
        ("ENABLED", Standing.DONE),
        ("ERROR", Standing.FAILED),
        ("PAUSED", Standing.FAILED),
        ("DELETING", Standing.CHANGED),
    ):
        seen = with_part(frozen.snapshot, "efs.replications", Side.DR, (replace(row, status=status),))
        assert standing is confirmed(REPLICATE, replace(frozen, snapshot=seen), step)[0]
    standing, says = confirmed(REPLICATE, frozen, step)
    assert (Standing.CHANGED, True) == (standing, "overwrite protection" in says), "it is not switched off yet"


def test_nothing_is_proven_or_released_before_the_last_sync_is_later_than_the_freeze(frozen: Sight) -> None:
    found, since = files_failback.systems(frozen), files_failback.still_since(frozen)
    assert found is not None
    assert since is not None
    row = efs.Replication(found.away.id, "d", found.home.id, "p", "ENABLED", "", since)
    late = replace(row, synced_at=since - timedelta(seconds=1))
    for one, proven, released in (
        (row, Standing.DONE, Standing.READY),
        (late, Standing.WAITING, Standing.WAITING),
        (replace(row, synced_at=None), Standing.WAITING, Standing.WAITING),
    ):
        seen = replace(frozen, snapshot=with_part(frozen.snapshot, "efs.replications", Side.DR, (one,)))
        assert (proven, released) == (confirmed(PROVE, seen)[0], confirmed(RELEASE, seen)[0])
        assert Standing.CHANGED is confirmed(PROVE, _thawed(seen))[0], "more may be written"
        assert Standing.CHANGED is confirmed(RELEASE, _thawed(seen))[0]
    assert Standing.CHANGED is confirmed(PROVE, frozen)[0], "nothing replicates home"


def test_a_living_replication_is_never_taken_for_an_abandoned_half(away: Home) -> None:
    verb, step = end_stale_replication.VERB, only(end_stale_replication.VERB, away.sight())
    assert Standing.READY is confirmed(verb, away.sight(), step)[0]
    rows = away.healthy.get(efs.replications, Side.PRIMARY)
    known = away.sight(with_part(away.healthy, "efs.replications", Side.DR, rows))
    assert [] == list(verb.foresee(known)), "both regions know it"
    standing, says = confirmed(verb, known, step)
    assert (Standing.CHANGED, True) == (standing, "T28" in says)
    leaving = tuple(replace(row, status="DELETING") for row in rows)
    seen = away.sight(with_part(away.healthy, "efs.replications", Side.PRIMARY, leaving))
    assert Standing.WAITING is confirmed(verb, seen, step)[0]


def test_protection_is_switched_on_where_aws_left_it_off(away: Home) -> None:
    found, verb = systems(away), files_protect_primary.VERB
    asked = {"FileSystemId": found.home.id, "ReplicationOverwriteProtection": "DISABLED"}
    away.send(Side.PRIMARY, "efs:UpdateFileSystemProtection", **asked)
    step = only(verb, away.sight())
    assert Standing.READY is away.confirm(verb, step).standing
    away.act(verb, step)
    assert Standing.DONE is away.confirm(verb, step).standing


def test_without_a_replication_before_none_is_made_and_said_so(away: Home) -> None:
    recorded = {"files/restore_dr:sit-efs": {"file system": "fs-1", "point": "arn:point"}}
    sight = away.sight(recorded=recorded)
    for verb in (allow_overwrite_dr.VERB, files_replicate_to_dr.VERB):
        assert [] == list(verb.foresee(sight))
    assert any("backup plan" in note for note in allow_overwrite_dr.VERB.notes(sight))


def test_other_goals_and_unseen_regions_have_no_steps(away: Home) -> None:
    assert any("not frozen" in note for note in FREEZE.notes(away.sight()))
    nowhere = with_part(away.healthy, "efs.file_systems", Side.DR, ())
    assert any("Name tag" in note for note in FREEZE.notes(away.sight(nowhere)))
    for verb in (*HOMEWARD, *AFTER):
        assert [] == list(verb.foresee(away.sight(goal=Goal.FAILOVER)))
        assert [] == list(verb.foresee(away.sight(dark(away.healthy, Side.PRIMARY))))
        assert [] == list(verb.foresee(away.sight(nowhere)))
        for step in verb.foresee(away.sight()):
            assert Standing.UNSEEN is confirmed(verb, away.sight(dark(away.healthy, Side.DR)), step)[0]
            if verb not in (FREEZE, THAW):
                assert Standing.CHANGED is confirmed(verb, away.sight(nowhere), step)[0]
