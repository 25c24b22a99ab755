"""What is backed up before a failback, and kept and protected again after it: plain values."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_actions.actions import backup
from dr_actions.actions.database import failback, rename
from dr_actions.actions.database import freeze as database_freeze
from dr_actions.actions.database import replication as database_replication
from dr_actions.guard.backup_first import unproven
from dr_actions.guard.context import proof_of
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.readers import backup_jobs, rds
from tests.dr_actions.actions.database.test_failback import (
    CAME_HOME,
    COPY,
    FROZEN_GROUP,
    KEY,
    NAME,
    OLD,
    SENT,
    SERVED,
    VAULTS,
    sight,
    standing,
    the,
)
from tests.dr_actions.plain import with_part
from tests.dr_checks import databases as plain
from tests.dr_checks.worlds import NOW, SIT


def test_the_group_is_thawed_to_its_former_value_unless_a_database_uses_it() -> None:
    step = the(database_freeze.UNFREEZE)
    assert step.after == {"read_only": "{TrueIfReplica}"}
    assert standing(database_freeze.UNFREEZE, step, parameter_groups_dr=(FROZEN_GROUP,)) is StepState.DRIFTED
    changed_parts = {"instances_dr": (replace(SERVED, identifier=failback.retained_name(SERVED)),)}
    assert (
        standing(database_freeze.UNFREEZE, step, parameter_groups_dr=(FROZEN_GROUP,), **changed_parts)
        is StepState.READY
    )
    own = replace(plain.PARAMETERS, parameters=(("read_only", "0"),))
    assert the(database_freeze.UNFREEZE, sight(parameter_groups_dr=(own,))).after == {"read_only": "0"}


def test_a_stopped_database_is_said_to_need_a_start_before_it_is_renamed() -> None:
    step = the(rename.OLD_PRIMARY)
    status = rename.OLD_PRIMARY.observe(step, sight(instances_primary=(replace(OLD, status="stopped"),)))
    assert status.state is StepState.FAILED
    assert "start it" in status.message
    taken = replace(COPY, identifier=step.after["name"])
    assert standing(rename.OLD_PRIMARY, step, instances_primary=(OLD, taken)) is StepState.DRIFTED


JOB = backup_jobs.BackupJob(
    id="JOB-1",
    resource_arn=SERVED.arn,
    resource_type="RDS",
    state="RUNNING",
    message="",
    vault_arn="arn:aws:backup:r:1:backup-vault:bbws-dr-vault",
    created_at=NOW - timedelta(minutes=8),
    completed_at=None,
    point_arn=plain.COPY.arn,
)
POINT = replace(plain.COPY, resource_arn=SERVED.arn, created_at=JOB.created_at)
BEGUN = NOW - timedelta(minutes=9)
OVER = replace(JOB, state="FAILED", completed_at=NOW)
SCHEDULED = replace(JOB, id="JOB-2", plan_id="PLAN-1")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, StepState.READY, id="none yet"),
        pytest.param({"jobs": (JOB,)}, StepState.IN_PROGRESS, id="at work"),
        pytest.param({"jobs": (replace(JOB, state="COMPLETED"),)}, StepState.IN_PROGRESS, id="point not listed"),
        pytest.param({"jobs": (replace(JOB, state="COMPLETED"),), "points": (POINT,)}, StepState.DONE, id="complete"),
        pytest.param({"points": (POINT,)}, StepState.READY, id="a point of nobody's job"),
        pytest.param(
            {"jobs": (replace(JOB, state="COMPLETED", created_at=NOW - timedelta(minutes=11)),), "points": (POINT,)},
            StepState.READY,
            id="of before the run",
        ),
        pytest.param({"jobs": (OVER,)}, StepState.FAILED, id="failed"),
        pytest.param({"jobs": (SCHEDULED,)}, StepState.READY, id="of the backup plan's rule in the same minute"),
        pytest.param(
            {
                "jobs": (SCHEDULED, replace(JOB, created_at=NOW - timedelta(minutes=7), state="COMPLETED")),
                "points": (POINT,),
            },
            StepState.DONE,
            id="beside the backup plan's",
        ),
        pytest.param({"jobs": (replace(OVER, state="PARTIAL"),)}, StepState.FAILED, id="incomplete"),
        pytest.param(
            {"jobs": (replace(OVER, completed_at=NOW - timedelta(minutes=3)),)},
            StepState.READY,
            id="failed a while ago",
        ),
        pytest.param({"vaults": ()}, StepState.FAILED, id="no vault"),
        pytest.param(
            {"jobs": (JOB,), "sent": {}, "begun_at": None},
            StepState.READY,
            id="neither a beginning nor a call on record",
        ),
    ],
)
def test_a_backup_counts_by_its_own_job_since_the_run_began(changes: Any, expected: StepState) -> None:
    step = next(step for step in backup.CREATE_BACKUPS.plan_steps(sight()) if step.side is Side.DR)
    assert standing(backup.CREATE_BACKUPS, step, **{"sent": SENT, "begun_at": BEGUN, **changes}) is expected


@pytest.mark.parametrize(("state", "waits"), [("CREATED", True), ("RUNNING", False)])
def test_a_backup_that_does_not_begin_names_the_windows_that_it_waits_for(state: str, waits: bool) -> None:
    served = replace(SERVED, backup_window="01:00-01:30", maintenance_window="sun:03:00-sun:03:30")
    seen = sight(begun_at=BEGUN, instances_dr=(served,), jobs=(replace(JOB, state=state),), sent=SENT)
    step = next(step for step in backup.CREATE_BACKUPS.plan_steps(sight()) if step.side is Side.DR)
    status = backup.CREATE_BACKUPS.observe(step, seen)
    assert status.state is StepState.IN_PROGRESS
    assert ("01:00-01:30, sun:03:00-sun:03:30, UTC" in status.message) is waits


def test_a_backup_is_asked_for_by_one_token_until_it_fails() -> None:
    step = next(step for step in backup.CREATE_BACKUPS.plan_steps(sight()) if step.side is Side.DR)
    tokens = [
        backup.CREATE_BACKUPS.build_call(step, seen).params["IdempotencyToken"]
        for seen in (
            sight(begun_at=BEGUN),
            sight(begun_at=BEGUN, sent=SENT, jobs=(JOB,)),
            sight(begun_at=BEGUN, sent=SENT, jobs=(OVER,)),
            replace(sight(begun_at=BEGUN), incident="INC-2"),
            sight(begun_at=NOW),
        )
    ]
    assert tokens[0] == tokens[1]
    assert len(set(tokens)) == 4


UNVAULTED = SIT.model_copy(
    update={"names": SIT.names.model_copy(update=dict.fromkeys(("primary_vault", "dr_vault"), ""))}
)


def _snapshot_step(**parts: Any) -> tuple[Step, PlanContext]:
    """The step that backs the DR region's database up where no vault is named, and what is seen of it."""
    rows = parts.pop("snapshots", ())
    seen = sight(UNVAULTED, begun_at=BEGUN, **parts)
    seen = replace(seen, snapshot=with_part(seen.snapshot, rds.manual_snapshots, Side.DR, rows))
    return next(step for step in backup.CREATE_BACKUPS.plan_steps(seen) if step.side is Side.DR), seen


