"""What judges and reports is loaded while AWS answers: until then the processor is idle half of the time."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Callable, Iterator

from utils.aws_mgmt.app.options import ROOT

_MODULES = (
    "utils.aws_mgmt.app.scenario_runner",
    "pytest_bdd.plugin",
    "reports.allure.plugin",
    "steps.judging",
    "reports.publish",
)


@contextlib.contextmanager
def loading_judgement() -> Iterator[Callable[[], bool]]:
    """Load in a thread of its own while the block runs, and wait for it. What fails is raised where it is needed.

    Yields what says whether all is loaded.
    """
    thread = threading.Thread(target=_load, name="early-imports", daemon=True)
    thread.start()
    try:
        yield lambda: not thread.is_alive()
    finally:
        thread.join()


def _load() -> None:
    """Import, parse the features and load the page's templates: pytest-bdd and jinja remember them."""
    with contextlib.suppress(Exception):
        for name in _MODULES:
            importlib.import_module(name)
        importlib.import_module("pytest_bdd.feature").get_features([str(ROOT / "features")])
        importlib.import_module("dr_checks.core.registry").checks()
        engine = importlib.import_module("reports.page.render").engine()
        for name in engine.list_templates(["html"]):
            engine.get_template(name)
