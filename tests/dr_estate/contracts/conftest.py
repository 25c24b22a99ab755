"""The clients of the contracts, made once a process."""

from __future__ import annotations

import pytest

from tests.dr_estate.contracts.answering import Answered


@pytest.fixture(scope="session")
def answered() -> Answered:
    return Answered()
