"""The wheel, installed from the package index: the command ``dr`` without the emulator, and with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from sandbox.client.endpoint import Endpoint
from tests.utils.running import ROOT, Ran, at_endpoint, command_of, signed_in

pytestmark = pytest.mark.proof

INSTALL_S = 300
EXTRA = "`pip install 'aws-dr-manager[sandbox]'`"
LISTENING = """
import os, runpy, sys

log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def hear(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(os.getcwd() + os.sep):
        os.write(log, os.fsencode(arguments[0] + chr(10)))

sys.addaudithook(hear)
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Runs a program and adds the path of each file of the working directory that it opens to a log."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    _pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and what it depends on, and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=INSTALL_S)
    _pip(str(folder / "bin" / "python"), "install", "-c", str(ROOT / "constraints.txt"), str(wheel))
    return folder


def _pip(python: str, *words: str) -> None:
    """Run pip, with a fresh environment's own bytecode left to its first use."""
    command = [python, "-m", "pip", "-q", "--disable-pip-version-check", *words]
    subprocess.run(command, check=True, timeout=INSTALL_S, cwd=Path(python).parent)


@pytest.fixture
def run(bare: Path, tmp_path: Path) -> Callable[..., Ran]:
    """Runs a program of the bare environment as a user who is in a folder of their own, with variables for AWS."""

    def _run(line: str, **variables: str) -> Ran:
        _, env = command_of("", tmp_path, **variables)
        cwd = tmp_path / "elsewhere" / "utils"  # neither a checkout nor its names
        cwd.mkdir(parents=True, exist_ok=True)
        program, *words = line.split()
        command = [str(bare / "bin" / program), *words]
        environment = {name: value for name, value in env.items() if not name.startswith("PYTHON")}
        done = subprocess.run(command, cwd=cwd.parent, env=environment, capture_output=True, text=True, check=False)
        assert not list(cwd.iterdir()), "nothing is left where the command is called"
        return Ran(done.returncode, done.stdout, done.stderr)

    return _run


def test_the_wheel_holds_one_folder_of_its_own_and_no_tests(wheel: Path) -> None:
    paths = [Path(name).parts for name in ZipFile(wheel).namelist()]
    assert {"aws_dr_manager"} == {parts[0] for parts in paths if not parts[0].endswith(".dist-info")}
    names = {"/".join(parts[1:]) for parts in paths}
    needed = {
        "conftest.py",
        "pyproject.toml",
        "environments/prod.toml",
        "sandbox/core/aws_regions.toml",
        "sandbox/truth.json",
    }
    assert needed | {"features/dns_records.feature", "features/test_features.py"} <= names
    assert not {parts[1] for parts in paths} & {"tests", "benchmarks"}
    assert {"deploy/anchors/index.py"} == {name for name in names if name.startswith("deploy")}, "the sandbox plays it"
    assert {"docs/gates.md", "docs/traps.md"} == {name for name in names if name.startswith("docs")}, (
        "what `explain` reads"
    )


def test_the_wheel_holds_no_results_of_the_checkout_that_it_was_built_in(wheel: Path, tmp_path: Path) -> None:
    folder = tmp_path / "exported"  # as in the image's build: no .gitignore says what is generated
    with ZipFile(wheel) as archive:
        names = [name.partition("/")[2] for name in archive.namelist() if name.startswith("aws_dr_manager/")]
    for name in (*names, "README.md"):
        place = "aws_dr_manager/__main__.py" if name == "__main__.py" else name
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes((ROOT / place).read_bytes())
    evidence = folder / "reports" / "out" / "prod-status-1" / "evidence.json"
    evidence.parent.mkdir(parents=True)
    evidence.write_text("{}", encoding="utf-8")
    _pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(folder))
    (built,) = tmp_path.glob("*.whl")
    assert sorted(ZipFile(wheel).namelist()) == sorted(ZipFile(built).namelist())


