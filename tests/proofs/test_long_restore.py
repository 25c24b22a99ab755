"""A database that RDS restores for hours: the run that AWS holds waits for it, and nobody has to approve it again."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from dr_estate.config.environment import Side, load_environment
from tests.hosting import hosted
from tests.proofs.test_automation import (
    EXECUTE,
    INCIDENT,
    PATIENCE_S,
    QUICK,
    Prod,
    change_by_hand,
    shown,
    with_primary_dark,
)
from tests.utils.running import rules
from utils.aws_mgmt.app.exit_codes import Exit

pytestmark = pytest.mark.proof

# The lock outlives a change of the clock's speed: its heartbeat comes by the speed before.
SLOW = QUICK.replace("[execution]", "[execution]\nlease_s = 7200")


@pytest.mark.parametrize("hours", [1.5, 3])
def test_a_restore_of_hours_ends_with_all_served_by_one_approval(tmp_path: Path, hours: float) -> None:
    config = rules(tmp_path, "prod", SLOW)
    with hosted(load_environment(config, "prod"), 1) as world:
        assert_restored(with_primary_dark(world, tmp_path, config), hours)


def assert_restored(prod: Prod, hours: float) -> None:
    """One order and one approval: the run waits for RDS, and then for the DNS change."""
    prod.world.timing(restore_s=hours * 3600)
    laptop, execution = prod.asked(EXECUTE, "laptop")
    assert prod.run(f"approve --incident {INCIDENT}", "approver").code == 0
    shown(laptop, r"^step .*Restore .*database")
    rds, name = prod.aws("reader").client("rds", Side.DR), prod.env.named(prod.env.names.database)
    ends, found = time.monotonic() + PATIENCE_S, "absent"
    while found != "available":  # fast from RDS's word on until its next one
        assert time.monotonic() < ends, (found, laptop.err)
        rows = [row for row in rds.describe_db_instances()["DBInstances"] if row["DBInstanceIdentifier"] == name]
        found = rows[0]["DBInstanceStatus"] if rows else "absent"
        if found == "creating":
            prod.world.set_speed(120 * hours)  # half a minute in all: a look of a busy machine takes seconds
        time.sleep(0.2)
    prod.world.set_speed(1)
    change_by_hand(prod, laptop)
    assert laptop.wait(PATIENCE_S) == Exit.READY, laptop.err
    validated = prod.run(f"failover --validate --incident {INCIDENT}")
    assert validated.code == Exit.READY, validated.out
    assert re.search(rf"has taken .*, and nothing of it moves, and AWS works on it: {name} is restored", laptop.err)
    executions = prod.ssm("reader").describe_automation_executions()["AutomationExecutionMetadataList"]
    assert [(row["AutomationExecutionId"], row["AutomationExecutionStatus"]) for row in executions] == [
        (execution, "Success")
    ]
