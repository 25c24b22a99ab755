"""The worlds of the proofs, each seen once while it is whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dr_estate.environments import load_environment
from sandbox.endpoint import Endpoint
from tests.proofs.watching import Watch, watch
from tests.utils.running import ROOT
from tests.worlds import borrowed


@pytest.fixture(scope="session")
def sit_watch(sandbox_world: Endpoint) -> Watch:
    """The watched world of SIT, shared with all other tests."""
    return watch(sandbox_world, load_environment(ROOT / "environments", sandbox_world.environment))


@pytest.fixture(scope="session")
def prod_watch() -> Iterator[Watch]:
    """A watched world of PROD, whose customers have host names of their own."""
    prod = load_environment(ROOT / "environments", "prod")
    with borrowed(prod, tenants=3) as world:
        yield watch(world, prod)