def _snapshot(name: str, status: str) -> rds.DbSnapshot:
    created_at = None if status == "creating" else BEGUN + timedelta(minutes=1)
    return rds.DbSnapshot(name, "manual", status, created_at, "8.0", "", "")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("", StepState.READY),
        ("creating", StepState.IN_PROGRESS),
        ("available", StepState.DONE),
        ("failed", StepState.FAILED),
    ],
)
def test_a_snapshot_is_the_backup_where_no_vault_is_named(status: str, expected: StepState) -> None:
    step, seen = _snapshot_step()
    call = backup.CREATE_BACKUPS.build_call(step, seen)
    assert ("rds:CreateDBSnapshot", SERVED.identifier) == (call.name, call.params["DBInstanceIdentifier"])
    name = call.text("DBSnapshotIdentifier")
    others = (_snapshot(f"{name}-other", "available"),)
    _, seen = _snapshot_step(snapshots=(*others, _snapshot(name, status)) if status else others)
    found = backup.CREATE_BACKUPS.observe(step, seen)
    assert expected is found.state, found.message
    if expected is StepState.DONE:
        proof = proof_of(dict(found.evidence))
        assert proof is not None
        assert (Side.DR, "database", f":snapshot:{name}") == (proof.side, proof.store, proof.arn[-len(name) - 10 :])
        assert [(Side.PRIMARY, "database")] == [
            (side, store) for side, store in unproven([proof], BEGUN) if store == "database"
        ]


