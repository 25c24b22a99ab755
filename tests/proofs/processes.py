"""Runs in processes of their own: forked, so that a signal meets one alone and they begin with everything imported."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.proofs.dying import DIED, When

PATIENCE_S = 600
TO_SAY_WHERE_S = 2


@dataclass(frozen=True)
class Process:
    """A run in a process of its own. What it says goes to ``log``."""

    pid: int
    log: Path

    def wait(self) -> int:
        """The exit code, or minus the signal that ended it. One that hangs says where, and is killed."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        os.kill(self.pid, signal.SIGUSR1)
        time.sleep(TO_SAY_WHERE_S)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise AssertionError(f"the run did not end: {self.said}")

    @property
    def died(self) -> tuple[When, str]:
        """Where it killed itself."""
        death = [line for line in self.said.splitlines() if line.startswith(DIED)][-1]
        when, _, name = death.removeprefix(DIED).partition(" ")
        return When(when), name

    @property
    def ending(self) -> str:
        """In which word it ended, as its last line says."""
        return self.said.splitlines()[-1].partition(": ")[0]

    @property
    def said(self) -> str:
        """What it printed so far."""
        return self.log.read_text(encoding="utf-8")


def forked(what: Callable[[], int], log: Path) -> Process:
    """Run ``what`` in a forked process; its return value is the exit code; an exception is printed and gives 99."""
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child uses none of the parent's threads or locks
        pid = os.fork()
    if pid:
        return Process(pid, log)
    code = 99
    try:
        sys.stdout = sys.stderr = log.open("w", encoding="utf-8", buffering=1)
        faulthandler.register(signal.SIGUSR1, file=sys.stderr, all_threads=True)
        code = what()
    except BaseException:  # noqa: BLE001 - whatever it is, the child must not go on as a second test run
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def until(holds: Callable[[], bool], run: Process, limit_s: float = 120) -> None:
    """Wait until it holds."""
    ends = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < ends, run.said
        time.sleep(0.02)
