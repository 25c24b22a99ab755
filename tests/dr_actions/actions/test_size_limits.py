"""What shows no progress while AWS copies it is waited for by its size: a large one is not said to stand still."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dr_actions.actions.database import replication as database_replication
from dr_actions.actions.database import restore_dr
from dr_actions.actions.files.replication import sync_limit_s
from dr_actions.model.action import PlanContext
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Side
from dr_estate.model.aws_durations import operation
from dr_estate.readers import vpc
from tests.dr_actions.actions.database.test_failback import SERVED, sight
from tests.dr_checks import databases as plain
from tests.dr_checks.backups import FILE_SYSTEM
from tests.dr_checks.worlds import SIT
from tests.dr_checks.worlds import world as values_of

GIB = 1024**3


def most_s(name: str, gib: int) -> float:
    return operation(name).wait_seconds(0.9, gib=gib)


@pytest.mark.parametrize("gib", [1, 40, 200, 5120])
def test_a_first_sync_of_files_is_waited_for_longer_than_nine_of_ten_take(gib: int) -> None:
    limit_s = sync_limit_s(replace(FILE_SYSTEM, size_bytes=gib * GIB))
    assert limit_s >= max(4 * 3600, 1.3 * most_s("efs.first-sync", gib))


@pytest.mark.parametrize("gib", [20, 200, 5120])
def test_a_database_that_comes_home_is_waited_for_longer_than_nine_in_ten(gib: int) -> None:
    context = sight(instances_dr=(replace(SERVED, storage_gib=gib),))
    (step,) = database_replication.REPLICATE_TO_PRIMARY.plan_steps(context)
    assert step.budget_s >= max(3 * 3600, 1.3 * most_s("rds.create-replica", gib))


@pytest.mark.parametrize("gib", [20, 200, 5120])
def test_a_restored_database_is_waited_for_longer_than_nine_in_ten(gib: int) -> None:
    rows = plain.database(instances_primary=(replace(plain.PRIMARY, storage_gib=gib),))
    values = values_of(rows | {(vpc.security_groups, Side.DR): ()}, env=SIT)
    (step,) = restore_dr.RESTORE_DR.plan_steps(PlanContext(SIT, values, Goal.FAILOVER, primary_answers=False))
    assert step.budget_s >= max(45 * 60, 1.3 * most_s("rds.restore-to-point-in-time", gib))
