"""Runs the command line at a real pseudo-terminal: what is shown is read, keys are pressed, signals arrive."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import termios
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.utils.forking import begin_at, limit_files
from tests.utils.running import ROOT, command_of

CTRL_C = b"\x03"
CTRL_D = b"\x04"
PATIENCE_S = 600.0
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-Z\\-_]")
_TOKENS = re.compile(rf"({_ESCAPES.pattern})|(.)", re.DOTALL)


@dataclass
class Terminal:
    """A terminal and the process that runs at it. ``shown`` is everything that it wrote so far.

    ``forked`` is that process where this one is not its parent.
    """

    pid: int
    master: int
    columns: int = 100
    rows: int = 30
    shown: str = ""
    closed: bool = field(default=False)
    forked: BaseProcess | None = None

    def until(self, text: str, limit_s: float = PATIENCE_S) -> None:
        """Wait until ``text`` is shown. Raises AssertionError where the process ends or is silent about it."""
        ends = time.monotonic() + limit_s
        while text not in self.shown:
            assert time.monotonic() < ends, f"'{text}' was not shown: {self.shown}"
            assert self.read(0.1), f"it ended before '{text}' was shown: {self.shown}"

    @property
    def lines(self) -> list[str]:
        """What a selection with the mouse copies: without escape sequences, split at real newlines alone."""
        text = _ESCAPES.sub("", self.shown.replace("\r\n", "\n"))
        return [line.rpartition("\r")[2] for line in text.split("\n")]

    @property
    def screen(self) -> list[str]:
        """The rows that a person has before them now: what was taken back is gone, what was not written again stays."""
        rows, y, x = [""], 0, 0
        for escape, character in _TOKENS.findall(self.shown):
            number = int(re.sub(r"\D", "", escape) or 0)
            if escape.endswith("A"):
                y = max(y - (number or 1), len(rows) - self.rows, 0)
            elif escape.endswith("J"):
                rows[y:] = [rows[y][:x]]
            elif escape.endswith("K"):
                rows[y] = "" if number == 2 else rows[y][:x]
            elif character == "\r":
                x = 0
            elif character:
                # A row that is full goes on in the next one once another character comes.
                new_row = character == "\n" or x == self.columns
                y, x = (y + 1, x if character == "\n" else 0) if new_row else (y, x)
                rows += [""] * (y + 1 - len(rows))
                if character != "\n":
                    rows[y] = rows[y][:x].ljust(x) + character + rows[y][x + 1 :]
                    x += 1
        return rows[-self.rows :]

    def until_line(self, text: str, limit_s: float = PATIENCE_S) -> str:
        """The first whole line that holds ``text``. Raises as ``until``."""
        ends = time.monotonic() + limit_s
        while not (found := [line for line in self.lines[:-1] if text in line]):
            assert time.monotonic() < ends, f"'{text}' was not shown: {self.shown}"
            assert self.read(0.1), f"it ended before '{text}' was shown: {self.shown}"
        return found[0]

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self.master, keys)

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        os.kill(self.pid, number)

    def hang_up(self) -> None:
        """Close the terminal, as a dropped connection does."""
        os.close(self.master)
        self.closed = True

    def wait(self, limit_s: float = PATIENCE_S) -> int:
        """The exit code, or the negative number of the signal that ended it. Raises AssertionError past the limit."""
        ends = time.monotonic() + limit_s
        while True:
            if not self.closed:
                self.read(0.05)
            code = self._exit_code()
            if code is not None:
                while not self.closed and self.read(0.0):
                    pass
                return code
            assert time.monotonic() < ends, f"it goes on: {self.shown}"
            time.sleep(0.02)

    def _exit_code(self) -> int | None:
        if self.forked:
            return self.forked.exitcode
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def read(self, wait_s: float) -> bool:
        """Read what there is; False at the end."""
        poll = select.poll()  # a worker of the tests may have more than select's 1,024 files open
        poll.register(self.master, select.POLLIN)
        if not poll.poll(wait_s * 1000):
            return wait_s > 0
        try:
            read = os.read(self.master, 1 << 16)
        except OSError:  # Linux's end of a terminal that nobody writes to any more
            return False
        self.shown += read.decode(errors="replace")
        return bool(read)


@contextmanager
def at_terminal(
    words: str, home: Path, variables: Mapping[str, str], columns: int = 100, rows: int = 30
) -> Iterator[Terminal]:
    """The command line with ``words``, ready at once, at a terminal of its own; it does not outlive the block."""
    command, env = command_of(words, home, **variables)
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (rows, columns))
    process = begin_at(slave, command, {**env, "TERM": "xterm"})
    os.close(slave)
    terminal = Terminal(process.pid or 0, master, columns, rows, forked=process)
    try:
        yield terminal
    finally:
        process.kill()
        process.join()
        if not terminal.closed:
            os.close(master)


@contextmanager
def begun(command: Sequence[str], env: Mapping[str, str], columns: int = 100, rows: int = 30) -> Iterator[Terminal]:
    """``command`` at a terminal of its own, from the root of the sources."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child does nothing but become the command
        pid, master = pty.fork()
    if not pid:
        termios.tcsetwinsize(0, (rows, columns))
        limit_files()
        # Tests that play in the background were begun with these ignored (nohup), and a command keeps that.
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, signal.SIG_DFL)
        os.chdir(ROOT)
        os.execve(command[0], list(command), env)  # noqa: S606 - the command line itself, without a shell
    terminal = Terminal(pid, master, columns, rows)
    try:
        yield terminal
    finally:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        if not terminal.closed:
            os.close(master)
