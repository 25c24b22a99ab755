"""Each question of the truth kit, asked of the emulator: the shipped answer, and another where a file gives one."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from sandbox.core import truth
from sandbox.core.errors import SandboxError
from sandbox.core.state import STATE
from sandbox.moto_ext.route53.health import HealthChecker
from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, PRIMARY, Clients, Clock
from truth_kit import cleaning
from truth_kit.account import Account
from truth_kit.command import SCENES

ROWS: list[dict[str, Any]] = json.loads(truth.SHIPPED.read_text(encoding="utf-8"))
ANSWERS = {row["id"]: row["answer"] for row in ROWS}


def other(name: str) -> truth.Value:
    """Another answer than the shipped one."""
    value = ANSWERS[name]
    if isinstance(value, bool):
        return not value
    return {"ENABLED": "DISABLED"}[value] if isinstance(value, str) else value + 1


def write_answers(path: Path, answers: dict[str, Any]) -> Path:
    """Write a file of answers, by id, as a run writes it."""
    rows = [{"id": name, "answer": value} for name, value in answers.items()]
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def account(run: str = "t1", endpoint_url: str | None = None, number: str = ACCOUNT, **more: Any) -> Account:
    """The account of the test's world, with what Terraform makes around the questions."""
    times: dict[str, Any] = {"poll_s": 0.02, "grace_s": 0.3, "patience_s": 20}
    throw_away = Account(run, PRIMARY, DR, number, endpoint_url, **times, **more)
    throw_away.standing.update(stand(throw_away))
    return throw_away


def stand(account: Account) -> dict[str, str]:
    """Make by plain calls what deploy/truth/terraform makes. Returns its outputs."""
    iam, role = account.client("iam", "us-east-1"), f"{account.prefix}backup"
    trust = {"Effect": "Allow", "Principal": {"Service": "backup.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=_document(trust))
    # As AWSBackupServiceRolePolicyForBackup and -ForRestores let it, which Terraform attaches.
    actions = ["elasticfilesystem:*", "kms:CreateGrant", "kms:DescribeKey"]
    allowed = _document({"Effect": "Allow", "Action": actions, "Resource": "*"})
    iam.put_role_policy(RoleName=role, PolicyName="backup", PolicyDocument=allowed)
    outputs = {"backup_role": f"arn:aws:iam::{account.number}:role/{role}"}
    for side, region in (("primary", account.primary), ("dr", account.dr)):
        ec2, name = account.client("ec2", region), account.prefix.rstrip("-")
        vpc = ec2.create_vpc(CidrBlock="10.77.0.0/24")["Vpc"]["VpcId"]
        zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]][:2]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.77.0.{64 * place}/26", AvailabilityZone=zone)["Subnet"]
            for place, zone in enumerate(zones)
        ]
        account.client("rds", region).create_db_subnet_group(
            DBSubnetGroupName=f"{name}-subnets",
            DBSubnetGroupDescription="x",
            SubnetIds=[subnet["SubnetId"] for subnet in subnets],
        )
        account.client("backup", region).create_backup_vault(BackupVaultName=f"{name}-vault")
        outputs[f"{side}_key"] = account.client("kms", region).create_key()["KeyMetadata"]["Arn"]
        outputs |= {f"{side}_vault": f"{name}-vault", f"{side}_subnet_group": f"{name}-subnets"}
    return outputs


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


SCENE_OF = {name: scenario for scenario in SCENES for name in scenario.ids}
PIN = "route53.pin-to-answer-s"
ROOT = truth.SHIPPED.parents[1]


@pytest.fixture
def hurried(aws: Clients, clock: Clock) -> Account:  # noqa: ARG001 - the emulated account
    """The account of a world that judges by IAM, in which changes take a moment, and time passes where one waits."""
    STATE.extras.update({"transition_s": 0.1, "enforce_iam": True})
    return account(clock=time.time, wait=clock.shift)


