"""Makes Allure show scenarios: each Given and Then a step, findings a table, tags and checks as labels.

Loaded with ``-p reports.allure.plugin`` beside allure-pytest, which by itself records no Gherkin steps.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
import uuid
from collections.abc import Generator
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import allure_commons
import allure_pytest.plugin
import orjson
import pytest
from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import Label, Link, TestResult
from allure_commons.types import AttachmentType
from allure_commons.utils import uuid4
from allure_pytest.listener import AllureListener

from dr_checks.core.model import Area, Check, CheckResult, Status
from dr_checks.core.observation import RESULT_PROPERTY, result_of
from dr_checks.core.registry import checks
from dr_estate.model.visible import one_line
from reports.render.csv_report import findings_table

_WELL_ARCHITECTED = "https://docs.aws.amazon.com/wellarchitected/latest/reliability-pillar/"
_PATTERNS = (
    (r"(REL09)-BP\d+", _WELL_ARCHITECTED + "back-up-data.html"),
    (r"(REL11)-BP\d+", _WELL_ARCHITECTED + "design-your-workload-to-withstand-component-failures.html"),
    (r"(REL13)-BP\d+", _WELL_ARCHITECTED + "plan-for-disaster-recovery-dr.html"),
    (r"NIST CP-\d+", "https://csrc.nist.gov/projects/cprt/catalog#/cprt/framework/version/SP_800_53_5_2_0/home"),
)

_HEADS = ("result", "subject", "measured", "wanted", "because", "remedy")
_ORDER = (Status.FAIL, Status.UNKNOWN, Status.EXCEPTED, Status.WARN, Status.PASS, Status.NOT_APPLICABLE)
_SHOWN = 100
# Allure's page wraps no cell by itself, and cuts off what is too wide for it: the reason and the remedy.
_WRAPPED = "white-space:normal;overflow-wrap:anywhere;min-width:6em"


class QuickFileLogger(AllureFileLogger):
    """Allure's logger; ``json.dump``, by which that one writes a result, goes through each value in Python."""

    def __init__(self, folder: Any, clean: bool = False) -> None:
        super().__init__(folder, clean)  # type: ignore[no-untyped-call] # allure publishes no types
        self._folder = Path(folder).absolute()

    @allure_commons.hookimpl
    def report_result(self, result: TestResult) -> None:
        """Write one result, whole or not at all."""
        path = self._folder / result.file_pattern.format(prefix=uuid.uuid4())
        unfinished = path.with_suffix(".tmp")
        unfinished.write_bytes(_json_bytes(result))
        unfinished.replace(path)


def _json_bytes(result: TestResult) -> bytes:
    """The result as JSON; where orjson refuses half a character, by the module that escapes it."""
    try:
        return orjson.dumps(result, default=_content)
    except orjson.JSONEncodeError:
        return json.dumps(result, default=_content).encode()


def _content(item: Any) -> dict[str, Any]:
    """What Allure writes of an item: values that are there, and False."""
    return {name: value for name, value in vars(item).items() if value or value is False}


# `import pytest_bdd.scenario` gives the decorator of that name, not the module
_SCENARIOS = importlib.import_module("pytest_bdd.scenario").scenario_wrapper_template_registry
_OPEN = pytest.StashKey[str]()
_DONE = pytest.StashKey[int]()


class LeanListener(AllureListener):
    """Allure's listener without a container file for every fixture lookup: one file a scenario instead of eleven.

    Labels and links are given to the test itself: as pytest's marks they cost a fifth of a scenario.
    """

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, None]:
        """Give a scenario its title and labels before it runs, so that they are there even when it breaks early."""
        scenario = _SCENARIOS.get(getattr(item, "function", None))
        if scenario is not None:
            item.obj.__allure_display_name__ = scenario.name  # type: ignore[attr-defined] # a scenario has its function
        yield from super().pytest_runtest_setup(item)
        test = self.allure_logger.get_test(None)
        if scenario is not None and test is not None:
            environment = item.config.getoption("--dr-environment")
            # Give a test of Allure the labels of its scenario, and what its check is about.
            test.description = None  # pytest-bdd puts an absolute path there
            labels = [("epic", f"DR readiness of {environment}"), ("feature", scenario.feature.name)]
            labels += [("requirement", tag) for tag in scenario.feature.tags | scenario.tags if tag.startswith("US-")]
            check = next((_by_sentence()[step.name] for step in scenario.steps if step.name in _by_sentence()), None)
            if check:
                suite = "Validation" if check.area is Area.VALIDATION else "Assessment"
                labels += [("parentSuite", suite), ("suite", scenario.feature.name)]
                labels += [("severity", check.severity), ("story", check.id), *(("rule", rule) for rule in check.rules)]
                test.links.extend(Link("link", url, name) for name, url in filter(None, map(rule_link, check.rules)))
                test.description = inspect.getdoc(check.judge) or check.says
            test.labels.extend(Label(kind, str(value)) for kind, value in labels)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self) -> Generator[None, Any, Any]:
        """Leave fixtures alone."""
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_post_finalizer(self) -> Generator[None, Any, Any]:
        """Leave fixtures alone."""
        return (yield)


