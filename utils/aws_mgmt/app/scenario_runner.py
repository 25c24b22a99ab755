"""Runs the scenarios in process and collects what they judged. Verdicts decide, never pytest's own exit code."""

from __future__ import annotations

import contextlib
import importlib
import os
import shlex
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import pytest

from dr_checks.core.model import Area, CheckResult, Status
from dr_checks.core.observation import HANDED_IN, RESULT_PROPERTY, Observation, result_of
from dr_checks.core.registry import checks

ROOT = Path(__file__).parents[3]
_PLUGINS = ("pytest_bdd.plugin", "allure_pytest.plugin", "reports.allure.plugin")
_WITHOUT = (
    *("cacheprovider", "threadexception", "unraisableexception"),  # the latter two collect garbage for 0.3 s
    # Scenarios log nothing and use none of these; each is asked about each scenario, each fixture about each sentence.
    *("logging", "doctest", "unittest", "subtests", "tmpdir", "monkeypatch", "recwarn", "setuponly", "setupplan"),
    *("stepwise", "pastebin", "debugging"),
)


@dataclass(frozen=True)
class ScenarioSelection:
    """Which scenarios to run, and how. ``workers`` 0 runs them in this process. ``evidence`` is needed by workers.

    ``only``: of the areas' checks these alone; all where it is empty.
    """

    areas: tuple[Area, ...]
    results_folder: Path
    workers: int = 0
    evidence: Path | None = None
    config_folder: Path = ROOT / "environments"
    exceptions: Path | None = None
    only: frozenset[str] = frozenset()


@dataclass(eq=False)  # pytest keeps plugins in sets
class Collector:
    """Gathers results as the scenarios report them, with or without workers."""

    observation: Observation
    of: int
    progress: Callable[[int, int], None]
    results: dict[str, CheckResult] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a scenario's result, or note what kept it from having one."""
        carried = [value for name, value in report.user_properties if name == RESULT_PROPERTY]
        if carried and report.when == "call":
            result = result_of(carried[-1])
            self.results[result.check] = result
            self.progress(len(self.results), self.of)
        elif report.failed:
            self.troubles.append(f"{report.nodeid}: {_last_line(report)}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a feature or step module that could not be collected."""
        if report.failed:
            self.troubles.append(f"{report.nodeid}: {_last_line(report)}")


def run_scenarios(
    selection: ScenarioSelection,
    observation: Observation,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> list[CheckResult]:
    """Run the selected scenarios; returns a result for every check that is selected, in id order.

    ``progress`` gets how many are judged, and of how many.
    A check whose scenario did not report (crashed worker, collection error) is UNKNOWN, with the cause as far as known.
    Raises KeyboardInterrupt where the operator interrupted it: pytest and libraries keep that to themselves.
    """
    expected = {
        check.id: check
        for check in checks().values()
        if check.area in selection.areas and (not selection.only or check.id in selection.only)
    }
    collector = Collector(observation, len(expected), progress)
    selection.results_folder.mkdir(parents=True, exist_ok=True)
    with _quiet(selection.results_folder / "pytest.log"), minding_interrupts():
        pytest.main(_arguments(selection, observation), plugins=[*_plugins(selection), _Named(collector)])
    missing = sorted(set(expected) - set(collector.results))
    for check_id in missing:
        check = expected[check_id]
        reason = "its scenario did not report. " + (
            " ".join(collector.troubles[:3]) or "No scenario speaks its sentence."
        )
        collector.results[check_id] = CheckResult(
            check_id, check.severity, check.area, Status.UNKNOWN, (), reason=reason
        )
    return [collector.results[check_id] for check_id in sorted(collector.results)]


class _Named:
    """Registers the collector under the name by which conftest.py finds the observation that was handed in."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def pytest_configure(self, config: pytest.Config) -> None:
        config.pluginmanager.register(self._collector, HANDED_IN)


def _plugins(selection: ScenarioSelection) -> list[object]:
    """The plugins for this process. For each that is named by -p, pytest reads what every package declares (3 ms)."""
    return [] if selection.workers else [importlib.import_module(name) for name in _PLUGINS]


def _arguments(selection: ScenarioSelection, observation: Observation) -> list[str]:
    options = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), str(ROOT / "features")]
    options += ["--disable-plugin-autoload"]
    options += [word for name in _WITHOUT for word in ("-p", f"no:{name}")]
    options += ["-o", "filterwarnings=default", "-q", "--tb=native"]  # others parse the source of every frame
    options += ["--assert=plain"]  # no assert is rewritten, so what is imported already need not be imported again
    options += ["-m", " or ".join(selection.areas), "--alluredir", str(selection.results_folder)]
    # with "=": pytest takes a path that follows an option it does not know yet for a folder of tests
    options += [f"--dr-environment={observation.environment.name}", f"--dr-config={selection.config_folder}"]
    options += [word for tenant in sorted(observation.only_tenants) for word in ("--dr-tenant", tenant)]
    options += [f"--dr-check={name}" for name in sorted(selection.only)]
    options += ["--dr-options", shlex.join(observation.invocation.options)]
    options += ["--dr-program", observation.invocation.program]
    if selection.exceptions:
        options += [f"--dr-exceptions={selection.exceptions}"]
    if selection.workers:
        options += [word for name in _PLUGINS for word in ("-p", name)]
        options += ["-p", "xdist", "-n", str(selection.workers), f"--dr-evidence={selection.evidence}"]
    return options


@contextlib.contextmanager
def minding_interrupts() -> Iterator[None]:
    """Raise KeyboardInterrupt at the end of the block where one came in it. A run that stops in its own way does so."""
    usual = signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not usual:
        yield
        return
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        usual(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if came:
        raise KeyboardInterrupt


@contextlib.contextmanager
def _quiet(log: Path) -> Iterator[None]:
    """Keep pytest's own output in ``log``, and foreign pytest settings out of the run."""
    # Options of a developer's shell would choose other scenarios, and a readiness result would miss some.
    saved = {name: os.environ.pop(name) for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS") if name in os.environ}
    with log.open("w", encoding="utf-8") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        try:
            yield
        finally:
            os.environ.update(saved)


def _last_line(report: pytest.TestReport | pytest.CollectReport) -> str:
    lines = str(report.longrepr or "no reason given").strip().splitlines()
    return lines[-1].removeprefix("E   ") if lines else "no reason given"
