"""A restore test restores the newest point of the files into a file system of its own, marks it, and opens it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_actions.actions.files import copies
from dr_actions.model.action import StepState
from tests.dr_actions.actions.restore_test.trial_values import (
    ACCESS,
    DARK,
    JOB,
    OF_THE_ESTATE,
    POINT,
    SYSTEM,
    TOKEN,
    TRIAL,
    only,
    params,
    sight,
)
from tests.dr_checks import databases as plain
from tests.dr_checks.worlds import NOW

ACTION, MARK, OPEN = copies.RESTORE, copies.TAG, copies.CREATE_ACCESS_POINTS
NO_POINT: dict[str, Any] = {"points": (plain.COPY,)}
NAMELESS = replace(SYSTEM, name="")
RUNNING = replace(JOB, status="RUNNING", made_arn="")
EARLIER = replace(JOB, created_at=NOW - timedelta(days=3))


def test_the_newest_point_fills_a_new_file_system_without_estate_tags() -> None:
    older = replace(POINT, arn=f"{POINT.arn}-old", created_at=POINT.created_at - timedelta(hours=1))
    call_params = params(only(ACTION, sight(points=(older, POINT))))
    assert (call_params["RecoveryPointArn"], call_params["IamRoleArn"]) == (POINT.arn, POINT.role)
    assert call_params["CopySourceTagsToRestoredResource"] is False
    assert call_params["Metadata"] == {
        "file-system-id": "fs-home",
        "newFileSystem": "true",
        "CreationToken": TOKEN,
        "Encrypted": "true",
        "PerformanceMode": "generalPurpose",
        "KmsKeyId": "arn:key",
    }
    assert "KmsKeyId" not in params(only(ACTION, sight(systems=DARK)))["Metadata"]


def test_one_trial_starts_one_job_and_the_next_another() -> None:
    first, again = (params(only(ACTION, sight()))["IdempotencyToken"] for _ in range(2))
    other = params(only(ACTION, sight(incident="TRIAL-20260302-100000")))["IdempotencyToken"]
    assert first == again != other


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        ({}, StepState.READY),
        ({"jobs": (EARLIER,)}, StepState.READY),
        ({"jobs": (RUNNING,)}, StepState.IN_PROGRESS),
        ({"restored": (replace(NAMELESS, state="creating"),)}, StepState.IN_PROGRESS),
        ({"jobs": (RUNNING,), "restored": (NAMELESS,)}, StepState.IN_PROGRESS),
        ({"jobs": (JOB,), "restored": (replace(NAMELESS, state="creating"),)}, StepState.IN_PROGRESS),
        ({"jobs": (JOB,), "restored": (NAMELESS,)}, StepState.DONE),
        ({"jobs": (replace(RUNNING, status="FAILED", message="The role may not."),)}, StepState.FAILED),
        ({"jobs": (JOB,), "restored": (replace(SYSTEM, state="deleting"),)}, StepState.DRIFTED),
        (NO_POINT, StepState.DRIFTED),
        ({"restored": DARK}, StepState.UNAVAILABLE),
        ({"jobs": DARK}, StepState.UNAVAILABLE),
    ],
)
def test_the_restore_stands_as_its_job_and_file_system_do(parts: dict[str, Any], state: StepState) -> None:
    assert ACTION.observe(only(ACTION, sight()), sight(**parts)).state is state


def test_what_is_kept_is_the_file_system_and_how_old_its_data_is() -> None:
    facts = dict(ACTION.observe(only(ACTION, sight()), sight(jobs=(JOB,), restored=(NAMELESS,))).evidence)
    assert (facts["file system"], facts["restore job"], facts["bytes"]) == ("fs-drill", "job-1", "4096")
    assert facts["age of the data in s"] == str(50 * 60 - 30)


@pytest.mark.parametrize("action", [ACTION, MARK, OPEN])
def test_without_a_trial_or_a_point_no_files_are_tried(action: Any) -> None:
    assert list(action.plan_steps(sight(incident=""))) == list(action.plan_steps(sight(**NO_POINT))) == []
    assert list(action.plan_steps(sight(points=DARK))) == []


def test_where_no_files_are_tried_a_note_says_why() -> None:
    (live,) = ACTION.notes(sight(**NO_POINT))
    assert "a replica is live" in live
    (dark,) = ACTION.notes(sight(points=DARK))
    assert "it is denied" in dark
    assert list(ACTION.notes(sight())) == []


def test_the_new_file_system_is_marked_as_the_trials() -> None:
    step = only(MARK, sight())
    assert "<the id of" in params(step)["ResourceId"]
    call = MARK.build_call(step, sight(restored=(NAMELESS,)))
    assert (call.operation, call.params["ResourceId"]) == ("TagResource", "fs-drill")
    assert {tag["Key"]: tag["Value"] for tag in call.params["Tags"]}.items() >= {
        "Name": TOKEN,
        "dr:drill": TRIAL,
    }.items()
    with pytest.raises(ValueError, match="still absent"):
        MARK.build_call(step, sight())
    with pytest.raises(ValueError, match="denied"):
        MARK.build_call(step, sight(restored=DARK))


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        ({"restored": (NAMELESS,)}, StepState.READY),
        ({"restored": (SYSTEM,)}, StepState.DONE),
        ({"restored": (replace(SYSTEM, name="sit-efs"),)}, StepState.DRIFTED),
        ({}, StepState.DRIFTED),
        ({"restored": DARK}, StepState.UNAVAILABLE),
    ],
)
def test_the_mark_stands_as_the_name_does(parts: dict[str, Any], state: StepState) -> None:
    assert MARK.observe(only(MARK, sight()), sight(**parts)).state is state


def test_the_sampled_tenants_files_are_opened_as_the_estates_are() -> None:
    known = replace(
        ACCESS, id="fsap-estate", file_system_id="fs-estate", name="sit-tenant1-ap", path="/one", uid=82, gid=82
    )
    steps = list(OPEN.plan_steps(sight(access_points=(known,))))
    assert [step.tenant for step in steps] == ["tenant1", "tenant2", "tenant3"], "drill.sample_tenants, in order"
    first, second = params(steps[0]), params(steps[1])
    assert (first["RootDirectory"]["Path"], first["PosixUser"]) == ("/one", {"Uid": 82, "Gid": 82})
    assert (second["RootDirectory"]["Path"], second["PosixUser"]) == ("/tenant2", {"Uid": 33, "Gid": 33})
    assert second["RootDirectory"]["CreationInfo"] == {"OwnerUid": 33, "OwnerGid": 33, "Permissions": "0755"}
    assert {"Key": "Name", "Value": TOKEN} in first["Tags"]
    assert first["ClientToken"] != second["ClientToken"]
    assert OPEN.build_call(steps[0], sight(restored=(SYSTEM,))).params["FileSystemId"] == "fs-drill"


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        ({"restored": (SYSTEM,)}, StepState.READY),
        ({"restored": (SYSTEM,), "opened": (replace(ACCESS, file_system_id="fs-other"),)}, StepState.READY),
        ({"restored": (SYSTEM,), "opened": (replace(ACCESS, state="creating"),)}, StepState.IN_PROGRESS),
        ({"restored": (SYSTEM,), "opened": (ACCESS,)}, StepState.DONE),
        ({"restored": (SYSTEM,), "opened": (replace(ACCESS, state="error"),)}, StepState.FAILED),
        ({"restored": (SYSTEM,), "opened": (replace(ACCESS, uid=0),)}, StepState.DRIFTED),
        ({}, StepState.DRIFTED),
        ({"restored": (SYSTEM,), "opened": DARK}, StepState.UNAVAILABLE),
    ],
)
def test_an_access_point_is_wanted_available_and_as_the_right_user(parts: dict[str, Any], state: StepState) -> None:
    step = next(iter(OPEN.plan_steps(sight())))
    assert OPEN.observe(step, sight(**parts)).state is state


def test_a_drills_file_system_is_not_the_estates() -> None:
    assert OF_THE_ESTATE.id not in {params(step).get("FileSystemId") for step in OPEN.plan_steps(sight())}
