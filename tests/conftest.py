"""The order of the tests: what takes longest begins first, so that no process is left to play out a long file alone."""

from __future__ import annotations

import pytest

LONG = ("tests/proofs/", "tests/utils/", "tests/dr_actions/", "tests/benchmarks/", "tests/sandbox/", "tests/dr_estate/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole runs first, then what asks a sandbox, and what only reckons fills the gaps."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    return next((rank for rank, folder in enumerate(LONG) if item.nodeid.startswith(folder)), len(LONG))
