"""doctor: who may read what, what to grant, and a bundle that holds nothing of the account and is judged like it."""

from __future__ import annotations

import json
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from dr_estate.config.environment import Side, load_environment
from dr_estate.snapshot.registry import reads
from sandbox.client.endpoint import Endpoint
from sandbox.core.state import Outage
from tests.utils.running import ROOT, Ran, at_endpoint, dr_cli
from tests.worlds import borrowed

SIT = load_environment(ROOT / "environments", "sit")
CANARIES = ("canaryintag", "Canaryinvalue9f3", "canaryindescription", "canaryinvariable")
make: Any = boto3


@dataclass(frozen=True)
class Account:
    """The world, and where its commands keep their files."""

    world: Endpoint
    home: Path

    def doctor(self, words: str = "", person: str = "reader") -> Ran:
        return at_endpoint(self.world, self.home, f"-e sit {words} doctor", person)

    def bundle(self, ran: Ran) -> Path:
        """The unpacked bundle of a run."""
        path = Path(ran.report["bundle"])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        folder = self.home / path.parent.name
        zipfile.ZipFile(path).extractall(folder)
        return folder

    def client(self, service: str, side: Side) -> Any:
        """A client of somebody who may do everything."""
        keys = self.world.people["admin"]
        return make.client(
            service,
            SIT.region(side),
            endpoint_url=self.world.url,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
        )


@pytest.fixture(scope="module")
def lent() -> Iterator[Endpoint]:
    with borrowed(SIT, 1) as world:
        world.keep("healthy")
        yield world


@pytest.fixture
def account(lent: Endpoint, tmp_path: Path) -> Iterator[Account]:
    yield Account(lent, tmp_path)
    lent.end()
    lent.return_to("healthy")


@pytest.mark.proof
def test_an_account_in_which_all_may_be_read_is_exit_0_on_one_screen(account: Account) -> None:
    ran = account.doctor()
    assert (ran.code, ran.warned) == (0, "")
    assert len(ran.out.splitlines()) <= 30
    assert "both regions are enabled" in ran.out
    assert "automated backups can replicate from af-south-1 to eu-west-1" in ran.out


@pytest.mark.proof
def test_every_declared_read_is_tried_or_named_and_nothing_is_changed(account: Account) -> None:
    account.world.reset_mutations()
    ran = account.doctor("--format json", person="operator")
    assert (ran.code, account.world.mutations()) == (0, [])
    answered = sum(service["answered"] for service in ran.report["services"])
    untried = [name for service in ran.report["services"] for name in service["untried"]]
    assert answered + len(untried) == len(reads() | {"rds:DescribeSourceRegions"})
    # Asked where there is something: cache policies, functions, a secret with a new value.
    assert len(untried) < 25, untried


@pytest.mark.proof
def test_what_is_denied_is_named_with_the_policy_that_allows_it(account: Account) -> None:
    account.world.begin(Outage("eu-west-1", "deny", "kms", "DescribeKey", person="reader"))
    account.world.begin(Outage("af-south-1", "deny", "efs", person="reader"))
    account.world.begin(Outage("eu-west-1", "deny", "rds", "DescribeSourceRegions"))
    ran = account.doctor("--format json")
    assert ran.code == 1
    found = {(p["operation"], p["region"], p["kind"]) for s in ran.report["services"] for p in s["problems"]}
    assert ("kms:DescribeKey", "eu-west-1", "denied") in found
    assert {region for operation, region, _ in found if operation.startswith("efs:")} == {"af-south-1"}
    granted = {action for statement in ran.report["grant"]["Statement"] for action in statement["Action"]}
    assert {"kms:DescribeKey", "elasticfilesystem:DescribeFileSystems", "rds:DescribeSourceRegions"} <= granted
    assert all(action.startswith(("kms:", "elasticfilesystem:", "rds:DescribeSourceRegions")) for action in granted)
    (backups,) = (fact for fact in ran.report["facts"] if fact["subject"] == "RDS backups")
    assert backups["state"] == "unknown", "whether backups replicate between the regions"


