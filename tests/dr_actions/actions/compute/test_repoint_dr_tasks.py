"""A DR task definition that names the primary region is registered anew, once, and its service moves to it (T18)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import botocore.session
import pytest

from dr_actions.actions.compute import repoint_dr_tasks, scale_dr_services
from dr_actions.model.action import Standing
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Side
from dr_estate.model.unseen import Blindness, Unseen
from dr_estate.readers import ecs, ecs_newest_definitions, efs, rds
from dr_estate.readers import secretsmanager as readers_secretsmanager
from dr_estate.snapshot.snapshot import Part, Snapshot
from tests.dr_actions.actions.compute.compute_world import FIRST, LAST, World, dark, steps_of, world_of

VERB, SERVICES = repoint_dr_tasks.VERB, scale_dr_services.VERB
FAMILY = FIRST.removesuffix("-service")
SEEN = (ecs.services.name, ecs.task_definitions.name, ecs_newest_definitions.newest.name)
PASSWORD = "a-plain-password"
HOST = "sit-mysql.abc123.eu-west-1.rds.amazonaws.com"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with world_of() as standing:
        yield standing


def _described(world: World, side: Side, name: str = FAMILY) -> dict[str, Any]:
    answer = world.send(side, "ecs:DescribeTaskDefinition", taskDefinition=name, include=["TAGS"])
    definition: dict[str, Any] = answer["taskDefinition"]
    return {**{key: definition[key] for key in repoint_dr_tasks.COPIED if definition.get(key)}, "tags": answer["tags"]}


def _with(snapshot: Snapshot, name: str, value: object) -> Snapshot:
    part = snapshot.parts[name, Side.DR]
    fresh = Part(part.name, part.side, part.region, part.read_at, value)
    return replace(snapshot, parts={**snapshot.parts, (name, Side.DR): fresh})


def _with_database(snapshot: Snapshot) -> Snapshot:
    """The database stands in the DR region, as after its restore."""
    (primary,) = snapshot.get(rds.instances, Side.PRIMARY)
    return _with(snapshot, rds.instances.name, (replace(primary, host=HOST),))


@dataclass(frozen=True)
class Copied:
    """The world after somebody copied the primary's definition into the DR region as it was, with its revisions."""

    snapshot: Snapshot
    clean: str
    dirty: str


@pytest.fixture
def copied(world: World) -> Iterator[Copied]:
    """That world, to act in."""
    with _copied(world) as found:
        yield found


@pytest.fixture(scope="module")
def still(world: World) -> Copied:
    """That world as it was seen once, to judge."""
    with _copied(world) as found:
        return found


@contextmanager
def _copied(world: World) -> Iterator[Copied]:
    before = next(s.task_definition for s in world.healthy.get(ecs.services, Side.DR) if s.name == FIRST)
    theirs = _described(world, Side.PRIMARY)
    theirs["containerDefinitions"][0]["environment"] += [
        {"name": "AWS_REGION", "value": world.env.regions.primary},
        {"name": "DB_PASSWORD", "value": PASSWORD},
        {"name": "QUEUE", "value": f"https://sqs.{world.env.regions.primary}.amazonaws.com/1/q"},
    ]
    dirty = world.send(Side.DR, "ecs:RegisterTaskDefinition", **theirs)["taskDefinition"]["taskDefinitionArn"]
    _move(world, dirty)
    yield Copied(_with_database(world.whole(*SEEN)), before, dirty)
    _move(world, before)
    world.send(Side.DR, "ecs:UpdateService", cluster="sit-cluster", service=FIRST, desiredCount=1)
    for arn in world.send(Side.DR, "ecs:ListTaskDefinitions", familyPrefix=FAMILY)["taskDefinitionArns"]:
        if arn != before:
            world.send(Side.DR, "ecs:DeregisterTaskDefinition", taskDefinition=arn)


def _move(world: World, definition: str) -> None:
    world.send(Side.DR, "ecs:UpdateService", cluster="sit-cluster", service=FIRST, taskDefinition=definition)


def test_a_sound_estate_needs_no_new_revision_and_no_call_to_know_it(world: World) -> None:
    assert {} == steps_of(VERB, world.sight())
    assert [] == list(VERB.notes(world.sight()))
    assert () == world.healthy.get(ecs_newest_definitions.newest, Side.DR)
    in_the_dark = world.sight(dark(world.healthy, Side.PRIMARY), primary_answers=False)
    assert {} == steps_of(VERB, in_the_dark)


