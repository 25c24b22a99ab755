"""A failover at the real pace: AWS's states are passed through, and it takes as long as its plan was estimated to.

The world grows older while the run waits, instead of the test: what is compared is the world's own time. It does so
in larger steps while the database is restored, and in small ones where looks count.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dr_actions.journal.entries import EntryKind
from dr_actions.planning.estimate import sizes_of
from dr_actions.planning.planner import plan_estimate_s
from dr_estate.config.environment import Side
from tests.proofs.rig import Rig, rig
from tests.sandbox.conftest import client_of

RESTORING_S, USUAL_S, EVERY_S = 60, 15, 0.5
RESTORE = "database/restore_dr:sit-mysql"


@contextmanager
def ageing(due: Rig) -> Iterator[list[int]]:
    """Let the world grow older again and again; yields by how many seconds so far."""
    rds, ages, stop = client_of(due.world, "rds", due.env.region(Side.DR), "admin"), [0], threading.Event()

    def grow() -> None:
        while not stop.wait(EVERY_S):
            statuses = {row["DBInstanceStatus"] for row in rds.describe_db_instances()["DBInstances"]}
            ages.append(RESTORING_S if "creating" in statuses else USUAL_S)
            due.world.age(ages[-1])

    thread = threading.Thread(target=grow, daemon=True)
    thread.start()
    try:
        yield ages
    finally:
        stop.set()
        thread.join()


@pytest.mark.proof
def test_a_failover_at_the_real_pace_takes_within_a_quarter_of_its_estimate(tmp_path: Path) -> None:
    with rig(tmp_path, "primary-dark", poll_s=0.2, lease_s=3600) as due:
        due.begin()
        due.world.timing(transition_s=None)
        due.world.pace("real")
        estimate_s = plan_estimate_s(due.start.plan, due.env, {}, sizes_of(due.start.snapshot, due.env))
        began = time.monotonic()
        with ageing(due) as ages:
            code = due.run("away").wait()
            taken_s = sum(ages) + time.monotonic() - began
        assert code == 0, due.said("away")
        (restored,) = [e for e in due.whole_journal("away") if e.kind is EntryKind.CONFIRMED and e.step == RESTORE]
        assert restored.data["facts"]["status"] == "backing-up"
        assert abs(taken_s - estimate_s) <= 0.25 * taken_s, (estimate_s, taken_s)
