"""The files become usable in the DR region: their replica writable, or the newest copy beside what is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_actions.actions.files import restore_dr as files_restore_dr
from dr_actions.guard.context import GuardContext
from dr_actions.guard.guard import refusal
from dr_actions.model.action import Sight, Standing
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import backup, backup_jobs, efs
from dr_estate.snapshot.snapshot import Snapshot
from sandbox.core.state import Outage
from tests.dr_actions.actions.compute.compute_world import World, dark

VERB = files_restore_dr.VERB
MODE = "DeletionMode"


def _only(sight: Sight) -> Step:
    (step,) = VERB.foresee(sight)
    return step


def _call(step: Step) -> Call:
    assert step.call is not None
    return step.call


def _with(snapshot: Snapshot, name: str, value: object) -> Snapshot:
    part = replace(snapshot.parts[name, Side.DR], value=value)
    return replace(snapshot, parts={**snapshot.parts, (name, Side.DR): part})


def test_the_replica_is_made_writable_on_both_sides_while_the_primary_answers(stores: World) -> None:
    step = _only(stores.sight())
    assert (step.danger, _call(step).region) == (Danger.IRREVERSIBLE, stores.env.regions.dr)
    assert _call(step).params[MODE] == "ALL_CONFIGURATIONS"
    ready = stores.confirm(VERB, step)
    assert ready.standing is Standing.READY
    assert dict(ready.facts)["last sync"].startswith("20"), "recorded before the call: afterwards nobody can tell"
    assert refusal(stores.act(VERB, step), GuardContext(stores.env, VERB.writes)) is None
    assert stores.until(Standing.DONE, VERB, step).standing is Standing.DONE
    assert stores.whole("efs.replications").get(efs.replications, Side.PRIMARY) == ()
    (system,) = stores.look(VERB).snapshot.get(efs.file_systems, Side.DR)
    assert system.overwrite_protection == "ENABLED"


def test_with_a_dark_primary_the_local_half_alone_is_deleted(stores: World) -> None:
    silent = stores.sight(dark(stores.healthy, Side.PRIMARY), primary_answers=False)
    step = _only(silent)
    assert _call(step).params[MODE] == "LOCAL_CONFIGURATION_ONLY"
    stores.endpoint.begin(Outage(stores.env.regions.primary, "refuse"))
    try:
        both = replace(step, call=replace(_call(step), params={**_call(step).params, MODE: "ALL_CONFIGURATIONS"}))
        with pytest.raises(Exception, match="LOCAL_CONFIGURATION_ONLY"):
            stores.act(VERB, both)
        stores.act(VERB, step)
    finally:
        stores.endpoint.end()
    assert stores.until(Standing.DONE, VERB, step).standing is Standing.DONE


def test_files_that_an_earlier_plan_of_the_incident_opened_are_not_restored_over(stores: World) -> None:
    without = _with(stores.healthy, efs.replications.name, ())
    step = _only(stores.sight())
    assert _call(_only(stores.sight(without))).name == "backup:StartRestoreJob"
    opened = replace(stores.sight(without), recorded={step.id: step.before})
    assert [] == list(VERB.foresee(opened))
    assert [] == [note for note in VERB.notes(opened) if "Nothing" in note]


def test_a_primary_that_answers_again_stops_the_local_deletion(stores: World) -> None:
    step = _only(stores.sight(dark(stores.healthy, Side.PRIMARY), primary_answers=False))
    told = VERB.confirm(step, stores.sight(primary_answers=True))
    assert told.standing is Standing.CHANGED
    assert "T27" in told.says


def test_a_replication_from_elsewhere_is_not_the_one_that_was_planned_upon(stores: World) -> None:
    step = _only(stores.sight())
    rows = stores.healthy.get(efs.replications, Side.DR)
    other = _with(stores.healthy, "efs.replications", tuple(replace(row, source_id="fs-other") for row in rows))
    assert VERB.confirm(step, stores.sight(other)).standing is Standing.CHANGED
    leaving = _with(stores.healthy, "efs.replications", tuple(replace(row, status="DELETING") for row in rows))
    assert VERB.confirm(step, stores.sight(leaving)).standing is Standing.WAITING


def test_a_broken_replication_is_ended_all_the_same_and_said(stores: World) -> None:
    rows = stores.healthy.get(efs.replications, Side.DR)
    broken = stores.sight(
        _with(stores.healthy, "efs.replications", tuple(replace(row, status="ERROR") for row in rows))
    )
    assert _call(_only(broken)).operation == "DeleteReplicationConfiguration"
    assert any("is ERROR" in note for note in VERB.notes(broken))


def test_without_replication_the_newest_copy_is_restored_beside_what_is_there(stores: World) -> None:
    stores.endpoint.break_("efs-replication-deleted")
    seen = stores.whole(*VERB.watches)
    step = _only(stores.sight(seen))
    points = [p for p in seen.get(backup.recovery_points, Side.DR) if p.resource_type == "EFS"]
    newest = max((p for p in points if p.status == "COMPLETED"), key=lambda p: p.created_at)
    assert _call(step).params["RecoveryPointArn"] == newest.arn
    assert _call(step).params["IamRoleArn"] == newest.role
    assert newest.role.endswith(":role/sit-backup-role")
    assert "a person then moves" in step.says
    assert stores.confirm(VERB, step).standing is Standing.READY, "a restore test of the same copy does not count"
    stores.act(VERB, step)
    assert stores.confirm(VERB, step).standing is Standing.WAITING
    done = stores.until(Standing.DONE, VERB, step)
    assert done.standing is Standing.DONE
    assert "aws-backup-restore_" in done.says


def test_a_restore_that_failed_is_told_and_may_be_planned_again(stores: World) -> None:
    stores.endpoint.break_("efs-replication-deleted")
    seen = stores.whole(*VERB.watches)
    step = _only(stores.sight(seen))
    (system,) = seen.get(efs.file_systems, Side.DR)
    failed = backup_jobs.Restore(
        id="job-1",
        source_arn="",
        resource_type="EFS",
        status="FAILED",
        message="The role may not.",
        validation="",
        created_at=seen.taken_at,
        completed_at=seen.taken_at,
        point_arn=_call(step).params["RecoveryPointArn"],
        made_arn=system.arn,
    )
    worse = stores.sight(_with(seen, "backup_jobs.restores", (failed,)))
    told = VERB.confirm(step, worse)
    assert (told.standing, "The role may not." in told.says) == (Standing.FAILED, True)
    again = _only(worse)
    assert VERB.confirm(again, worse).standing is Standing.READY
    assert _call(again).params["IdempotencyToken"] != _call(step).params["IdempotencyToken"]


def test_a_copy_whose_key_is_disabled_is_not_planned_upon(stores: World) -> None:
    stores.endpoint.break_("efs-replication-deleted")
    stores.endpoint.break_("dr-vault-key-disabled")
    sight = stores.sight(stores.whole(*VERB.watches))
    assert list(VERB.foresee(sight)) == []
    assert any("no usable copy" in note for note in VERB.notes(sight))


def test_objects_and_tables_are_said_to_need_nothing(stores: World) -> None:
    assert any("S3" in note and "DynamoDB" in note for note in VERB.notes(stores.sight()))


def test_files_that_cannot_be_seen_are_said_so(stores: World) -> None:
    sight = stores.sight(dark(stores.healthy, Side.DR))
    assert list(VERB.foresee(sight)) == []
    assert any("Nothing is planned for the files" in note for note in VERB.notes(sight))
    assert VERB.confirm(_only(stores.sight()), sight).standing is Standing.UNSEEN
