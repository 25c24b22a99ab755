"""A failover at the real pace, by a clock that is 120 times as fast: it takes as long as its plan was estimated to."""

from __future__ import annotations

from pathlib import Path

import pytest

from dr_actions.journal.entries import EntryKind
from dr_actions.planning.estimate import sizes_of
from dr_actions.planning.planner import plan_estimate_s
from dr_estate.config.environment import load_environment
from tests.hosting import hosted
from tests.proofs.rig import INCIDENT, ROOT, Rig
from utils.aws_mgmt.app.options import FailoverOptions

pytestmark = pytest.mark.proof

SPEED = 120
RESTORE = "database/restore_dr:sit-mysql"


@pytest.mark.parametrize("disaster", ["primary-dark"])
def test_a_failover_at_the_real_pace_takes_within_a_quarter_of_its_estimate(disaster: str, tmp_path: Path) -> None:
    env = load_environment(ROOT / "environments", "sit")
    options = FailoverOptions(environment=env.name, execute=True, incident=INCIDENT)
    with hosted(env, 1, speed=SPEED) as world:
        world.inject(disaster)
        due = Rig.of(world, env, tmp_path, options)
        world.timing(transition_s=None)
        world.pace("real")
        estimate_s = plan_estimate_s(due.start.plan, due.env, {}, sizes_of(due.start.snapshot, due.env))
        began_s = world.clock()["world"]
        code = due.run("away").wait()
        taken_s = world.clock()["world"] - began_s
        journal = due.journal("away").entries
    assert code == 0, due.said("away")
    (restored,) = [e for e in journal if e.kind is EntryKind.CONFIRMED and e.step == RESTORE]
    assert restored.data["facts"]["status"] == "backing-up"
    assert abs(taken_s - estimate_s) <= 0.25 * taken_s, (estimate_s, taken_s)
