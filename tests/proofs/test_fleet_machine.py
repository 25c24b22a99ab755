"""The state machine of deploy/fleet, executed with IAM enforced: a task an environment, and one merged page.

The environment is in the sandbox's own account, so a look reads as its task's own role instead of a reader's.
"""

from __future__ import annotations

import json
import posixpath
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dr_estate.config.environment import Environment, Side, load_environment
from sandbox.client.endpoint import Endpoint
from tests.proofs.changes import Aws
from tests.proofs.test_fleet import file_of
from tests.utils.running import ROOT
from tests.worlds import borrowed
from utils.aws_mgmt.generate.deploy_files import DEPLOY
from utils.aws_mgmt.generate.fleet_machine import EXPECTED, PAGES, RUNS

pytestmark = pytest.mark.proof

SIT = load_environment(ROOT / "environments", "sit")
WELL, STRANGE = "sit", "strange"
BUCKET, CLUSTER, ACCOUNT, REGION = "dr-fleet", "dr-fleet", SIT.account, SIT.region(Side.DR)
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:dr-fleet"
PATIENCE_S = 600
VALUES = {
    "bucket": BUCKET,
    "region": REGION,
    "account": ACCOUNT,
    "cluster": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{CLUSTER}",
    "look_task": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/dr-fleet-look:1",
    "merge_task": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/dr-fleet-merge:1",
    "machine": MACHINE,
    "executions": f"arn:aws:states:{REGION}:{ACCOUNT}:execution:dr-fleet",
    **{f"{name}_role": f"arn:aws:iam::{ACCOUNT}:role/dr-fleet-{name}" for name in ("look", "merge", "execution")},
}


@dataclass(frozen=True)
class FleetAccount:
    """The account that looks at the fleet."""

    aws: Aws

    def client(self, service: str, side: Side = Side.DR) -> Any:
        """A client of its administrator."""
        return self.aws.client(service, side)

    def role(self, name: str, service: str, *documents: str) -> str:
        """Make a role that ``service`` assumes, with these policies."""
        trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
        iam = self.client("iam", Side.GLOBAL)
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        created = iam.create_role(RoleName=f"dr-fleet-{name}", AssumeRolePolicyDocument=policy)
        for number, document in enumerate(documents):
            iam.put_role_policy(RoleName=f"dr-fleet-{name}", PolicyName=f"{number}", PolicyDocument=document)
        return str(created["Role"]["Arn"])

    def execute(self, *names: str) -> tuple[str, dict[str, Any]]:
        """Execute the machine to its end; returns the execution's name, and how it stands."""
        states = self.client("stepfunctions")
        rows = [{"environment": name, "profile": ""} for name in names]
        given = json.dumps({"environments": rows})
        arn = states.start_execution(stateMachineArn=MACHINE, input=given)["executionArn"]
        until = time.monotonic() + PATIENCE_S
        while (found := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < until, "it does not end"
            time.sleep(0.2)
        return arn.rpartition(":")[2], found

    def keys(self, prefix: str, name: str) -> list[str]:
        """The keys of the objects of this file's name below ``prefix``."""
        rows = self.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return [row["Key"] for row in rows if row["Key"].endswith(f"/{name}")]

    def text_of(self, key: str) -> str:
        """What the object holds."""
        content: bytes = self.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content.decode()

    def stored(self, prefix: str, name: str) -> list[str]:
        """The objects of this file's name below ``prefix``."""
        return [self.text_of(key) for key in self.keys(prefix, name)]


def filled(file: str, **more: str) -> str:
    """A generated file with what Terraform puts into it. Raises KeyError for a value that nobody gives."""
    text = (DEPLOY / "fleet" / file).read_text(encoding="utf-8")
    return re.sub(r"\$\{(\w+)\}", lambda found: {**VALUES, **more}[found[1]], text)


def container(name: str, mounts: dict[str, str], after: str = "") -> dict[str, Any]:
    """A container as main.tf declares it."""
    depends = {"dependsOn": [{"containerName": after, "condition": "COMPLETE"}]} if after else {}
    points = [{"sourceVolume": volume, "containerPath": path} for volume, path in mounts.items()]
    return {"name": name, "image": f"{name}:1", "essential": name == "keep", "mountPoints": points, **depends}


def build(account: FleetAccount) -> None:
    """Make what main.tf makes."""
    looks = [path.read_text(encoding="utf-8") for path in (DEPLOY / "policies").glob("sit-dr-look*.json")]
    account.role("look", "ecs-tasks", filled("policy-look.json"), *looks)
    account.role("merge", "ecs-tasks", filled("policy-merge.json"))
    account.role("execution", "ecs-tasks")
    account.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    ecs, out, runs = account.client("ecs"), {"out": "/out"}, {"runs": "/runs"}
    ecs.create_cluster(clusterName=CLUSTER)
    tasks = {
        "look": [container("look", out), container("keep", out, "look")],
        "merge": [container("fetch", runs), container("merge", runs | out, "fetch"), container("keep", out, "merge")],
    }
    for name, containers in tasks.items():
        ecs.register_task_definition(
            family=f"dr-fleet-{name}",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="1024",
            memory="2048",
            taskRoleArn=VALUES[f"{name}_role"],
            executionRoleArn=VALUES["execution_role"],
            containerDefinitions=containers,
            volumes=[{"name": volume} for volume in ("out", "runs")],
        )
    ec2 = account.client("ec2")
    network = {
        "subnets": ec2.describe_subnets()["Subnets"][0]["SubnetId"],
        "security_groups": ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"],
    }
    role = account.role("machine", "states", filled("policy-machine.json"))
    account.client("stepfunctions").create_state_machine(
        name="dr-fleet", definition=filled("states.json", **network), roleArn=role
    )


def folder(home: Path, shared: Environment) -> Path:
    """Two environment files: the sandbox's own, and one of another account."""
    (home / f"{WELL}.toml").write_bytes((ROOT / "environments" / "sit.toml").read_bytes())
    strange = file_of(shared, STRANGE).replace(shared.account, "111122223333")
    (home / f"{STRANGE}.toml").write_text(strange, encoding="utf-8")
    return home


@pytest.fixture(name="account", scope="module")
def _account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetAccount]:
    with borrowed(SIT, 1) as world:
        world.put_image(folder(tmp_path_factory.mktemp("environments"), SIT))
        world.timing(transition_s=0.1)
        account = FleetAccount(_administrator(world))
        build(account)
        world.enforce_iam(True)
        yield account


def _administrator(world: Endpoint) -> Aws:
    return Aws(world.url, world.people["admin"], SIT, world.state()["tenants"][0])


def test_each_environment_has_a_task_and_the_page_has_a_row_of_each(account: FleetAccount) -> None:
    name, ended = account.execute(WELL, STRANGE)
    assert ("FAILED", "FleetNotReady") == (ended["status"], ended.get("error")), ended
    runs = [json.loads(text) for text in account.stored(f"{RUNS}/{name}/", "report.json")]
    assert [WELL] == [run["environment"] for run in runs]
    (expected,) = account.stored(f"{RUNS}/{name}/", EXPECTED)
    assert [WELL, STRANGE] == [row["environment"] for row in json.loads(expected)["environments"]]
    (page,) = account.stored(f"{PAGES}/{name}/", "fleet.json")
    rows = {row["environment"]: row for row in json.loads(page)["environments"]}
    assert (STRANGE, 3, "UNKNOWN") == (next(iter(rows)), rows[STRANGE]["exit"], rows[STRANGE]["posture"])
    assert {key: runs[0][key] for key in ("exit", "posture", "score")} == {
        key: rows[WELL][key] for key in ("exit", "posture", "score")
    }


def test_where_all_are_ready_it_succeeds(account: FleetAccount) -> None:
    name, ended = account.execute(WELL)
    assert "SUCCEEDED" == ended["status"], ended
    (page,) = account.keys(f"{PAGES}/{name}/", "fleet.html")
    (run,) = account.keys(f"{RUNS}/{name}/", "report.html")
    links = re.findall(r'href="([^"#]*report\.html)"', account.text_of(page))
    assert {run} == {posixpath.normpath(f"{posixpath.dirname(page)}/{link}") for link in links}, "it leads to the run"


def test_its_role_alone_starts_the_tasks(account: FleetAccount) -> None:
    iam = account.client("iam", Side.GLOBAL)
    policy = json.loads(filled("policy-machine.json"))
    others = [row for row in policy["Statement"] if row["Sid"] != "Run"]
    without = json.dumps({**policy, "Statement": others})
    iam.put_role_policy(RoleName="dr-fleet-machine", PolicyName="0", PolicyDocument=without)
    name, ended = account.execute(WELL)
    assert "FAILED" == ended["status"]
    assert [] == account.stored(f"{RUNS}/{name}/", "report.json")


def test_where_the_list_is_not_stored_nothing_is_looked_at(account: FleetAccount) -> None:
    iam = account.client("iam", Side.GLOBAL)
    iam.delete_role_policy(RoleName="dr-fleet-machine", PolicyName="0")
    name, ended = account.execute(WELL)
    assert "FAILED" == ended["status"]
    assert [] == account.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"{RUNS}/{name}/").get("Contents", [])
