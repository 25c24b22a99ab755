"""Away and home again where IAM is enforced: the operator's own policies deny not one call of it, and each is needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dr_actions.entries import Kind
from dr_actions.journal import journal_path, read
from dr_actions.plan import Plan, from_json
from dr_estate.environments import Side, load_environment
from sandbox.embedded import running
from tests.proofs.sent_home import SENT
from tests.proofs.test_round_trip import INCIDENT, QUICK, ROOT, SHORT, Trip


@pytest.fixture(scope="module")
def enforced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trip]:
    """A world of one tenant, in which IAM is enforced, after a failover away from a dark primary that is back."""
    home = tmp_path_factory.mktemp("enforced")
    text = (ROOT / "environments" / "sit.toml").read_text(encoding="utf-8")
    (home / "sit.toml").write_text(f"{text}\n[failback]\n{SHORT}{QUICK}", encoding="utf-8")
    env = load_environment(home, "sit")
    with running(env, 1) as world:
        world.timing(transition_s=0.1, log_upload_s=0, files_lag_s=0, replica_lag_s=0, lag_published_s=1)
        world.break_("primary-dark")
        world.enforce_iam(True)
        yield Trip(world, env, home)


def executed(made: Trip) -> Plan:
    """The plan of the last run."""
    entries = read(journal_path(made.home / "out" / "incidents", "sit", INCIDENT), "sit", INCIDENT).entries
    begun = [entry for entry in entries if entry.kind is Kind.BEGIN][-1]
    return from_json(begun.data["plan"])


def sent(made: Trip) -> list[dict[str, Any]]:
    """The changes that the operator made."""
    return [one for one in made.world.mutations() if one["who"] == "operator"]


def test_a_failover_and_its_failback_are_run_without_one_call_denied(enforced: Trip) -> None:
    made = enforced
    away = made.weighed("failover")
    done = made.execute(away, "failover")
    assert (done.returncode, made.world.denied()) == (0, []), done.stdout + done.stderr
    made.world.mend("primary-dark")
    home = made.weighed("failback")
    assert (home["recommendation"], made.world.denied()) == ("PROCEED", []), home["reasons"]
    done = made.execute(home, "failback")
    assert (done.returncode, made.world.denied()) == (0, []), done.stdout + done.stderr
    plan = executed(made)
    strayed = [
        (step.id, step.call.name, step.call.region)
        for step in plan.steps
        if step.call is not None
        if step.call.region not in {made.env.region(side) for side in SENT[step.verb][step.call.name]}
    ]
    assert [] == strayed
