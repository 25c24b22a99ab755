"""A DR task definition that names the primary region gets one new revision, and its service moves to it (T18)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import botocore.session
import pytest

from dr_actions.actions.compute import service_counts, task_revisions
from dr_actions.actions.compute.region_references import Pointer, counterparts, new_definition, pointers
from dr_actions.model.action import StepState
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.readers import ecs, efs, rds, restored_files
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.reading.reader import Reader
from dr_estate.snapshot.snapshot import Snapshot
from dr_estate.snapshot.tenants import discover
from tests.dr_actions.plain import FIRST, LAST, SIT, dark, recorded, sight, steps_of, with_part, with_rows

ACTION, SERVICES = task_revisions.REPOINT_DR, service_counts.SCALE_DR
DR = Side.DR
HEALTHY = with_part(recorded("healthy"), restored_files.systems, DR, ())  # recorded before they were read
FAMILY = FIRST.removesuffix("-service")
WORDS = (readers_secretsmanager.secrets, rds.instances)
FILES = (efs.file_systems, efs.access_points, efs.replications, restored_files.systems)
SEEN = (ecs.services, ecs.task_definitions, ecs.newest_definitions)
HOST = "sit-mysql.abc123.eu-west-1.rds.amazonaws.com"


def _definition(side: Side) -> ecs.TaskDefinition:
    """The revision that the tenant's service uses on that side."""
    found = HEALTHY.find(ecs.task_definitions, side, family=FAMILY)
    assert isinstance(found, ecs.TaskDefinition)
    return found


def _revision(definition: ecs.TaskDefinition, number: int) -> ecs.TaskDefinition:
    """The definition as the family's revision ``number`` in the DR region."""
    return replace(definition, arn=f"{_definition(DR).arn.rpartition(':')[0]}:{number}")


def _with_database(snapshot: Snapshot) -> Snapshot:
    """The database stands in the DR region, as after its restore."""
    (primary,) = snapshot.get(rds.instances, Side.PRIMARY)
    return with_part(snapshot, rds.instances, DR, (replace(primary, host=HOST),))


def _newest(snapshot: Snapshot, *found: ecs.TaskDefinition | Unavailable) -> Snapshot:
    return with_part(snapshot, ecs.newest_definitions, DR, found)


def _copied() -> Snapshot:
    """The estate after somebody copied the primary's definition into the DR region as it was."""
    theirs = _definition(Side.PRIMARY)
    (container,) = theirs.containers
    queue = ("QUEUE", f"https://sqs.{SIT.regions.primary}.amazonaws.com/1/q")
    more = (*container.environment, ("AWS_REGION", SIT.regions.primary), queue)
    dirty = _revision(replace(theirs, containers=(replace(container, environment=more),)), 2)
    used = (*HEALTHY.get(ecs.task_definitions, DR), dirty)
    moved = with_rows(HEALTHY, ecs.services, DR, lambda entry: entry.name == FIRST, task_definition=dirty.arn)
    return _newest(with_part(_with_database(moved), ecs.task_definitions, DR, used), dirty)


COPIED = _copied()
DIRTY = next(service.task_definition for service in COPIED.get(ecs.services, DR) if service.name == FIRST)
REGISTERED = _newest(COPIED, _revision(_definition(DR), 3))
(STEP,) = ACTION.plan_steps(sight(COPIED))
WITH_FILES_LEFT = _newest(COPIED, _revision(replace(_definition(DR), volumes=_definition(Side.PRIMARY).volumes), 3))


def _standing(snapshot: Snapshot) -> StepState:
    return ACTION.observe(STEP, sight(snapshot)).state


def test_a_sound_estate_needs_no_new_revision_and_no_call_to_know_it() -> None:
    assert {} == steps_of(ACTION, sight())
    assert [] == list(ACTION.notes(sight()))
    assert () == HEALTHY.get(ecs.newest_definitions, DR)
    assert {} == steps_of(ACTION, sight(dark(HEALTHY, Side.PRIMARY), primary_answers=False))


def test_every_name_of_the_primary_region_with_a_counterpart_is_replaced() -> None:
    assert STEP.subject == FIRST
    call = ACTION.build_call(STEP, sight(COPIED))
    assert (call.name, call.region) == (task_revisions.WRITE, SIT.regions.dr)
    rows = {row["at"][-2 if row["at"][-1] == "value" else -1]: row for row in call.params[task_revisions.REPLACING]}
    assert set(rows) == {
        *("image", "WORDPRESS_DB_HOST", "AWS_REGION", "valueFrom", "awslogs-region", "fileSystemId", "accessPointId")
    }
    (mine,) = _definition(DR).volumes
    assert rows["WORDPRESS_DB_HOST"]["new"] == HOST
    assert (rows["fileSystemId"]["new"], rows["accessPointId"]["new"]) == (mine.file_system_id, mine.access_point_id)
    assert all(SIT.regions.primary not in row["new"] for row in rows.values())
    assert _standing(COPIED) is StepState.READY


