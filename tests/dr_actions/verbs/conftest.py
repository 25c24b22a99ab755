"""One world for all tests of what is restored: each test gets it as it was, and as old as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dr_actions.verbs.compute_world import World, world_of


@pytest.fixture(scope="session")
def kept_world() -> Iterator[World]:
    """A healthy world that can be returned to, whose changes take a second."""
    with world_of() as standing:
        standing.endpoint.timing(transition_s=1)
        standing.endpoint.keep("whole")
        yield standing


@pytest.fixture
def stores(kept_world: World) -> Iterator[World]:
    """The healthy world; whatever was done to it is forgotten afterwards."""
    kept_world.hand.sent.clear()
    yield kept_world
    kept_world.endpoint.return_to("whole")
