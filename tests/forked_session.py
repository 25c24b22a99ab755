"""Plays the tests in several forked processes: modules are imported and tests collected once, in the first process.

``pytest -p tests.forked_session --processes 3``. A process that has played a file's tests takes the next file. Under
pytest-xdist each process imports and collects all for itself, which takes as long as a quarter of the tests.
``--end-within SECONDS`` keeps that time on a slow machine too: a file that would end later, by what it last took, is
not begun, unless it holds a whole run of a command. What was not begun is in the session's stash, under ``NOT_BEGUN``.
A process that dies, or is killed because a test does not end, costs that test alone: it fails by name, with the stacks
of its threads, and another process goes on behind it.
"""

from __future__ import annotations

import faulthandler
import itertools
import math
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import Pipe, connection
from typing import IO, Any

import pytest

from tests import choice

NOT_BEGUN = pytest.StashKey[list[str]]()
"""The files that were not begun, for they would have ended too late."""
_INDEX_BYTES = 2
_ROOT = "PYTEST_DEBUG_TEMPROOT"
"""Below which folder pytest makes those of tests."""
_WRITTEN = pytest.StashKey[str]()
_GRACE_S = float(os.environ.get("DR_GRACE_S", "60"))
"""How long after its limit (pytest-timeout) a test has to end, before its process is killed."""
_STACKS_S = 1.0
"""How long a process has to write the stacks of its threads before it is killed."""
_TOGETHER = ("tests/house/", "tests/proofs/")
"""Folders that one process plays: their tests parse the same files, or look at the same world."""


@dataclass
class _Process:
    """A forked process: the test that it plays, "" between two, when it last sent something, and its stacks' file."""

    pid: int
    stacks: IO[str]
    test: str = ""
    at_s: float = field(default_factory=time.monotonic)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGUSR1)
        time.sleep(_STACKS_S)
        os.kill(self.pid, signal.SIGKILL)

    def end(self) -> None:
        os.waitpid(self.pid, 0)
        self.stacks.close()


@dataclass(frozen=True)
class _NotBegun:
    file: str


@dataclass
class _Clock:
    """In a forked process: says which file would end too late, by the pace of those that it has played."""

    limit_s: float
    began_s: float = field(default_factory=time.monotonic)
    recorded_s: dict[str, float] = field(default_factory=choice.recorded_durations)
    played_s: float = 0.0

    def too_late(self, items: list[pytest.Item]) -> bool:
        if not self.limit_s or any(item.get_closest_marker("whole_run") for item in items):
            return False
        lasts_s = self.recorded_s.get(choice.file_of(items[0].nodeid), choice.UNKNOWN_S)
        now_s = time.monotonic() - self.began_s
        pace = now_s / self.played_s if self.played_s else 1.0
        if now_s + lasts_s * pace > self.limit_s:
            return True
        self.played_s += lasts_s
        return False


