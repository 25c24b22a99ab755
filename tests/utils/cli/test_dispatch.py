"""Whose keys and whose files a command takes: --profile, --as, DR_CONFIG, and the log of its calls."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import pytest

from dr_estate.model.invocation import Program
from sandbox.client.endpoint import Endpoint
from tests.utils.running import ROOT, command_of, dr_cli, rules, signed_in
from utils.aws_mgmt.cli import dispatch
from utils.aws_mgmt.cli.pages import HelpPage, contexts
from utils.aws_mgmt.cli.parser import COMMAND_LINE, parse

DOOR = ROOT / "utils" / "aws_mgmt" / "dr_cli.py"


def started_in(folder: Path, home: Path, words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line from another working directory."""
    _, env = command_of("", home, **variables)
    command = [sys.executable, str(DOOR), *words.split()]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.parametrize("command", ["status", "failover --execute --incident INC-1", "approve --rules"])
def test_a_person_of_the_sandbox_is_refused_by_name_outside_of_it(tmp_path: Path, command: str) -> None:
    ran = dr_cli(f"-e sit --as approver {command}", tmp_path)
    assert (2, 1) == (ran.code, ran.err.count("\n"))
    assert "--as approver chooses among the sandbox's people" in ran.err


@pytest.mark.proof
def test_a_profile_counts_before_keys_in_variables(sandbox_world: Endpoint, tmp_path: Path) -> None:
    keys = sandbox_world.people["reader"]
    (tmp_path / "credentials").write_text(
        f"[looking]\naws_access_key_id = {keys.access_key_id}\naws_secret_access_key = {keys.secret_access_key}\n"
    )
    others = {**signed_in(sandbox_world, "approver"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials")}
    for words, person in (("--profile looking", "reader"), ("", "approver")):
        evidence = tmp_path / f"{person}.json"
        dr_cli(f"-e sit {words} status --replication --save-evidence {evidence}", tmp_path, **others)
        assert f'"identity":"arn:aws:iam::815856636111:user/{person}"' in evidence.read_text(encoding="utf-8")


def test_a_profile_stands_in_every_printed_command(tmp_path: Path) -> None:
    ran = dr_cli("-e sit --profile nowhere sandbox show", tmp_path)
    assert "-e sit --profile nowhere" in ran.err


def test_a_region_variable_outside_the_estate_is_said_to_choose_nothing(
    sandbox_world: Endpoint, tmp_path: Path
) -> None:
    for name, region, lines in (("AWS_REGION", "us-east-1", 1), ("AWS_DEFAULT_REGION", "eu-west-1", 0)):
        ran = dr_cli("-e sit schedule", tmp_path, **signed_in(sandbox_world, "reader"), **{name: region})
        note = f"{name}={region} is ignored: {ROOT / 'environments/sit.toml'} names af-south-1 and eu-west-1.\n"
        assert (ran.err, "In short" in ran.out) == (note * lines, True)


@pytest.mark.proof
def test_the_environment_is_found_upwards_then_by_dr_config_and_config(tmp_path: Path) -> None:
    project, other = tmp_path / "project", tmp_path / "other"
    for folder, account in ((project / "environments", "1" * 12), (other, "2" * 12)):
        rules(tmp_path, "sit", "")
        folder.mkdir(parents=True)
        text = (tmp_path / "environments" / "sit.toml").read_text()
        (folder / "sit.toml").write_text(text.replace("815856636111", account))
    shutil.rmtree(tmp_path / "environments")
    deep = project / "a" / "b"
    deep.mkdir(parents=True)
    assert "1" * 12 in started_in(deep, tmp_path, "-e sit iam operator").stdout, "upwards from here"
    assert "2" * 12 in started_in(deep, tmp_path, "-e sit iam operator", DR_CONFIG=str(other)).stdout
    given = started_in(deep, tmp_path, f"-e sit --config {ROOT / 'environments'} iam operator", DR_CONFIG=str(other))
    assert "815856636111" in given.stdout
    assert "815856636111" in started_in(tmp_path, tmp_path, "-e sit iam operator").stdout, "else the shipped one"


def test_debug_logs_each_call_with_time_and_request_id_privately(sandbox_world: Endpoint, tmp_path: Path) -> None:
    sandbox_world.reset_calls()
    ran = dr_cli("-e sit -v schedule", tmp_path, **signed_in(sandbox_world, "reader"))
    (log,) = (tmp_path / "out").glob("calls-*.log")
    lines = log.read_text().splitlines()
    assert f"Calls: {log}" in ran.err
    assert 0o600 == log.stat().st_mode & 0o777
    assert sum(sandbox_world.calls().values()) == len(lines), "every call, and none twice"
    line = re.compile(r"\S+Z [a-z0-9-]+ [a-z0-9-]+:\w+ (\d{3}|-) \d+\.\dms request-id=\S+( error=\w+)?")
    assert [] == [row for row in lines if not line.fullmatch(row)]
    secrets = (sandbox_world.people["reader"].secret_access_key, sandbox_world.people["reader"].access_key_id, "http")
    assert [] == [secret for secret in secrets if secret in log.read_text()]


def test_a_denied_and_an_unanswered_call_are_logged_with_their_error(tmp_path: Path) -> None:
    nobody = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    assert 3 == dr_cli("-e sit -v --deadline 5 schedule", tmp_path, **nobody).code
    (log,) = (tmp_path / "out").glob("calls-*.log")
    assert "sts:GetCallerIdentity - " in log.read_text()
    assert "error=EndpointConnectionError" in log.read_text()


PAGES = [ctx.command for ctx in contexts(COMMAND_LINE, Program.SCRIPT)]
EXAMPLES = sorted(
    {example for page in PAGES if isinstance(page, HelpPage) and page.name != "completion" for example in page.examples}
)
OTHERS = (
    "-e sit failover --execute --watch", "-e sit failover --validate --watch", "-e sit status --watch",
    "-e sit fence --execute", "-e sit status --explain calls", "-e sit test --infra --restore",
    "-e dev,sit report --merge",
)  # fmt: skip


@pytest.mark.parametrize("words", [*EXAMPLES, *OTHERS])
def test_the_function_of_a_command_takes_its_options(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in re.findall(r"(?:reports/out|runs)/\S+|\S+\.(?:tar|json)", words):
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).touch()
    options = parse(shlex.split(words))
    path = dispatch.function_of(options)
    module, _, name = path.partition(":")
    function = getattr(import_module(f"utils.aws_mgmt.cli.commands.{module}"), name)
    taken = get_type_hints(function)
    assert isinstance(options, taken["options"])
    assert ("environment" in taken) == (path not in dispatch.WITHOUT_ENVIRONMENT)
