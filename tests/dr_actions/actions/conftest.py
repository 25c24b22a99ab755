"""One world for all tests of what is restored: each test gets it as it was, and as old as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dr_actions.model.plan import Goal
from tests.dr_actions.actions.failback_world import Home, away_world, returned
from tests.dr_checks.worlds import SIT
from tests.worlds import borrowed, healthy


@pytest.fixture(scope="session")
def kept_world() -> Iterator[Home]:
    """A healthy world that can be returned to, whose changes take a second, and whose primary may be lost."""
    with borrowed(SIT, tenants=2) as endpoint:
        world = Home(endpoint, SIT, healthy(endpoint, SIT))
        world.goal = Goal.FAILOVER
        endpoint.timing(transition_s=1)
        endpoint.keep("whole")
        yield world


@pytest.fixture
def stores(kept_world: Home) -> Home:
    """The healthy world as it was kept, and as old: what other tests did, and the time they took, are forgotten."""
    kept_world.endpoint.return_to("whole")
    kept_world.hand.sent.clear()
    kept_world.sent_at.clear()
    kept_world.confirmed_at.clear()
    return kept_world


@pytest.fixture(scope="session")
def kept_away_world() -> Iterator[Home]:
    """A world that failed over, whose primary is back."""
    with away_world() as standing:
        yield standing


@pytest.fixture
def away(kept_away_world: Home) -> Home:
    """The failed-over world as it was kept, and as old."""
    return returned(kept_away_world)
