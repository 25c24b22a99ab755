"""The image of the recovery's task: it holds all that the package is made of, and does not run as root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from dr_estate.model.recovery_document import WRITABLE
from utils.aws_mgmt.app.options import ROOT
from utils.aws_mgmt.generate.deploy_files import DEPLOY

LINES = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text(encoding="utf-8")).splitlines()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WHEEL = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
ENTRY = re.compile(r"^([a-z0-9._-]+)==.+(?:\n .+)*", re.MULTILINE)


def locked(path: Path) -> dict[str, str]:
    """Each package's entry of a lock file, with its version and hashes."""
    return {found[1]: found[0] for found in ENTRY.finditer(path.read_text(encoding="utf-8"))}


def words(instruction: str) -> list[list[str]]:
    """What follows each instruction of this name, its options left out."""
    lines = [line.split() for line in LINES if line.startswith(f"{instruction} ")]
    return [[word for word in line[1:] if not word.startswith("--")] for line in lines]


def test_the_build_sees_every_room_of_the_package_and_nothing_else() -> None:
    rows = [row for row in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if row[:1] != "#"]
    assert rows[0] == "*", "what is not named is not seen"
    seen = {row[1:] for row in rows if row.startswith("!")}
    assert seen >= {*WHEEL["only-include"], *WHEEL["force-include"], "README.md"}
    copied = {word for line in words("COPY") for word in line[:-1] if (ROOT / word).exists() and word != "."}
    assert {name for name in copied if not {name, f"{Path(name).parent}/*{Path(name).suffix}"} & seen} == set()
    assert {"reports/out", "**/__pycache__"} <= set(rows) - seen
    assert set(WHEEL["exclude"]) <= set(rows) - seen


def test_it_installs_what_the_tool_needs_by_hash_and_no_emulator() -> None:
    every, image = locked(ROOT / "requirements.lock"), locked(DEPLOY / "image.lock")
    assert image.items() <= every.items(), "run `make constraints`"
    declared = {re.split(r"[^a-z0-9-]", name)[0] for name in PROJECT["project"]["dependencies"]}
    assert declared <= image.keys(), "run `make constraints`"
    assert {"moto", "cloudpickle"} & image.keys() == set()
    built = locked(DEPLOY / "build.lock")
    assert all("--hash=sha256:" in entry for entry in (*image.values(), *built.values()))
    assert {re.split(r"[^a-z0-9-]", name)[0] for name in PROJECT["build-system"]["requires"]} <= built.keys()
    from_index = [line for line in LINES if " install " in line and "--no-index" not in line]
    assert from_index
    assert all(line.count(" install ") == line.count("--require-hashes") for line in from_index)


def test_it_runs_the_tool_by_its_own_environment_files_and_not_as_root() -> None:
    assert 'ENTRYPOINT ["/opt/dr/bin/dr", "--config", "/etc/dr/environments"]' == LINES[-1]
    users = [line[0] for line in words("USER")]
    assert users
    assert "0" not in users


def test_it_writes_where_its_task_has_volumes_and_nowhere_else() -> None:
    volumes = set(re.findall(r'"(/[^"]*)"', next(line for line in LINES if line.startswith("VOLUME "))))
    assert {*WRITABLE.values(), "/out", "/runs"} == volumes
    variables = dict(word.split("=", 1) for line in words("ENV") for word in line)
    written = {name: value for name, value in variables.items() if value.startswith("/")}
    assert {"XDG_CACHE_HOME", "XDG_STATE_HOME"} == written.keys()
    assert all(any(Path(value).is_relative_to(path) for path in WRITABLE.values()) for value in written.values())


@pytest.fixture
def builders(tmp_path: Path) -> Path:
    """A folder with the programs that `make image` needs, and no builder."""
    for name in ("sh", "sed", "git", "echo"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    return tmp_path


def make_image(programs: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(shutil.which("make")), "image", *options]
    environment = {"PATH": str(programs), "HOME": os.environ["HOME"]}  # and nothing of a `make` that plays this
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_make_image_says_that_there_is_no_builder(builders: Path) -> None:
    run = make_image(builders)
    assert (2, "") == (run.returncode, run.stdout)
    assert run.stderr.startswith("make image needs docker, podman or buildah, and none of them is on the PATH")


@pytest.mark.parametrize("name", ["docker", "podman", "buildah"])
def test_make_image_uses_the_builder_it_finds_and_returns_its_exit_code(builders: Path, name: str) -> None:
    program = builders / name
    program.write_text('#!/bin/sh\necho "$@"\nexit ${BUILDS:-0}\n', encoding="utf-8")
    program.chmod(0o755)
    built = make_image(builders, "IMAGE=repository:1", "BASE=mirror/python:3.13", "IMAGE_OPTIONS=--no-cache")
    start = (
        "build --platform linux/amd64 --file deploy/Dockerfile --tag repository:1 --build-arg BASE=mirror/python:3.13 "
    )
    assert (0, start) == (built.returncode, built.stdout[: len(start)]), built.stderr
    assert re.search(
        rf"VERSION={PROJECT['project']['version']} .*REVISION=[0-9a-f]{{40}}\S* --no-cache \.$", built.stdout
    )
    assert 2 == make_image(builders, "BUILDS=3").returncode