@pytest.mark.parametrize("line", ["-e sit status", "-e sit failover", "explain trap T05", "explain gate fence.primary"])
def test_the_wheel_holds_every_file_that_the_checkout_reads(
    line: str, wheel: Path, sandbox_world: Endpoint, tmp_path: Path
) -> None:
    words, env = command_of(line, tmp_path, **signed_in(sandbox_world, "operator"))
    log = tmp_path / "opened"
    command = [sys.executable, "-c", LISTENING, str(log), *words]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    opened = {_source(Path(path).relative_to(ROOT)) for path in log.read_text(encoding="utf-8").splitlines()}
    read = {path for path in opened if (ROOT / path).is_file() and path.split("/")[0] not in (".venv", ".tools")}
    assert "utils/aws_mgmt/cli/parser.py" in read
    assert set() == {f"aws_dr_manager/{path}" for path in read} - set(ZipFile(wheel).namelist())


def _source(path: Path) -> str:
    """The file of the checkout that was opened; of a compiled module its source, "" for what was computed once."""
    if path.parent.name != "__pycache__":
        return path.as_posix()
    return (path.parents[1] / f"{path.name.partition('.')[0]}.py").as_posix() if ".pyc" in path.name else ""


def test_the_bare_tool_has_help_and_says_what_it_lacks(bare: Path, run: Callable[..., Ran], tmp_path: Path) -> None:
    assert not list(bare.glob("lib/*/site-packages/moto"))
    helped = run("dr --help")
    assert (0, "Usage: dr [OPTIONS]") == (helped.code, helped.out[:19])
    assert run("python -m aws_dr_manager --help").out.startswith("Usage: python -m aws_dr_manager [OPTIONS]")
    unknown = run("dr -e sit status")
    assert (3, True) == (unknown.code, "No AWS credentials were found." in unknown.err), unknown.err
    for line in (
        "dr -e sit --sandbox status",
        "dr -e sit sandbox up",
        "python -m aws_dr_manager -e sit --sandbox status",
    ):
        ran = run(line)
        assert (3, 1) == (ran.code, len(ran.err.splitlines())), ran.err
        assert "needs the sandbox's packages (moto)" in ran.err
        assert EXTRA in ran.err
    named = run("dr -e sit sandbox list")
    assert (2, True) == (named.code, "Start one: `dr -e sit sandbox up`." in named.err), named.err
    assert list((tmp_path / "aws-dr-manager" / "reports").glob("sit-status-*")), "results lie in the state folder"


def test_the_bare_tool_judges_as_the_checkout_does(
    run: Callable[..., Ran], sandbox_world: Endpoint, tmp_path: Path
) -> None:
    evidence = tmp_path / "evidence.json"
    line = "-e sit status --format json"
    checkout = at_endpoint(sandbox_world, tmp_path, f"{line} --save-evidence {evidence}")
    for workers in (0, 2):
        ran = run(f"dr --workers {workers} {line}", **signed_in(sandbox_world, "reader"))
        assert (0, checkout.statuses()) == (ran.code, ran.statuses()), ran.err
    again = at_endpoint(sandbox_world, tmp_path, f"{line} --from-evidence {evidence}")
    offline = run(f"dr {line} --from-evidence {evidence}")
    assert (again.code, _plain(again)) == (offline.code, _plain(offline)), offline.err


def _plain(ran: Ran) -> str:
    """The JSON report without its folders, and with ``dr`` for the program that its commands begin with."""
    text = json.dumps(ran.report | {"files": {}, "next_step": "", "next_command": ""}, sort_keys=True)
    return text.replace("python utils/aws_mgmt/dr_cli.py", "dr")


def test_with_the_emulator_the_installed_tool_has_its_sandbox(bare: Path, run: Callable[..., Ran]) -> None:
    (packages,) = bare.glob("lib/*/site-packages")
    (packages / "emulator.pth").write_text(sysconfig.get_path("purelib") + os.linesep)
    ran = run("dr -e sit --sandbox --tenants 1 status --infrastructure --format json")
    assert (0, True) == (ran.code, len(ran.statuses()) > 10), ran.err
