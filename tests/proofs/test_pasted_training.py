"""docs/training.md as a trainer and a player paste it: the session, and the solution of each scenario solves it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dr_estate.config.environment import load_environment
from sandbox.client import daemon
from sandbox.client.endpoint import Endpoint
from sandbox.training.scenarios import catalogue
from tests.proofs.pasting import Newcomer, blocks, commands, newcomer_in, sections
from tests.utils.running import ROOT

pytestmark = [pytest.mark.proof, pytest.mark.judge("awscli")]

PAGE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
SESSION, KEYS = blocks(sections(PAGE, "##")["Hold a session"])
SOLUTIONS = sections(sections(PAGE, "##")["Solutions"], "###")
LONG = "region-lost-at-night"
"""Its commands and its disaster are those of docs/get-started.md: DR_FULL_TRAINING=1 alone pastes them here too."""
PLAYED = [name for scene in catalogue() if (name := scene.name) != LONG or os.environ.get("DR_FULL_TRAINING") == "1"]
QUICK = "[execution]\npoll_s = 0.2\n[observation]\nattempts = 1\n"


@pytest.fixture(scope="module")
def player(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Newcomer, Endpoint]]:
    with newcomer_in(tmp_path_factory.mktemp("player")) as person, _session(person) as world:
        yield person, world


@contextmanager
def _session(person: Newcomer) -> Iterator[Endpoint]:
    rules = person.checkout / "environments" / "sit.toml"
    rules.write_text(f"{rules.read_text(encoding='utf-8')}\n{QUICK}", encoding="utf-8")
    env = load_environment(rules.parent, "sit")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DR_SANDBOX_HOME", person.variables["DR_SANDBOX_HOME"])
        try:
            assert [] == person.faults(commands(SESSION))
            world = daemon.find(env)
            assert world is not None
            world.timing(transition_s=0.1)
            world.keep("healthy")
            yield world
        finally:
            daemon.purge(env)


@pytest.mark.parametrize("name", PLAYED)
def test_the_solution_on_the_page_solves_the_scenario(player: tuple[Newcomer, Endpoint], name: str) -> None:
    person, world = player
    world.return_to("healthy")
    printed = [*commands(SESSION)[:2], f"dr sandbox train {name} --pace quick\n", *commands(KEYS)]
    for block in blocks(SOLUTIONS[name]):
        printed += commands(block)
    assert [] == person.faults([*printed, "dr sandbox debrief\n"])
