"""A command loads what it needs: its help needs nothing of weight, and only the sandbox needs the emulator."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.measuring import ROOT
from sandbox.client.endpoint import Endpoint

MODULES_OF_HELP = 120
"""More than Python loads by itself; measured 95. More of them is an import that slipped in."""
HEAVY = {"allure_pytest", "boto3", "botocore", "dns", "moto", "pydantic", "pytest", "rich", "s3transfer"}
_COUNTING = """
import sys
from utils.aws_mgmt import dr_cli
texts = []
sys.addaudithook(lambda event, about: texts.append(about) if event == "compile" and "def __" in str(about[0]) else None)
code = dr_cli.main(sys.argv[1:])
sys.stderr.write(f"{len(texts)} texts compiled")
sys.exit(code)
"""
_LOADING = """
import sys
from utils.aws_mgmt import dr_cli
code = dr_cli.main(sys.argv[1:])
sys.stderr.write("\\n" + " ".join(sys.modules))
sys.exit(code)
"""


def _loaded(words: list[str], **variables: str) -> tuple[int, set[str]]:
    """The exit code, and the modules that were imported: packages, and what is in them by its name with dots."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = [sys.executable, "-c", _LOADING, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env={**env, **variables})
    return done.returncode, set(done.stderr.splitlines()[-1].split())


def test_help_loads_hardly_more_modules_than_python_itself() -> None:
    code, loaded = _loaded(["--help"])
    assert (code, loaded & HEAVY) == (0, set())
    bare = [sys.executable, "-c", "import sys; print(*sys.modules)"]
    alone = set(subprocess.run(bare, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())
    assert len(loaded - alone) <= MODULES_OF_HELP, sorted(loaded - alone)


@pytest.mark.proof
def test_a_complaint_loads_no_screen(tmp_path: Path) -> None:
    code, loaded = _loaded(["-e", "nowhere", "--config", str(tmp_path), "status"])
    assert (code, loaded & {"rich", "boto3", "moto"}) == (2, set())


@pytest.mark.proof
def test_a_later_command_compiles_no_text_that_an_earlier_one_compiled() -> None:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", _COUNTING, "explain", "exit", "3"]
    runs = [subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=env) for _ in range(3)]
    assert all(run.stdout.startswith("Exit 3:") for run in runs)
    assert "0 texts compiled" in {run.stderr for run in runs[1:]}, "a test beside this may write the file in between"


@pytest.mark.proof
def test_status_in_json_loads_nothing_that_its_answer_does_not_need(sandbox_world: Endpoint, tmp_path: Path) -> None:
    keys = sandbox_world.people["reader"]
    code, loaded = _loaded(
        ["-e", "sit", "--output", str(tmp_path), "status", "--format", "json"],
        AWS_ENDPOINT_URL=sandbox_world.url,
        AWS_ACCESS_KEY_ID=keys.access_key_id,
        AWS_SECRET_ACCESS_KEY=keys.secret_access_key,
        XDG_STATE_HOME=str(tmp_path),
    )
    assert (code, loaded & {"aws_croniter", "moto", "boto3", "s3transfer", "rich", "werkzeug"}) == (0, set())
