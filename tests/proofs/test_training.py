"""Each training scenario is solved when played well, and not when played badly or not at all: the world itself judges.

``DR_FULL_TRAINING=1`` plays every scenario to its good end with the real command line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from dr_estate.config.environment import Environment, Side, load_environment
from sandbox.client import daemon
from sandbox.client.endpoint import Endpoint
from sandbox.training.scenarios import catalogue
from tests.utils.running import Ran, dr_cli, rules
from tests.worlds import home_with_seeds
from utils.aws_mgmt.cli.error_boundary import run_command
from utils.aws_mgmt.cli.parser import parse

FULL = os.environ.get("DR_FULL_TRAINING") == "1"
"""Play every scene to its good end with the real command line, which takes minutes."""

QUICK = "[execution]\npoll_s = 0.2\ncool_down_minutes = 0\n[observation]\nattempts = 1"
ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=2)


@dataclass
class Ground:
    """A sandbox of two tenants, and where its commands keep their files."""

    world: Endpoint
    env: Environment
    home: Path
    config: Path

    @property
    def tenants(self) -> list[str]:
        """The tenants of the world, in order."""
        return list(self.world.state()["tenants"])

    def cli(self, words: str, *more: str) -> Ran:
        """Run a command as its users do; ``more`` are words that hold blanks."""
        line = f"-e {self.env.name} --config {self.config} --sandbox {words}"
        return dr_cli(line, self.home, extra=more)

    def client(self, service: str, side: Side) -> Any:
        """A plain client of the admin, who tries once."""
        keys = self.world.people["admin"]
        return boto3.client(
            service,
            self.env.region(side),
            endpoint_url=self.world.url,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            config=ONCE,
        )

    def service(self, tenant: str) -> dict[str, str]:
        """Cluster and service of a tenant."""
        names = self.env.names
        return {"cluster": self.env.named(names.cluster), "service": self.env.named(names.service, tenant=tenant)}

    def standings(self) -> dict[str, str]:
        """How each goal of the scene stands."""
        return {goal["id"]: goal["standing"] for goal in self.world.debrief()["goals"]}


@dataclass(frozen=True)
class Here:
    """Runs ``sandbox`` commands in this process: quicker, and otherwise the same."""

    ground: Ground
    capsys: pytest.CaptureFixture[str]

    def run(self, words: str) -> Ran:
        """Run one of them."""
        line = ["-e", self.ground.env.name, "--config", str(self.ground.config), *words.split()]
        code = run_command(parse(line))
        output = self.capsys.readouterr()
        return Ran(code, output.out, output.err)

    def in_json(self, words: str) -> Any:
        """What it says in JSON."""
        return json.loads(self.run(f"{words} --format json").out)


@contextmanager
def ground_in(home: Path) -> Iterator[Ground]:
    """Start the sandbox in a folder of its own, and throw it away in the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DR_SANDBOX_HOME", str(home_with_seeds(home / "sandbox")))
        patch.setenv("XDG_STATE_HOME", str(home))
        config = rules(home, "sit", QUICK)
        env = load_environment(config, "sit")
        try:
            world = daemon.up(env, 2)
            world.timing(transition_s=0.1)
            world.keep("healthy")
            yield Ground(world, env, home, config)
        finally:
            daemon.purge(env)


def overriding(*gates: str) -> tuple[str, ...]:
    """The words that set these gates aside for an hour."""
    until = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%MZ}"
    return tuple(word for gate in gates for word in ("--override", gate, "Jane Doe", until, "it was looked at"))


pytestmark = pytest.mark.proof
NAMES = [scenario.name for scenario in catalogue()]
full = pytest.mark.skipif(not FULL, reason="DR_FULL_TRAINING=1 plays it, in half a minute")
RUN = "failover --execute --confirm files/restore_dr:sit-efs --incident"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ground_in(tmp_path_factory.mktemp("training")) as training_ground:
        yield training_ground


@pytest.fixture
def ground(played: Ground) -> Ground:
    played.world.return_to("healthy")
    return played


