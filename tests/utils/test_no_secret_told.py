"""Values that are nobody's business, planted wherever an estate may hold them, are in no output of any command."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dr_estate.config.environment import Side, load_environment
from sandbox.client.endpoint import Endpoint
from tests.proofs.changes import Aws
from tests.utils.running import ROOT, signed_in
from tests.worlds import borrowed
from utils.aws_mgmt.cli.error_boundary import run_command
from utils.aws_mgmt.cli.parser import parse

SIT = load_environment(ROOT / "environments", "sit")
CANARY = "cAnArY7f3a91"
FORMATS = ("terminal", "markdown", "json", "csv")
SAVED = "--from-evidence {home}/saved.json"
COMMANDS = (  # a run keeps its report in all formats, and its files are searched too
    "status --save-evidence {home}/saved.json --record {home}/recorded",
    *(f"{goal} {SAVED}" for goal in ("failover", "failback --format json")),
    *("schedule --format json", "doctor --format json", "iam", "log", "drill show"),
    "evidence --run {run}",
    *(f"{command} {SAVED} --format {form}" for command in ("status", "test --infra --dns") for form in FORMATS),
    *(f"failover --format {form}" for form in FORMATS),
    *(f"{goal} --format json" for goal in ("failback", "fence", "failover --planned", "failover --validate")),
    *("test --infra", "test --tabletop --non-interactive"),
)


@dataclass(frozen=True)
class Planted:
    """A world with the canaries in it, and where its outputs go."""

    world: Endpoint
    home: Path

    def found(self) -> list[str]:
        """The files that hold a canary, those in archives too."""
        return sorted(name for name, data in self._contents() if CANARY.encode() in data)

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        for path in self.home.rglob("*"):
            if path.is_file() and zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    yield from ((f"{path.name}:{name}", archive.read(name)) for name in archive.namelist())
            elif path.is_file():
                yield str(path.relative_to(self.home)), path.read_bytes()


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Planted]:
    with borrowed(SIT, 1) as world:
        aws = Aws(world.url, world.people["admin"], SIT, world.state()["tenants"][0])
        for side in (Side.PRIMARY, Side.DR):
            _plant(aws, side)
        for name, value in (signed_in(world, "operator") | {"XDG_STATE_HOME": str(tmp_path)}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_SESSION_TOKEN", f"token-{CANARY}")
        yield Planted(world, tmp_path)


def _plant(aws: Aws, side: Side) -> None:
    """Put canaries into a secret, plain variables, a URL among them, and tags."""
    ecs, env = aws.client("ecs", side), aws.env
    service = env.named(env.names.service, tenant=aws.tenant)
    cluster = env.named(env.names.cluster)
    found = ecs.describe_services(cluster=cluster, services=[service])["services"][0]
    task = ecs.describe_task_definition(taskDefinition=found["taskDefinition"])["taskDefinition"]
    container = task["containerDefinitions"][0]
    container["environment"] += [
        {"name": "PLAIN_SETTING", "value": f"plain-{CANARY}"},
        {"name": "API_TOKEN", "value": f"token-{CANARY}"},
        {"name": "HOOK", "value": f"https://user:{CANARY}@hooks.example.org/x?key={CANARY}"},
    ]
    copied = ("taskRoleArn", "executionRoleArn", "networkMode", "volumes", "cpu", "memory", "requiresCompatibilities")
    again = {name: task[name] for name in ("family", *copied) if task.get(name)}
    newest = ecs.register_task_definition(**again, containerDefinitions=[container])["taskDefinition"]
    ecs.update_service(cluster=cluster, service=service, taskDefinition=newest["taskDefinitionArn"])
    ecs.tag_resource(resourceArn=found["serviceArn"], tags=[{"key": "api-key", "value": f"tag-{CANARY}"}])
    if side is Side.PRIMARY:
        secrets, name = aws.client("secretsmanager", side), env.named(env.names.tenant_secret, tenant=aws.tenant)
        value = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])
        text = json.dumps({**value, "password": f"secret-{CANARY}"})
        secrets.put_secret_value(SecretId=name, SecretString=text)


@pytest.mark.proof
def test_no_canary_is_in_any_output_and_evidence_is_the_users_own(
    planted: Planted, capsys: pytest.CaptureFixture[str]
) -> None:
    out, outputs = planted.home / "out", {}
    for words in COMMANDS:
        run = next(iter(sorted(out.glob("sit-status-*"))), out)
        line = f"-e sit --output {out} {words.format(home=planted.home, run=run)}"
        code = run_command(parse(line.split()))
        printed = capsys.readouterr()
        outputs[words] = printed.out + printed.err
        assert "defect" not in printed.err, printed.err
        assert code in (0, 1, 2, 3, 4, 6), (words, printed.err)
    assert [] == [words for words, text in outputs.items() if CANARY in text]
    assert [] == planted.found()
    evidence = [*planted.home.rglob("evidence.json"), planted.home / "saved.json", *planted.home.rglob("*.tar")]
    assert len(evidence) >= 5
    assert {0o600} == {path.stat().st_mode & 0o777 for path in evidence}


@pytest.mark.proof
def test_an_aws_error_that_repeats_a_secret_is_printed_without_it(
    planted: Planted, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    planted.world.enforce_iam(True)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"key-{CANARY}")
    host = planted.world.url.partition("://")[2]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://user:{CANARY}@{host}")
    for words in ("status", "failover --execute --incident INC-1", "doctor"):
        run_command(parse(f"-e sit --output {planted.home / 'out'} {words}".split()))
        printed = capsys.readouterr()
        assert printed.out + printed.err
        assert CANARY not in printed.out + printed.err
    assert [] == planted.found()
