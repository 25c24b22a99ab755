"""One world for all tests of what is restored: each test gets it as it was, and as old as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dr_actions.actions.compute.compute_world import World, world_of
from tests.dr_actions.actions.failback_world import Home, away_world, returned


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


@pytest.fixture(scope="session")
def kept_away_world() -> Iterator[Home]:
    """A world that failed over, whose primary is back."""
    with away_world() as standing:
        yield standing


@pytest.fixture
def away(kept_away_world: Home) -> Iterator[Home]:
    """The failed-over world; whatever was done to it is forgotten afterwards."""
    yield kept_away_world
    returned(kept_away_world)
