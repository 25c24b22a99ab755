"""A plugin of pytest for moto's own tests: installs the sandbox's extension if asked, and writes each outcome down.

Loaded with ``-p suite_plugin`` in a process of its own: moto's folder is called ``tests`` too.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sandbox.core.state import STATE, WorldState

EXTENDED, OUTCOMES = "MOTO_SUITE_EXTENDED", "MOTO_SUITE_OUTCOMES"
INSTANT = {"transition_s": 0, "log_upload_s": 0, "files_lag_s": 0, "replica_lag_s": 0, "lag_published_s": 0}


class Outcomes:
    """The outcome of every test: a test fails if its set-up, its body or its teardown does."""

    def __init__(self) -> None:
        self.by_test: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take down the outcome of one phase."""
        decides = report.when == "call" or report.outcome != "passed"
        if decides and self.by_test.get(report.nodeid) != "failed":
            self.by_test[report.nodeid] = report.outcome

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take down a file that cannot be imported."""
        if report.failed:
            self.by_test[report.nodeid] = "failed"

    def pytest_sessionfinish(self) -> None:
        """Write all outcomes."""
        Path(os.environ[OUTCOMES]).write_text(json.dumps(self.by_test), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Install the extension, and register the record of outcomes."""
    if EXTENDED in os.environ:
        from sandbox import moto_ext

        moto_ext.install()
    config.pluginmanager.register(Outcomes(), "moto-suite-outcomes")


@pytest.fixture(autouse=True)
def _fresh_world() -> None:
    """Nothing of one test's world is left for the next; whatever begins is finished at once."""
    fresh = WorldState(environment={"regions": {"primary": "us-east-1"}}, extras=dict(INSTANT))
    STATE.__dict__.update(fresh.__dict__)
