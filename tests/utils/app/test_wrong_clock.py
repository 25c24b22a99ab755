"""A machine whose clock is hours wrong: what is decided and recorded goes by the time that the world's answers give."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from dr_estate.aws.clock import WorldClock
from sandbox.client.endpoint import Endpoint
from tests.dr_actions.control_tables import SIT
from tests.dr_actions.deciding import approval, refused
from tests.hosting import hosted
from tests.worlds import world_of
from utils.aws_mgmt.app.connections import AppContext, connect

HOUR = timedelta(hours=1)
SOON = timedelta(seconds=3)


@pytest.fixture(scope="module")
def bare() -> Iterator[Endpoint]:
    """A world that holds its people alone."""
    with hosted(SIT, 1, seeded=False) as endpoint:
        yield endpoint


@pytest.fixture(params=[2 * HOUR, -2 * HOUR], ids=["two hours ahead", "two hours behind"])
def reached(bare: Endpoint, request: pytest.FixtureRequest) -> AppContext:
    """The world as a machine reaches it whose clock is wrong."""
    wrong_s = request.param.total_seconds()
    return connect(world_of(bare, "operator", WorldClock(lambda: time.time() + wrong_s)), SIT)


def test_an_approval_expires_by_the_worlds_time_alone(reached: AppContext) -> None:
    now = datetime.now(UTC)
    fresh = approval(at=now - HOUR / 2, expires_at=now + HOUR / 2)
    expired = approval(at=now - HOUR, expires_at=now - SOON)
    assert refused(approvals=(fresh,), now=reached.clock.now()) == {}
    assert "it expired at" in refused(approvals=(expired,), now=reached.clock.now())["authority.two-people"]


def test_what_is_recorded_has_the_worlds_time(reached: AppContext) -> None:
    assert abs(reached.control.now() - datetime.now(UTC)) < SOON


def test_the_skew_is_reported(reached: AppContext) -> None:
    assert "Set it (NTP)" in reached.clock.skew_message()
