"""Completion of the installed command: by the protocol of the scripts of bash, zsh and fish, and in bash itself."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.disasters import catalogue
from tests.utils.running import ROOT

Complete = Callable[[str], set[str]]
DISASTERS = {disaster.name for disaster in catalogue()}


@pytest.fixture(scope="module")
def dr(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PATH in which the command `dr` is this tree, installed."""
    folder = tmp_path_factory.mktemp("bin")
    command = folder / "dr"
    begin = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from aws_dr_manager.__main__ import main; sys.exit(main())"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c "{begin}" "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return folder


def _run(dr: Path, command: list[str], **variables: str) -> str:
    env = {**os.environ, "PATH": f"{dr}:{os.environ['PATH']}", **variables}
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    return done.stdout


def _by_bash(dr: Path, *lines: str) -> list[set[str]]:
    """What a Tab at the end of each of ``lines`` offers in a bash that has loaded the script."""
    script = (
        'source <(dr completion bash); [[ $(complete -p dr) == *_dr_completion* ]] || exit 9; for line in "$@"; do '
        'read -ra COMP_WORDS <<< "dr $line"; [[ $line == *" " ]] && COMP_WORDS+=(""); COMPREPLY=(); '
        'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _dr_completion dr; echo "${COMPREPLY[@]}"; done'
    )
    return [set(offered.split()) for offered in _run(dr, ["bash", "-c", script, "bash", *lines]).splitlines()]


OFFERED: dict[str, set[str]] = {
    "-e sit stat": {"status"},
    "-e sit failover --ex": {"--execute", "--exceptions"},
    "-e ": {"all", "dev", "prod", "sit"},
    "status --environment p": {"prod"},
    "-e sit status --format ": {"terminal", "markdown", "json", "csv", "junit", "github", "sarif"},
    "-e sit sandbox tr": {"train"},
    "-e sit sandbox train split": {"split-brain"},
    "-e sit sandbox break region-": {name for name in DISASTERS if name.startswith("region-")},
    "-e sit --as ad": {"admin"},
    "-e sit iam op": {"operator"},
    "completion ": {"bash", "zsh", "fish"},
    "-e sit drill ": {"show", "clean"},
}


@pytest.mark.proof
def test_bash_completes_commands_options_and_names(dr: Path) -> None:
    assert all(OFFERED.values())
    assert OFFERED == dict(zip(OFFERED, _by_bash(dr, *OFFERED), strict=True))


@pytest.mark.proof
def test_environments_are_those_of_the_folder_that_is_named(dr: Path, tmp_path: Path) -> None:
    for name in ("blue.toml", "green.toml", "exceptions.toml", "notes.md"):
        (tmp_path / name).touch()
    lines = ("--config {folder} -e ", "--config {folder} status -e ", "status --config {folder} -e ")
    assert [{"blue", "green", "all"}] * 3 == _by_bash(dr, *(line.format(folder=tmp_path) for line in lines))


@pytest.mark.parametrize(
    ("shell", "variables", "offered"),
    [
        ("bash", {"COMP_WORDS": "dr -e sit sta", "COMP_CWORD": "3"}, ["plain,status"]),
        ("fish", {"COMP_WORDS": "dr -e sit sta", "COMP_CWORD": "sta"}, ["plain", "status", "Show whether"]),
        ("zsh", {"COMP_WORDS": "dr -e sit sta", "COMP_CWORD": "3"}, ["plain", "status", "Show whether"]),
    ],
)
def test_each_shell_is_answered_in_its_own_form(
    dr: Path, shell: str, variables: dict[str, str], offered: list[str]
) -> None:
    answer = _run(dr, ["dr"], _DR_COMPLETE=f"{shell}_complete", **variables)
    assert [] == [part for part in offered if part not in answer]


@pytest.mark.proof
@pytest.mark.parametrize(
    ("shell", "parts"),
    [
        ("bash", ["complete -o nosort -F _dr_completion dr", "_DR_COMPLETE=bash_complete"]),
        ("zsh", ["#compdef dr", "_DR_COMPLETE=zsh_complete"]),
        ("fish", ["complete --no-files --command dr", "_DR_COMPLETE=fish_complete"]),
    ],
)
def test_the_script_of_each_shell_is_printed_for_the_command_as_it_is_installed(
    dr: Path, shell: str, parts: list[str]
) -> None:
    script = _run(dr, ["dr", "completion", shell])
    assert [] == [part for part in parts if part not in script]
    assert script == _run(dr, ["dr"], _DR_COMPLETE=f"{shell}_source")
