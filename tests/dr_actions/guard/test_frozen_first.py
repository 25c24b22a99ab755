"""Freeze before promotion: no failback makes a store of the primary region writable while the DR region may write."""

from __future__ import annotations

from typing import Any

import pytest

from dr_actions.guard.backup_first import FROZEN_FIRST, freeze_refusal
from dr_actions.guard.context import GuardContext
from dr_actions.model.plan import Call, Goal
from tests.dr_actions.deciding import NOW
from tests.dr_actions.guard.test_backup_first import DR, PRIMARY, SIT, call

PROMOTE = call("rds:PromoteReadReplica", PRIMARY, DBInstanceIdentifier="sit-mysql")
END = call("efs:DeleteReplicationConfiguration", DR, SourceFileSystemId="fs-2", DeletionMode="ALL_CONFIGURATIONS")


def judged(api_call: Call, goal: Goal = Goal.FAILBACK, **known: Any) -> str | None:
    refused = freeze_refusal(api_call, GuardContext(SIT, goal=goal, **known))
    return refused.rule if refused else None


@pytest.mark.parametrize("api_call", [PROMOTE, END], ids=["database", "files"])
def test_nothing_at_home_is_made_writable_before_the_dr_region_is_frozen(api_call: Call) -> None:
    assert judged(api_call) == FROZEN_FIRST
    assert judged(api_call, frozen_at=NOW, files_frozen_at=NOW) is None


def test_home_files_open_once_dr_files_freeze_and_the_database_after_them() -> None:
    assert (judged(END, files_frozen_at=NOW), judged(PROMOTE, files_frozen_at=NOW)) == (None, FROZEN_FIRST)


@pytest.mark.parametrize("goal", [Goal.FAILOVER, Goal.SWITCHOVER])
def test_a_way_into_the_dr_region_is_another_matter(goal: Goal) -> None:
    assert judged(END, goal) is None


def test_what_makes_nothing_writable_needs_no_freeze() -> None:
    replica = call("rds:CreateDBInstanceReadReplica", PRIMARY, DBInstanceIdentifier="sit-mysql")
    half = call("efs:DeleteReplicationConfiguration", PRIMARY, DeletionMode="LOCAL_CONFIGURATION_ONLY")
    assert (judged(replica), judged(half)) == (None, None)
