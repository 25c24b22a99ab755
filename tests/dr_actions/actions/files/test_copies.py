"""Files of the newest copy take the place of an unreplicated file system, once they are proven to be there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_actions.actions.compute import task_revisions
from dr_actions.actions.files import copies, mover
from dr_actions.guard.context import GuardContext
from dr_actions.guard.guard import judge
from dr_actions.model.action import Action, PlanContext, StepState
from dr_actions.model.plan import Call, Goal, Step
from dr_actions.planning.planner import in_order
from dr_estate.config.environment import Side
from dr_estate.model.recovery_names import replaced_name
from dr_estate.readers import (
    backup,
    backup_jobs,
    backup_plan,
    drill_resources,
    ecs,
    efs,
    efs_mounts,
    kms,
    restored_files,
)
from dr_estate.reading.reader import Reader
from tests.dr_actions.actions.estates import only, stands
from tests.dr_actions.plain import dark, sight
from tests.dr_checks.estates import altered, healthy
from tests.dr_checks.worlds import SIT

RESTORE, TAG, MOUNT = copies.RESTORE, copies.TAG, copies.MOUNT
REGISTER, MOVE, OPEN = mover.REGISTER, mover.MOVE, copies.CREATE_ACCESS_POINTS
ACTIONS = (RESTORE, TAG, MOUNT, REGISTER, MOVE, OPEN)
NOW = healthy().taken_at
(OLD,) = healthy().get(efs.file_systems, Side.DR)
POINT = max(
    (p for p in healthy().get(backup.recovery_points, Side.DR) if p.resource_type == "EFS" and p.status == "COMPLETED"),
    key=lambda point: point.created_at,
)


def seen(**parts: Any) -> PlanContext:
    """The healthy estate without a replication of its files, and with these rows of what was restored."""
    readers: dict[str, Reader[Any]] = {
        "systems": efs.file_systems,
        "jobs": backup_jobs.restores,
        "restored": restored_files.systems,
        "opened": restored_files.access_points,
        "targets": restored_files.mount_targets,
        "movers": restored_files.definitions,
        "tasks": restored_files.tasks,
        "listings": restored_files.listings,
        "keys": kms.copy_keys,
        "points": backup.recovery_points,
    }
    used = [d for d in healthy().get(ecs.task_definitions, Side.DR) if isinstance(d, ecs.TaskDefinition)]
    nothing = dict.fromkeys(("restored", "opened", "targets", "movers", "tasks", "listings"), ())
    rows: dict[tuple[str, Side], Any] = {
        (readers[name].name, Side.DR): value for name, value in (nothing | parts).items()
    }
    rows |= {(efs.replications.name, Side.DR): (), (ecs.newest_definitions.name, Side.DR): tuple(used)}
    return sight(altered(rows))


TOKEN = only(RESTORE, seen()).subject
NEW = replace(OLD, id="fs-new", arn=OLD.arn.replace(OLD.id, "fs-new"), name="", token=TOKEN)
NAMED, LEFT = replace(NEW, name="sit-efs"), replace(OLD, name=replaced_name("sit-efs", TOKEN))
MARKED = replace(NEW, name=TOKEN)
AFTER: dict[str, Any] = {"systems": (NAMED,), "restored": (NAMED, LEFT)}
PATHS = ("/tenant-1", "/tenant2")
TASK = drill_resources.Probe(
    arn="arn:aws:ecs:task/1",
    incident=TOKEN,
    task_definition="arn:aws:ecs:definition/sit-restored-files:1",
    status="STOPPED",
    wanted="STOPPED",
    container="wordpress",
    exit_code=0,
    reason="Essential container in task exited",
    started_at=NOW,
    stopped_at=NOW,
)
LISTING = restored_files.FolderListing(TASK.arn, TOKEN, tuple((path, 3) for path in PATHS))


def _steps(action: Action, context: PlanContext | None = None) -> list[Step]:
    return list(action.plan_steps(context or seen()))


def _of(action: Action, number: int = 0) -> Step:
    return _steps(action)[number]


def _call(step: Step) -> Call:
    assert step.call is not None
    return step.call


def test_content_is_proven_before_the_database_opens_and_gets_its_name() -> None:
    planned = in_order(Goal.FAILOVER, [step for action in ACTIONS for step in _steps(action)])
    order = list(dict.fromkeys(step.id.partition(":")[0] for step in planned))
    assert order == [
        *("files/restore_copy", "files/tag_copy.restored", "files/mount_copy", "files/register_mover"),
        *("files/move_copy", "files/create_access_points", "files/tag_copy.replaced", "files/tag_copy"),
    ]
    assert all(action.essential for action in ACTIONS), "no traffic moves where one of them failed"
    for step in planned:
        assert judge(_call(step), GuardContext(SIT, frozenset({_call(step).name}), goal=Goal.FAILOVER)) is None, step.id


def test_the_newest_copy_fills_a_new_file_system_with_the_former_key() -> None:
    params = _call(only(RESTORE, seen())).params
    assert (params["RecoveryPointArn"], params["IamRoleArn"]) == (POINT.arn, POINT.role)
    assert params["Metadata"].items() >= {"newFileSystem": "true", "CreationToken": TOKEN, "KmsKeyId": OLD.key}.items()
    assert params["CopySourceTagsToRestoredResource"] is False
    (note,) = RESTORE.cleanup_notes(seen())
    assert f"{OLD.id} is renamed" in note


def test_a_copy_without_a_role_is_restored_by_that_of_others_or_the_plan() -> None:
    bare = replace(POINT, role="")
    plans = healthy().get(backup_plan.plans, Side.PRIMARY)
    (own,) = {selection.role for plan in plans for selection in plan.selections}
    earlier = replace(POINT, arn=f"{POINT.arn}-1", role="arn:of/another", created_at=POINT.created_at - timedelta(1))
    for points, role in (((bare, earlier), earlier.role), ((bare,), own)):
        assert _call(only(RESTORE, seen(points=points))).params["IamRoleArn"] == role


@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_is_planned_with_a_live_replica_or_without_a_usable_copy(action: Action) -> None:
    keys = tuple(replace(key, state="Disabled") for key in healthy().get(kms.copy_keys, Side.DR))
    assert _steps(action, sight()) == _steps(action, seen(keys=keys)) == _steps(action, sight(dark(healthy(), Side.DR)))
    assert _steps(action, sight()) == []


@pytest.mark.parametrize("action", ACTIONS)
def test_files_that_this_incident_restored_are_not_replaced_again(action: Action) -> None:
    first = only(RESTORE, seen())
    assert _steps(action, seen(**AFTER)) == [], "the same copy is in use"
    newer = replace(OLD, token="sit-efs-restored-00000000")
    another = seen(systems=(newer,), restored=(newer,))
    assert _steps(action, another) != [], "what another incident restored is older"
    assert _steps(action, replace(another, recorded={first.id: first.before})) == []
    assert _steps(action, replace(another, sent_at={first.id: NOW})) == []
    opened = {"files/restore_dr:sit-efs": {"replicates from": "fs-0"}}
    assert _steps(action, replace(seen(), recorded=opened)) == []


def _job(**changed: Any) -> backup_jobs.RestoreJob:
    known = {"source_arn": "", "resource_type": "EFS", "validation": "", "created_at": NOW, "completed_at": NOW}
    row = {"id": "job-1", "status": "COMPLETED", "message": "", "point_arn": POINT.arn, "made_arn": NEW.arn}
    return backup_jobs.RestoreJob(**{**known, **row, **changed})


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        ({}, StepState.READY),
        ({"jobs": (_job(made_arn="arn:of/fs-drill"),)}, StepState.READY),
        ({"jobs": (_job(status="RUNNING", made_arn="", percent="3.0"),)}, StepState.IN_PROGRESS),
        ({"jobs": (_job(),), "restored": (NEW,)}, StepState.DONE),
        ({"jobs": (_job(status="FAILED", made_arn="", message="The role may not."),)}, StepState.FAILED),
    ],
)
def test_the_restore_stands_as_its_job_does(parts: dict[str, Any], state: StepState) -> None:
    assert RESTORE.observe(only(RESTORE, seen()), seen(**parts)).state is state


def test_what_moves_of_a_restore_is_its_percentage_and_its_bytes() -> None:
    step, at_work = only(RESTORE, seen()), _job(status="RUNNING", made_arn="", percent="3.0")
    shown = {RESTORE.observe(step, seen(jobs=(replace(at_work, percent=p),))).progress for p in ("3.0", "4.0", "4.0")}
    assert len(shown) == 2


def test_a_restore_that_failed_may_be_planned_again_under_another_token() -> None:
    failed = _job(status="FAILED", made_arn="")
    again = only(RESTORE, seen(jobs=(failed,)))
    assert again.subject != TOKEN
    assert RESTORE.observe(again, seen(jobs=(failed,))).state is StepState.READY
    assert _call(again).params["IdempotencyToken"] != _call(only(RESTORE, seen())).params["IdempotencyToken"]


def test_mount_targets_get_the_subnets_and_groups_of_the_old_file_system() -> None:
    present = [t for t in healthy().get(efs_mounts.mount_targets, Side.DR) if isinstance(t, efs_mounts.MountTarget)]
    wanted = {(t.subnet, t.groups) for t in present}
    assert {(_call(s).params["SubnetId"], tuple(_call(s).params["SecurityGroups"])) for s in _steps(MOUNT)} == wanted
    step = _of(MOUNT)
    target = restored_files.RestoredTarget("fsmt-1", NEW.id, step.subject, "available")
    for rows, state in (
        ((), StepState.READY),
        ((replace(target, state="creating"),), StepState.IN_PROGRESS),
        ((target,), StepState.DONE),
        ((replace(target, state="error"),), StepState.FAILED),
        ((replace(target, file_system_id="fs-other"),), StepState.READY),
    ):
        assert MOUNT.observe(step, seen(restored=(NEW,), targets=rows)).state is state
    assert MOUNT.observe(step, seen()).state is StepState.DRIFTED


def test_the_mover_has_the_image_of_a_tenant_the_root_and_no_secrets() -> None:
    lent = {
        "cpu": "256",
        "executionRoleArn": "arn:execution",
        "taskRoleArn": "arn:task",
        "containerDefinitions": [
            {"name": "sidecar", "image": "other"},
            {"name": "wordpress", "image": "image", "secrets": [{"name": "P", "valueFrom": "arn"}], "command": ["x"]},
        ],
    }
    call = REGISTER.build_call(_of(REGISTER), seen(restored=(NEW,)))
    definition = mover.definition_of(call.params, lent)
    assert definition["family"] == "sit-restored-files"
    (container,) = definition["containerDefinitions"]
    assert (container["name"], container["image"], "secrets" in container) == ("wordpress", "image", False)
    assert "taskRoleArn" not in definition
    (volume,) = definition["volumes"]
    assert volume["efsVolumeConfiguration"].items() >= {"fileSystemId": NEW.id, "rootDirectory": "/"}.items()
    environment = {pair["name"]: pair["value"] for pair in container["environment"]}
    assert environment == {"DR_PATHS": "\n".join(PATHS), "DR_FILES": TOKEN}
    with pytest.raises(ValueError, match="still absent"):
        REGISTER.build_call(_of(REGISTER), seen())


def _mover(file_system: str) -> ecs.TaskDefinition:
    (some, *_) = (d for d in healthy().get(ecs.task_definitions, Side.DR) if isinstance(d, ecs.TaskDefinition))
    (volume, *_) = some.volumes
    return replace(some, arn=TASK.task_definition, volumes=(replace(volume, file_system_id=file_system),))


def test_the_mover_is_registered_once_for_the_restored_files() -> None:
    step = _of(REGISTER)
    assert REGISTER.observe(step, seen(restored=(NEW,))).state is StepState.READY
    assert REGISTER.observe(step, seen(restored=(NEW,), movers=(_mover("fs-older"),))).state is StepState.READY
    done = seen(restored=(NEW,), movers=(_mover(NEW.id),))
    assert REGISTER.observe(step, done).state is StepState.DONE
    params = MOVE.build_call(_of(MOVE), done).params
    assert (params["taskDefinition"], params["startedBy"]) == (TASK.task_definition, TOKEN)
    assert len(params["overrides"]["containerOverrides"][0]["command"][2]) < 8192, "API_TaskOverride"
    with pytest.raises(ValueError, match="no task definition mounts"):
        MOVE.build_call(_of(MOVE), seen(restored=(NEW,)))


EMPTY = replace(LISTING, folders=(("/tenant-1", 3), ("/tenant2", 0)))


@pytest.mark.parametrize(
    ("task", "listing", "state", "message"),
    [
        (replace(TASK, incident="sit-efs-restored-00000000"), LISTING, StepState.READY, "can be put"),
        (replace(TASK, status="RUNNING", stopped_at=None, exit_code=None), None, StepState.IN_PROGRESS, "RUNNING"),
        (TASK, LISTING, StepState.DONE, "2 folders"),
        (TASK, EMPTY, StepState.FAILED, "/tenant2 of fs-new is absent or empty"),
        (TASK, replace(LISTING, folders=()), StepState.UNAVAILABLE, "not in its log yet"),
        (replace(TASK, exit_code=None, reason="CannotPullContainer"), None, StepState.FAILED, "CannotPullContainer"),
        (replace(TASK, exit_code=1), None, StepState.FAILED, "code 1"),
        (replace(TASK, stopped_at=NOW - timedelta(minutes=3)), EMPTY, StepState.READY, "Once more"),
    ],
)
def test_the_files_are_in_place_by_a_listing_without_an_empty_folder(
    task: drill_resources.Probe, listing: Any, state: StepState, message: str
) -> None:
    rows = (listing,) if listing else ()
    status = MOVE.observe(_of(MOVE), seen(restored=(NEW,), tasks=(task,), listings=rows))
    assert (status.state, message in status.message) == (state, True), status.message


def test_a_tenant_without_a_folder_is_accepted_by_name_and_listed() -> None:
    context = seen(restored=(NEW,), tasks=(TASK,), listings=(EMPTY,))
    refused = MOVE.observe(_of(MOVE), context)
    assert "to go on without: --override traffic.targets.tenant2" in refused.message
    other, own = (
        MOVE.observe(_of(MOVE), replace(context, accepted=frozenset({f"traffic.targets.{tenant}"})))
        for tenant in ("tenant-1", "tenant2")
    )
    assert (other.state, own.state) == (StepState.FAILED, StepState.DONE)
    assert "1 folders of fs-new hold the tenants' files; accepted by name without: /tenant2." in own.message


def test_every_tenants_access_point_is_made_as_the_old_file_system_has_it() -> None:
    known = {point.name: point for point in healthy().get(efs.access_points, Side.DR)}
    steps = _steps(OPEN)
    assert [step.tenant for step in steps] == ["tenant-1", "tenant2"]
    for step in steps:
        tags = {tag["Key"]: tag["Value"] for tag in _call(step).params["Tags"]}
        point = known[tags["Name"]]
        assert _call(step).params["RootDirectory"]["Path"] == point.path
        assert "dr:drill" not in tags
        opened = replace(point, id="fsap-new", file_system_id=NEW.id)
        assert stands(OPEN, seen(restored=(MARKED,), opened=(opened,)), step)[0] is StepState.DONE


def test_the_old_file_system_is_renamed_before_the_new_one_takes_its_name() -> None:
    marked, aside, named = (_of(TAG, number) for number in range(3))
    assert {tag["Key"]: tag["Value"] for tag in _call(aside).params["Tags"]}["Name"] == LEFT.name
    assert _call(aside).params["ResourceId"] == OLD.id
    for step, before, after in (
        (marked, {"restored": (NEW,)}, {"restored": (MARKED,)}),
        (aside, {"restored": (MARKED,)}, {"systems": (), "restored": (MARKED, LEFT)}),
        (named, {"systems": (), "restored": (MARKED, LEFT)}, AFTER),
    ):
        assert TAG.observe(step, seen(**before)).state is StepState.READY, step.id
        assert TAG.observe(step, seen(**after)).state is StepState.DONE, step.id
    assert TAG.build_call(named, seen(restored=(MARKED,))).params["ResourceId"] == NEW.id


def test_tasks_get_the_restored_files_and_their_access_points() -> None:
    repoint = task_revisions.REPOINT_DR
    (first, *_) = _steps(repoint)
    places = {row["at"][-1]: row["new"] for row in _call(first).params[task_revisions.REPLACING]}
    assert places["fileSystemId"].startswith("<the restored file system")
    assert places["accessPointId"].startswith("<access point sit-tenant-1-ap")
    points = healthy().get(efs.access_points, Side.DR)
    opened = tuple(replace(point, id=f"{point.id}-new", file_system_id=NEW.id) for point in points)
    after = seen(**AFTER)
    after = replace(after, snapshot=altered({(efs.access_points.name, Side.DR): opened}, after.snapshot))
    places = {row["at"][-1]: row["new"] for row in repoint.build_call(first, after).params[task_revisions.REPLACING]}
    assert (places["fileSystemId"], places["accessPointId"].endswith("-new")) == (NEW.id, True)
    assert repoint.observe(first, after).state is StepState.READY
