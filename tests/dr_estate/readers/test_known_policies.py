"""What an earlier look knows of secrets' policies: it counts that day, while no secret changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from dr_estate.aws.clock import WorldClock
from dr_estate.aws.immutable_answers import ImmutableAnswers
from dr_estate.config.environment import Side
from dr_estate.readers import secret_policies
from dr_estate.snapshot.observer import observe_with
from tests.dr_estate.test_call_growth import SIT, WHEN, ListedWorld

LISTED, ASKED = "secretsmanager:ListSecrets", "secretsmanager:GetResourcePolicy"
PART = frozenset({secret_policies.policies.name})
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
SIZE = 3


def _look(world: ListedWorld, known: ImmutableAnswers, now: datetime = NOON) -> tuple[int, ImmutableAnswers]:
    """How many policies were asked for, and what the next look knows."""
    answers = ImmutableAnswers(orjson.loads(orjson.dumps({**known.known, **known.fresh})))
    client = world.read_client(immutable=answers, clock=WorldClock(system=now.timestamp))
    rows = observe_with(client, "listed", only=PART).get(secret_policies.policies, Side.DR)
    assert {row.arn for row in rows if isinstance(row, secret_policies.SecretPolicy)} == {
        row["ARN"] for row in world.lists[LISTED]
    }
    return client.calls[ASKED], answers


@pytest.fixture
def world() -> ListedWorld:
    return ListedWorld(SIT, tenants=SIZE)


def test_a_second_look_of_a_day_asks_for_no_policy_of_unchanged_secrets(world: ListedWorld) -> None:
    count, known = _look(world, ImmutableAnswers())
    assert count == SIZE
    assert _look(world, known)[0] == 0
    assert _look(world, known, NOON + timedelta(days=1))[0] == SIZE, "no answer counts longer than its day"


def test_a_secret_that_changed_is_asked_for_its_policy_again(world: ListedWorld) -> None:
    _, known = _look(world, ImmutableAnswers())
    world.lists[LISTED][0]["LastChangedDate"] = WHEN + timedelta(days=1)
    assert _look(world, known)[0] == 1


@pytest.mark.parametrize("changed_at", [NOON - timedelta(minutes=59), None])
def test_what_changed_recently_or_at_an_unknown_time_is_asked_each_time(
    world: ListedWorld, changed_at: datetime | None
) -> None:
    world.lists[LISTED][0]["LastChangedDate"] = changed_at
    _, known = _look(world, ImmutableAnswers())
    assert _look(world, known)[0] == 1
