"""The clean-up removes every drill's databases and files, and nothing of the estate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.restore_test import removal
from dr_actions.actions.restore_test import tasks as restore_test_tasks
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Danger, Goal, Step
from dr_checks.derived.leftovers import leftovers
from dr_estate.config.environment import Side
from dr_estate.readers import drill_resources, rds, route53
from dr_estate.snapshot.snapshot import SnapshotPart
from tests.dr_actions.actions.restore_test.trial_values import (
    ACCESS,
    DARK,
    RESTORED,
    SYSTEM,
    TASK,
    TOKEN,
    TRIAL,
    params,
    sight,
)
from tests.dr_checks import databases as plain
from tests.dr_checks.worlds import DENIED, NOW, SIT, world

TRIED = "sit-mysql-drill-20260107-030000"
OWN = replace(plain.PRIMARY, identifier=TRIED, resource_id="db-OWN", deletion_protection=False)
ASIDE = replace(plain.PRIMARY, identifier="sit-mysql-before-db-abcde", resource_id="db-ABCDE")
OTHERS = (
    plain.REPLICA,
    replace(plain.PRIMARY, identifier="sit-mysql-before-db-zzzzz", resource_id="db-ZZZZZ"),
    replace(plain.PRIMARY, identifier="prod-mysql-drill-20260107-030000"),
    replace(plain.PRIMARY, identifier="sit-mysql-drill-report"),
)
ACTION, STOP = removal.REMOVE_FILES, restore_test_tasks.STOP_TASKS
TARGET = drill_resources.RestoredMount("fsmt-drill", SYSTEM.id, "available")
RUNNING = replace(TASK, status="RUNNING", wanted="RUNNING", exit_code=None)
ALL: dict[str, Any] = {"restored": (SYSTEM,), "opened": (ACCESS,), "mounted": (TARGET,)}


def database_sight(*instances: rds.Instance) -> PlanContext:
    seen = world({(rds.instances, Side.DR): instances})
    return PlanContext(SIT, seen, Goal.CLEAN_UP, True, renamed_databases={"db-ABCDE": ASIDE.identifier})


def steps(*instances: rds.Instance) -> dict[str, Step]:
    return {step.id: step for step in removal.REMOVE_DATABASES.plan_steps(database_sight(*instances))}


def standing(step: Step, *instances: rds.Instance) -> StepState:
    return removal.REMOVE_DATABASES.observe(step, database_sight(*instances)).state


def test_only_what_bears_the_name_of_a_drill_or_was_moved_by_it_is_deleted() -> None:
    assert {} == steps(*OTHERS)
    (step,) = steps(OWN, *OTHERS).values()
    assert step.call is not None
    assert ("DeleteDBInstance", "eu-west-1") == (step.call.operation, step.call.region)
    wanted = {"DBInstanceIdentifier": OWN.identifier, "SkipFinalSnapshot": True, "DeleteAutomatedBackups": True}
    assert wanted == step.call.params
    assert Danger.IRREVERSIBLE is step.danger


def test_a_protected_database_is_unprotected_first_as_a_step_of_its_own() -> None:
    unprotect, delete = sorted(steps(ASIDE).values(), key=lambda step: step.stage)
    assert unprotect.stage < delete.stage
    assert unprotect.call is not None
    assert unprotect.call.params["DeletionProtection"] is False
    bare = replace(ASIDE, deletion_protection=False)
    assert (StepState.READY, StepState.DONE) == (standing(unprotect, ASIDE), standing(unprotect, bare))
    assert (StepState.DRIFTED, StepState.READY) == (standing(delete, ASIDE), standing(delete, bare))


@pytest.mark.parametrize(
    ("instances", "expected"),
    [
        ((), StepState.DONE),
        ((OWN,), StepState.READY),
        ((replace(OWN, status="deleting"),), StepState.IN_PROGRESS),
        ((replace(OWN, status="modifying"),), StepState.IN_PROGRESS),
        ((replace(OWN, identifier="sit-mysql-kept"),), StepState.DRIFTED),
        ((replace(OWN, resource_id="db-ANOTHER"),), StepState.DONE),
    ],
)
def test_how_a_deletion_stands(instances: tuple[rds.Instance, ...], expected: StepState) -> None:
    (step,) = steps(OWN).values()
    assert expected is standing(step, *instances)


def test_what_cannot_be_seen_is_neither_planned_nor_called_gone() -> None:
    blind = replace(database_sight(), snapshot=world({(rds.instances, Side.DR): DENIED}))
    assert [] == list(removal.REMOVE_DATABASES.plan_steps(blind))
    (step,) = steps(OWN).values()
    assert StepState.UNAVAILABLE is removal.REMOVE_DATABASES.observe(step, blind).state


def cleaning(**parts: Any) -> PlanContext:
    return sight(goal=Goal.CLEAN_UP, **parts)


def test_the_inner_things_go_before_the_file_system() -> None:
    steps = sorted(ACTION.plan_steps(cleaning(**ALL)), key=lambda step: (step.stage, step.id))
    assert [(step.call.operation if step.call else "", step.subject) for step in steps] == [
        ("DeleteAccessPoint", "fsap-drill"),
        ("DeleteMountTarget", "fsmt-drill"),
        ("DeleteFileSystem", "fs-drill"),
    ]
    assert [params(step) for step in steps] == [
        {"AccessPointId": "fsap-drill"},
        {"MountTargetId": "fsmt-drill"},
        {"FileSystemId": "fs-drill"},
    ]


def test_a_file_system_that_its_trial_never_marked_is_marked_first() -> None:
    nameless = replace(SYSTEM, name="")
    mark, delete = sorted(ACTION.plan_steps(cleaning(restored=(nameless,))), key=lambda step: step.stage)
    call = ACTION.build_call(mark, cleaning(restored=(nameless,)))
    assert (call.operation, call.params["ResourceId"]) == ("TagResource", "fs-drill")
    assert {tag["Key"]: tag["Value"] for tag in call.params["Tags"]}.items() >= {
        "Name": TOKEN,
        "dr:drill": TRIAL,
    }.items()
    assert ACTION.observe(mark, cleaning(restored=(nameless,))).state is StepState.READY
    assert ACTION.observe(mark, cleaning(restored=(SYSTEM,))).state is StepState.DONE
    assert ACTION.observe(mark, cleaning()).state is StepState.DONE, "it is gone, which is better still"
    assert ACTION.build_call(delete, cleaning(restored=(nameless,))) == delete.call


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        (ALL, StepState.READY),
        ({"restored": (replace(SYSTEM, state="deleting"),)}, StepState.IN_PROGRESS),
        ({}, StepState.DONE),
        ({"restored": DARK}, StepState.UNAVAILABLE),
    ],
)
def test_the_file_system_is_waited_for_until_it_is_gone(parts: dict[str, Any], state: StepState) -> None:
    step = next(plan_step for plan_step in ACTION.plan_steps(cleaning(**ALL)) if plan_step.subject == "fs-drill")
    assert ACTION.observe(step, cleaning(**parts)).state is state


def test_what_is_not_a_drills_is_not_foreseen_and_what_is_unseen_is_said() -> None:
    assert list(ACTION.plan_steps(cleaning())) == []
    assert list(ACTION.plan_steps(cleaning(restored=DARK))) == []
    assert any("denied" in note for note in ACTION.notes(cleaning(restored=DARK)))
    assert list(ACTION.notes(cleaning())) == list(STOP.notes(cleaning())) == []


def test_a_drills_task_that_runs_is_stopped() -> None:
    (step,) = STOP.plan_steps(cleaning(tasks=(RUNNING, TASK)))
    assert params(step) == {"cluster": "sit-cluster", "task": TASK.arn, "reason": f"clean-up of {TRIAL}"}
    stands = {
        "runs": STOP.observe(step, cleaning(tasks=(RUNNING,))).state,
        "stops": STOP.observe(step, cleaning(tasks=(replace(RUNNING, wanted="STOPPED"),))).state,
        "stopped": STOP.observe(step, cleaning(tasks=(TASK,))).state,
        "forgotten": STOP.observe(step, cleaning()).state,
        "dark": STOP.observe(step, cleaning(tasks=DARK)).state,
    }
    assert stands == {
        "runs": StepState.READY,
        "stops": StepState.IN_PROGRESS,
        "stopped": StepState.DONE,
        "forgotten": StepState.DONE,
        "dark": StepState.UNAVAILABLE,
    }


def test_everything_that_a_trial_makes_is_known_as_left_over_by_its_id() -> None:
    seen = cleaning(**ALL, instances=(RESTORED,), tasks=(RUNNING, replace(TASK, arn="ended"))).snapshot
    records = SnapshotPart(route53.records.name, Side.GLOBAL, "us-east-1", NOW, ())
    whole = replace(seen, parts={**seen.parts, (route53.records.name, Side.GLOBAL): records})
    found = {(leftover.kind, leftover.id) for leftover in leftovers(whole, SIT)}
    assert found == {
        ("database", RESTORED.resource_id),
        ("files", "fs-drill"),
        ("access point", "fsap-drill"),
        ("mount target", "fsmt-drill"),
        ("task", TASK.arn),
    }
