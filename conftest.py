"""Wires the rooms: step modules, markers, and the observation every scenario judges.

The command line hands an observation in (in process, or as an evidence file to workers); bare pytest takes one of the
embedded sandbox, so that nothing but the command line ever looks at live AWS.
"""

from __future__ import annotations

import pkgutil
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_bdd.scenario import scenario_wrapper_template_registry

import steps
from dr_checks.core.exceptions import ExceptionRule, parse_exceptions
from dr_checks.core.model import Area
from dr_checks.core.observation import HANDED_IN, Observation
from dr_checks.core.registry import checks
from dr_estate.config.environment import load_environment
from dr_estate.model.invocation import Invocation, Program
from dr_estate.snapshot.snapshot import read_evidence
from sandbox.client.endpoint import Endpoint

ROOT = Path(__file__).parent
REQUIREMENTS = {"US-018": "backup and copies", "US-027": "failover", "US-028": "failback"}

pytest_plugins = ["reports.junit_plugin", *(f"steps.{module.name}" for module in pkgutil.iter_modules(steps.__path__))]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options by which the command line hands its choice to the scenarios, workers included."""
    group = parser.getgroup("disaster recovery")
    group.addoption("--dr-environment", default="sit", help="name of the environment file whose rules apply")
    group.addoption("--dr-config", default=str(ROOT / "environments"), help="folder of the environment files")
    group.addoption("--dr-evidence", default=None, help="evidence file to judge, instead of the embedded sandbox")
    group.addoption("--dr-tenant", action="append", default=[], help="narrow to this tenant (repeatable)")
    group.addoption("--dr-check", action="append", default=[], help="judge this check alone (repeatable)")
    group.addoption("--dr-options", default="", help="options by which the commands of remedies are completed")
    group.addoption("--dr-program", default=Program.CHECKOUT, type=Program, help="how the command line was called")
    group.addoption("--dr-exceptions", default=None, help="exceptions file (TOML)")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Declare the closed list of tags: a misspelt one is a collection error. Let Allure record Gherkin steps."""
    if config.getoption("allure_report_dir", None):
        config.pluginmanager.import_plugin("reports.allure.plugin")
    for area in Area:
        config.addinivalue_line("markers", f"{area}: scenarios about {area}")
    for name, about in REQUIREMENTS.items():
        config.addinivalue_line("markers", f"{name}: requirement {name}, {about}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the scenarios whose sentence is of none of the chosen checks out."""
    chosen = {checks()[name].says for name in config.getoption("--dr-check")}
    if chosen:
        beside = [item for item in items if not chosen & _sentences(item)]
        config.hook.pytest_deselected(items=beside)
        items[:] = [item for item in items if item not in beside]


def _sentences(item: pytest.Item) -> set[str]:
    scenario = scenario_wrapper_template_registry.get(getattr(item, "obj", None))
    return {step.name for step in scenario.steps} if scenario else set()


@pytest.fixture(scope="session")
def observation(request: pytest.FixtureRequest) -> Iterator[Observation]:
    """The run's observation: handed in by the command line, else read from evidence, else taken of the sandbox."""
    handed = request.config.pluginmanager.get_plugin(HANDED_IN)
    if handed is not None:
        yield handed.observation
        return
    option = request.config.getoption
    environment = load_environment(Path(option("--dr-config")), option("--dr-environment"))
    tenants = frozenset(option("--dr-tenant"))
    rules = _exceptions(option("--dr-exceptions"))
    if option("--dr-evidence"):
        seen = read_evidence(Path(option("--dr-evidence")))
        invocation = Invocation(tuple(shlex.split(option("--dr-options"))), option("--dr-program"))
        yield Observation(environment, seen, tenants, rules, invocation)
        return
    from tests.worlds import healthy

    yield Observation(environment, healthy(request.getfixturevalue("sandbox_world"), environment), tenants, rules)


@pytest.fixture(scope="session")
def sandbox_world(request: pytest.FixtureRequest) -> Iterator[Endpoint]:
    """The healthy world of the chosen environment, three tenants: one a session; a test that breaks it repairs it."""
    from tests.worlds import borrowed

    option = request.config.getoption
    with borrowed(load_environment(Path(option("--dr-config")), option("--dr-environment")), tenants=3) as world:
        yield world


def _exceptions(path: str | None) -> tuple[ExceptionRule, ...]:
    return parse_exceptions(Path(path).read_text(), path, frozenset(checks())) if path else ()