@pytest.mark.proof
@pytest.mark.parametrize("scenario", SCENES, ids=lambda scenario: scenario.name)
def test_the_emulator_gives_the_shipped_answers_and_nothing_is_left(scenario: Any, hurried: Account) -> None:
    assert {name: ANSWERS[name] for name in scenario.ids} == dict(scenario.play(hurried))
    assert cleaning.inventory(hurried), "the scene made nothing"
    assert [] == cleaning.clean(hurried)
    assert [] == cleaning.inventory(hurried)


@pytest.mark.proof
@pytest.mark.parametrize("name", ANSWERS)
def test_another_answer_changes_what_the_emulator_does(
    name: str, hurried: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(truth.VARIABLE, str(write_answers(tmp_path / "answers.json", {name: other(name)})))
    found = dict(SCENE_OF[name].play(hurried))
    expected = {each: other(each) if each == name else ANSWERS[each] for each in SCENE_OF[name].ids}
    if name == PIN:  # measured by the clock: the last whole second at which the old answer was seen
        assert 0 <= int(found.pop(PIN)) <= int(expected.pop(PIN))
    assert expected == found


def test_a_reboot_that_is_over_before_anybody_looks_is_known_by_its_event(hurried: Account) -> None:
    STATE.extras["transition_s"] = 0.0
    assert dict(SCENE_OF["rds.promotion-reboots"].play(hurried))["rds.promotion-reboots"] is True


def test_an_inverted_check_acts_when_the_file_says_so(
    aws: Clients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def healthy_once_inverted(seconds: int) -> bool:
        monkeypatch.setenv(truth.VARIABLE, str(write_answers(tmp_path / f"{seconds}.json", {PIN: seconds})))
        config = {"Type": "CALCULATED", "HealthThreshold": 0, "ChildHealthChecks": [], "Inverted": False}
        created = aws("route53", "us-east-1").create_health_check(
            CallerReference=str(seconds), HealthCheckConfig=config
        )
        check = created["HealthCheck"]["Id"]
        assert HealthChecker(ACCOUNT).is_healthy(check)
        aws("route53", "us-east-1").update_health_check(HealthCheckId=check, Inverted=True)
        return HealthChecker(ACCOUNT).is_healthy(check)

    assert not healthy_once_inverted(0)
    assert healthy_once_inverted(3600)


def test_every_question_is_asked_once_and_played_where_it_says() -> None:
    assert sorted(ANSWERS) == sorted(name for scenario in SCENES for name in scenario.ids)
    for row in ROWS:
        assert row["standing"] in ("documented", "assumed", "observed")
        assert row["source"]
        assert f'truth.answer("{row["id"]}")' in (ROOT / row["played"]).read_text(encoding="utf-8"), row["id"]


def test_a_question_that_a_run_left_open_keeps_its_shipped_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(truth.VARIABLE, str(write_answers(tmp_path / "a.json", {"rds.promotion-reboots": None})))
    assert truth.answer_all() == ANSWERS


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[{"id": "rds.sings", "answer": true}]', "answers 'rds.sings', which is no question of truth.json"),
        ('[{"id": "rds.promotion-reboots", "answer": 1}]', "answers rds.promotion-reboots with 1: bool is wanted"),
        ('[{"id": "rds.replica-retention-days", "answer": -1}]', "with -1: int is wanted"),
        (
            '[{"id": "efs.protection-after-replication-ends", "answer": "OPEN"}]',
            "with 'OPEN': ENABLED or DISABLED is wanted",
        ),
        ('{"id": 1}', "is no file of answers"),
        ("nothing", "is no file of answers"),
    ],
)
def test_a_file_that_is_none_of_answers_is_refused(
    text: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    monkeypatch.setenv(truth.VARIABLE, str(tmp_path / "a.json"))
    with pytest.raises(SandboxError, match=sentence):
        truth.answer("rds.promotion-reboots")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(truth.VARIABLE, str(tmp_path / "none.json"))
    with pytest.raises(SandboxError, match="cannot be read: No such file or directory"):
        truth.answer("rds.promotion-reboots")
