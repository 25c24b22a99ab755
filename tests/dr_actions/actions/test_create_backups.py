"""As whom AWS Backup makes the backups before a failback."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_actions.actions.backup import CREATE_BACKUPS, notes, plan_steps
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import backup, backup_plan, efs
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.plain import SIT, recorded, sight, with_part

OWN = "arn:aws:iam::815856636111:role/sit-backup-role"


def _roles(snapshot: Snapshot) -> set[str]:
    """Of the steps that the action plans upon what it looks at itself, as in the middle of a run."""
    own = CREATE_BACKUPS.reads_parts
    seen = replace(snapshot, parts={key: part for key, part in snapshot.parts.items() if part.name in own})
    calls = [step.call for step in plan_steps(sight(seen, goal=Goal.FAILBACK)) if step.call]
    return {call.params["IamRoleArn"] for call in calls if "IamRoleArn" in call.params}


@pytest.fixture
def without_copies() -> Snapshot:
    return with_part(recorded("healthy"), backup.recovery_points, Side.DR, ())


def test_before_the_first_copy_it_is_the_role_of_the_backup_plan(without_copies: Snapshot) -> None:
    assert _roles(recorded("healthy")) == _roles(without_copies) == {OWN}


def test_where_no_plan_shows_a_role_it_is_that_of_aws_backup(without_copies: Snapshot) -> None:
    plans = without_copies.get(backup_plan.plans, Side.PRIMARY)
    bare = tuple(
        replace(plan, selections=tuple(replace(selection, role="") for selection in plan.selections)) for plan in plans
    )
    unseen = Unavailable(UnavailableKind.ERROR, "It was not read.")
    for found in ((), bare, unseen):
        (role,) = _roles(with_part(without_copies, backup_plan.plans, Side.PRIMARY, found))
        assert role.endswith(":role/service-role/AWSBackupDefaultServiceRole")


def test_stores_that_the_estate_does_not_have_are_no_note() -> None:
    bare = with_part(recorded("healthy"), efs.file_systems, Side.DR, ())
    assert [note for note in notes(sight(bare, goal=Goal.FAILBACK)) if "has no files" in note]
    without = SIT.model_copy(update={"names": SIT.names.model_copy(update={"file_system": ""})})
    assert [] == [note for note in notes(sight(bare, env=without, goal=Goal.FAILBACK)) if "has no files" in note]
