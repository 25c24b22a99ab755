"""The DNS step by hand at a real terminal: the command on the screen, run by a shell with the real aws CLI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from dr_actions.model.plan import Call
from dr_estate.aws.read_client import Credentials
from dr_estate.config.environment import Side, load_environment
from dr_estate.readers import route53
from reports.terminal.manual_step import ManualStepWriter
from tests.utils.pseudo_terminal import begun
from tests.utils.running import ROOT, command_of, direct_rules, dr_cli, signed_in
from tests.worlds import borrowed, healthy, home_with_seeds

pytestmark = [pytest.mark.proof, pytest.mark.judge("awscli")]

QUICK = "[execution]\npoll_s = 0.2\n[observation]\nattempts = 1"
INCIDENT = "INC-20260107-001"
PATIENCE_S = 600
COMMAND = "aws route53 change-resource-record-sets"


@dataclass(frozen=True)
class Prod:
    """A small PROD; ``words`` and ``operator``, its environment variables, lead to it."""

    home: Path
    words: str
    operator: dict[str, str]

    def approve(self, words: str, **variables: str) -> None:
        """Give the approver's word for today's plan."""
        approved = dr_cli(f"{self.words} {words} approve --incident {INCIDENT}", self.home, **variables)
        assert approved.code == 0, approved.err

    def execute_and_paste(self, columns: int, shell: dict[str, str]) -> tuple[int, str]:
        """Run at a terminal, and paste the command it shows into ``shell``: how the run ended, and the command."""
        words = f"{self.words} failover --execute --incident {INCIDENT} --confirm files/restore_dr:prod-efs"
        command, variables = command_of(words, self.home, **self.operator)
        env = {**variables, "TERM": "xterm-256color"}
        with begun([sys.executable, *command], env, columns) as screen:
            line = screen.until_line(COMMAND, PATIENCE_S)
            pasted = subprocess.run(["/bin/sh", "-c", line], env=shell, text=True, capture_output=True, check=False)
            assert pasted.returncode == 0, (line, pasted.stderr)
            return screen.wait(PATIENCE_S), line


@pytest.fixture(scope="module")
def shell() -> dict[str, str]:
    """A person's shell: the aws CLI on its PATH, and nothing of AWS set. ``make awscli`` installs the CLI."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    path = f"{ROOT / '.tools' / 'awscli' / 'bin'}:{os.environ['PATH']}"
    assert shutil.which("aws", path=path), "This proof needs the aws CLI: run `make awscli`."
    return {**environment, "PATH": path, "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": ""}


def test_at_80_columns_the_printed_command_is_pasted_and_the_run_ends_well(
    tmp_path: Path, shell: dict[str, str]
) -> None:
    config, home = direct_rules(tmp_path, "prod", QUICK), tmp_path / "the results"
    with borrowed(load_environment(config, "prod"), tenants=2) as world:
        world.inject("primary-dark")
        operator = signed_in(world, "operator")
        prod = Prod(home, f"-e prod --config {config}", operator)
        prod.approve("", **signed_in(world, "approver"))
        code, line = prod.execute_and_paste(80, {**shell, **operator})
    assert code == 0
    assert "--region us-east-1" in line
    assert not set(line) & set("{}"), "the change batch is in a file"


def test_at_100_columns_the_command_reaches_the_sandbox_from_any_shell(tmp_path: Path, shell: dict[str, str]) -> None:
    config, home = direct_rules(tmp_path, "prod", QUICK), tmp_path / "results"
    home_with_seeds(home / "sandbox")
    prod = Prod(home, f"-e prod --config {config}", {})
    up = dr_cli(f"{prod.words} --tenants 2 sandbox up", home)
    assert up.code == 0, up.err
    try:
        assert dr_cli(f"{prod.words} sandbox break primary-dark", home).code == 0
        prod.approve("--sandbox")
        sandbox = Prod(home, f"{prod.words} --sandbox", {})
        code, line = sandbox.execute_and_paste(100, shell)
        assert code == 0
        assert "--endpoint-url http://127.0.0.1:" in line, "the sandbox's DNS is changed, never that of an account"
    finally:
        assert dr_cli(f"{prod.words} sandbox down", home).code == 0


def test_the_command_that_lists_the_records_lists_them(tmp_path: Path, shell: dict[str, str]) -> None:
    env = load_environment(ROOT / "environments", "prod")
    with borrowed(env, tenants=2) as world:
        zone = healthy(world, env).get(route53.zone, Side.GLOBAL)
        assert zone is not None
        keys = world.people["admin"]
        note = Credentials(world.url, keys.access_key_id, keys.secret_access_key)
        call = Call("route53", "ChangeResourceRecordSets", "us-east-1", {"HostedZoneId": zone.id, "ChangeBatch": {}})
        line = ManualStepWriter(tmp_path, note).reading(call)
        pasted = subprocess.run(["/bin/sh", "-c", line], env=shell, text=True, capture_output=True, check=False)
    assert pasted.returncode == 0, (line, pasted.stderr)
    assert f"{env.traffic.origin_record}." in {row["Name"] for row in json.loads(pasted.stdout)["ResourceRecordSets"]}
