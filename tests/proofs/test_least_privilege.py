"""Away and home again where IAM is enforced: the operator's own policies deny not one call of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from dr_actions.entries import Kind
from dr_actions.journal import journal_path, read
from dr_actions.plan import Plan, from_json
from dr_estate.environments import Environment, load_environment
from sandbox.endpoint import Endpoint
from tests.proofs.processes import forked
from tests.proofs.sent_home import SENT
from tests.proofs.test_round_trip import INCIDENT, QUICK, ROOT, SHORT
from tests.utils.running import signed_in
from tests.worlds import borrowed
from utils.aws_mgmt.arguments import parse
from utils.aws_mgmt.wall import behind_the_wall

AWAY = ("files.sit-efs",)
HOME = ("open_files.sit-efs", "replicate_files_home.sit-efs", "promoted_home.sit-mysql")


@dataclass(frozen=True)
class Enforced:
    """A world of one tenant, whose IAM judges every call, and the operator's command line in it."""

    world: Endpoint
    env: Environment
    home: Path

    def execute(self, command: str, confirmed: tuple[str, ...]) -> tuple[int, str]:
        """Run ``command`` with the operator's keys; returns how it ended, and what it said."""
        words = ["-e", self.env.name, "--config", str(self.home), "--output", str(self.home / "out"), command]
        words += ["--execute", "--incident", INCIDENT, *(word for step in confirmed for word in ("--confirm", step))]
        log = self.home / f"{command}.log"
        log.touch()
        process = forked(partial(self._as_the_operator, words), log)
        return process.wait(), process.said

    def _as_the_operator(self, words: list[str]) -> int:
        os.environ.update(signed_in(self.world, "operator") | {"XDG_STATE_HOME": str(self.home / "state")})
        return int(behind_the_wall(parse(words)))

    @property
    def plan(self) -> Plan:
        """The plan of the last run."""
        path = journal_path(self.home / "out" / "incidents", self.env.name, INCIDENT)
        begun = [entry for entry in read(path, self.env.name, INCIDENT).entries if entry.kind is Kind.BEGIN]
        return from_json(begun[-1].data["plan"])


@pytest.fixture(scope="module")
def enforced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enforced]:
    home = tmp_path_factory.mktemp("enforced")
    text = (ROOT / "environments" / "sit.toml").read_text(encoding="utf-8")
    (home / "sit.toml").write_text(f"{text}\n[failback]\n{SHORT}{QUICK}", encoding="utf-8")
    env = load_environment(home, "sit")
    with borrowed(env, 1) as world:
        world.timing(transition_s=0.1, log_upload_s=0, files_lag_s=0, replica_lag_s=0, lag_published_s=1)
        world.break_("primary-dark")
        world.enforce_iam(True)
        yield Enforced(world, env, home)


def test_a_failover_is_run_without_one_call_denied(enforced: Enforced) -> None:
    code, said = enforced.execute("failover", AWAY)
    assert (code, enforced.world.denied()) == (0, []), said
    assert enforced.plan.goal == "failover"
    assert [one for one in enforced.world.mutations() if one["person"] == "operator" and not one["control"]]


def test_the_failback_after_it_is_run_without_one_call_denied_and_sends_each_where_the_policies_expect_it(
    enforced: Enforced,
) -> None:
    enforced.world.mend("primary-dark")
    code, said = enforced.execute("failback", HOME)
    assert (code, enforced.world.denied()) == (0, []), said
    plan, regions = enforced.plan, enforced.env.region
    assert plan.goal == "failback"
    calls = [(step.verb, step.call) for step in plan.steps if step.call is not None]
    assert {"back_up", "copy_objects_home", "database_home", "open_files", "promoted_home", "set_aside"} <= {
        verb for verb, _ in calls
    }
    strayed = [
        (verb, call.name, call.region)
        for verb, call in calls
        if call.region not in {regions(side) for side in SENT[verb][call.name]}
    ]
    assert [] == strayed


def test_a_call_that_the_policies_do_not_allow_is_told_as_denied(enforced: Enforced) -> None:
    keys, region = enforced.world.people["operator"], enforced.env.regions.primary
    client = boto3.client(
        "rds",
        region,
        endpoint_url=enforced.world.url,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_db_instance(DBInstanceIdentifier="sit-mysql", SkipFinalSnapshot=True)
    assert ["rds:DeleteDBInstance"] == [one["action"] for one in enforced.world.denied()]
