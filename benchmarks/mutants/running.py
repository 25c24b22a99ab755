"""Runs the tests of a mutant in a forked process that imports the product anew, with the mutated file in its place."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import resource
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType

import coverage
import pytest

from benchmarks.mutants.source import ROOT, Candidate

QUIET = ("-q", "-x", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning", "--tb=no", "-n", "0")
_CPU_S, _CPU_S_A_TEST, _WALL_FACTOR = 60, 1, 20  # CPU counts, because the machine may be busy; the wall ends a deadlock
_MEMORY = 6 * 2**30
Covered = dict[str, dict[int, list[str]]]  # the tests that run each line, by file; "" while tests are imported


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


def tests_by_line(group: Group) -> Covered:
    """Run the tests of the group without a mutant. Raises RuntimeError where they are red."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "covered.json")
        if _wait(_fork(lambda: _measure(group, path))):
            raise RuntimeError(f"the tests of {group.name} are red without any mutant: {' '.join(group.tests)}")
        measured = json.loads(path.read_text(encoding="utf-8"))
    return {name: {int(line): tests for line, tests in lines.items()} for name, lines in measured.items()}


def _measure(group: Group, path: Path) -> int:
    measuring = coverage.Coverage(data_file=None, include=[f"{ROOT / room}/*" for room in group.rooms])
    measuring.start()
    code = pytest.main([*QUIET, *group.tests], plugins=[_Recorder(measuring)])
    measuring.stop()
    data = measuring.get_data()
    found = {str(Path(name).relative_to(ROOT)): data.contexts_by_lineno(name) for name in data.measured_files()}
    path.write_text(json.dumps(found), encoding="utf-8")
    return int(code)


class _Recorder:
    """Names the running test to the coverage measurement."""

    def __init__(self, measuring: coverage.Coverage) -> None:
        self.measuring = measuring

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.measuring.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self.measuring.switch_context("")


class _Selection:
    """Keeps the tests that run the mutated function, by their ids; all, where none has such an id."""

    def __init__(self, tests: Iterable[str]) -> None:
        self.tests = frozenset(tests)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self.tests] or items


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


def covering(candidate: Candidate, covered: Covered, group: Group) -> list[str]:
    """The tests that run the mutated function, or all where the import of the product or of a test runs the mutant."""
    lines = covered.get(candidate.file.name, {})
    tests = {test for line in candidate.lines or () for test in lines.get(line, ())}
    at_import = candidate.lines is None or any("" in lines.get(line, ()) for line in candidate.lines[1:])
    return list(group.tests) if at_import else sorted(tests)


def start(candidate: Candidate, tests: list[str]) -> int:
    """Begin to run the tests of a mutant. Returns the process id."""
    return _fork(lambda: _judge(candidate, tests))


def finish() -> tuple[int, bool]:
    """Wait for any mutant. Returns the process id, and whether the mutant was killed."""
    pid, status = os.wait()
    return pid, status != 0


def _judge(candidate: Candidate, tests: list[str]) -> int:
    limit_s = _CPU_S + _CPU_S_A_TEST * len(tests)
    resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    signal.alarm(limit_s * _WALL_FACTOR)
    sys.meta_path.insert(0, _Mutated(candidate))
    files = sorted({test.partition("::")[0] for test in tests})
    return int(pytest.main([*QUIET, *files], plugins=[_Selection(tests)]))


def _fork(work: Callable[[], int]) -> int:
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        code = work()
    finally:
        os._exit(code)


def _wait(pid: int) -> int:
    return os.waitpid(pid, 0)[1]
