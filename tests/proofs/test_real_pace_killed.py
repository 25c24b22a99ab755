"""At AWS's real pace, by a fast clock: a run that is killed, and one whose calls fail, ends as if undisturbed.

A restore of some forty minutes is under way when a process dies or a call fails, so that its heir meets AWS's states
half way: creating, backing up, a service whose tasks drain. The same proofs at the quick pace meet more points.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dr_estate.config.environment import load_environment
from tests.hosting import hosted
from tests.proofs.killing import Undisturbed, at_each_kind, at_what_none_met
from tests.proofs.rig import FULL as EVERY_CALL
from tests.proofs.rig import INCIDENT, ROOT, Rig, quick
from tests.proofs.test_faulted import FULL as EVERY_WAY
from tests.proofs.test_faulted import WAYS, Faulted, fault, unmet
from utils.aws_mgmt.app.options import FailoverOptions

pytestmark = pytest.mark.proof

SPEED = 240
LEASE_S, POLL_S = 600, 20.0  # of the world: two and a half real seconds, and a twelfth of one
SECOND_ZONE = frozenset({"rds.instances.dr[0].status"})
"""The run does not wait for the copy in a second zone: everybody is served by then."""
OLD_METRICS = frozenset(f"s3.lag_metrics.dr[{row}].{what}" for row in range(8) for what in ("at", "value"))
"""What a silent region measured last is too old to be read, hours later."""
GOES_ON = ("database/restore_dr:sit-mysql", "traffic/verify_arrival:eu-west-1")
"""A second zone is asked for, and the database is modifying again; requests are counted by the minute."""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    home: Path = tmp_path_factory.mktemp("real")
    env = quick(load_environment(ROOT / "environments", "sit"), lease_s=LEASE_S, poll_s=POLL_S)
    once = env.observation.model_copy(update={"attempts": 1})
    env = env.model_copy(update={"observation": once})
    with hosted(env, 1, speed=SPEED) as world:
        world.inject("primary-dark")
        world.timing(transition_s=None)
        world.pace("real")
        yield Rig.of(world, env, home, FailoverOptions(environment=env.name, execute=True, incident=INCIDENT))


def test_a_run_killed_at_each_kind_of_call_ends_as_if_undisturbed(real: Rig) -> None:
    """Before and after every call with DR_FULL_KILLS=1."""
    whole = Undisturbed.of(real, passing=SECOND_ZONE | OLD_METRICS)
    assert whole.ends == "done"
    died = whole.survives("mutations", at_what_none_met if EVERY_CALL else at_each_kind)
    assert whole.operations == {name.split()[1] for _, name in died}
    assert not EVERY_CALL or len(died) >= 2 * whole.calls.total()


def test_a_run_whose_calls_fail_once_ends_after_true_accounts(real: Rig) -> None:
    """Each call in each of the ways with DR_FULL_FAULTS=1."""
    faulted = Faulted(replace(real, home=real.home / "faulted"), later=GOES_ON, passing=SECOND_ZONE)
    sent = [operation for operation in faulted.operations if operation[1] in ("rds", "efs", "ecs", "route53")]
    for turn in range(len(WAYS) if EVERY_WAY else 1):
        real.begin()
        for number, operation in enumerate(sent, turn):
            real.world.begin(fault(operation, WAYS[number % len(WAYS)]))
        assert faulted.finishes(f"failing-{turn}") > 1
        assert set(unmet(real)) < set(sent)
