"""A canary goes through every state and is gone; a wrong answer fails it, and it is taken away all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dr_actions.execution.run import StepFailed
from dr_actions.journal.journal import Kind
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Environment
from sandbox.core.state import Outage
from tests.dr_actions.actions.canary.canary_world import Trial
from tests.dr_actions.actions.compute.compute_world import SIT, World
from tests.dr_actions.actions.compute.failback_world import with_failback, with_traffic
from tests.dr_actions.hearing import Told

pytestmark = pytest.mark.proof
_POLL = SIT.execution.model_copy(update={"poll_s": 0.15})
# few questions, for how visitors are shared out is proved elsewhere
WEIGHTED = with_failback(SIT.model_copy(update={"execution": _POLL}), dns_samples=20, stages=(10, 100))
FAILOVER = with_traffic(WEIGHTED, policy="failover")
BY_HAND = with_traffic(WEIGHTED, dns_step="manual")
STATES = {"weighted": ["today", "away", "home-10", "home-100"], "failover": ["today", "away", "home-100"]}


@pytest.fixture
def world(stores: World) -> Iterator[World]:
    """The world, whose name servers hear of a change a moment later; what a failed test left in it is forgotten."""
    stores.endpoint.timing(transition_s=0.1, dns_lag_s=0.3)
    yield stores
    stores.endpoint.end()


def _driven(trial: Trial) -> list[str]:
    """The states that were confirmed, in order."""
    steps = [entry.step or "" for entry in trial.entries(Kind.CONFIRMED)]
    return [step.partition(":")[2] for step in steps if step.startswith("canary/drive:")]


@pytest.mark.parametrize("env", [pytest.param(WEIGHTED, id="weighted"), pytest.param(FAILOVER, id="failover")])
def test_every_state_is_confirmed_by_the_answers_and_the_zone_is_what_it_was(
    world: World, env: Environment, tmp_path: Path
) -> None:
    trial = Trial(world, env, tmp_path)
    before = trial.records()
    assert trial.run(Goal.CANARY).finished
    assert [row for row in trial.records() if trial.name.partition(".")[0] in row["Name"]]
    assert trial.run(Goal.CLEAN_UP).finished
    assert trial.records() == before
    assert _driven(trial) == STATES[env.traffic.policy]
    kept = [entry.data["facts"] for entry in trial.entries(Kind.CONFIRMED)]
    assert all(fact["change"].endswith("INSYNC") and fact["propagation"].endswith(" s") for fact in kept)
    assert kept[1][f"answers {trial.name}"] == "0 of 20 lead to af-south-1, 20 to eu-west-1"


def test_servers_that_hear_of_no_change_fail_it_with_what_they_said_and_it_is_taken_away(
    world: World, tmp_path: Path
) -> None:
    trial = Trial(world, WEIGHTED, tmp_path)
    before = trial.records()

    def deafen(step: Step) -> None:
        if step.id == "canary/drive:today":
            world.endpoint.begin(Outage("us-east-1", "stale", "dns"))

    with pytest.raises(
        StepFailed, match=r"20 of 20 answers .* lead to af-south-1 and 0 to eu-west-1, 0 percent"
    ) as told:
        trial.run(Goal.CANARY, Told(finished=deafen))
    assert told.value.step == "canary/drive:away"
    assert [entry.step for entry in trial.entries(Kind.UNDONE)] == ["canary/drive:away"]
    world.endpoint.end()
    assert trial.run(Goal.CLEAN_UP).finished
    assert trial.records() == before


def test_by_hand_each_state_is_printed_waited_for_and_verified_and_nothing_is_written(
    world: World, tmp_path: Path
) -> None:
    trial = Trial(world, BY_HAND, tmp_path)
    before = trial.records()
    assert trial.run(Goal.CANARY, Told(asked=trial.by_hand)).finished
    assert trial.run(Goal.CLEAN_UP, Told(asked=trial.by_hand)).finished
    assert trial.records() == before
    assert _driven(trial) == STATES["weighted"]
    assert trial.entries(Kind.INTENT) == []
    assert all("propagation" in entry.data["facts"] for entry in trial.entries(Kind.CONFIRMED))
