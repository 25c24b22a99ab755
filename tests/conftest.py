"""The order of the tests, and which of them are played when.

What takes longest begins first, so that no process is left to play out a long file alone. What is marked ``proof`` is
reported as skipped unless DR_PROOFS asks for the proofs: for them alone (``1``, `make proofs`), or for both (``all``,
`make exhaustive`). `make test` leaves the proofs out.
"""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

from sandbox.moto_ext import speedups
from sandbox.world.moto_app import SETTINGS

LONG = (
    *("tests/proofs/", "tests/utils/", "tests/dr_actions/", "tests/benchmarks/", "tests/sandbox/", "tests/house/"),
    *("tests/dr_estate/", "tests/golden/", "tests/deploy/"),
)
PROOFS = os.environ.get("DR_PROOFS", "")
GARBAGE = (100_000, 50, 100)  # an emulator and 7,000 tests stay as they are: looking for garbage costs a tenth
# No profile of Hypothesis beside this one: a slow machine fails no test, and CI tries the same examples each time.
settings.register_profile(
    "house",
    deadline=None,
    max_examples=100 if PROOFS else 40,
    derandomize="CI" in os.environ,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("house")
LATER = pytest.mark.skip(reason="a proof: `make proofs` plays it")


def pytest_configure(config: pytest.Config) -> None:
    """Read botocore's models fast, and let the workers share what forks their sandboxes; forked ones, commands too."""
    gc.set_threshold(*GARBAGE)  # from the start: what is imported and collected is no garbage either
    speedups.install()
    os.environ.pop("GITHUB_ACTIONS", None)  # the tests' own CI may run there; its annotations are not under test
    os.environ.update(SETTINGS)  # moto reads them at import
    several = getattr(config.option, "numprocesses", None) or getattr(config.option, "processes", None)
    if several and not hasattr(config, "workerinput"):
        from tests import hosting

        hosting.begin()
    if getattr(config.option, "processes", None):
        from tests.utils import forking

        forking.begin_server()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whole runs first, then what asks a sandbox, and what only reckons fills the gaps."""
    items.sort(key=_rank)
    gc.freeze()
    if PROOFS == "all":
        return
    proofs = [item for item in items if item.get_closest_marker("proof") is not None]
    if PROOFS or getattr(config.option, "processes", None):
        others = [item for item in items if item.get_closest_marker("proof") is None]
        items[:], left_out = (proofs, others) if PROOFS else (others, proofs)
        config.hook.pytest_deselected(items=left_out)
        return
    for item in proofs:
        item.add_marker(LATER)


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    """Look once, at the end, for what only the garbage collector ends: pytest looks twice, through all that stands."""
    gc.collect()
    gc.freeze()


def _rank(item: pytest.Item) -> int:
    return next((rank for rank, folder in enumerate(LONG) if item.nodeid.startswith(folder)), len(LONG))
