"""A command at a real pseudo-terminal of a given width, and what its screen shows."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.utils.running import ROOT

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-Z\\-_]")
_ROWS = 30


@dataclass
class Terminal:
    """A terminal with one command in it; everything the command writes is kept."""

    process: subprocess.Popen[bytes]
    _leader: int
    _written: list[bytes] = field(default_factory=list)

    @property
    def raw(self) -> str:
        """Everything written so far, escape sequences included."""
        return b"".join(self._written).decode(errors="replace")

    @property
    def lines(self) -> list[str]:
        """What a selection with the mouse copies: without escape sequences, split at real newlines alone."""
        return [line.rpartition("\r")[2] for line in _ESCAPES.sub("", self.raw.replace("\r\n", "\n")).split("\n")]

    def until(self, seen: Callable[[str], bool], limit_s: float) -> str:
        """The first whole line that is ``seen``. Raises AssertionError where none is, or the command ends before."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            ended = self.process.poll() is not None
            for line in self.lines[:-1]:
                if seen(line):
                    return line
            if ended:
                break
            time.sleep(0.05)
        raise AssertionError("\n".join(self.lines))

    def type(self, text: str) -> None:
        """Type ``text`` and press Enter."""
        os.write(self._leader, f"{text}\n".encode())

    def wait(self, limit_s: float) -> int:
        """The exit code. Raises AssertionError, with the screen, where the command does not end in time."""
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired as late:
            raise AssertionError("\n".join(self.lines)) from late

    def read(self) -> None:
        """Keep what is written until nobody can write any more."""
        while True:
            try:
                written = os.read(self._leader, 65_536)
            except OSError:
                return
            if not written:
                return
            self._written.append(written)


@contextmanager
def terminal(columns: int, command: Sequence[str], variables: Mapping[str, str]) -> Iterator[Terminal]:
    """``command``, a script and its arguments, begun from the root at a terminal ``columns`` wide."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
    env = {name: value for name, value in variables.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, *command],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=ROOT,
        env={**env, "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(follower)
    screen = Terminal(process, leader)
    reader = threading.Thread(target=screen.read, daemon=True)
    reader.start()
    try:
        yield screen
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        reader.join(5)
        os.close(leader)
