"""Completion of the installed command: in bash, zsh and fish themselves, each loaded as its users load it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from sandbox.disasters import catalogue
from tests.utils.pseudo_terminal import PATIENCE_S, Terminal, begun
from tests.utils.running import ROOT

Complete = Callable[[str], set[str]]
DISASTERS = {disaster.name for disaster in catalogue()}
SHELLS = Path(os.environ.get("DR_SHELLS", ROOT / ".tools" / "shells"))
LIBRARIES = ":".join(map(str, SHELLS.glob("usr/lib/*/")))
BASH = shutil.which("bash") or "bash"
WIDTH = 300
NOT_SHOWN = re.compile(r"\x07|\r|\x1b\[\?2004[hl]")  # the bell, where a line begins, how a paste is marked
PROMPT = "% "
ZSHENV = f"module_path=({SHELLS}/usr/lib/*/zsh/*(/))\nfpath=(~/.zfunc {SHELLS}/usr/share/zsh/functions/**/*(/))\n"
ZSHRC = f"unsetopt prompt_sp; PROMPT='{PROMPT.replace('%', '%%')}'; autoload -Uz compinit; compinit -u"


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
PARTS_OF_WORDS = {
    "-e sit status --format=j": {"json", "junit"},
    "-e sit status --format=": OFFERED["-e sit status --format "],
    "-e=si": {"sit"},
    "-e=sit --as=ad": {"admin"},
    "-e=sit stat": {"status"},
    "--incident=a=b -e sit stat": {"status"},
}
"""What bash puts behind the "=", which ends a word there."""


def _in_whole_words(line: str, values: set[str]) -> set[str]:
    option, equals, _ = line.rsplit(maxsplit=1)[-1].partition("=")
    return {f"{option}={value}" for value in values} if equals else values


WHOLE_WORDS = OFFERED | {line: _in_whole_words(line, values) for line, values in PARTS_OF_WORDS.items()}
"""What zsh and fish offer, to which `--format=j` is one word."""


@pytest.fixture
def shell_env(dr: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of a user whose folders are empty and who can run `dr`."""
    path = f"{dr}:{os.environ['PATH']}"
    return {"HOME": str(tmp_path), "PATH": path, "LD_LIBRARY_PATH": LIBRARIES, "TERM": "dumb"}


def _install(dr: Path, env: dict[str, str], shell: str, file: str) -> None:
    script = Path(env["HOME"]) / file
    script.parent.mkdir(parents=True)
    script.write_text(_run(dr, ["dr", "completion", shell], **env), encoding="utf-8")


@pytest.mark.proof
@pytest.mark.judge("shells")
def test_fish_completes_commands_options_and_names(dr: Path, shell_env: dict[str, str]) -> None:
    _install(dr, shell_env, "fish", ".config/fish/completions/dr.fish")
    ask = "for line in $argv; echo (complete -C $line | string split --field 1 \\t); end"
    command = [str(SHELLS / "usr/bin/fish"), "-c", ask, *(f"dr {line}" for line in WHOLE_WORDS)]
    offered = [set(line.split()) for line in _run(dr, command, **shell_env).splitlines()]
    assert WHOLE_WORDS == dict(zip(WHOLE_WORDS, offered, strict=True))


@pytest.mark.proof
@pytest.mark.judge("shells")
def test_zsh_completes_commands_options_and_names(dr: Path, shell_env: dict[str, str]) -> None:
    with _zsh(dr, shell_env) as terminal:
        assert {line: _after_a_tab(terminal, line) for line in WHOLE_WORDS} == WHOLE_WORDS


PATHS = ("--config {}/al", "--config={}/al", "status --save-evidence={}/al")


