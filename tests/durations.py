"""What each test file takes and what it spends: worlds, looks, runs, waiting, programs, and work of its own.

``pytest -p tests.durations --durations-file FILE`` writes a JSON object of files to seconds, and prints the slowest. A
thread looks at the stack of the test process twenty times a second, so no helper of the tests has to count for itself:
what a file takes is exact, what it spends is sampled. What an emulator or a command does in a process of its own counts
for the test that waits for it.
"""

from __future__ import annotations

import json
import linecache
import os
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import cast

import pytest

SAMPLES_A_SECOND = 20
SLOWEST = 25
KINDS = ("worlds", "looks", "runs", "waiting", "programs", "own work")
_SPENT = "spent"
_KIND_BY_CODE = {
    ("tests/hosting.py", "hosted"): "worlds",
    ("tests/worlds.py", "_as_it_began"): "worlds",
    ("sandbox/client/endpoint.py", "return_to"): "worlds",
    ("sandbox/client/endpoint.py", "keep"): "worlds",
    ("sandbox/client/launcher.py", "running"): "worlds",
    ("tests/proofs/processes.py", "wait"): "runs",
    ("dr_estate/snapshot/observer.py", "observe"): "looks",
    ("tests/utils/forking.py", "wait"): "looks",
    ("python3/subprocess.py", "wait"): "programs",
    ("python3/subprocess.py", "communicate"): "programs",
}
"""What the outermost of these functions on the stack says of the whole."""
_CHANGES = ("--execute", "--full-drill", "--abort", "--restore", "--canary", " fence")
"""Words of commands that change something: their time is a run's, that of other commands a look's."""
_WAITS = ("sleep(", ".wait(", ".acquire(", ".select(", ".poll(", ".join(")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--durations-file", default=None, help="write the seconds of each test file to this JSON file")


def pytest_configure(config: pytest.Config) -> None:
    """Sample in each process that plays tests; add up in the first one."""
    if target := config.getoption("durations_file"):
        config.pluginmanager.register(Sampler(), "durations-sampler")
        config.pluginmanager.register(Sums(Path(target)), "durations-sums")


class Sampler:
    """Counts what the main thread is busy with, and adds that to each report."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._process = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Begin, once in each process: threads do not survive a fork."""
        if self._process != os.getpid():
            self._process = os.getpid()
            threading.Thread(target=self._sample, args=(threading.main_thread().ident,), daemon=True).start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add what was counted since the last report."""
        report = yield
        counts, self._counts = self._counts, Counter()
        report.user_properties.append((_SPENT, {kind: count / SAMPLES_A_SECOND for kind, count in counts.items()}))
        return report

    def _sample(self, thread: int) -> None:
        pause = threading.Event()
        while not pause.wait(1 / SAMPLES_A_SECOND):
            if frame := sys._current_frames().get(thread):
                self._counts[kind_of(frame)] += 1


def kind_of(innermost: FrameType) -> str:
    """What a stack is busy with: as its outermost known function says, else whether its innermost one waits."""
    kind = ""
    frame: FrameType | None = innermost
    while frame:
        file = "/".join(Path(frame.f_code.co_filename).parts[-3:])
        for (place, name), known in _KIND_BY_CODE.items():
            if name == frame.f_code.co_name and file.endswith(place.rpartition("python3/")[2]):
                kind = known
        if frame.f_code.co_name == "dr_cli" and any(word in str(frame.f_locals.get("words")) for word in _CHANGES):
            kind = "runs"
        frame = frame.f_back
    line = linecache.getline(innermost.f_code.co_filename, innermost.f_lineno or 0)
    return kind or ("waiting" if any(word in line for word in _WAITS) else "own work")


class Sums:
    """Adds the reports up by file and by judge, and prints where the time went."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._took_s: defaultdict[str, float] = defaultdict(float)
        self._spent_s: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._judges_s: defaultdict[str, float] = defaultdict(float)
        self._judges: dict[str, list[str]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which tests ask which judge from outside."""
        self._judges = {
            item.nodeid: [str(name) for mark in item.iter_markers("judge") for name in mark.args]
            for item in session.items
        }

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add one report."""
        file = report.nodeid.partition("::")[0]
        self._took_s[file] += report.duration
        for judge in self._judges.get(report.nodeid, ()):
            self._judges_s[judge] += report.duration
        spent = [value for name, value in report.user_properties if name == _SPENT]
        if spent:
            self._spent_s[file].update(cast("dict[str, float]", spent[-1]))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the file, and print the slowest."""
        slowest = sorted(self._took_s, key=lambda file: -self._took_s[file])
        rows = {file: {"s": round(self._took_s[file], 1), **self._kinds(file)} for file in slowest}
        self._target.parent.mkdir(parents=True, exist_ok=True)
        text = ",\n".join(f"{json.dumps(file)}: {json.dumps(row)}" for file, row in sorted(rows.items()))
        self._target.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")
        write = terminalreporter.write_line
        write(f"The slowest {min(SLOWEST, len(rows))} of {len(rows)} files, seconds: all, {', '.join(KINDS)}")
        total = {kind: sum(row.get(kind, 0) for row in rows.values()) for kind in ("s", *KINDS)}
        for file, row in [*list(rows.items())[:SLOWEST], ("all files", total)]:
            write(f"{row['s']:8.1f}{''.join(f'{row.get(kind, 0):8.1f}' for kind in KINDS)}  {file}")
        for judge, took_s in sorted(self._judges_s.items(), key=lambda item: -item[1]):
            write(f"{took_s:8.1f} s with a judge from outside: {judge}")

    def _kinds(self, file: str) -> dict[str, float]:
        spent = self._spent_s[file]
        return {kind: round(spent[kind], 1) for kind in KINDS if round(spent[kind], 1)}
