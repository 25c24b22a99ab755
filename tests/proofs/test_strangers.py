"""The tool in worlds that nobody here wrote: no crash, the planted gaps found, true sentences, known exit codes."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.utils.running import Ran, dr_cli
from utils.aws_mgmt.app.exit_codes import Exit

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".tools"
PRIMARY, DR = "af-south-1", "eu-west-1"
TENANTS = ("alpha", "beta")
BUCKETS = ("bbws-templates-{}", "bbws-tenant-assets-{}", "bbws-backups-{}")
TASK_ROLE = "arn:aws:iam::{}:role/tasks"
_PATIENCE_S = 300
make: Any = boto3


@dataclass(frozen=True)
class Emulator:
    """Somebody else's emulator: how its server starts, and which account it plays."""

    name: str
    command: Callable[[int], list[str]]
    account: str
    variables: Callable[[int], dict[str, str]]


EMULATORS = (
    Emulator(
        "moto_server",
        lambda port: [str(TOOLS / "moto" / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(port)],
        "123456789012",
        lambda _port: {},
    ),
    Emulator(
        "ministack",
        lambda _port: [str(TOOLS / "ministack" / "bin" / "ministack")],
        "000000000000",
        lambda port: {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1"},
    ),
)


@dataclass(frozen=True)
class Stranger:
    """A running emulator."""

    emulator: Emulator
    url: str

    def client(self, service: str, region: str) -> Any:
        return make.client(
            service, region, endpoint_url=self.url, aws_access_key_id="test", aws_secret_access_key="test"
        )

    @property
    def variables(self) -> dict[str, str]:
        """The usual AWS variables, and nothing else."""
        return {"AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@contextlib.contextmanager
def started(emulator: Emulator, folder: Path) -> Iterator[Stranger]:
    """The emulator's server on a free port of the loopback address, ended by its own process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, **emulator.variables(port), "HOME": str(folder)}
    with (folder / f"{emulator.name}.log").open("w") as log:
        server = subprocess.Popen(emulator.command(port), cwd=folder, env=env, stdout=log, stderr=log)
        try:
            _until_up(port, server)
            yield Stranger(emulator, f"http://127.0.0.1:{port}")
        finally:
            server.terminate()
            server.wait(_PATIENCE_S)


def _until_up(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/"):
            return
        time.sleep(0.1)
    raise AssertionError("the server does not come up")


def seed(world: Stranger, environment: str) -> None:
    """A small platform of two tenants, with three gaps in the DR region.

    The second tenant has no service there and no secret, and the copy of the templates is not versioned.
    """
    for region in (PRIMARY, DR):
        tenants = TENANTS if region == PRIMARY else TENANTS[:1]
        _services(world, environment, region, tenants, _network(world, environment, region))
        for tenant in tenants:
            secrets = world.client("secretsmanager", region)
            secrets.create_secret(Name=f"{environment}-{tenant}-db-credentials", SecretString='{"host": "db"}')
    for pattern in BUCKETS:
        name = pattern.format(environment)
        _bucket(world, PRIMARY, name, versioned=True)
        _bucket(world, DR, f"{name}-dr", versioned=pattern != BUCKETS[0])


def _network(world: Stranger, environment: str, region: str) -> dict[str, list[str]]:
    """Two subnets and a group for the tasks."""
    ec2 = world.client("ec2", region)
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": f"{environment}-vpc"}])
    places = [("10.20.0.0/24", f"{region}a"), ("10.20.1.0/24", f"{region}b")]
    responses = [ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone) for block, zone in places]
    group = ec2.create_security_group(GroupName=f"{environment}-ecs-sg", Description="tasks", VpcId=vpc)["GroupId"]
    return {"subnets": [row["Subnet"]["SubnetId"] for row in responses], "securityGroups": [group]}


def _services(
    world: Stranger, environment: str, region: str, tenants: tuple[str, ...], network: dict[str, list[str]]
) -> None:
    ecs = world.client("ecs", region)
    ecs.create_cluster(clusterName=f"{environment}-cluster")
    for tenant in tenants:
        definition = ecs.register_task_definition(
            family=f"{environment}-{tenant}",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            executionRoleArn=TASK_ROLE.format(world.emulator.account),
            containerDefinitions=[{"name": "wordpress", "image": "wordpress:6.4", "memory": 512}],
        )["taskDefinition"]["taskDefinitionArn"]
        ecs.create_service(
            cluster=f"{environment}-cluster",
            serviceName=f"{environment}-{tenant}-service",
            taskDefinition=definition,
            desiredCount=1,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": network},
        )


def _bucket(world: Stranger, region: str, name: str, *, versioned: bool) -> None:
    s3 = world.client("s3", region)
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    if versioned:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


pytestmark = [pytest.mark.proof, pytest.mark.judge("strangers")]
PLANTED = {
    ("ecs.service-exists", "sit-beta-service"),
    ("secrets.secret-exists", "sit-beta-db-credentials"),
    ("s3.versioning", "bbws-templates-sit-dr"),
}
WHOLE = {
    ("ecs.service-exists", "sit-alpha-service"),
    ("secrets.secret-exists", "sit-alpha-db-credentials"),
    ("s3.versioning", "bbws-backups-sit-dr"),
}
COMMANDS = ("status", "failover", "failback", "test --infra", "test --dns", "schedule", "log")
NOT_FOR_PEOPLE = re.compile(r"<!doctype|<html|Traceback|a defect|This is a defect|KeyError|NoneType", re.IGNORECASE)


@dataclass(frozen=True)
class Abroad:
    """The tool, pointed at an emulator of somebody else by the usual AWS variables alone."""

    world: Stranger
    home: Path

    def run(self, words: str) -> Ran:
        return dr_cli(f"-e sit --config {self.home / 'environments'} {words}", self.home, **self.world.variables)


@pytest.fixture(scope="module", params=EMULATORS, ids=lambda emulator: emulator.name)
def abroad(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Abroad]:
    emulator: Emulator = request.param
    home = tmp_path_factory.mktemp(emulator.name)
    text = (ROOT / "environments" / "sit.toml").read_text(encoding="utf-8")
    (home / "environments").mkdir()
    (home / "environments" / "sit.toml").write_text(text.replace("815856636111", emulator.account), encoding="utf-8")
    with started(emulator, home) as world:
        seed(world, "sit")
        yield Abroad(world, home)


@pytest.fixture(scope="module")
def report(abroad: Abroad) -> dict[str, Any]:
    return abroad.run("--format json --deadline 300 status").report


def findings(report: dict[str, Any], status: str) -> set[tuple[str, str]]:
    return {(r["check"], f["subject"]) for r in report["results"] for f in r["findings"] if f["status"] == status}


def test_the_planted_gaps_are_found_and_what_is_whole_is_not_called_a_gap(report: dict[str, Any]) -> None:
    assert findings(report, "fail") >= PLANTED
    assert findings(report, "pass") >= WHOLE


def test_the_posture_says_no_more_than_was_seen(report: dict[str, Any]) -> None:
    """Nobody can be served: there is no load balancer, no record and no database."""
    assert report["posture"] != "NORMAL"


def test_what_another_emulator_does_not_know_is_never_green(report: dict[str, Any]) -> None:
    kinds = {part["kind"] for part in report["unseen"]}
    assert report["exit"] == Exit.NOT_READY, "what was planted is found, whatever else is not known"
    assert "defect" not in kinds
    assert "credentials" not in kinds, "the keys are as good as any: other calls are answered with them"


@pytest.mark.parametrize("words", COMMANDS)
def test_no_command_crashes_or_prints_what_is_not_for_people(abroad: Abroad, words: str) -> None:
    ran = abroad.run(words)
    assert ran.code in ({1, 3} | ({2} if words == "log" else set())), ran.err
    assert NOT_FOR_PEOPLE.findall(ran.out + ran.err) == []


def test_nothing_is_failed_over_in_a_world_without_a_control_table(abroad: Abroad) -> None:
    ran = abroad.run("failover --execute --incident INC-1")
    assert ran.code in {3, 4}
    assert NOT_FOR_PEOPLE.findall(ran.out + ran.err) == []


def test_doctor_fits_on_a_screen_and_names_what_is_not_there(abroad: Abroad) -> None:
    ran = abroad.run("--format json doctor")
    assert ran.code in {1, 3}
    assert {problem["kind"] for service in ran.report["services"] for problem in service["problems"]} <= {
        *("unsupported", "unreachable", "error", "not-aws"),
    }
    assert len(abroad.run("doctor").out.splitlines()) <= 60