def test_it_is_registered_once_whatever_happens_after_the_call() -> None:
    """Found done after a crash: by content, with no record of the call at all."""
    confirmed = ACTION.observe(STEP, sight(REGISTERED))
    assert StepState.DONE is confirmed.state
    assert dict(confirmed.evidence)["task definition"].endswith(":3")
    assert [] == list(ACTION.plan_steps(sight(REGISTERED))), "a plan made now has no such step"


def test_the_service_moves_to_the_new_revision_and_back() -> None:
    moving = steps_of(SERVICES, sight(COPIED))[FIRST]
    assert moving.call is not None
    assert f"<the newest revision of {FAMILY}>" == moving.call.params["taskDefinition"]
    assert StepState.FAILED is SERVICES.observe(moving, sight(COPIED)).state, "there is no revision to move to"
    assert StepState.READY is SERVICES.observe(moving, sight(REGISTERED)).state
    assert SERVICES.build_call(moving, sight(REGISTERED)).params["taskDefinition"].endswith(":3")
    undoing = SERVICES.rollback_call(moving)
    assert undoing is not None
    assert (1, DIRTY) == (undoing.params["desiredCount"], undoing.params["taskDefinition"])


def test_what_has_no_counterpart_is_noted_and_left() -> None:
    (note,) = ACTION.notes(sight(COPIED))
    assert f"{FAMILY}: wordpress QUEUE names {SIT.regions.primary}" in note


def test_a_database_still_to_be_restored_is_a_sentence_in_the_plan() -> None:
    unrestored = sight(with_part(COPIED, rds.instances, DR, ()))
    (step,) = ACTION.plan_steps(unrestored)
    assert step.call is not None
    assert f"<the host of sit-mysql in {SIT.regions.dr}, once it is there>" in json.dumps(step.call.params)
    no_sentence_for_a_host = ACTION.observe(step, unrestored).state
    assert StepState.FAILED is no_sentence_for_a_host
    with pytest.raises(ValueError, match="not known yet"):
        ACTION.build_call(step, unrestored)
    assert HOST in json.dumps(ACTION.build_call(step, sight(COPIED)).params)


def test_another_unfit_revision_since_the_plan_is_changed() -> None:
    assert StepState.DRIFTED is _standing(_newest(COPIED, _revision(_definition(Side.PRIMARY), 4)))


def test_a_dark_primary_is_recognised_by_what_the_dr_region_knows() -> None:
    assert [STEP] == list(ACTION.plan_steps(sight(dark(COPIED, Side.PRIMARY), primary_answers=False)))


def test_a_promoted_replica_of_another_name_keeps_the_host_of_the_plan() -> None:
    (primary,) = HEALTHY.get(rds.instances, Side.PRIMARY)
    replica = replace(primary, host=HOST, identifier="sit-mysql-copy", source=primary.arn)
    (step,) = ACTION.plan_steps(sight(with_part(COPIED, rds.instances, DR, (replica,))))
    now = sight(with_part(COPIED, rds.instances, DR, (replace(replica, source=""),)))
    assert StepState.READY is ACTION.observe(step, now).state
    assert HOST in json.dumps(ACTION.build_call(step, now).params)


@pytest.mark.parametrize("reader", SEEN, ids=lambda reader: reader.name)
def test_what_cannot_be_seen_is_unseen_and_noted(reader: Reader[Any]) -> None:
    blind = sight(with_part(COPIED, reader, DR, Unavailable(UnavailableKind.DENIED, "that read is denied.")))
    assert StepState.UNAVAILABLE is ACTION.observe(STEP, blind).state
    assert [] == list(ACTION.plan_steps(blind))
    assert any("that read is denied." in note for note in ACTION.notes(blind))


@pytest.mark.parametrize(
    "reader",
    [*WORDS, *FILES],
    ids=lambda reader: reader.name,
)
@pytest.mark.parametrize("snapshot", [COPIED, WITH_FILES_LEFT], ids=["as planned", "after the rest was replaced"])
def test_no_revision_is_written_or_accepted_while_its_parts_are_unseen(reader: Reader[Any], snapshot: Snapshot) -> None:
    """What cannot be seen offers no counterpart: the revision would keep the other region's, and count as done."""
    blind = sight(with_part(snapshot, reader, DR, Unavailable(UnavailableKind.DENIED, "that read is denied.")))
    needed = snapshot is COPIED or reader in FILES
    assert (ACTION.observe(STEP, blind).state is StepState.UNAVAILABLE) is needed
    if needed:
        with pytest.raises(DataUnavailable, match="that read is denied"):
            ACTION.build_call(STEP, blind)