@pytest.mark.proof
@pytest.mark.judge("shells")
def test_zsh_and_bash_complete_paths_behind_an_equals_sign_too(
    dr: Path, shell_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("x")
    for name in ("alert", "alps", "bet"):
        (folder / name).mkdir()
    offered = []
    for shell in (_zsh(dr, shell_env), _bash(shell_env)):
        with shell as terminal:
            offered += [_after_a_tab(terminal, line.format(folder)) for line in PATHS]
    assert [{"alert/", "alps/"}] * 6 == offered


def _zsh(dr: Path, env: dict[str, str]) -> AbstractContextManager[Terminal]:
    """A terminal with a zsh that has loaded the script."""
    _install(dr, env, "zsh", ".zfunc/_dr")
    for name, text in ((".zshenv", ZSHENV), (".zshrc", ZSHRC)):
        (Path(env["HOME"]) / name).write_text(text, encoding="utf-8")
    return _terminal([str(SHELLS / "usr/bin/zsh"), "-d", "-i"], env)  # -d: without the machine's files


@contextmanager
def _bash(env: dict[str, str], *settings: str) -> Iterator[Terminal]:
    """A terminal with a bash that has loaded the script, and lists names at the first Tab."""
    home = Path(env["HOME"])
    (home / ".inputrc").write_text("set show-all-if-ambiguous on\n", encoding="utf-8")
    lines = [f"PS1='{PROMPT}'", "source <(dr completion bash)", *settings]
    (home / ".bashrc").write_text("\n".join([*lines, ""]), encoding="utf-8")
    with _terminal([BASH, "--rcfile", str(home / ".bashrc"), "-i"], env) as terminal:
        yield terminal


@pytest.mark.proof
def test_bash_completes_commands_options_and_names(shell_env: dict[str, str]) -> None:
    offered = OFFERED | {
        line: values if len(values) > 1 else WHOLE_WORDS[line] for line, values in PARTS_OF_WORDS.items()
    }
    with _bash(shell_env) as terminal:
        assert {line: _after_a_tab(terminal, line) for line in offered} == offered


@pytest.mark.proof
def test_bash_that_does_not_break_at_equals_completes_the_whole_word(shell_env: dict[str, str]) -> None:
    offered = {line: WHOLE_WORDS[line] for line in PARTS_OF_WORDS}
    with _bash(shell_env, "COMP_WORDBREAKS=${COMP_WORDBREAKS//=}") as terminal:
        assert {line: _after_a_tab(terminal, line) for line in offered} == offered


@pytest.mark.proof
def test_environments_are_those_of_the_folder_that_is_named(shell_env: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "x"  # a line in which it stands fits into the terminal
    folder.mkdir()
    for name in ("blue.toml", "green.toml", "exceptions.toml", "notes.md"):
        (folder / name).touch()
    lines = (f"--config {folder} -e ", f"--config={folder} status -e ", f"status --config {folder} -e ")
    with _bash(shell_env) as terminal:
        assert [{"blue", "green", "all"}] * 3 == [_after_a_tab(terminal, line) for line in lines]


@contextmanager
def _terminal(command: list[str], env: dict[str, str]) -> Iterator[Terminal]:
    """A terminal in which a shell waits for a line."""
    with begun(command, env, WIDTH) as terminal:
        _shown_until(terminal, lambda shown: shown.endswith(PROMPT))
        yield terminal


def _after_a_tab(terminal: Terminal, words: str) -> set[str]:
    """What the shell offers: it completes the line by the one, or lists several below it and shows the line again."""
    line = f"dr {words}"
    listed = f"\n{PROMPT}{line}"
    terminal.press(f"{line}\t".encode())
    shown = _shown_until(
        terminal,
        lambda shown: shown.endswith(listed) or (len(shown) > len(line) and shown[-1] == " " and "\n" not in shown),
    )
    terminal.press(b"\x15\r")  # a line that is emptied and ended
    _shown_until(terminal, lambda shown: shown.endswith(f"\n{PROMPT}"))
    if not shown.endswith(listed):
        return {shown.split()[-1]}
    rows = shown.removesuffix(listed).splitlines()[1:]
    return {word for row in rows for word in row.split(" -- ")[0].split()}


def _shown_until(terminal: Terminal, ends: Callable[[str], bool]) -> str:
    """What the terminal shows since the last look, once it ends so. Raises AssertionError where it does not."""
    terminal.shown, until = "", time.monotonic() + PATIENCE_S
    while not ((shown := NOT_SHOWN.sub("", terminal.shown)) and ends(shown)):
        assert time.monotonic() < until, f"the shell shows {shown!r}"
        assert terminal.read(0.1), f"the shell ended: {shown!r}"
    return shown


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
        ("bash", ["complete -o nosort -F _dr dr", "_DR_COMPLETE=bash_complete"]),
        ("zsh", ["#compdef dr", "_DR_COMPLETE=zsh_complete"]),
        ("fish", ["complete --no-files --command dr", "_DR_COMPLETE=fish_complete"]),
    ],
)
def test_each_shell_gets_a_script_for_the_command_as_installed(dr: Path, shell: str, parts: list[str]) -> None:
    script = _run(dr, ["dr", "completion", shell])
    assert [] == [part for part in parts if part not in script]
    assert script == _run(dr, ["dr"], _DR_COMPLETE=f"{shell}_source")
