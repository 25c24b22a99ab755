"""A canary goes through every state and is gone; a wrong answer fails it, and it is taken away all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dr_actions.execution.executor import Outcome
from dr_actions.execution.run import StepFailed
from dr_actions.journal.entries import EntryKind
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.model.recovery_names import canary_name
from dr_estate.readers import route53
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.dr_actions.actions.canary.canary_values import TRIAL, with_traffic
from tests.dr_actions.execution.trial_world import Ground
from tests.dr_checks.worlds import SIT
from tests.sandbox.conftest import client_of
from tests.worlds import borrowed, healthy

pytestmark = pytest.mark.proof
_POLL = SIT.execution.model_copy(update={"poll_s": 0.15})
# few questions, for how visitors are shared out is proved elsewhere
_FEW = SIT.failback.model_copy(update={"dns_samples": 20, "stages": (10, 100)})
WEIGHTED = SIT.model_copy(update={"execution": _POLL, "failback": _FEW})
FAILOVER = with_traffic(WEIGHTED, policy="failover")
BY_HAND = with_traffic(WEIGHTED, dns_step="manual")
STATES = {"weighted": ["today", "away", "home-10", "home-100"], "failover": ["today", "away", "home-100"]}


class Trial(Ground):
    """One trial of a canary in the world, by the driller."""

    @property
    def name(self) -> str:
        return canary_name(self.env, self.env.traffic.zone, TRIAL)

    def run(self, goal: Goal) -> Outcome:
        """Plan upon a fresh look and carry it out; raises what ``execute`` raises."""
        seen = self.look(frozenset({route53.records.name}), healthy(self.endpoint, WEIGHTED))
        return self.execute(goal, TRIAL, seen)[1]

    def route53(self, operation: str, **params: Any) -> dict[str, Any]:
        """A call of a person who may do anything."""
        client = client_of(self.endpoint, "route53", self.env.region(Side.GLOBAL), "admin")
        answer: dict[str, Any] = getattr(client, operation)(**params)
        return answer

    def records(self) -> list[dict[str, Any]]:
        """Every record of the zone, as Route 53 has it now."""
        zone = healthy(self.endpoint, WEIGHTED).get(route53.zone, Side.GLOBAL)
        assert zone is not None
        return list(self.route53("list_resource_record_sets", HostedZoneId=zone.id)["ResourceRecordSets"])

    def by_hand(self, step: Step, unread: str = "") -> None:  # noqa: ARG002 - as a listener has it
        """A person makes the change that was printed."""
        assert step.call is not None
        self.route53("change_resource_record_sets", **step.call.params)


@pytest.fixture(scope="module")
def standing() -> Iterator[Endpoint]:
    """A world that enforces IAM, whose name servers hear of a change a moment later."""
    with borrowed(WEIGHTED, tenants=1) as endpoint:
        assert healthy(endpoint, WEIGHTED).parts
        endpoint.timing(transition_s=0.1, dns_lag_s=0.3)
        endpoint.enforce_iam(True)
        endpoint.keep("whole")
        yield endpoint


@pytest.fixture
def world(standing: Endpoint) -> Endpoint:
    """The world as it was kept, and as old."""
    standing.end()
    standing.return_to("whole")
    return standing


def _driven(trial: Trial) -> list[str]:
    """The states that were confirmed, in order."""
    steps = [entry.step or "" for entry in trial.entries(Goal.CANARY, TRIAL, EntryKind.CONFIRMED)]
    return [step.partition(":")[2] for step in steps if step.startswith("canary/drive:")]


@pytest.mark.parametrize("env", [pytest.param(WEIGHTED, id="weighted"), pytest.param(FAILOVER, id="failover")])
def test_every_state_is_confirmed_by_answers_and_the_zone_is_as_before(
    world: Endpoint, env: Environment, tmp_path: Path
) -> None:
    trial = Trial(world, env, tmp_path)
    before = trial.records()
    assert trial.run(Goal.CANARY).finished
    assert [row for row in trial.records() if trial.name.partition(".")[0] in row["Name"]]
    assert trial.run(Goal.CLEAN_UP).finished
    assert trial.records() == before
    assert _driven(trial) == STATES[env.traffic.policy]
    facts = [entry.data["facts"] for entry in trial.entries(Goal.CANARY, TRIAL, EntryKind.CONFIRMED)]
    assert all(fact["change"].endswith("INSYNC") and fact["propagation"].endswith(" s") for fact in facts)
    assert facts[1][f"answers {trial.name}"] == "0 of 20 lead to af-south-1, 20 to eu-west-1"


def test_servers_that_answer_as_before_fail_the_change_and_it_is_undone(world: Endpoint, tmp_path: Path) -> None:
    trial = Trial(world, WEIGHTED, tmp_path)
    before = trial.records()

    def deafen(step: Step) -> None:
        if step.id == "canary/drive:today":
            world.begin(Outage("us-east-1", "stale", "dns"))

    trial.listener.finished = deafen
    with pytest.raises(
        StepFailed, match=r"20 of 20 answers .* lead to af-south-1 and 0 to eu-west-1, 0 percent"
    ) as failure:
        trial.run(Goal.CANARY)
    assert failure.value.step == "canary/drive:away"
    assert [entry.step for entry in trial.entries(Goal.CANARY, TRIAL, EntryKind.UNDONE)] == ["canary/drive:away"]
    world.end()
    assert trial.run(Goal.CLEAN_UP).finished
    assert trial.records() == before


def test_by_hand_each_state_is_printed_and_verified_and_nothing_is_written(world: Endpoint, tmp_path: Path) -> None:
    trial = Trial(world, BY_HAND, tmp_path)
    before = trial.records()
    trial.listener.asked = trial.by_hand
    assert trial.run(Goal.CANARY).finished
    assert trial.run(Goal.CLEAN_UP).finished
    assert trial.records() == before
    assert _driven(trial) == STATES["weighted"]
    assert trial.entries(Goal.CANARY, TRIAL, EntryKind.INTENT) == []
    assert all("propagation" in entry.data["facts"] for entry in trial.entries(Goal.CANARY, TRIAL, EntryKind.CONFIRMED))
