"""The contract holds together: features, steps and checks say the same things, once each."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter
from pathlib import Path

import pytest
from pytest_bdd import parsers
from pytest_bdd.steps import step_function_context_registry

import steps
from dr_checks.core.model import Area
from dr_checks.core.registry import checks
from tests.house.gherkin_lint import Definition, Scenario, lint, read_feature

ROOT = Path(__file__).parents[2]
TAGS = re.compile("|".join([*Area, r"US-\d{3}"]))
FEATURES = sorted((ROOT / "features").rglob("*.feature"))
SCENARIOS = [s for path in FEATURES for s in read_feature(path, str(path.relative_to(ROOT)))]


def _definitions() -> list[Definition]:
    for module in pkgutil.iter_modules(steps.__path__):
        importlib.import_module(f"steps.{module.name}")
    ours = [c for c in step_function_context_registry.values() if c.step_func.__module__.startswith("steps.")]
    return [Definition(str(context.type or "step"), str(context.parser.name), context.parser) for context in ours]


def test_the_features_and_steps_have_no_silent_fault() -> None:
    faults = lint(SCENARIOS, _definitions(), TAGS)
    assert [] == faults, "\n".join(faults)


def test_every_feature_is_bound_by_the_one_binding_module() -> None:
    binder = importlib.import_module("features.test_features")
    registry = importlib.import_module("pytest_bdd.scenario").scenario_wrapper_template_registry
    bound = {registry[f].name for name, f in vars(binder).items() if name.startswith("test_")}
    assert {scenario.name for scenario in SCENARIOS} == bound


@pytest.mark.parametrize("check_id", sorted(checks()))
def test_every_check_is_said_by_exactly_one_scenario_of_its_area(check_id: str) -> None:
    check = checks()[check_id]
    saying = [s for s in SCENARIOS if any(text == check.says for kind, text, _ in s.steps if kind == "then")]
    assert 1 == len(saying), f"{check_id} is said by {[s.name for s in saying]}"
    assert check.area in saying[0].tags, f"{saying[0].file} is not tagged @{check.area}"
    assert any(tag.startswith("US-") for tag in saying[0].tags), f"{saying[0].file} names no requirement"


def test_every_scenario_says_exactly_one_check() -> None:
    sentences = {check.says for check in checks().values()}
    texts_by_scenario = {
        s.name: [text for kind, text, _ in s.steps if kind == "then" and text in sentences] for s in SCENARIOS
    }
    assert {} == {name: texts for name, texts in texts_by_scenario.items() if len(texts) != 1}


def test_no_two_checks_say_the_same() -> None:
    counts = Counter(check.says for check in checks().values())
    assert [] == [sentence for sentence, times in counts.items() if times > 1]


def _scenario(name: str, *steps_: tuple[str, str], tags: tuple[str, ...] = ("dns",)) -> Scenario:
    return Scenario("x.feature", 3, "X", name, tags, tuple((kind, text, 4) for kind, text in steps_))


def _definition(name: str, kind: str = "then") -> Definition:
    return Definition(kind, name, parsers.parse(name))


@pytest.mark.parametrize(
    ("scenarios", "definitions", "fault"),
    [
        ([_scenario("a", ("then", "x")), _scenario("a", ("then", "x"))], [_definition("x")], "only the last would run"),
        ([_scenario("a", ("given", "x"))], [_definition("x", "given")], "has no Then"),
        ([_scenario("a", ("then", "y"))], [], "no step definition for 'then y'"),
        ([_scenario("a", ("then", "x y"))], [_definition("x {z}"), _definition("{z} y")], "ambiguous"),
        ([_scenario("a", ("then", "x"))], [_definition("x"), _definition("never")], "nobody speaks 'never'"),
        ([_scenario("a", ("then", "x"), tags=("rpoo",))], [_definition("x")], "unknown tag @rpoo"),
    ],
)
def test_the_lint_finds_each_fault(scenarios: list[Scenario], definitions: list[Definition], fault: str) -> None:
    faults = lint(scenarios, definitions, TAGS)
    assert 1 == len(faults)
    assert fault in faults[0]
