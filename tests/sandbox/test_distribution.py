"""The emulator as a distribution of its own: `aws-dr-sandbox`, for any client of AWS and without the product."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import sysconfig
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.house.sources import Source, sources
from tests.utils.running import ROOT

SANDBOX = ROOT / "sandbox"
PATIENCE_S = 60.0
ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)


def shared_paths() -> list[Path]:
    """What of the repository the distribution holds."""
    project = tomllib.loads((SANDBOX / "pyproject.toml").read_text(encoding="utf-8"))
    return [
        (SANDBOX / path).resolve() for path in project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    ]


def imports(source: Source) -> Iterator[str]:
    """The files that a module may import, by their paths."""
    names = {alias.name for node in source.of(ast.Import) for alias in node.names}
    for node in source.of(ast.ImportFrom):
        names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    for name in names:
        yield from (f"{name.replace('.', '/')}{end}" for end in (".py", "/__init__.py"))


def test_it_holds_every_file_of_the_product_that_its_modules_import() -> None:
    house = {
        source.name: source for source in sources("sandbox", "dr_estate", "dr_checks", "dr_actions", "reports", "utils")
    }
    places, waiting, seen = shared_paths(), [name for name in house if name.startswith("sandbox/")], set[str]()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [path for path in imports(house[name]) if path in house]
    lacking = [name for name in seen if not {ROOT / name, *(ROOT / name).parents} & set(places)]
    assert (lacking, len(seen) > 200) == ([], True)


def test_the_product_asks_for_the_same_packages_as_the_distribution() -> None:
    product, own = (
        tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        for path in (ROOT / "pyproject.toml", SANDBOX / "pyproject.toml")
    )
    assert set() == set(own["dependencies"]) - {*product["dependencies"], *product["optional-dependencies"]["sandbox"]}
    assert (product["version"], product["requires-python"]) == (own["version"], own["requires-python"])


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("up --primary mars-1", "'mars-1' is no region of AWS that this sandbox knows"),
        ("up --primary eu-west-1", "primary and DR region are both 'eu-west-1'"),
        ("up --port 80000", "80000 is no port"),
        ("up --tenants 0", "0 is no number of tenants"),
        ("brek", "invalid choice: 'brek'"),
    ],
)
def test_an_impossible_request_is_refused_before_anything_starts(line: str, sentence: str, tmp_path: Path) -> None:
    done = played(line, tmp_path)
    assert (done.returncode, sentence in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = played("up", tmp_path / "file" / "worlds")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr


def test_ctrl_c_while_it_starts_ends_with_a_sentence_and_nothing_behind(tmp_path: Path) -> None:
    command, env = [sys.executable, "-m", "sandbox", *["up", "--seeded", "--tenants", "40"]], at_home(tmp_path)
    started = subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True)
    ends = time.monotonic() + PATIENCE_S
    while not (tmp_path / "local" / "log").exists():
        assert time.monotonic() < ends
        time.sleep(0.02)
    started.send_signal(signal.SIGINT)
    _, error = started.communicate(timeout=PATIENCE_S)
    assert (started.returncode, error) == (130, "Interrupted.\n")
    assert "None was up." in played("down", tmp_path).stdout


def test_a_pipe_that_closes_is_no_fault(tmp_path: Path) -> None:
    shell = f"{sys.executable} -m sandbox down | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["/bin/bash", "-c", shell], cwd=ROOT, env=at_home(tmp_path), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def at_home(home: Path) -> dict[str, str]:
    """The variables of this process, with the worlds in that folder."""
    return {**os.environ, "DR_SANDBOX_HOME": str(home)}


def played(line: str, home: Path) -> subprocess.CompletedProcess[str]:
    """The command of this checkout, which ended."""
    command = [sys.executable, "-m", "sandbox", *line.split()]
    return subprocess.run(command, cwd=ROOT, env=at_home(home), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """``aws-dr-sandbox``, installed from its wheel beside the packages that it names, in a folder of its own."""
    folder = tmp_path_factory.mktemp("installed")
    for words in (
        ("-m", "pip", "-q", "wheel", "--no-deps", "--wheel-dir", str(folder), str(SANDBOX)),
        ("-m", "venv", str(folder / "venv")),
    ):
        subprocess.run([sys.executable, *words], check=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    program = folder / "venv" / "bin" / "python"
    subprocess.run([program, "-m", "pip", "-q", "install", "--no-deps", str(wheel)], check=True, timeout=300)
    (packages,) = (folder / "venv").glob("lib/*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + os.linesep, encoding="utf-8")
    yield program.with_name("aws-dr-sandbox")
    asked(program.with_name("aws-dr-sandbox"), "down")


def asked(command: Path, line: str, code: int = 0) -> str:
    """What the command printed."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AWS_"))}
    env["DR_SANDBOX_HOME"] = str(command.parent / "worlds")
    done = subprocess.run([command, *line.split()], env=env, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def client(access: str, service: str, region: str) -> Any:
    """A boto3 client by the lines that the command printed for a shell."""
    values = dict(word.split("=", 1) for word in access.split() if "=" in word)
    return boto3.client(
        service,
        region,
        endpoint_url=values["AWS_ENDPOINT_URL"],
        aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
        config=ONCE,
    )


@pytest.mark.proof
def test_an_aws_client_loses_and_regains_a_region_by_the_command(command: Path) -> None:
    assert "Start one: `aws-dr-sandbox up`." in asked(command, "break primary-dark", 1)
    access = asked(command, "up --primary us-east-2 --dr us-west-2")
    primary, dr = (client(access, "dynamodb", region) for region in ("us-east-2", "us-west-2"))
    key = {"AttributeName": "id", "AttributeType": "S"}
    for side in (primary, dr):
        side.create_table(
            TableName="orders",
            AttributeDefinitions=[key],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
    asked(command, "break primary-dark")
    with pytest.raises((BotoCoreError, ClientError)):
        primary.list_tables()
    assert dr.list_tables()["TableNames"] == ["orders"]
    assert "primary-dark" in asked(command, "mend")
    assert primary.list_tables()["TableNames"] == ["orders"]
    assert "`aws-dr-sandbox list`" in asked(command, "break primary-drak", 1)
    assert "kept for the next `aws-dr-sandbox up`" in asked(command, "down")
    assert "`aws-dr-sandbox up --fresh`" in asked(command, "up --seeded --tenants 2", 1)
    access = asked(command, "up --seeded --tenants 2 --fresh")
    clusters = [client(access, "ecs", region).list_clusters()["clusterArns"] for region in ("af-south-1", "eu-west-1")]
    assert [1, 1] == [len(found) for found in clusters]
