"""Names the scenarios in pytest's own JUnit file (``pytest features --junitxml``): class = feature, name = scenario."""

from __future__ import annotations

from typing import Any

import pytest
from _pytest.junitxml import xml_key

from dr_checks.core.observation import RESULT_PROPERTY

_NAMES = {"feature": "classname", "scenario": "name"}


def pytest_bdd_before_scenario(request: pytest.FixtureRequest, feature: Any, scenario: Any) -> None:
    """Note both names where they travel from a worker to the process that writes the file."""
    request.node.user_properties += [("feature", feature.name), ("scenario", scenario.name)]


class JUnitNames:
    """Gives each case its names before pytest writes it; the whole result, which is no property, stays out."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Rename the case of ``report``."""
        names = {_NAMES[name]: value for name, value in report.user_properties if name in _NAMES}
        if not names:
            return
        case = self._config.stash[xml_key].node_reporter(report)
        for attribute, value in names.items():
            case.add_attribute(attribute, value)
        # pytest writes the properties of a case at its teardown.
        if report.when == "teardown":
            report.user_properties = [pair for pair in report.user_properties if pair[0] != RESULT_PROPERTY]


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Only where a file is written: workers write none."""
    if config.stash.get(xml_key, None):
        config.pluginmanager.register(JUnitNames(config), "dr-junit-names")
