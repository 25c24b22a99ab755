"""Somebody pastes printed commands into a shell, as they stand: the blocks of a page, or what a screen says is next."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.client.endpoint import Endpoint
from tests.proofs import quick_python
from tests.utils.pseudo_terminal import CTRL_C, at_terminal
from tests.utils.running import ROOT, dr_cli, signed_in
from tests.worlds import home_with_seeds
from utils.aws_mgmt.app.exit_codes import Exit

PATIENCE_S = 600
INCIDENT = "INC-20260107-001"
RAN = (0, 1, 3, 4)
"""Neither a mistyped command nor a failed one; a run that lacks a ticket or a confirmation is refused (4)."""
PYTHON = ROOT / ".venv" / "bin" / "python"
AWS_CLI = ROOT / ".tools" / "awscli" / "bin"
PLACEHOLDER = re.compile(r"(?<![-\w./:])(?:TICKET|WHO|UNTIL|REASON|FILE|GATE|NAME|ENV|DR_REGION)(?![-\w./:])")
"""A word of a command that somebody is to replace, of those that the tool's pages use."""
WATCHED = (*RAN, Exit.ACTION_FAILED, Exit.INTERRUPTED)
"""A run that is watched may have failed; its watch is left."""
_WAITS = re.compile(r"waits for an approver|BY HAND|In short|step \d+ of ")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TYPED = re.compile(r"^(dr|dr_cli\.py|python|make|aws) ", re.MULTILINE)
_LEFT_OUT = (".git", ".venv", ".tools", "out", "tests", ".mypy_cache", ".pytest_cache", ".ruff_cache")


def blocks(text: str) -> list[str]:
    """The blocks of a page's ``text`` that hold commands."""
    found = _BLOCK.findall(text)
    return [block for language, block in found if language == "sh" or (not language and _TYPED.search(block))]


def commands(block: str) -> list[str]:
    """Each command of a block, its lines as they are printed."""
    return re.findall(r"(?:.*\\\n)*.+\n", block)


def promised(lines: str) -> int:
    """The exit code that the page says a command has: its last comment's."""
    return int((re.findall(r"#.*\bexit (\d+)$", lines.rstrip()) or ["0"])[0])


def sections(text: str, level: str) -> dict[str, str]:
    """The text of each section of a page, by its heading of this level ("##")."""
    parts = re.split(rf"^{level} (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@dataclass(frozen=True)
class Newcomer:
    """Somebody who has just cloned the repository and ran `make setup`; nothing is installed for them beside it."""

    home: Path
    variables: Mapping[str, str]

    def faults(self, printed: list[str]) -> list[str]:
        """Paste the commands into one shell, and return those that ended otherwise than the page says."""
        script = ["shopt -s expand_aliases"]
        for number, lines in enumerate(printed):
            script.append(f"{{\n{lines}}} >{self._file(number)} 2>&1; echo $? >{self._file(number)}.code")
        self.shell("\n".join(script))
        codes = [int(Path(f"{self._file(number)}.code").read_text()) for number in range(len(printed))]
        return [
            f"{lines.strip()}: exit {code}, not {promised(lines)}: {self._file(number).read_text()[-600:]}"
            for number, (lines, code) in enumerate(zip(printed, codes, strict=True))
            if code != promised(lines)
        ]

    def shell(self, script: str) -> str:
        """Run a script in a shell of theirs, in the checkout; its output."""
        ran = subprocess.run(
            ["/bin/bash", "--norc", "--noprofile", "-c", script],
            env=self.environment,
            cwd=self.checkout,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of their shells."""
        path = f"{AWS_CLI}{os.pathsep}{os.defpath}"
        return {"HOME": str(self.home), "PATH": path, "LANG": "C.UTF-8", **self.variables}

    @property
    def checkout(self) -> Path:
        """Their clone."""
        return self.home / "checkout"

    def _file(self, number: int) -> Path:
        return self.home / f"pasted-{number}"


@contextmanager
def newcomer_in(home: Path) -> Iterator[Newcomer]:
    """A newcomer whose clone and sandboxes lie in the ``home`` folder, and whose python begins at once."""
    home_with_seeds(home / "sandbox")
    person = Newcomer(home, {"DR_SANDBOX_HOME": str(home / "sandbox")})
    shutil.copytree(ROOT, person.checkout, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    (person.checkout / ".tools").symlink_to(ROOT / ".tools")
    with tempfile.TemporaryDirectory(prefix="dr-python-") as short:  # a socket's path has 107 characters at most
        door = Path(short) / "door"
        _install(person.checkout / ".venv" / "bin", door)
        command = [str(PYTHON), quick_python.__file__, str(person.checkout), str(door)]
        with subprocess.Popen(command, env=person.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as python:
            assert python.stdout is not None
            assert python.stdout.readline() == b"ready\n"
            yield person


def _install(programs: Path, door: Path) -> None:
    """What `make setup` leaves in a checkout, with a python that asks at ``door``."""
    programs.mkdir(parents=True)
    for program in PYTHON.parent.iterdir():
        if not program.name.startswith("python"):
            (programs / program.name).symlink_to(program)
    activate = programs / "activate"
    text = activate.read_text(encoding="utf-8").replace(str(PYTHON.parents[1]), str(programs.parent))
    activate.unlink()
    activate.write_text(text, encoding="utf-8")
    python = programs / "python"
    python.write_text(quick_python.asking(PYTHON, door), encoding="utf-8")
    python.chmod(0o755)


def printed_on(page: Path) -> Iterator[str]:
    """Each command of a page's blocks."""
    for block in blocks(page.read_text(encoding="utf-8")):
        yield from commands(block)


@dataclass(frozen=True)
class Reader:
    """Somebody who read on a screen of their ``world`` what is next, and pastes it.

    ``asks_aws``: a run that they begin waits in AWS for an approver.
    """

    world: Endpoint
    home: Path
    asks_aws: bool = False

    def fault(self, line: str) -> str:
        """Why the command did not run, "" where it did; an approval is an approver's, a change by hand the admin's."""
        if line.startswith("aws "):
            return self._fault_of_aws(line)
        if line.startswith("crane copy "):  # it reaches the account's registries alone, and this endpoint has no images
            return ""
        shell = f"python() {{ shift; printf '%s\\0' \"$@\"; }}; {line}"
        split = subprocess.run(["/bin/bash", "-uc", shell], cwd=ROOT, capture_output=True, text=True, check=True)
        words = split.stdout.split("\0")[:-1]  # as the shell has them; what has imported the program runs them
        if "--watch" in words:
            return self._fault_of_watch(words)
        if "attach" in words or (self.asks_aws and "--execute" in words):
            return self._fault_of_watched_run(words)
        if "approve" in words:
            return self._fault_of_approval(words)
        ran = dr_cli("", self.home, words, **signed_in(self.world, "operator"))
        return "" if ran.code in RAN and "Traceback" not in ran.err else f"{line}: exit {ran.code}: {ran.err}"

    def _fault_of_aws(self, line: str) -> str:
        path = os.pathsep.join((str(AWS_CLI), os.environ["PATH"]))
        variables = {"HOME": str(self.home), "PATH": path, **signed_in(self.world, "admin")}
        shell = ["/bin/bash", "-uc", line]
        ran = subprocess.run(shell, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
        return f"{line}: exit {ran.returncode}: {ran.stderr}" if ran.returncode else ""

    def _fault_of_watch(self, words: list[str]) -> str:
        with at_terminal(shlex.join(words), self.home, signed_in(self.world, "operator")) as terminal:
            terminal.until("looked at ")
            terminal.press(b"q")
            return "" if terminal.wait() == 0 else terminal.shown

    def _fault_of_watched_run(self, words: list[str]) -> str:
        """Watch until there is something to do, or the run has ended, and leave."""
        with at_terminal(shlex.join(words), self.home, signed_in(self.world, "operator")) as terminal:
            while not _WAITS.search(terminal.shown) and terminal.read(PATIENCE_S):
                pass
            if "In short" not in terminal.shown:
                terminal.press(CTRL_C)
            code = terminal.wait()
            return "" if code in WATCHED else f"{words}: exit {code}: {terminal.shown}"

    def _fault_of_approval(self, words: list[str]) -> str:
        """Approve at a terminal, where the ticket is asked for unless it is named."""
        with at_terminal(shlex.join(words), self.home, signed_in(self.world, "approver")) as terminal:
            if "--incident" not in words:
                terminal.until("Type its ticket: ")
                terminal.press(f"{INCIDENT}\n".encode())
            terminal.until(f"Type {INCIDENT}: ")
            terminal.press(f"{INCIDENT}\n".encode())
            return "" if terminal.wait() == 0 else terminal.shown