def test_each_run_makes_a_snapshot_of_its_own() -> None:
    step, seen = _snapshot_step()
    contexts = (seen, replace(seen, incident="INC-2"), replace(seen, begun_at=NOW), seen)
    calls = [backup.CREATE_BACKUPS.build_call(step, context) for context in contexts]
    names = [call.text("DBSnapshotIdentifier") for call in calls]
    assert (names[0], 3) == (names[3], len(set(names)))
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) for name in names)


def test_a_locked_vault_keeps_the_points_for_as_long_as_it_allows() -> None:
    locked = tuple(replace(vault, max_retention_days=14) for vault in VAULTS)
    for step in backup.CREATE_BACKUPS.plan_steps(sight(vaults=locked)):
        assert step.call is not None
        assert step.call.params["Lifecycle"] == {"DeleteAfterDays": 14}


@pytest.mark.parametrize(
    ("tags", "recorded", "names"),
    [
        pytest.param(SERVED.tags, {}, ["StartDBInstanceAutomatedBackupsReplication"], id="restored from backups"),
        pytest.param((("RestoredFrom", plain.COPY.arn),), {}, [], id="restored from a copy of AWS Backup"),
        pytest.param(
            (),
            {f"database/restore_dr:{NAME}": {"resource": "db-TWO", "source": plain.ARN}},
            ["CreateDBInstanceReadReplica", "ModifyDBInstance"],
            id="promoted",
        ),
        pytest.param((), {}, ["StartDBInstanceAutomatedBackupsReplication"], id="not known: the preferred one"),
    ],
)
def test_it_is_protected_again_by_what_the_failover_relied_on(tags: Any, recorded: Any, names: list[str]) -> None:
    seen = sight(instances_dr=(replace(SERVED, tags=tags),), recorded=recorded)
    steps = list(database_replication.REPLICATE_TO_DR.plan_steps(seen))
    assert [step.call.operation for step in steps if step.call] == names
    assert all(step.call and step.call.region == SIT.regions.dr for step in steps)
    notes = list(database_replication.REPLICATE_TO_DR.notes(seen))
    assert any("AWS Backup" in note for note in notes) is (not names)


def test_copies_of_the_old_instance_do_not_protect_the_new_one() -> None:
    action = database_replication.REPLICATE_TO_DR
    step = the(action)
    assert step.call is not None
    assert step.call.params["KmsKeyId"] == KEY
    retained = (replace(plain.REPLICATED, status="retained"),)
    assert standing(action, step, automated_backups_dr=retained, instances_primary=(CAME_HOME,)) is StepState.READY
    running = action.observe(step, sight(instances_primary=(CAME_HOME,)))
    assert running.state is StepState.DRIFTED, "RDS takes one replication of a name: asked again it refuses for ever"
    ends_it = f"rds stop-db-instance-automated-backups-replication --region {SIT.regions.dr} --source-db-instance-arn "
    assert f"{ends_it}{plain.ARN}`" in running.message
    fresh = replace(plain.REPLICATED, resource_id=CAME_HOME.resource_id)
    both = (plain.REPLICATED, fresh)
    assert standing(action, step, instances_primary=(CAME_HOME,), automated_backups_dr=both) is StepState.DONE
    pending = (replace(fresh, status="pending", latest=None),)
    assert standing(action, step, instances_primary=(CAME_HOME,), automated_backups_dr=pending) is StepState.IN_PROGRESS
    assert standing(action, step, instances_primary=(COPY,)) is StepState.DRIFTED, "not promoted yet"


def test_a_new_replica_protects_where_the_old_one_was_promoted() -> None:
    action, recorded = database_replication.REPLICATE_TO_DR, {f"database/restore_dr:{NAME}": {"source": plain.ARN}}
    replica, keeping = action.plan_steps(sight(recorded=recorded))
    assert replica.stage < keeping.stage
    assert replica.call is not None
    assert replica.call.params["KmsKeyId"] == KEY
    there = {"instances_primary": (CAME_HOME,)}
    aside = replace(SERVED, identifier=failback.retained_name(SERVED))
    instance = replace(plain.REPLICA, retention_days=0)
    assert standing(action, replica, instances_dr=(aside,), **there) is StepState.READY
    assert standing(action, replica, instances_dr=(aside, instance), **there) is StepState.DONE
    assert standing(action, replica, instances_dr=(SERVED,), **there) is StepState.DRIFTED
    assert standing(action, keeping, instances_dr=(instance,), **there) is StepState.READY
    assert standing(action, keeping, instances_dr=(plain.REPLICA,), **there) is StepState.DONE
