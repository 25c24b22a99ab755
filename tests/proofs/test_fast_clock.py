"""A run in a world whose clock is fast: its journal has the world's times, and its waits and limits are the world's."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from dr_actions.journal.entries import EntryKind
from dr_estate.config.environment import load_environment
from tests.hosting import hosted
from tests.proofs.rig import INCIDENT, ROOT, Rig, quick
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import FailoverOptions

pytestmark = pytest.mark.proof

SPEED = 60
RESTORE_S = 120.0
LONGEST_S = 90


def test_a_failover_at_sixty_times_the_speed_uses_the_clock_of_the_world(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A restore of two minutes is waited for in two seconds; the heartbeat keeps the lock meanwhile."""
    home = tmp_path_factory.mktemp("fast")
    env = quick(load_environment(ROOT / "environments", "sit"), poll_s=5.0, lease_s=60)
    options = FailoverOptions(environment=env.name, execute=True, incident=INCIDENT)
    with hosted(env, 1, speed=SPEED) as world:
        world.inject("primary-dark")
        of = Rig.of(world, env, home, options)
        of.world.timing(transition_s=RESTORE_S)
        began, real = world.clock(), time.monotonic()
        run = of.run("fast")
        assert Exit.READY == run.wait(), run.said
        real_s, ended = time.monotonic() - real, world.clock()
        entries = of.journal("fast").entries
    assert real_s < LONGEST_S
    moments = [entry.at for entry in entries]
    assert moments == sorted(moments)
    second = timedelta(seconds=SPEED)
    assert datetime.fromtimestamp(began["world"], UTC) - second <= moments[0]
    assert moments[-1] <= datetime.fromtimestamp(ended["world"], UTC) + second
    restored = {entry.kind: entry.at for entry in entries if str(entry.step).startswith("database/restore_dr:")}
    assert restored[EntryKind.CONFIRMED] - restored[EntryKind.OUTCOME] >= timedelta(seconds=RESTORE_S) - second
