"""Runs the command line in processes forked from one that has imported it: a fresh process each, ready at once."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import resource
import runpy
import signal
import sys
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
STREAMS = ("stdout", "stderr")
FILES = (256, 1024)
"""How many files a command may have open as the shell of a Mac begins it, and how many it may ask for as in Linux's."""


class _SharedServer(forkserver.ForkServer):
    """The process that commands are forked from; what was forked since it began uses the same one.

    Python's own asks whether its child still runs, and refuses where it is the child of another process.
    """

    _owner: int | None = None

    def ensure_running(self) -> None:
        """Begin it, unless it was begun before this process was forked."""
        if self._owner in (None, os.getpid()):
            super().ensure_running()
            self._owner = os.getpid()


_SERVER = _SharedServer()
forkserver.connect_to_new_process = _SERVER.connect_to_new_process
forkserver.set_forkserver_preload = _SERVER.set_forkserver_preload
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.utils.warmed"])


@dataclass(frozen=True)
class Command:
    """A command that was begun, and the folder in which its stdout and stderr lie."""

    process: BaseProcess
    said: Path

    @property
    def out(self) -> str:
        """What it wrote to stdout so far."""
        return (self.said / "stdout").read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        """What it wrote to stderr so far."""
        return (self.said / "stderr").read_text(encoding="utf-8")

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended yet."""
        return self.process.is_alive()

    def kill(self) -> None:
        """End it by force."""
        self.process.kill()
        self.process.join()
        self.process.close()

    def wait(self, limit_s: float) -> int:
        """Its exit code. Raises TimeoutError, and kills it, where it does not end in time."""
        self.process.join(limit_s)
        code = self.process.exitcode
        if code is None:
            self.kill()
            raise TimeoutError(f"It did not end within {limit_s} s: {self.err}")
        self.process.close()
        return code


def begin_server() -> None:
    """Begin the process that commands are forked from, for this process and those that are forked from it."""
    _SERVER.ensure_running()


def begin(command: Sequence[str], variables: Mapping[str, str], path: Path) -> Command:
    """Begin ``command``, a script and its arguments, from the root with ``variables`` as its whole environment."""
    path.mkdir(parents=True, exist_ok=True)
    for name in STREAMS:
        (path / name).touch()
    process = _FORKS.Process(target=_run, args=(list(command), dict(variables), path))
    process.start()
    return Command(process, path)


def begin_at(terminal: int, command: Sequence[str], variables: Mapping[str, str]) -> BaseProcess:
    """Begin ``command`` as ``begin`` does, at a pseudo-terminal that nobody else's session has."""
    with Connection(os.dup(terminal)) as passed:  # what else is pickled is no open file
        process = _FORKS.Process(target=_run_at, args=(passed, list(command), dict(variables)))
        process.start()
        return process


def _run(command: list[str], variables: dict[str, str], path: Path) -> None:
    for stream, name in enumerate(STREAMS, start=1):
        file = os.open(path / name, os.O_WRONLY | os.O_TRUNC)
        os.dup2(file, stream)
        os.close(file)
    _play(command, variables)


def _run_at(terminal: Connection, command: list[str], variables: dict[str, str]) -> None:
    os.setsid()
    fcntl.ioctl(terminal.fileno(), termios.TIOCSCTTY, 0)
    for stream in range(3):
        os.dup2(terminal.fileno(), stream)
    terminal.close()
    # Tests that play in the background were begun with these ignored (nohup), and a command keeps that.
    for number in (signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdin, sys.stdout, sys.stderr = (  # those that were inherited still think of what they were opened upon
        os.fdopen(stream, mode, encoding="utf-8", closefd=False) for stream, mode in enumerate(("r", "w", "w"))
    )
    _play(command, variables)


def limit_files() -> None:
    """Let this process have as few files open as a user's shell does."""
    begun_with, most = FILES
    resource.setrlimit(resource.RLIMIT_NOFILE, (begun_with, min(most, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))


def _play(command: list[str], variables: dict[str, str]) -> None:
    # A session of tests ends once nobody holds this pipe: a command that a failed test left would keep it for ever.
    tracker: Any = resource_tracker._resource_tracker
    if tracker._fd is not None:
        os.close(tracker._fd)
        tracker._fd = None
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(ROOT)
    limit_files()
    sys.argv = command
    runpy.run_path(command[0], run_name="__main__")