@pytest.fixture
def here(ground: Ground, capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(ground, capsys)


@pytest.mark.parametrize("name", NAMES)
def test_a_scene_is_briefed_judged_and_taken_back(name: str, here: Here) -> None:
    begun = here.run(f"sandbox train {name}")
    assert (begun.code, begun.err) == (0, "")
    assert here.ground.env.regions.primary in begun.out
    assert (here.ground.world.state()["pace"], here.ground.world.clock()["speed"]) == ("real", 10)
    judged = here.run("sandbox debrief")
    assert (judged.code, "NOT SOLVED" in judged.out, "[ ] not yet" in judged.out) == (1, True, True)
    lines = (begun.out + judged.out).splitlines()
    assert max(len(line) for line in lines if "dr_cli.py" not in line) <= 100, "a command alone is never wrapped"
    assert here.run(f"sandbox train {name}").code == 4, "one scene at a time"
    assert f"The scene {name} is over" in here.run("sandbox mend").out
    state = here.ground.world.state()
    assert (state["scene"], state["disasters"], state["faults"]) == ("", [], [])
    assert here.run(f"sandbox train {name}").code == 0, "the world is whole again"


def test_hints_come_one_by_one_and_the_debriefing_has_three_forms(here: Here) -> None:
    here.run("sandbox train split-brain")
    assert [len(here.in_json("sandbox debrief --hint")["hints"]) for _ in range(4)] == [1, 2, 3, 3]
    debriefing = here.in_json("sandbox debrief")
    assert (debriefing["scenario"], debriefing["solved"], debriefing["hints_left"]) == ("split-brain", False, 0)
    assert all(goal["evidence"] and goal["why"] and goal["traps"] for goal in debriefing["goals"])
    assert "| goal | stands |" in here.run("sandbox debrief --format markdown").out
    ended = here.run("sandbox debrief --end")
    assert (ended.code, "is over" in ended.err) == (1, True)


def test_what_cannot_be_played_is_one_sentence(here: Here) -> None:
    assert here.run("sandbox debrief").code == 2
    result = here.run("sandbox train split-brian")
    assert (result.code, "Did you mean split-brain" in result.err) == (2, True)
    here.ground.world.inject("dr-dark")
    refused = here.run("sandbox train split-brain")
    assert (
        refused.code,
        "dr-dark is in force. Take it back first: `python utils/aws_mgmt/dr_cli.py" in refused.err,
    ) == (4, True)
    here.ground.world.repair()
    tenant = here.ground.tenants[0]
    here.ground.client("ecs", Side.PRIMARY).update_service(**here.ground.service(tenant), desiredCount=0)
    refused = here.run("sandbox train split-brain")
    assert (refused.code, "sandbox up --fresh" in refused.err) == (4, True)


def test_a_split_is_solved_by_fencing_the_old_primary_alone(here: Here) -> None:
    ground = here.ground
    ground.world.train("split-brain")
    for tenant in ground.tenants:
        _fence(ground, tenant)
    done = here.run("sandbox debrief")
    assert (done.code, "SOLVED, 5 of 5" in done.out) == (0, True), done.out


def _fence(ground: Ground, tenant: str) -> None:
    """As `failover --validate` recommends: the bounds first, then the service."""
    who = ground.service(tenant)
    ground.client("application-autoscaling", Side.PRIMARY).register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId=f"service/{who['cluster']}/{who['service']}",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=0,
        MaxCapacity=0,
    )
    ground.client("ecs", Side.PRIMARY).update_service(**who, desiredCount=0)


def test_a_split_is_not_solved_by_deleting_one_of_the_two_databases(ground: Ground) -> None:
    ground.world.train("split-brain")
    database = ground.env.named(ground.env.names.database)
    ground.client("rds", Side.DR).delete_db_instance(DBInstanceIdentifier=database, SkipFinalSnapshot=True)
    stands = ground.standings()
    assert (stands["both-kept"], stands["nothing-deleted"]) == ("not met", "not met")
    assert (stands["visitors-go-on"], stands["old-primary-stopped"]) == ("not met", "not yet")


