"""The truth kit as a person runs it: cost first, refusals, answers, and nothing left, also after it was killed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from dr_estate.config.environment import load_environment
from sandbox.client.launcher import running
from sandbox.core import truth
from sandbox.core.errors import SandboxError
from sandbox.core.state import STATE
from tests.hosting import hosted
from tests.real_terraform import find_provider, write_terraform
from tests.sandbox.moto_ext.conftest import ACCOUNT, DR, PRIMARY, Clients, aws, fresh_state, served, server
from tests.sandbox.moto_ext.test_truth import ANSWERS, account, other, write_answers
from truth_kit import cleaning, command
from truth_kit.account import Account

__all__ = ["aws", "fresh_state", "served", "server"]  # fixtures

ASK = Path(command.__file__).parents[1] / "ask.py"
WHERE = ("--primary", PRIMARY, "--dr", DR, "--throw-away", ACCOUNT)
HURRIED = ("--poll-s", "0.02", "--grace-s", "0.5", "--patience-s", "60")
# where each answer counts, a state lasts for long enough to be seen on a slow machine, and so does the grace
SEEN_S = 1.0
PATIENT = ("--grace-s", "4")
# the first question of each scene: a run is killed after its answer
FIRST, *LATER = (scenario.ids[0] for scenario in command.SCENES)
Ask = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def world(server: str, served: Clients) -> str:  # noqa: ARG001 - fixtures of the emulated account
    """The address of an empty account that judges by IAM, and in which changes can be seen."""
    STATE.extras.update({"transition_s": 0.1, "enforce_iam": True})
    return server


@pytest.fixture
def begin(world: str, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start the script in a folder of its own."""

    def started(*arguments: str) -> subprocess.Popen[str]:
        command_line = [sys.executable, str(ASK), *WHERE, *HURRIED, "--endpoint-url", world, *arguments]
        variables = {**os.environ, "TF_CLI_CONFIG_FILE": str(tmp_path / "rc"), "CHECKPOINT_DISABLE": "1"}
        return subprocess.Popen(
            command_line,
            cwd=tmp_path,
            env=variables,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return started


@pytest.fixture
def ask(begin: Callable[..., subprocess.Popen[str]]) -> Ask:
    """Run the script to its end."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        process = begin(*arguments)
        out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run


def wait_for(running: subprocess.Popen[str], question: str) -> None:
    """Read what a run prints, to the answer of this question."""
    assert running.stdout is not None
    assert any(line.startswith(f"{question}: ") for line in running.stdout)


def standing(world: str, tmp_path: Path, run: str) -> tuple[Account, str]:
    """What Terraform would make for this run, and the file of its outputs."""
    throw_away = account(run, world)
    path = tmp_path / "standing.json"
    path.write_text(
        json.dumps({name: {"value": value} for name, value in throw_away.standing.items()}), encoding="utf-8"
    )
    return throw_away, str(path)


def test_it_says_what_it_costs_before_anything_and_asks(
    aws: Clients,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("builtins.input", lambda question: f"no, {question}")
    (tmp_path / "standing.json").write_text("{}")
    arguments = [*WHERE, "--standing", str(tmp_path / "standing.json"), "--out", str(tmp_path / "a.json")]
    assert command.REFUSED == command.main(arguments)
    printed = capsys.readouterr()
    assert "In all about 5.5 hours and 0.23 USD, an estimate" in printed.out
    assert all(name in printed.out for name in ANSWERS)
    assert "Nothing was done." in printed.err
    assert [] == aws("rds", PRIMARY).describe_db_instances()["DBInstances"]
    assert not (tmp_path / "a.json").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--throw-away", "210987654321"], f"These credentials are of account {ACCOUNT}, not of 210987654321"),
        (["--only", "rds.sings"], "There is no question rds.sings. There are: backup.copy-keeps-creation-date,"),
        (["--run", "Has-Dashes"], "A run is named by up to 12 small letters and digits, not 'Has-Dashes'."),
        (["--terraform", ""], "There is neither terraform nor tofu on PATH"),
    ],
)
def test_it_refuses(
    arguments: list[str],
    sentence: str,
    aws: Clients,  # noqa: ARG001 - a fixture
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", "")
    assert command.REFUSED == command.main([*WHERE, "--yes", *arguments])
    assert sentence in capsys.readouterr().err


def test_it_refuses_the_account_of_an_environment_and_one_that_is_in_use(
    aws: Clients,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "prod.toml").write_text(f'account = "{ACCOUNT}"\n', encoding="utf-8")
    assert command.REFUSED == command.main([*WHERE, "--yes", "-e", str(tmp_path / "prod.toml")])
    assert "it is not to be thrown away" in capsys.readouterr().err
    aws("efs", DR).create_file_system(CreationToken="a-tenants", Tags=[{"Key": "Name", "Value": "tenants"}])
    assert command.REFUSED == command.main([*WHERE, "--yes"])
    assert f"Account {ACCOUNT} is in use: it holds fs-" in capsys.readouterr().err


@pytest.mark.proof
@pytest.mark.judge("terraform")
def test_a_failed_question_stays_open_with_its_code_and_is_cleaned_up(world: str, ask: Ask, tmp_path: Path) -> None:
    throw_away, path = standing(world, tmp_path, "open")
    outputs = json.loads(Path(path).read_text(encoding="utf-8"))
    Path(path).write_text(json.dumps({**outputs, "dr_key": {"value": "no-key"}}), encoding="utf-8")
    ids = ["rds.promotion-reboots", "secretsmanager.stop-replication-keeps-arn"]
    run = ask("--yes", "--run", "open", "--standing", path, "--only", *ids)
    assert (command.OPEN, "") == (run.returncode, run.stderr)
    first, second = json.loads((tmp_path / "answers.json").read_text(encoding="utf-8"))
    assert (ids[0], None, "open", "KMSKeyNotAccessibleFault") == tuple(
        first[key] for key in ("id", "answer", "standing", "code")
    )
    assert (
        "rds.promotion-reboots stays open: CreateDBInstanceReadReplica answered KMSKeyNotAccessibleFault" in run.stdout
    )
    assert (ids[1], True, "observed") == tuple(second[key] for key in ("id", "answer", "standing"))
    assert second["source"].startswith(f"not AWS but {world} in {PRIMARY} and {DR}, ")
    assert "1 of 2 questions answered" in run.stdout
    assert [] == cleaning.inventory(throw_away)


@pytest.mark.proof
@pytest.mark.judge("terraform")
@pytest.mark.parametrize("after", [FIRST, *LATER])
def test_what_a_killed_run_left_is_taken_away_by_its_name(
    after: str, world: str, begin: Callable[..., subprocess.Popen[str]], ask: Ask, tmp_path: Path
) -> None:
    throw_away, path = standing(world, tmp_path, "killed")
    running = begin("--yes", "--run", "killed", "--standing", path)
    wait_for(running, after)
    running.kill()
    running.communicate()
    left = cleaning.inventory(throw_away)
    assert any("database instances dr-truth-killed-replica" in line for line in left)
    run = ask("--clean", "killed", "--standing", path)
    assert (command.OK, "") == (run.returncode, run.stderr)
    assert "Found: database instances dr-truth-killed-replica" in run.stdout
    assert [] == cleaning.inventory(throw_away)


@pytest.fixture
def terraform(tmp_path: Path, world: str, monkeypatch: pytest.MonkeyPatch) -> str:  # noqa: ARG001 - begins before
    """The real Terraform with the one provider that can be had without a registry, and AWS's own IAM policies."""
    monkeypatch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    with mock_aws():  # resets the mocked account
        pass
    mirror = tmp_path / "mirror" / "registry.terraform.io" / "hashicorp" / "aws"
    mirror.mkdir(parents=True)
    shutil.copy(find_provider(), mirror)
    (tmp_path / "rc").write_text(f'provider_installation {{ filesystem_mirror {{ path = "{tmp_path}/mirror" }} }}')
    return str(write_terraform(tmp_path))


def vpcs(world: str) -> list[Any]:
    """The networks of both regions that a run made."""
    empty = Account("x", PRIMARY, DR, ACCOUNT, world)
    named = [{"Name": "tag-key", "Values": ["dr-truth"]}]
    return [vpc for region in empty.regions for vpc in empty.client("ec2", region).describe_vpcs(Filters=named)["Vpcs"]]


@pytest.mark.proof
@pytest.mark.judge("terraform")
@pytest.mark.parametrize("turned", [False, True], ids=["shipped", "other"])
def test_a_whole_run_answers_as_the_sandbox_does_and_leaves_nothing(
    turned: bool, world: str, ask: Ask, terraform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {name: other(name) if turned else value for name, value in ANSWERS.items()}
    if turned:
        monkeypatch.setenv(truth.VARIABLE, str(write_answers(tmp_path / "turned.json", expected)))
    STATE.extras["transition_s"] = SEEN_S
    run = ask("--yes", "--run", "whole", "--terraform", terraform, *PATIENT)
    assert (command.OK, "") == (run.returncode, run.stderr)
    answers = {row["id"]: row["answer"] for row in json.loads((tmp_path / "answers.json").read_text(encoding="utf-8"))}
    pin = "route53.pin-to-answer-s"
    assert 0 <= answers.pop(pin) <= expected.pop(pin)
    assert expected == answers
    assert [] == cleaning.inventory(Account("whole", PRIMARY, DR, ACCOUNT, world))
    assert [] == vpcs(world)
    assert not (tmp_path / "dr-truth-whole").exists()
    monkeypatch.setenv(truth.VARIABLE, str(tmp_path / "answers.json"))  # what was written is what the sandbox reads
    assert expected == {name: value for name, value in truth.answer_all().items() if name != pin}


@pytest.mark.proof
def test_the_sandbox_that_people_start_gives_the_same_answers(tmp_path: Path) -> None:
    sit = load_environment(Path(__file__).parents[2] / "environments", "sit")
    with hosted(sit, 3, seeded=False) as sandbox, pytest.MonkeyPatch.context() as patch:
        sandbox.timing(transition_s=SEEN_S)
        sandbox.enforce_iam(True)
        admin = sandbox.people["admin"]
        patch.setenv("AWS_ACCESS_KEY_ID", admin.access_key_id)
        patch.setenv("AWS_SECRET_ACCESS_KEY", admin.secret_access_key)
        throw_away = account("people", sandbox.url, sandbox.account)
        outputs = tmp_path / "standing.json"
        outputs.write_text(json.dumps(throw_away.standing), encoding="utf-8")
        where = ("--primary", PRIMARY, "--dr", DR, "--throw-away", sandbox.account, "--endpoint-url", sandbox.url)
        run = subprocess.run(
            [
                sys.executable,
                str(ASK),
                *where,
                *HURRIED,
                *PATIENT,
                "--yes",
                "--run",
                "people",
                "--standing",
                str(outputs),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (command.OK, "") == (run.returncode, run.stderr)
        assert [] == cleaning.inventory(throw_away)
    rows = json.loads((tmp_path / "answers.json").read_text(encoding="utf-8"))
    assert ANSWERS == {row["id"]: row["answer"] for row in rows}


def test_a_sandbox_does_not_start_upon_a_file_that_is_none_of_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(truth.VARIABLE, str(write_answers(tmp_path / "a.json", {"rds.sings": True})))
    sit = load_environment(Path(__file__).parents[2] / "environments", "sit")
    with pytest.raises(SandboxError, match=r"answers 'rds\.sings'"), running(sit, 3, seeded=False):
        pass


@pytest.mark.proof
@pytest.mark.judge("terraform")
def test_terraform_finds_its_module_well_formatted(tmp_path: Path) -> None:
    command_line = [str(write_terraform(tmp_path)), "fmt", "-check", "-diff", "-recursive"]
    run = subprocess.run(command_line, cwd=ASK.parent / "terraform", capture_output=True, text=True, check=False)
    assert ("", 0) == (run.stdout + run.stderr, run.returncode)


@pytest.mark.proof
@pytest.mark.judge("terraform")
def test_a_run_that_is_killed_with_its_terraform_is_taken_away_whole(
    world: str, begin: Callable[..., subprocess.Popen[str]], ask: Ask, terraform: str, tmp_path: Path
) -> None:
    running = begin("--yes", "--run", "killed", "--terraform", terraform)
    wait_for(running, "backup.copy-keeps-creation-date")
    running.kill()
    running.communicate()
    assert 2 == len(vpcs(world))
    run = ask("--clean", "killed", "--terraform", terraform)
    assert (command.OK, "") == (run.returncode, run.stderr)
    assert [] == vpcs(world)
    assert [] == cleaning.inventory(Account("killed", PRIMARY, DR, ACCOUNT, world))
    assert not (tmp_path / "dr-truth-killed").exists()


@pytest.mark.proof
@pytest.mark.judge("terraform")
def test_an_interrupted_run_takes_away_what_it_made(
    world: str, begin: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    throw_away, path = standing(world, tmp_path, "stopped")
    running = begin("--yes", "--run", "stopped", "--standing", path)
    wait_for(running, FIRST)
    running.terminate()
    running.communicate()
    assert command.INTERRUPTED == running.returncode
    assert [] == cleaning.inventory(throw_away)