def test_all_that_names_the_primary_region_is_replaced_and_nothing_else(world: World, copied: Copied) -> None:
    """The new revision is the primary's own definition, in the names of the DR region; the password stays unread."""
    snapshot = copied.snapshot
    (step,) = VERB.foresee(world.sight(snapshot))
    assert FIRST == step.subject
    assert PASSWORD not in json.dumps(step.call.params if step.call else "")
    assert Standing.READY is VERB.confirm(step, world.sight(snapshot)).standing
    call = VERB.fill(step, world.sight(snapshot))
    VERB.act(step, call, world.hand)
    fresh, theirs = _described(world, Side.DR), _described(world, Side.PRIMARY)
    healthy = _described(world, Side.DR, copied.clean)
    extra = {e["name"]: e["value"] for e in fresh["containerDefinitions"][0]["environment"][-3:]}
    del fresh["containerDefinitions"][0]["environment"][-3:]
    variables = {e["name"]: e for e in healthy["containerDefinitions"][0]["environment"]}
    variables["WORDPRESS_DB_HOST"]["value"] = f"{HOST}:3306"
    assert healthy == fresh
    assert theirs != fresh
    assert (world.env.regions.dr, PASSWORD) == (extra["AWS_REGION"], extra["DB_PASSWORD"])


def test_it_is_registered_once_whatever_happens_after_the_call(world: World, copied: Copied) -> None:
    """Found done after a crash: by content, with no record of the call at all."""
    (step,) = VERB.foresee(world.sight(copied.snapshot))
    VERB.act(step, VERB.fill(step, world.sight(copied.snapshot)), world.hand)
    after = _with_database(world.whole(*SEEN))
    told = VERB.confirm(step, world.sight(after))
    assert Standing.DONE is told.standing
    assert dict(told.facts)["task definition"] not in (copied.clean, copied.dirty)
    assert [] == list(VERB.foresee(world.sight(after))), "a plan made now has no such step"


def test_the_service_moves_to_the_new_revision_and_back(world: World, copied: Copied) -> None:
    (step,), before = VERB.foresee(world.sight(copied.snapshot)), copied.snapshot
    moving = steps_of(SERVICES, world.sight(before))[FIRST]
    assert moving.call is not None
    assert f"<the newest revision of {FAMILY}>" == moving.call.params["taskDefinition"]
    told = SERVICES.confirm(moving, world.sight(before))
    assert Standing.FAILED is told.standing, "there is no revision to move to"
    VERB.act(step, VERB.fill(step, world.sight(before)), world.hand)
    assert Standing.READY is world.confirm(SERVICES, moving, before).standing
    call = world.act(SERVICES, moving, before)
    assert call.params["taskDefinition"] not in (copied.clean, copied.dirty)
    ended = world.until(Standing.DONE, SERVICES, moving, before)
    assert (Standing.DONE, call.params["taskDefinition"]) == (ended.standing, dict(ended.facts)["task definition"])
    world.take_back(SERVICES, moving)
    services = world.whole(ecs.services.name).get(ecs.services, Side.DR)
    assert [(1, copied.dirty)] == [(s.desired, s.task_definition) for s in services if s.name == FIRST]


def test_what_has_no_counterpart_is_noted_and_left(world: World, still: Copied) -> None:
    (note,) = VERB.notes(world.sight(still.snapshot))
    assert f"{FAMILY}: wordpress QUEUE names {world.env.regions.primary}" in note


def test_a_database_still_to_be_restored_is_a_sentence_in_the_plan(world: World, still: Copied) -> None:
    region = world.env.regions.dr
    unrestored = _with(still.snapshot, rds.instances.name, ())
    (step,) = VERB.foresee(world.sight(unrestored))
    assert step.call is not None
    assert f"<the host of sit-mysql in {region}, once it is there>" in json.dumps(step.call.params)
    told = VERB.confirm(step, world.sight(unrestored))
    assert Standing.FAILED is told.standing, "no revision is registered with a sentence for a host"
    with pytest.raises(ValueError, match="not known yet"):
        VERB.fill(step, world.sight(unrestored))
    assert HOST in json.dumps(VERB.fill(step, world.sight(still.snapshot)).params)


def test_another_unfit_revision_since_the_plan_is_changed(world: World, copied: Copied) -> None:
    (step,) = VERB.foresee(world.sight(copied.snapshot))
    world.send(Side.DR, "ecs:RegisterTaskDefinition", **_described(world, Side.DR))
    told = VERB.confirm(step, world.sight(_with_database(world.whole(*SEEN))))
    assert Standing.CHANGED is told.standing


