"""One world of SIT for all proofs, seen once while it is whole."""

from __future__ import annotations

import pytest

from dr_estate.environments import load_environment
from sandbox.endpoint import Endpoint
from tests.proofs.watching import Watch, watch
from tests.utils.running import ROOT


@pytest.fixture(scope="session")
def sit_watch(sandbox_world: Endpoint) -> Watch:
    """The watched world of the chosen environment, whole when it was first seen."""
    return watch(sandbox_world, load_environment(ROOT / "environments", sandbox_world.environment))