allure_pytest.plugin.AllureListener = LeanListener
allure_pytest.plugin.AllureFileLogger = QuickFileLogger


@cache
def _by_sentence() -> dict[str, Check]:
    return {check.says: check for check in checks().values()}


def pytest_bdd_before_step(request: pytest.FixtureRequest, step: Any) -> None:
    """Open the Allure step of a Given, When or Then."""
    request.node.stash[_OPEN] = _start(step)
    request.node.stash[_DONE] = request.node.stash.get(_DONE, 0) + 1


def pytest_bdd_after_step(request: pytest.FixtureRequest) -> None:
    """Close a step that held."""
    _close(request.node, None)


def pytest_bdd_step_error(request: pytest.FixtureRequest, exception: Exception) -> None:
    """Close a step that did not hold."""
    _close(request.node, exception)


def pytest_bdd_step_func_lookup_error(request: pytest.FixtureRequest, step: Any, exception: Exception) -> None:
    """A step without a definition is a broken step."""
    request.node.stash[_OPEN] = _start(step)
    _close(request.node, exception)


def pytest_bdd_after_scenario(request: pytest.FixtureRequest, scenario: Any) -> None:
    """Close a skipped step (pytest-bdd calls no hook for it), and show the steps that were never reached."""
    if _OPEN in request.node.stash:
        _close(request.node, sys.exc_info()[1])
    for step in scenario.steps[request.node.stash.get(_DONE, 0) :]:
        _stop(_start(step), pytest.skip.Exception("not reached"))


def _start(step: Any) -> str:
    step_id: str = uuid4()
    allure_commons.plugin_manager.hook.start_step(uuid=step_id, title=f"{step.keyword.strip()} {step.name}", params={})
    return step_id


def _close(item: pytest.Item, exception: BaseException | None) -> None:
    if _OPEN not in item.stash:
        return
    step_id = item.stash[_OPEN]
    del item.stash[_OPEN]
    carried = [value for name, value in item.user_properties if name == RESULT_PROPERTY]
    result = result_of(carried[-1]) if carried else None
    # The description has the table of every scenario. A file for each of 280 took a third of what Allure costs.
    if result is not None and result.status not in (Status.PASS, Status.NOT_APPLICABLE):
        allure_commons.plugin_manager.hook.attach_data(
            body=findings_table(result), name="Findings", attachment_type=AttachmentType.CSV, extension="csv"
        )
    _stop(step_id, exception)


def _stop(step_id: str, exception: BaseException | None) -> None:
    kind = type(exception) if exception else None
    allure_commons.plugin_manager.hook.stop_step(uuid=step_id, exc_type=kind, exc_val=exception, exc_tb=None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Complete the test of a scenario. An excepted one is known in Allure: it stays red, beside the score."""
    carried = [value for name, value in item.user_properties if name == RESULT_PROPERTY]
    if carried and call.excinfo and not call.excinfo.errisinstance(pytest.skip.Exception):
        # A verdict's words are all that is shown. pytest would read the source of each frame: a quarter of judging.
        call.excinfo.traceback = []  # type: ignore[assignment] # a Traceback is a list of entries
    report = yield
    listener = item.config.pluginmanager.get_plugin("allure_listener")
    if report.when == "call" and carried and listener:
        result = result_of(carried[-1])
        test = listener.allure_logger.get_test(None)
        if test is not None:
            # Give a test of Allure what its check found: a table, the verdict as a label, and no class name or trace.
            test.labels.append(Label(name="verdict", value=str(result.status)))
            if result.findings:
                test.descriptionHtml = findings_html(result)
            if test.statusDetails:
                test.statusDetails.known = result.status is Status.EXCEPTED or None
                test.statusDetails.trace = None
                test.statusDetails.message = str(call.excinfo.value) if call.excinfo else test.statusDetails.message
                for step in test.steps:
                    if step.statusDetails and step.status == test.status:
                        step.statusDetails.message = test.statusDetails.message
    return report


def findings_html(result: CheckResult) -> str:
    """The check's sentence and its findings, all text escaped; beyond a hundred they are counted."""
    check = checks().get(result.check)
    rows = sorted(result.findings, key=lambda finding: _ORDER.index(finding.status))
    cells = [(f.status, f.subject, f.measured, f.wanted, f.because, str(f.healing)) for f in rows[:_SHOWN]]
    body = "".join(f"<tr><td>{row[0]}</td>{''.join(map(_cell, row[1:]))}</tr>" for row in cells)
    head = "".join(f"<th>{name}</th>" for name in _HEADS)
    more = f"<p>and {len(rows) - _SHOWN} more: report.csv lists them.</p>" if len(rows) > _SHOWN else ""
    sentence = f"<p>{_text(check.says)}</p>" if check else ""
    return f"{sentence}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _cell(value: str) -> str:
    return f"<td style='{_WRAPPED}'>{_text(value)}</td>"


def _text(value: str) -> str:
    return escape(one_line(str(value)))


@cache  # few rules stand at many checks
def rule_link(rule: str) -> tuple[str, str] | None:
    """Return (name, URL) of a rule whose document is public, else None."""
    return next(((rule, url) for pattern, url in _PATTERNS if re.fullmatch(pattern, rule)), None)