@dataclass(eq=False)
class _Sender:
    """In a forked process: sends the reports of each test to the first process once the test ended."""

    pipe: connection.Connection
    config: pytest.Config
    reports: list[dict[str, Any]] = field(default_factory=list)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.pipe.send(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "setup" and report.passed and not report.sections and not report.user_properties:
            return  # nothing is printed of it, or recorded
        self.reports.append(self.config.hook.pytest_report_to_serializable(config=self.config, report=report))

    def pytest_runtest_logfinish(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        self.pipe.send((nodeid, location, self.reports))
        self.reports = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--processes", type=int, default=0, help="play the tests in this many forked processes")
    parser.addoption("--end-within", type=float, default=0.0, help="begin no file that would end after so many seconds")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Share the files out in the order of the tests."""
    count = session.config.getoption("processes")
    if not count or session.testsfailed or session.config.option.collectonly:
        return None
    with _written_files(session):
        _play_all(session, count)
    return True


@contextmanager
def _written_files(session: pytest.Session) -> Iterator[None]:
    """A folder for what the tests write, kept and named where one failed: pytest leaves that of a fork for days."""
    if session.config.option.basetemp:
        yield
        return
    written = tempfile.mkdtemp(prefix="dr-", dir=os.environ.get(_ROOT))
    os.environ[_ROOT] = written
    try:
        yield
    finally:
        if session.testsfailed:
            session.config.stash[_WRITTEN] = written
        else:
            shutil.rmtree(written, ignore_errors=True)  # a sandbox that is ending may still write


def _play_all(session: pytest.Session, count: int) -> None:
    files = [list(items) for _, items in itertools.groupby(session.items, key=_share)]
    turns, turns_end = os.pipe()
    os.write(turns_end, b"".join(index.to_bytes(_INDEX_BYTES) for index in range(len(files))))
    os.close(turns_end)
    playing: dict[Any, _Process] = dict(_fork(session, files, turns, []) for _ in range(count))
    limit_s = session.config.getoption("timeout", None) or math.inf
    try:
        while playing:
            ready: list[Any] = connection.wait(list(playing), _GRACE_S)
            for pipe in ready:
                try:
                    goes_on = _show(session, pipe, playing[pipe])
                except EOFError:
                    rest = _fail(session, playing[pipe], files)
                    playing.update([_fork(session, files, turns, rest)])
                    goes_on = False
                if not goes_on:
                    playing.pop(pipe).end()
                if session.shouldfail:
                    raise session.Failed(session.shouldfail)
            for process in playing.values():  # a test that waits where its limit does not reach it
                if time.monotonic() - process.at_s > limit_s + _GRACE_S:
                    process.kill()
    finally:
        for process in playing.values():
            os.kill(process.pid, signal.SIGKILL)
            process.end()
        os.close(turns)


def _fail(session: pytest.Session, process: _Process, files: list[list[pytest.Item]]) -> list[pytest.Item]:
    """Report the test that a process died in as failed. Returns those behind it. Raises RuntimeError between tests."""
    if not process.test:
        raise RuntimeError("A process that plays tests was killed between two of them.")
    items = next(items for items in files if any(item.nodeid == process.test for item in items))
    index = next(index for index, item in enumerate(items) if item.nodeid == process.test)
    process.stacks.seek(0)
    says = f"{process.stacks.read()}The process that played {process.test} was killed, and it did not end."
    item, lasted_s = items[index], time.monotonic() - process.at_s
    _report(session, pytest.TestReport(item.nodeid, item.location, {}, "failed", says, "call", duration=lasted_s))
    session.config.hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return items[index + 1 :]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the folder that is kept."""
    if written := config.stash.get(_WRITTEN, ""):
        terminalreporter.write_line(f"What the tests wrote is in {written}.")


def _share(item: pytest.Item) -> object:
    """What one process plays together: proofs by the file, those that share nothing one by one; folders else."""
    if item.get_closest_marker("proof") is not None:
        return item.nodeid if item.get_closest_marker("apart") is not None else item.path
    return next((folder for folder in _TOGETHER if item.nodeid.startswith(folder)), item.path)


def _fork(
    session: pytest.Session, files: list[list[pytest.Item]], turns: int, first: list[pytest.Item]
) -> tuple[connection.Connection, _Process]:
    receiver, sender = Pipe(duplex=False)
    stacks = tempfile.TemporaryFile("w+")  # noqa: SIM115 - both processes hold it as long as they live
    pid = os.fork()
    if pid:
        sender.close()
        return receiver, _Process(pid, stacks)
    faulthandler.register(signal.SIGUSR1, stacks)
    try:
        _play(session, files, turns, first, sender)
        sender.send(None)
    except BaseException:  # noqa: BLE001 - the first process raises it
        sender.send(RuntimeError(traceback.format_exc()))
    finally:
        for left in multiprocessing.active_children():  # by a test that failed
            left.kill()
        os._exit(0)  # what the first process is to do at its exit is not done twice


def _play(
    session: pytest.Session,
    files: list[list[pytest.Item]],
    turns: int,
    first: list[pytest.Item],
    sender: connection.Connection,
) -> None:
    config, plugins = session.config, session.config.pluginmanager
    plugins.unregister(name="terminalreporter")
    plugins.register(_Sender(sender, config))
    capture = plugins.getplugin("capturemanager")
    capture.stop_global_capturing()  # the file that it captures to is the first process's
    capture.start_global_capturing()
    # What follows a file's last test is said to be the session: its fixtures stay, and which file is next is asked
    # once the test is played. A process that asked before would keep that file from one that has nothing to do.
    clock = _Clock(config.getoption("end_within"))
    for items in itertools.chain([first], (files[index] for index in _taken(turns))):
        if items and clock.too_late(items):
            sender.send(_NotBegun(choice.file_of(items[0].nodeid)))
            continue
        for item, following in itertools.pairwise([*items, session]):
            config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    session._setupstate.teardown_exact(None)


def _taken(turns: int) -> Iterator[int]:
    while index := os.read(turns, _INDEX_BYTES):
        yield int.from_bytes(index)


def _show(session: pytest.Session, pipe: connection.Connection, process: _Process) -> bool:
    """Report one test, as if it had been played here. Returns whether the process goes on; EOFError where it died."""
    message = pipe.recv()
    process.at_s = time.monotonic()
    match message:
        case None:
            return False
        case str():
            process.test = message
            return True
        case _NotBegun(file):
            session.config.stash.setdefault(NOT_BEGUN, []).append(file)
            return True
        case Exception():
            raise message
    nodeid, location, reports = message
    process.test = ""
    hook = session.config.hook
    for data in reports:
        _report(session, hook.pytest_report_from_serializable(config=session.config, data=data))
    hook.pytest_runtest_logfinish(nodeid=nodeid, location=location)
    return True


def _report(session: pytest.Session, report: pytest.TestReport) -> None:
    session.config.hook.pytest_runtest_logreport(report=report)
    if report.failed:  # at once: the whole of it stands at the end, which may be far off
        last = report.longreprtext.strip().rpartition("\n")[2]
        terminal = session.config.pluginmanager.getplugin("terminalreporter")
        terminal.write_line(f"\n{report.nodeid} failed: {last}")
