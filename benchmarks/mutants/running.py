"""Runs the tests of a mutant in a forked process that imports its rooms itself, with the mutated file in its place."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import resource
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType

import coverage
import pytest

from benchmarks.mutants.source import ROOT, Candidate

QUIET = ("-q", "-x", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning", "--tb=no", "-n", "0")
_CPU_S, _CPU_S_A_TEST, _MOST_TESTS, _WALL_FACTOR = (
    60,
    1,
    600,
    20,
)  # CPU counts, because the machine may be busy; the wall ends a deadlock
# A mutant may build a list without end: it must die before the machine does.
_MEMORY = 6 * 2**30


@dataclass(frozen=True)
class Measured:
    """The tests that run each line, by file ("" while tests are imported), and the seconds that each test takes."""

    lines: Mapping[str, Mapping[int, Sequence[str]]]
    took_s: Mapping[str, float]

    def tests(self, name: str, lines: Container[int]) -> list[str]:
        """The tests that run any of the lines of a file; those of quick files first."""
        found = {test for line, tests in self.lines.get(name, {}).items() if line in lines for test in tests} - {""}
        files: dict[str, float] = defaultdict(float)
        for test in found:
            files[_file(test)] += self.took_s[test]
        return sorted(found, key=lambda test: (files[_file(test)], _file(test), self.order[test]))

    @cached_property
    def order(self) -> Mapping[str, int]:
        """The place of each test in the order in which they are played."""
        return {test: number for number, test in enumerate(self.took_s)}


@dataclass(frozen=True)
class Group:
    """Rooms that are mutated together. ``below`` are the rooms under them: imported once, for all mutants."""

    name: str
    rooms: tuple[str, ...]
    tests: tuple[str, ...]
    below: tuple[str, ...]

    def files(self) -> Iterator[Path]:
        """The files of its rooms."""
        for room in self.rooms:
            yield from sorted((ROOT / room).rglob("*.py"))


def preload(group: Group) -> None:
    """Import what no mutant of the group can change."""
    for name in ("boto3", "hypothesis", "moto", "pydantic", "pytest_bdd", "rich.console", "werkzeug"):
        importlib.import_module(name)
    for room in group.below:
        for module in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
            importlib.import_module(module.name)


def measure_group(group: Group) -> Measured:
    """Run the tests of the group without a mutant. Raises RuntimeError where they are red."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "covered.json")
        if wait(fork(lambda: _measure(group, path))):
            raise RuntimeError(f"the tests of {group.name} are red without any mutant: {' '.join(group.tests)}")
        found = json.loads(path.read_text(encoding="utf-8"))
    by_line = {name: {int(line): tests for line, tests in lines.items()} for name, lines in found["lines"].items()}
    return Measured(by_line, found["took_s"])


def _measure(group: Group, path: Path) -> int:
    measuring = coverage.Coverage(data_file=None, include=[f"{ROOT / room}/*" for room in group.rooms])
    measuring.start()
    recorder = _Recorder(measuring)
    code = pytest.main([*QUIET, *group.tests], plugins=[recorder])
    measuring.stop()
    data = measuring.get_data()
    found = {str(Path(name).relative_to(ROOT)): data.contexts_by_lineno(name) for name in data.measured_files()}
    path.write_text(json.dumps({"lines": found, "took_s": recorder.took_s}), encoding="utf-8")
    return int(code)


class _Recorder:
    """Names the running test to the coverage measurement, and measures how long it takes."""

    def __init__(self, measuring: coverage.Coverage) -> None:
        self.measuring = measuring
        self.took_s: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.measuring.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self.measuring.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.took_s[report.nodeid] += report.duration


class _Mutated(SourceFileLoader):
    """Finds and loads the mutated file in the place of the real one."""

    def __init__(self, candidate: Candidate) -> None:
        name = candidate.file.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        super().__init__(name, str(ROOT / candidate.file.name))
        self.text = candidate.text()

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        return spec_from_file_location(fullname, self.path, loader=self) if fullname == self.name else None

    def get_code(self, _: str) -> CodeType:
        return compile(self.text, self.path, "exec", dont_inherit=True)


def is_imported(candidate: Candidate, known: Measured) -> bool:
    """Whether the import of the product or of a test runs the mutant."""
    lines = known.lines.get(candidate.file.name, {})
    return candidate.lines is None or any("" in lines.get(line, ()) for line in candidate.lines[1:])


def start(candidate: Candidate, known: Measured, group: Group) -> int:
    """Begin to run all tests of a mutant, those of its file first. Returns the process id."""
    own = dict.fromkeys(map(_file, known.tests(candidate.file.name, range(sys.maxsize))))
    return fork(lambda: _judge(candidate, [list(own), list(group.tests)] if own else [list(group.tests)]))


def finish() -> tuple[int, bool]:
    """Wait for any mutant. Returns the process id, and whether the mutant was killed."""
    pid, status = os.wait()
    return pid, status != 0


def _judge(candidate: Candidate, turns: Iterable[Sequence[str]]) -> int:
    limit(_MOST_TESTS)
    # Before every other finder: a module that is imported already stays as it is, so its rooms are not preloaded.
    sys.meta_path.insert(0, _Mutated(candidate))
    return next((code for paths in turns if (code := int(pytest.main([*QUIET, *paths])))), 0)


def limit(tests: int) -> None:
    """End this process where it takes far more than so many tests do."""
    limit_s = _CPU_S + _CPU_S_A_TEST * tests
    resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    signal.alarm(limit_s * _WALL_FACTOR)


def _file(test: str) -> str:
    return test.partition("::")[0]


def fork(work: Callable[[], int]) -> int:
    """Do the work in a forked process, in silence; its exit code is what it returns. Returns the process id."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    # For a death before the work is over: that mutant is killed, not alive.
    code = 1
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        code = work()
    finally:
        os._exit(code)


def wait(pid: int) -> int:
    """Wait for a process. Returns its status, 0 where all is well."""
    return os.waitpid(pid, 0)[1]
