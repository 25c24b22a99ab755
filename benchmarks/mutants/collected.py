"""Runs the tests of mutated functions in forks of one pytest session, which has imported and collected them once.

Only the code of the mutated function is replaced there. What an import runs is not mutated that way: ``running`` does.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from types import CodeType, FunctionType

import pytest

from benchmarks.mutants import running
from benchmarks.mutants.running import Group
from benchmarks.mutants.source import ROOT, Candidate

_NOT_REPLACED = 70  # no exit code of pytest, nor of a process that was killed


@dataclass(frozen=True)
class _Host:
    """In the collecting process: forks for each mutant, ``jobs`` at a time, and writes exit codes to ``answers``."""

    work: Sequence[tuple[Candidate, list[str]]]
    jobs: int
    answers: int

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        gc.unfreeze()  # tests/conftest.py hides from the collector what was collected
        functions = [found for found in gc.get_objects() if type(found) is FunctionType]
        gc.freeze()
        if running.wait(running.fork(partial(_judge, session, functions, None, self._every(session)))):
            return True  # no mutant is answered: what is red in a fork without one would kill them all
        at_work: dict[int, int] = {}
        for number, (candidate, tests) in enumerate(self.work):
            if len(at_work) >= self.jobs:
                self._finish(at_work)
            at_work[running.fork(partial(_judge, session, functions, candidate, tests))] = number
        while at_work:
            self._finish(at_work)
        return True

    def _every(self, session: pytest.Session) -> list[str]:
        """Every test that judges a mutant, in the order of the mutants."""
        known = {item.nodeid for item in session.items}
        return list(dict.fromkeys(test for _, tests in self.work for test in tests if test in known))

    def _finish(self, at_work: dict[int, int]) -> None:
        pid, status = os.wait()
        line = json.dumps([at_work.pop(pid), os.waitstatus_to_exitcode(status)])
        os.write(self.answers, f"{line}\n".encode())


def kill_results(
    group: Group, work: Sequence[tuple[Candidate, list[str]]], jobs: int
) -> Iterator[tuple[Candidate, bool | None]]:
    """Whether the given tests kill each mutant, as soon as it is known; None where its code could not be replaced.

    Raises RuntimeError where the session did not judge all: where the tests are red in a fork of it, it judges none.
    """
    answers, answers_end = os.pipe()
    host = _Host(work, jobs, answers_end)
    pid = running.fork(lambda: int(pytest.main([*running.QUIET, *group.tests], plugins=[host])))
    os.close(answers_end)
    answered = 0
    with os.fdopen(answers, encoding="utf-8") as lines:
        for number, code in map(json.loads, lines):
            answered += 1
            yield work[number][0], None if code == _NOT_REPLACED else code != 0
    status = running.wait(pid)
    if work and not answered:
        raise RuntimeError(f"the tests of {group.name} are red without any mutant, in a fork of their session")
    if status or answered != len(work):
        raise RuntimeError(f"the session of {group.name} judged {answered} of {len(work)} mutants")


def _judge(
    session: pytest.Session, functions: Iterable[FunctionType], candidate: Candidate | None, tests: Sequence[str]
) -> int:
    running.limit(len(tests))
    by_id = {item.nodeid: item for item in session.items}
    if not by_id.keys() >= set(tests) or (candidate and not replace_code(candidate, functions)):
        return _NOT_REPLACED
    session.config.pluginmanager.unregister(name="terminalreporter")
    capture = session.config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()  # the file that it captures to is the first process's
    capture.start_global_capturing()
    items = [by_id[test] for test in tests]
    for item, following in zip_longest(items, items[1:]):
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return 1
    return 0


def replace_code(candidate: Candidate, functions: Iterable[FunctionType]) -> bool:
    """Give those of the functions that are the mutated one the mutated code. Returns whether there was any."""
    path = str(ROOT / candidate.file.name)
    wanted = {_key(code): code for code in _codes(compile(candidate.text(), path, "exec", dont_inherit=True))}
    found = 0
    for function in functions:
        code = wanted.get(_key(function.__code__)) if function.__code__.co_filename == path else None
        if code and len(code.co_freevars) == len(function.__code__.co_freevars):
            found += code != function.__code__
            function.__code__ = code
    return found > 0


def _codes(code: CodeType) -> Iterator[CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from _codes(inner)


def _key(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno
