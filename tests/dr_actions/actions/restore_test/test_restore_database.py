"""A restore test restores the newest copy of the database beside the estate, and records how old its data was."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_actions.actions.database import copy_selection
from dr_actions.actions.database import failback as database_failback
from dr_actions.actions.restore_test import database as restore_test_database
from dr_actions.model.action import StepState
from dr_actions.model.plan import Goal
from tests.dr_actions.actions.restore_test.trial_values import (
    COPY,
    DARK,
    DATABASE,
    HOST,
    RESTORED,
    TRIAL,
    only,
    params,
    sight,
)
from tests.dr_checks import databases as plain
from tests.dr_checks.worlds import NOW, SIT

ACTION = restore_test_database.RESTORE
OLDER = replace(plain.REPLICATED, latest=NOW - timedelta(hours=2))
REPLICA_ONLY: dict[str, Any] = {"instances": (plain.REPLICA,), "automated_backups": (), "points": ()}


def test_it_is_restored_as_a_recovery_would_but_isolated_unprotected_and_without_backups() -> None:
    step = only(ACTION, sight())
    assert step.call is not None
    assert (step.call.operation, step.call.region) == ("RestoreDBInstanceToPointInTime", SIT.regions.dr)
    call_params = params(step)
    assert call_params["TargetDBInstanceIdentifier"] == step.subject == DATABASE
    assert call_params["SourceDBInstanceAutomatedBackupsArn"] == COPY
    assert (call_params["DBSubnetGroupName"], call_params["DBParameterGroupName"]) == (
        "sit-db-subnet-group",
        "sit-mysql-params",
    )
    assert call_params["VpcSecurityGroupIds"] == ["sg-db"]
    assert (
        call_params["PubliclyAccessible"],
        call_params["DeletionProtection"],
        call_params["BackupRetentionPeriod"],
    ) == (
        False,
        False,
        0,
    )
    tags = {tag["Key"]: tag["Value"] for tag in call_params["Tags"]}
    assert (tags["dr:drill"], tags["Environment"], tags["RestoredFrom"]) == (TRIAL, "sit", COPY)
    assert not {"Backup", "DR"} & set(tags), "nothing backs it up, and nobody takes it for the estate's"


@pytest.mark.parametrize(
    ("parts", "operation"),
    [
        ({}, "RestoreDBInstanceToPointInTime"),
        ({"automated_backups": (OLDER,)}, "RestoreDBInstanceFromDBSnapshot"),
        ({"automated_backups": DARK}, "RestoreDBInstanceFromDBSnapshot"),
        ({"instances": (plain.REPLICA,), "automated_backups": ()}, "RestoreDBInstanceFromDBSnapshot"),
    ],
    ids=["automated backups", "the newest of two", "what is seen", "a snapshot beside a replica"],
)
def test_the_newest_usable_copy_is_tried(parts: dict[str, Any], operation: str) -> None:
    call = only(ACTION, sight(**parts)).call
    assert call is not None
    assert call.operation == operation


def test_a_mechanism_that_recoveries_do_not_accept_is_tried_where_it_is_the_only_one() -> None:
    replica_alone = plain.accepting("read-replica")
    assert (
        params(only(ACTION, sight(env=replica_alone, instances=(plain.REPLICA,))))["TargetDBInstanceIdentifier"]
        == DATABASE
    )


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (REPLICA_ONLY, "to try a read replica uses it up"),
        ({"keys": (replace(plain.ENABLED, state="Disabled"),)}, "is Disabled"),
        ({"automated_backups": DARK, "points": DARK}, "it is denied"),
    ],
    ids=["a replica alone", "no key works", "nothing is seen"],
)
def test_where_nothing_can_be_tried_a_note_says_why(parts: dict[str, Any], reason: str) -> None:
    assert list(ACTION.plan_steps(sight(**parts))) == []
    (note,) = ACTION.notes(sight(**parts))
    assert reason in note


def test_a_copy_that_is_unseen_beside_one_that_is_tried_is_reported() -> None:
    (note,) = ACTION.notes(sight(points=DARK))
    assert note.startswith("Not every copy")
    assert list(ACTION.notes(sight())) == []


@pytest.mark.parametrize("incident", ["", "INC-1", "DRILL-20260302-095900"])
def test_without_a_trial_nothing_is_planned(incident: str) -> None:
    assert list(ACTION.plan_steps(sight(incident=incident))) == []


def test_a_plan_of_a_minute_later_reads_the_same() -> None:
    seen = sight()
    later = replace(seen, snapshot=replace(seen.snapshot, taken_at=NOW + timedelta(minutes=1)))
    assert list(ACTION.plan_steps(seen)) == list(ACTION.plan_steps(later))


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        ({}, StepState.READY),
        ({"instances": (replace(RESTORED, status="creating", host=""),)}, StepState.IN_PROGRESS),
        ({"instances": (RESTORED,)}, StepState.DONE),
        ({"instances": (replace(RESTORED, status="backing-up"),)}, StepState.DONE),
        ({"instances": (replace(RESTORED, status="incompatible-restore"),)}, StepState.FAILED),
        ({"instances": (replace(RESTORED, tags=()),)}, StepState.DRIFTED),
        ({"automated_backups": ()}, StepState.DRIFTED),
        ({"groups": ()}, StepState.DRIFTED),
        ({"groups": DARK}, StepState.UNAVAILABLE),
        ({"instances": DARK}, StepState.UNAVAILABLE),
    ],
)
def test_it_stands_as_the_region_shows_it(parts: dict[str, Any], state: StepState) -> None:
    step = only(ACTION, sight())
    assert ACTION.observe(step, sight(**parts)).state is state


def test_what_is_kept_of_it_is_the_host_and_how_old_the_data_was_when_the_call_left() -> None:
    step = only(ACTION, sight())
    seen = replace(sight(instances=(RESTORED,)), sent_at={step.id: NOW})
    facts = dict(ACTION.observe(step, seen).evidence)
    assert (facts["host"], facts["resource"], facts["source"]) == (HOST, "db-COPY", COPY)
    assert (facts["restored to"], facts["age of the data in s"]) == ("2026-03-02T09:53:00Z", "420")


def test_the_moment_of_the_data_is_tagged_right_before_the_call() -> None:
    step = only(ACTION, sight())
    later = replace(plain.REPLICATED, latest=NOW)
    call = ACTION.build_call(step, sight(automated_backups=(later,)))
    assert {"Key": "RestoredTo", "Value": "2026-03-02T10:00:00Z"} in call.params["Tags"]
    for parts in ({"automated_backups": ()}, {"automated_backups": DARK}, {"groups": ()}):
        with pytest.raises(ValueError, match=r"gone|denied|absent"):
            ACTION.build_call(step, sight(**parts))


def test_what_a_trial_restored_is_never_taken_for_the_estates_database() -> None:
    standing = (RESTORED,)
    assert [note for note in copy_selection.notes(sight(Goal.FAILOVER, instances=standing)) if DATABASE in note] == []
    assert database_failback.writer(sight(Goal.FAILBACK, instances=standing)) is None
    promoted = replace(RESTORED, identifier="sit-mysql-promoted")
    assert database_failback.writer(sight(Goal.FAILBACK, instances=(*standing, promoted))) == promoted


def test_it_takes_no_part_in_a_recovery_and_undoes_nothing() -> None:
    assert ACTION.goals == {Goal.RESTORE_TEST}
    assert ACTION.rollback_call(only(ACTION, sight())) is None