@pytest.mark.proof
def test_a_dark_region_is_one_line_and_exit_3_within_the_deadline(account: Account) -> None:
    account.world.begin(Outage("af-south-1", "refuse"))
    ran = account.doctor()
    assert ran.code == 3
    assert "none of" in ran.out
    assert [line for line in ran.out.splitlines() if line.startswith("rds ")] == []


@pytest.mark.proof
@pytest.mark.parametrize(("person", "code"), [("expired", 3), ("stranger", 4)])
def test_each_person_has_an_exit_code_and_a_next_step(account: Account, person: str, code: int) -> None:
    ran = account.doctor(person=person)
    assert (ran.code, "Traceback" in ran.err + ran.out) == (code, False)
    assert {"expired": "Log in again", "stranger": "Choose the right AWS_PROFILE"}[person] in ran.out + ran.err


@dataclass(frozen=True)
class Harmed:
    """An account with a disaster and planted words: its status, the recorded answers, and the unpacked bundle."""

    account: Account
    status: Ran
    recorded: Path
    bundle: Path


@pytest.fixture(scope="module")
def harmed(lent: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Harmed:
    account = Account(lent, tmp_path_factory.mktemp("harmed"))
    recorded = account.home / "recorded"
    _plant(account)
    lent.inject("ecs-service-deleted")
    status = at_endpoint(lent, account.home, f"-e sit --record {recorded} status --format json")
    bundle = account.bundle(account.doctor("--format json"))
    lent.return_to("healthy")
    return Harmed(account, status, recorded, bundle)


def _plant(account: Account) -> None:
    tag, value, description, variable = CANARIES
    efs = account.client("efs", Side.DR)
    files = efs.describe_file_systems()["FileSystems"][0]
    efs.tag_resource(ResourceId=files["FileSystemId"], Tags=[{"Key": tag, "Value": value}])
    account.client("sns", Side.DR).create_topic(Name=f"sit-{tag}")
    account.client("ec2", Side.DR).create_security_group(GroupName=description, Description=description)
    ecs = account.client("ecs", Side.DR)
    arn = ecs.list_task_definitions()["taskDefinitionArns"][0]
    found = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    (container, *_) = found["containerDefinitions"]
    container["environment"] = [{"name": variable.upper(), "value": value}]
    retained = {name: found[name] for name in ("family", "cpu", "memory", "networkMode", "requiresCompatibilities")}
    ecs.register_task_definition(containerDefinitions=[container], **retained)


@pytest.mark.proof
def test_the_bundle_holds_nothing_of_the_account(harmed: Harmed) -> None:
    files = [path for path in harmed.bundle.rglob("*") if path.is_file()]
    text = "\n".join([*(path.read_text("utf-8") for path in files), *(str(path) for path in files)])
    assert len(files) > 80
    account = harmed.account
    own = (SIT.account, "kimmyai", "wpsit", account.world.people["reader"].access_key_id)
    assert [word for word in (*CANARIES, *own) if word.lower() in text.lower().replace(str(account.home), "")] == []


@pytest.mark.proof
def test_the_bundle_is_judged_as_the_account_is(harmed: Harmed) -> None:
    (environment,) = (path.stem for path in (harmed.bundle / "environments").iterdir())
    words = f"-e {environment} --config {harmed.bundle}/environments --from-evidence {harmed.bundle}/evidence.json"
    replayed = dr_cli(f"{words} status --format json", harmed.account.home)
    was, now = harmed.status.statuses(), replayed.statuses()
    assert "fail" in was.values()
    assert {check: (was[check], now[check]) for check in was if was[check] != now[check]} == {}
    assert harmed.status.report["posture"] == replayed.report["posture"]


@pytest.mark.proof
def test_record_keeps_answers_in_the_form_that_contract_tests_replay(harmed: Harmed) -> None:
    answers = [json.loads(path.read_text()) for path in (harmed.recorded / "rds.DescribeDBInstances").iterdir()]
    assert {answer["operation"] for answer in answers} == {"rds:DescribeDBInstances"}
    rows = [row for answer in answers for row in answer["data"]["DBInstances"]]
    assert {row["DBInstanceStatus"] for row in rows} == {"available"}
    assert SIT.account not in json.dumps(answers)
