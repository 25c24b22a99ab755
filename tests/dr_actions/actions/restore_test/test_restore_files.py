"""A restore test restores the newest point of the files into a file system of its own, marks it, and opens it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_actions.actions.restore_test import create_access_points, restore_files, tag_files
from dr_actions.model.action import Standing
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

VERB, MARK, OPEN = restore_files.VERB, tag_files.VERB, create_access_points.VERB
NO_POINT: dict[str, Any] = {"points": (plain.COPY,)}
NAMELESS = replace(SYSTEM, name="")
RUNNING = replace(JOB, status="RUNNING", made_arn="")
EARLIER = replace(JOB, created_at=NOW - timedelta(days=3))


def test_the_newest_point_is_restored_into_a_new_file_system_without_the_estates_tags() -> None:
    older = replace(POINT, arn=f"{POINT.arn}-old", created_at=POINT.created_at - timedelta(hours=1))
    call_params = params(only(VERB, sight(points=(older, POINT))))
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
    assert "KmsKeyId" not in params(only(VERB, sight(systems=DARK)))["Metadata"]


def test_one_trial_starts_one_job_and_the_next_another() -> None:
    first, again = (params(only(VERB, sight()))["IdempotencyToken"] for _ in range(2))
    other = params(only(VERB, sight(incident="TRIAL-20260302-100000")))["IdempotencyToken"]
    assert first == again != other


@pytest.mark.parametrize(
    ("parts", "standing"),
    [
        ({}, Standing.READY),
        ({"jobs": (EARLIER,)}, Standing.READY),
        ({"jobs": (RUNNING,)}, Standing.WAITING),
        ({"restored": (replace(NAMELESS, state="creating"),)}, Standing.WAITING),
        ({"jobs": (RUNNING,), "restored": (NAMELESS,)}, Standing.WAITING),
        ({"jobs": (JOB,), "restored": (replace(NAMELESS, state="creating"),)}, Standing.WAITING),
        ({"jobs": (JOB,), "restored": (NAMELESS,)}, Standing.DONE),
        ({"jobs": (replace(RUNNING, status="FAILED", message="The role may not."),)}, Standing.FAILED),
        ({"jobs": (JOB,), "restored": (replace(SYSTEM, state="deleting"),)}, Standing.CHANGED),
        (NO_POINT, Standing.CHANGED),
        ({"restored": DARK}, Standing.UNSEEN),
        ({"jobs": DARK}, Standing.UNSEEN),
    ],
)
def test_the_restore_stands_as_its_job_and_file_system_do(parts: dict[str, Any], standing: Standing) -> None:
    assert VERB.confirm(only(VERB, sight()), sight(**parts)).standing is standing


def test_what_is_kept_is_the_file_system_and_how_old_its_data_is() -> None:
    facts = dict(VERB.confirm(only(VERB, sight()), sight(jobs=(JOB,), restored=(NAMELESS,))).facts)
    assert (facts["file system"], facts["restore job"], facts["bytes"]) == ("fs-drill", "job-1", "4096")
    assert facts["age of the data in s"] == str(50 * 60 - 30)


@pytest.mark.parametrize("verb", [VERB, MARK, OPEN])
def test_without_a_trial_or_a_point_no_files_are_tried(verb: Any) -> None:
    assert list(verb.foresee(sight(incident=""))) == list(verb.foresee(sight(**NO_POINT))) == []
    assert list(verb.foresee(sight(points=DARK))) == []


def test_where_no_files_are_tried_a_note_says_why() -> None:
    (live,) = VERB.notes(sight(**NO_POINT))
    assert "a replica is live" in live
    (dark,) = VERB.notes(sight(points=DARK))
    assert "it is denied" in dark
    assert list(VERB.notes(sight())) == []


def test_the_new_file_system_is_marked_as_the_trials() -> None:
    step = only(MARK, sight())
    assert "<the id of" in params(step)["ResourceId"]
    call = MARK.fill(step, sight(restored=(NAMELESS,)))
    assert (call.operation, call.params["ResourceId"]) == ("TagResource", "fs-drill")
    assert {tag["Key"]: tag["Value"] for tag in call.params["Tags"]}.items() >= {
        "Name": TOKEN,
        "dr:drill": TRIAL,
    }.items()
    with pytest.raises(ValueError, match="still absent"):
        MARK.fill(step, sight())
    with pytest.raises(ValueError, match="denied"):
        MARK.fill(step, sight(restored=DARK))


@pytest.mark.parametrize(
    ("parts", "standing"),
    [
        ({"restored": (NAMELESS,)}, Standing.READY),
        ({"restored": (SYSTEM,)}, Standing.DONE),
        ({"restored": (replace(SYSTEM, name="sit-efs"),)}, Standing.CHANGED),
        ({}, Standing.CHANGED),
        ({"restored": DARK}, Standing.UNSEEN),
    ],
)
def test_the_mark_stands_as_the_name_does(parts: dict[str, Any], standing: Standing) -> None:
    assert MARK.confirm(only(MARK, sight()), sight(**parts)).standing is standing


def test_the_sampled_tenants_files_are_opened_as_the_estates_are() -> None:
    known = replace(
        ACCESS, id="fsap-estate", file_system_id="fs-estate", name="sit-tenant1-ap", path="/one", uid=82, gid=82
    )
    steps = list(OPEN.foresee(sight(access_points=(known,))))
    assert [step.tenant for step in steps] == ["tenant1", "tenant2", "tenant3"], "drill.sample_tenants, in order"
    first, second = params(steps[0]), params(steps[1])
    assert (first["RootDirectory"]["Path"], first["PosixUser"]) == ("/one", {"Uid": 82, "Gid": 82})
    assert (second["RootDirectory"]["Path"], second["PosixUser"]) == ("/tenant2", {"Uid": 33, "Gid": 33})
    assert second["RootDirectory"]["CreationInfo"] == {"OwnerUid": 33, "OwnerGid": 33, "Permissions": "0755"}
    assert {"Key": "Name", "Value": TOKEN} in first["Tags"]
    assert first["ClientToken"] != second["ClientToken"]
    assert OPEN.fill(steps[0], sight(restored=(SYSTEM,))).params["FileSystemId"] == "fs-drill"


@pytest.mark.parametrize(
    ("parts", "standing"),
    [
        ({"restored": (SYSTEM,)}, Standing.READY),
        ({"restored": (SYSTEM,), "opened": (replace(ACCESS, file_system_id="fs-other"),)}, Standing.READY),
        ({"restored": (SYSTEM,), "opened": (replace(ACCESS, state="creating"),)}, Standing.WAITING),
        ({"restored": (SYSTEM,), "opened": (ACCESS,)}, Standing.DONE),
        ({"restored": (SYSTEM,), "opened": (replace(ACCESS, state="error"),)}, Standing.FAILED),
        ({"restored": (SYSTEM,), "opened": (replace(ACCESS, uid=0),)}, Standing.CHANGED),
        ({}, Standing.CHANGED),
        ({"restored": (SYSTEM,), "opened": DARK}, Standing.UNSEEN),
    ],
)
def test_an_access_point_is_wanted_available_and_as_the_right_user(parts: dict[str, Any], standing: Standing) -> None:
    step = next(iter(OPEN.foresee(sight())))
    assert OPEN.confirm(step, sight(**parts)).standing is standing


def test_a_drills_file_system_is_not_the_estates() -> None:
    assert OF_THE_ESTATE.id not in {params(step).get("FileSystemId") for step in OPEN.foresee(sight())}