def test_files_of_a_dark_primary_are_replaced_after_replication_ended() -> None:
    """Nothing shows any more which file system was the primary's: the plan does."""
    alone = with_part(dark(COPIED, Side.PRIMARY), efs.replications, DR, ())
    opened = sight(alone, primary_answers=False)
    assert STEP.call is not None
    assert ACTION.build_call(STEP, opened).params == STEP.call.params
    left = replace(_definition(DR), volumes=_definition(Side.PRIMARY).volumes)
    unfit = ACTION.observe(STEP, sight(_newest(alone, _revision(left, 3)), primary_answers=False))
    assert (unfit.state, "content fileSystemId" in unfit.message) == (StepState.DRIFTED, True)


def test_another_plan_of_the_incident_knows_the_source_of_the_files() -> None:
    (row,) = COPIED.get(efs.replications, DR)
    alone = with_part(dark(COPIED, Side.PRIMARY), efs.replications, DR, ())
    opened = {"files/restore_dr:sit-efs": {"replicates from": row.source_id}}
    (again,) = ACTION.plan_steps(sight(alone, primary_answers=False, recorded=opened))
    assert (again.call, STEP.call is None) == (STEP.call, False)


def test_one_definition_that_cannot_be_read_leaves_that_tenant_alone_out() -> None:
    throttled = Unavailable(UnavailableKind.ERROR, "ecs:DescribeTaskDefinition is throttled.")
    partly = sight(_newest(COPIED, throttled))
    assert [] == list(ACTION.plan_steps(partly))
    regions = SIT.regions
    assert [f"Whether {FIRST} in {regions.dr} needs {regions.primary} is not known: {throttled.why}"] == list(
        ACTION.notes(partly)
    )


def test_a_file_system_to_be_restored_is_replaced_too() -> None:
    """Nothing of the estate's name stands in the DR region: what the definitions mount is not there any more."""
    none = with_part(with_part(HEALTHY, efs.file_systems, DR, ()), efs.access_points, DR, ())
    none = with_part(none, ecs.newest_definitions, DR, HEALTHY.get(ecs.task_definitions, DR))
    steps = steps_of(ACTION, sight(none))
    assert {FIRST, LAST} == set(steps)
    call = steps[LAST].call
    assert call is not None
    params = json.dumps(call.params)
    assert f"<the file system of {SIT.regions.dr}, once it is there>" in params
    assert f"<access point sit-tenant2-ap of {SIT.regions.dr}, once it is there>" in params


def test_the_secrets_of_the_agent_itself_are_led_here_too() -> None:
    theirs = _definition(Side.PRIMARY)
    (container,) = theirs.containers
    secret = ":".join(container.secrets[0][1].split(":")[:7])
    fetched = (("log option token", secret), ("registry credentials", secret))
    only = replace(theirs, containers=(replace(_definition(DR).containers[0], fetched=fetched),), volumes=())
    context = sight()
    found = pointers(only, counterparts(context, discover(context.snapshot, SIT)[0]))
    options = {"secretOptions": [{"name": "token", "valueFrom": secret}]}
    row = {
        "name": container.name,
        "logConfiguration": options,
        "repositoryCredentials": {"credentialsParameter": secret},
    }
    text = json.dumps(new_definition({"containerDefinitions": [row]}, found))
    assert text.count(secret.replace(SIT.regions.primary, SIT.regions.dr)) == 2
    assert SIT.regions.primary not in text


def test_a_secret_that_the_dr_region_lacks_has_no_counterpart() -> None:
    (note,) = ACTION.notes(sight(with_part(COPIED, readers_secretsmanager.secrets, DR, ())))
    assert "wordpress WORDPRESS_DB_PASSWORD" in note


def test_a_failback_repoints_nothing_here() -> None:
    assert [] == list(ACTION.plan_steps(sight(COPIED, goal=Goal.FAILBACK)))


def test_all_that_a_registration_takes_is_copied() -> None:
    """A parameter that a later botocore adds would be missing from the new revision: this test fails then."""
    model = botocore.session.get_session().get_service_model("ecs")
    taken = model.operation_model("RegisterTaskDefinition").input_shape.members
    members = model.operation_model("DescribeTaskDefinition").output_shape.members["taskDefinition"].members
    assert set(taken) - {"tags"} == set(task_revisions.COPIED)
    assert set(task_revisions.COPIED) <= set(members)


def test_a_place_that_is_not_what_it_was_is_not_rewritten() -> None:
    definition = {"family": "f", "containerDefinitions": [{"name": "c", "image": "one"}]}
    with pytest.raises(ValueError, match="c image of f is not what it was"):
        new_definition(definition, [Pointer(("containerDefinitions", "c", "image"), "two", "three")])
    with pytest.raises(ValueError, match="is not what it was"):
        new_definition(definition, [Pointer(("containerDefinitions", "d", "image"), "one", "three")])
