"""A clean-up takes away what drills restored and what still asks, waits until it is gone, and touches nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.restore_test import remove_files, stop_tasks
from dr_actions.model.action import Sight, Standing
from dr_actions.model.plan import Goal
from dr_checks.derived.leftovers import leftovers
from dr_estate.config.environment import Side
from dr_estate.readers import drill_resources, route53
from dr_estate.snapshot.snapshot import Part
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
from tests.dr_checks.worlds import NOW, SIT

VERB, STOP = remove_files.VERB, stop_tasks.VERB
TARGET = drill_resources.Mounted("fsmt-drill", SYSTEM.id, "available")
RUNNING = replace(TASK, status="RUNNING", wanted="RUNNING", exit_code=None)
ALL: dict[str, Any] = {"restored": (SYSTEM,), "opened": (ACCESS,), "mounted": (TARGET,)}


def cleaning(**parts: Any) -> Sight:
    return sight(goal=Goal.CLEAN_UP, **parts)


def test_the_inner_things_go_before_the_file_system() -> None:
    steps = sorted(VERB.foresee(cleaning(**ALL)), key=lambda step: (step.stage, step.id))
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
    mark, delete = sorted(VERB.foresee(cleaning(restored=(nameless,))), key=lambda step: step.stage)
    call = VERB.fill(mark, cleaning(restored=(nameless,)))
    assert (call.operation, call.params["ResourceId"]) == ("TagResource", "fs-drill")
    assert {tag["Key"]: tag["Value"] for tag in call.params["Tags"]}.items() >= {
        "Name": TOKEN,
        "dr:drill": TRIAL,
    }.items()
    assert VERB.confirm(mark, cleaning(restored=(nameless,))).standing is Standing.READY
    assert VERB.confirm(mark, cleaning(restored=(SYSTEM,))).standing is Standing.DONE
    assert VERB.confirm(mark, cleaning()).standing is Standing.DONE, "it is gone, which is better still"
    assert VERB.fill(delete, cleaning(restored=(nameless,))) == delete.call


@pytest.mark.parametrize(
    ("parts", "standing"),
    [
        (ALL, Standing.READY),
        ({"restored": (replace(SYSTEM, state="deleting"),)}, Standing.WAITING),
        ({}, Standing.DONE),
        ({"restored": DARK}, Standing.UNSEEN),
    ],
)
def test_the_file_system_is_waited_for_until_it_is_gone(parts: dict[str, Any], standing: Standing) -> None:
    step = next(plan_step for plan_step in VERB.foresee(cleaning(**ALL)) if plan_step.subject == "fs-drill")
    assert VERB.confirm(step, cleaning(**parts)).standing is standing


def test_what_is_not_a_drills_is_not_foreseen_and_what_is_unseen_is_said() -> None:
    assert list(VERB.foresee(cleaning())) == []
    assert list(VERB.foresee(cleaning(restored=DARK))) == []
    assert any("denied" in note for note in VERB.notes(cleaning(restored=DARK)))
    assert list(VERB.notes(cleaning())) == list(STOP.notes(cleaning())) == []


def test_a_drills_task_that_runs_is_stopped() -> None:
    (step,) = STOP.foresee(cleaning(tasks=(RUNNING, TASK)))
    assert params(step) == {"cluster": "sit-cluster", "task": TASK.arn, "reason": f"clean-up of {TRIAL}"}
    stands = {
        "runs": STOP.confirm(step, cleaning(tasks=(RUNNING,))).standing,
        "stops": STOP.confirm(step, cleaning(tasks=(replace(RUNNING, wanted="STOPPED"),))).standing,
        "stopped": STOP.confirm(step, cleaning(tasks=(TASK,))).standing,
        "forgotten": STOP.confirm(step, cleaning()).standing,
        "dark": STOP.confirm(step, cleaning(tasks=DARK)).standing,
    }
    assert stands == {
        "runs": Standing.READY,
        "stops": Standing.WAITING,
        "stopped": Standing.DONE,
        "forgotten": Standing.DONE,
        "dark": Standing.UNSEEN,
    }


def test_everything_that_a_trial_makes_is_known_as_left_over_by_its_id() -> None:
    seen = cleaning(**ALL, instances=(RESTORED,), tasks=(RUNNING, replace(TASK, arn="ended"))).snapshot
    records = Part(route53.records.name, Side.GLOBAL, "us-east-1", NOW, ())
    whole = replace(seen, parts={**seen.parts, (route53.records.name, Side.GLOBAL): records})
    found = {(leftover.kind, leftover.id) for leftover in leftovers(whole, SIT)}
    assert found == {
        ("database", RESTORED.resource_id),
        ("files", "fs-drill"),
        ("access point", "fsap-drill"),
        ("mount target", "fsmt-drill"),
        ("task", TASK.arn),
    }
