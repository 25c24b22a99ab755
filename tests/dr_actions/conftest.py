"""One unseeded world for all tests of the control table: each test makes a table of its own in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dr_actions.control_table.control import ControlStore
from sandbox.client.endpoint import Endpoint
from tests.dr_actions.control_tables import SIT, Clock, Plain, new_table, store
from tests.hosting import hosted


@pytest.fixture(scope="session")
def table_world() -> Iterator[Endpoint]:
    """A running world that holds its people alone."""
    with hosted(SIT, 1, seeded=False) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def sender(table_world: Endpoint) -> Plain:
    """The operator's plain sender; a test that hooks into it puts it back."""
    return Plain(table_world)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table_name(table_world: Endpoint) -> str:
    return new_table(table_world)


@pytest.fixture
def control(sender: Plain, table_name: str, clock: Clock) -> Iterator[ControlStore]:
    """The store over a fresh table."""
    yield store(sender, table_name, clock)
    sender.before = sender.after = lambda _call: None