def test_the_tenant_of_a_wrong_database_is_repointed_alone(here: Here) -> None:
    ground = here.ground
    ground.world.train("wrong-database")
    _one_revision_back(ground, ground.tenants[-1])
    assert here.run("sandbox debrief").code == 0
    ground.client("ecs", Side.DR).update_service(**ground.service(ground.tenants[0]), forceNewDeployment=True)
    assert here.run("sandbox debrief").code == 1
    assert ground.standings() == {"repointed": "met", "alone": "not met", "nothing-deleted": "met"}


def _one_revision_back(ground: Ground, tenant: str) -> None:
    ecs, who = ground.client("ecs", Side.DR), ground.service(tenant)
    (now,) = ecs.describe_services(cluster=who["cluster"], services=[who["service"]])["services"]
    family, _, revision = now["taskDefinition"].rpartition("/")[2].partition(":")
    ecs.update_service(**who, taskDefinition=f"{family}:{int(revision) - 1}")


def test_a_broken_replica_that_was_promoted_cannot_be_made_good(ground: Ground) -> None:
    ground.world.train("broken-replica")
    replica = f"{ground.env.named(ground.env.names.database)}-replica"
    ground.client("rds", Side.DR).promote_read_replica(DBInstanceIdentifier=replica)
    assert ground.standings()["not-promoted"] == "not met"


def test_a_dark_control_plane_that_is_asked_again_and_again_was_hammered(ground: Ground) -> None:
    ground.world.train("us-east-1-down")
    route53 = ground.client("route53", Side.GLOBAL)
    for tries, standing in ((3, "met"), (1, "not met")):
        for _ in range(tries):
            with pytest.raises(ConnectionClosedError):
                route53.update_health_check(HealthCheckId="any", Inverted=True)
        assert ground.standings()["not-hammered"] == standing


def test_a_scene_and_what_was_done_in_it_outlive_the_sandbox(ground: Ground) -> None:
    ground.world.train("wrong-database")
    ground.client("ecs", Side.DR).update_service(**ground.service(ground.tenants[0]), forceNewDeployment=True)
    daemon.down(ground.env)
    ground.world = daemon.up(ground.env)
    assert ground.standings()["alone"] == "not met"
    assert ground.world.end_scenario() == "wrong-database"
    assert ground.world.state()["disasters"] == []
    ground.world.timing(transition_s=0.1)
    ground.world.keep("healthy")


@full
def test_without_us_east_1_a_run_goes_as_far_as_it_can_and_says_so(here: Here) -> None:
    here.ground.world.train("us-east-1-down")
    risky = here.ground.cli("failover --format json")
    assert (risky.code, risky.report["posture"], risky.report["recommendation"]) == (1, "PRIMARY_LOST", "RISKY")
    refused = here.ground.cli(f"{RUN} INC-3")
    assert (refused.code, "planes.us-east-1" in refused.err) == (4, True)
    ran = here.ground.cli(f"{RUN} INC-3", *overriding("planes.us-east-1"))
    assert (ran.code, "by health alone" in ran.out) == (0, True), ran.out + ran.err
    assert here.run("sandbox debrief").code == 0
    here.run("sandbox mend us-east-1-dark")
    again = here.ground.cli(f"{RUN} INC-3")
    assert (again.code, "failover --validate` proves it" in again.err) == (4, True), again.err
    proved = here.ground.cli("failover --validate")
    assert (proved.code, "dns-choice.stays-away" in proved.out) == (6, True), "health alone moved the visitors"
    result = here.ground.cli("failover --execute --replan --incident INC-3", *overriding("check.efs.replication-state"))
    assert result.code == 0, result.out + result.err


@full
def test_the_tool_sees_a_split_and_recommends_the_fence(ground: Ground) -> None:
    ground.world.train("split-brain")
    assert ground.cli("status --format json").report["posture"] == "SPLIT"
    result = ground.cli("failover --validate")
    assert (result.code, "--min-capacity 0" in result.out) == (6, True)


@full
def test_the_tool_names_the_tenant_that_opens_another_ones_database(ground: Ground) -> None:
    ground.world.train("wrong-database")
    result = ground.cli("test --infra --format json")
    assert result.code == 1
    assert result.statuses()["definitions.own-tenant"] == "fail"
