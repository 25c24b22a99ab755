"""Each Next of each posture is pasted into a shell by whom it is meant for, in the world that it was printed in.

One disaster of the catalogue for each posture and answer: after a real failover test_last_lines does the same, and of
every disaster test_matrix judges the command.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dr_checks.posture.posture import PostureName
from dr_estate.config.environment import load_environment
from sandbox.client.endpoint import Endpoint
from sandbox.disasters import NO_ANSWER, Disaster, catalogue
from tests.proofs.pasting import PLACEHOLDER, RAN, Reader
from tests.proofs.test_matrix import CRAWLS, OF_PROD_ALONE, OF_WARM_ALONE
from tests.utils.running import direct_rules, dr_cli, rules, signed_in
from tests.worlds import borrowed

pytestmark = [pytest.mark.proof, pytest.mark.judge("awscli")]

QUICK = "[execution]\npoll_s = 0.2\n[observation]\nattempts = 1"
LOOKS = ("status --save-evidence", "failover --assess-only --from-evidence", "failback --assess-only --from-evidence")
"""The estate is read once: three commands judge it."""
BEFORE = "before the disaster"
BY_PERSON = {"REASON": "known"}
"""The words that only a person knows; the explanation above the command asks for each."""


@dataclass(frozen=True)
class Desk:
    """A person with the commands of one environment, and the world that they look at."""

    world: Endpoint
    home: Path
    config: Path
    environment: str

    def next_of(self, look: str) -> tuple[str, str]:
        """What comes next by a look, and its command."""
        words = f"-e {self.environment} --config {self.config} --format json {look} {self.home / 'seen.json'}"
        ran = dr_cli(words, self.home, **signed_in(self.world, "operator"))
        assert ran.code in RAN, ran.err
        return ran.report["next_step"], ran.report["next_command"]


@contextmanager
def _desk(home: Path, config: Path, environment: str) -> Iterator[Desk]:
    with borrowed(load_environment(config, environment), tenants=1) as world:
        world.keep(BEFORE)
        yield Desk(world, home, config, environment)


@pytest.fixture(scope="module")
def sit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    home = tmp_path_factory.mktemp("sit")
    with _desk(home, rules(home, "sit", QUICK), "sit") as desk:
        yield desk


@pytest.fixture(scope="module", params=["direct", "by AWS"])
def prod(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """PROD, where the operator runs a recovery and where AWS does."""
    home = tmp_path_factory.mktemp("prod")
    with _desk(home, (direct_rules if request.param == "direct" else rules)(home, "prod", QUICK), "prod") as desk:
        yield desk


def of_postures() -> list[str]:
    """The first disaster of each posture and answer, but the one of the healthy estate."""
    there = [d for d in catalogue() if d.name not in {*CRAWLS, *OF_PROD_ALONE, *OF_WARM_ALONE}]
    first: dict[tuple[str, str], Disaster] = {}
    for disaster in there:
        first.setdefault((disaster.posture, disaster.answer), disaster)
    return [d.name for d in first.values() if d.posture not in (NO_ANSWER, PostureName.NORMAL)]


def _faults(desk: Desk, name: str) -> list[str]:
    """What each look says is next while the disaster is in force, where it does not run."""
    faults, pasted, reader = list[str](), set[str](), Reader(desk.world, desk.home)
    if name:
        desk.world.inject(name)
    try:
        for look in LOOKS:
            step, command = desk.next_of(look)
            unasked = [w for w in PLACEHOLDER.findall(command) if w not in BY_PERSON or step.count(w) < 2]
            faults += [f"{look}: no command: {step}"] if not command else []
            faults += [f"{look}: {word} stands unexplained in: {step}" for word in unasked]
            for word, filled in BY_PERSON.items():
                command = re.sub(rf"\b{word}\b", shlex.quote(filled), command)
            if command and command not in pasted:
                pasted.add(command)
                faults += [f"{look}: {fault}"] if (fault := reader.fault(command)) else []
    finally:
        desk.world.return_to(BEFORE)
    return faults


@pytest.mark.parametrize("name", ["", *of_postures()], ids=lambda name: name or "healthy")
def test_next_is_one_command_that_runs_as_it_stands(sit: Desk, name: str) -> None:
    assert _faults(sit, name) == []


@pytest.mark.parametrize("name", ["primary-dark", "primary-reads-only"])
def test_next_of_an_outage_of_prod_is_one_command_that_runs_as_it_stands(prod: Desk, name: str) -> None:
    assert _faults(prod, name) == []