def test_a_dark_primary_is_recognised_by_what_the_dr_region_knows(world: World, still: Copied) -> None:
    seen = VERB.foresee(world.sight(still.snapshot))
    in_the_dark = world.sight(dark(still.snapshot, Side.PRIMARY), primary_answers=False)
    assert list(seen) == list(VERB.foresee(in_the_dark))


def test_a_promoted_replica_of_another_name_keeps_the_host_of_the_plan(world: World, still: Copied) -> None:
    (database,) = still.snapshot.get(rds.instances, Side.DR)
    replica = replace(database, identifier="sit-mysql-copy", source=database.arn)
    promoted = replace(replica, source="")
    (step,) = VERB.foresee(world.sight(_with(still.snapshot, rds.instances.name, (replica,))))
    now = world.sight(_with(still.snapshot, rds.instances.name, (promoted,)))
    assert Standing.READY is VERB.confirm(step, now).standing
    assert HOST in json.dumps(VERB.fill(step, now).params)


@pytest.mark.parametrize("part", SEEN)
def test_what_cannot_be_seen_is_unseen_and_noted(world: World, still: Copied, part: str) -> None:
    (step,) = VERB.foresee(world.sight(still.snapshot))
    blind = world.sight(_with(still.snapshot, part, Unseen(Blindness.DENIED, "that read is denied.")))
    assert Standing.UNSEEN is VERB.confirm(step, blind).standing
    assert [] == list(VERB.foresee(blind))
    assert any("that read is denied." in note for note in VERB.notes(blind))


def test_one_definition_that_cannot_be_read_leaves_that_tenant_alone_out(world: World, still: Copied) -> None:
    throttled = Unseen(Blindness.ERROR, "ecs:DescribeTaskDefinition is throttled.")
    partly = _with(still.snapshot, ecs_newest_definitions.newest.name, (throttled,))
    assert [] == list(VERB.foresee(world.sight(partly)))
    notes = list(VERB.notes(world.sight(partly)))
    regions = world.env.regions
    assert [f"Whether {FIRST} in {regions.dr} needs {regions.primary} is not known: {throttled.why}"] == notes


def test_a_file_system_to_be_restored_is_replaced_too(world: World) -> None:
    """Nothing of the estate's name stands in the DR region: what the definitions mount is not there any more."""
    none = _with(_with(world.healthy, efs.file_systems.name, ()), efs.access_points.name, ())
    none = _with(none, ecs_newest_definitions.newest.name, world.healthy.get(ecs.task_definitions, Side.DR))
    steps = steps_of(VERB, world.sight(none))
    assert {FIRST, LAST} == set(steps)
    call = steps[LAST].call
    assert call is not None
    told = json.dumps(call.params)
    assert f"<the file system of {world.env.regions.dr}, once it is there>" in told
    assert f"<access point sit-tenant2-ap of {world.env.regions.dr}, once it is there>" in told


def test_a_secret_that_the_dr_region_lacks_has_no_counterpart(world: World, still: Copied) -> None:
    lacking = _with(still.snapshot, readers_secretsmanager.secrets.name, ())
    (note,) = VERB.notes(world.sight(lacking))
    assert "wordpress WORDPRESS_DB_PASSWORD" in note


def test_a_failback_repoints_nothing_here(world: World, still: Copied) -> None:
    assert [] == list(VERB.foresee(world.sight(still.snapshot, goal=Goal.FAILBACK)))


def test_all_that_a_registration_takes_is_copied() -> None:
    """A parameter that botocore learns tomorrow would be lost from the new revision: this test says so."""
    model = botocore.session.get_session().get_service_model("ecs")
    taken = model.operation_model("RegisterTaskDefinition").input_shape.members
    told = model.operation_model("DescribeTaskDefinition").output_shape.members["taskDefinition"].members
    assert set(taken) - {"tags"} == set(repoint_dr_tasks.COPIED)
    assert set(repoint_dr_tasks.COPIED) <= set(told)


def test_a_place_that_is_not_what_it_was_is_not_rewritten() -> None:
    from dr_actions.actions.compute.region_references import Pointer, rewritten

    held = {"family": "f", "containerDefinitions": [{"name": "c", "image": "one"}]}
    with pytest.raises(ValueError, match="c image of f is not what it was"):
        rewritten(held, [Pointer(("containerDefinitions", "c", "image"), "two", "three")])
    with pytest.raises(ValueError, match="is not what it was"):
        rewritten(held, [Pointer(("containerDefinitions", "d", "image"), "one", "three")])
