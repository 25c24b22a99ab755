"""The contract holds together: features, steps and checks say the same things, once each.

A lint of the Gherkin says with file and line what pytest-bdd lets pass in silence: it runs only the last of two
scenarios with one name, picks one of two matching step definitions, and ignores features nobody binds, definitions
nobody speaks, and scenarios that assert nothing.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from gherkin.parser import Parser
from pytest_bdd import parsers
from pytest_bdd.steps import step_function_context_registry

import steps
from dr_checks.core.model import Area
from dr_checks.core.registry import checks


@dataclass(frozen=True)
class Definition:
    """A step definition: its type (given, when, then) and the function that says whether it matches a sentence."""

    type: str
    name: str
    parser: Any

    def matches(self, kind: str, sentence: str) -> bool:
        """Whether this definition answers ``sentence`` spoken as ``kind``."""
        return self.type in {kind, "step"} and bool(self.parser.is_matching(sentence))


@dataclass(frozen=True)
class Scenario:
    """A scenario with the sentences it speaks, background included: (kind, text, line)."""

    file: str
    line: int
    feature: str
    name: str
    tags: tuple[str, ...]
    steps: tuple[tuple[str, str, int], ...]


def read_feature(path: Path, shown_as: str) -> list[Scenario]:
    """Parse one feature file, rules included. Raises the parser's error with its line where it is not Gherkin."""
    document: dict[str, Any] = json.loads(json.dumps(Parser().parse(path.read_text(encoding="utf-8"))))
    feature = document.get("feature")
    if not feature:
        return []
    tags = tuple(tag["name"].removeprefix("@") for tag in feature["tags"])
    return list(_scenarios(feature, shown_as, feature["name"], tags, ()))


def _scenarios(
    node: dict[str, Any], file: str, feature: str, tags: tuple[str, ...], before: tuple[dict[str, Any], ...]
) -> Iterator[Scenario]:
    for child in node["children"]:
        if "background" in child:
            before = (*before, *child["background"]["steps"])
        elif "rule" in child:
            yield from _scenarios(child["rule"], file, feature, tags, before)
        else:
            scenario = child["scenario"]
            own = tuple(tag["name"].removeprefix("@") for tag in scenario["tags"])
            steps = tuple(_steps([*before, *scenario["steps"]]))
            yield Scenario(file, scenario["location"]["line"], feature, scenario["name"], tags + own, steps)


def _steps(steps: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str, int]]:
    kind = "given"
    for step in steps:
        word = step["keyword"].strip().lower()
        kind = word if word in {"given", "when", "then"} else kind
        yield kind, step["text"], step["location"]["line"]


def lint(scenarios: list[Scenario], definitions: list[Definition], known_tags: re.Pattern[str]) -> list[str]:
    """Every fault found, each as ``file:line: sentence``."""
    faults = [*_names(scenarios), *_tags(scenarios, known_tags)]
    spoken: set[str] = set()
    for scenario in scenarios:
        if not any(kind == "then" for kind, _, _ in scenario.steps):
            faults.append(f"{scenario.file}:{scenario.line}: '{scenario.name}' has no Then: it asserts nothing")
        for kind, text, line in scenario.steps:
            matching = [d.name for d in definitions if d.matches(kind, text)]
            spoken.update(matching)
            if not matching:
                faults.append(f"{scenario.file}:{line}: no step definition for '{kind} {text}'")
            if len(matching) > 1:
                faults.append(f"{scenario.file}:{line}: ambiguous: '{text}' matches {', '.join(sorted(matching))}")
    faults += [f"steps: nobody speaks '{d.name}'" for d in definitions if d.name not in spoken]
    return faults


def _names(scenarios: list[Scenario]) -> Iterator[str]:
    seen: Counter[tuple[str, str]] = Counter()
    titles: dict[str, str] = {}
    for scenario in scenarios:
        seen[scenario.file, scenario.name] += 1
        if seen[scenario.file, scenario.name] > 1:
            yield f"{scenario.file}:{scenario.line}: a second scenario named '{scenario.name}': only the last would run"
        if titles.setdefault(scenario.feature, scenario.file) != scenario.file:
            yield f"{scenario.file}: feature '{scenario.feature}' is also the title of {titles[scenario.feature]}"


def _tags(scenarios: list[Scenario], known: re.Pattern[str]) -> Iterator[str]:
    for scenario in scenarios:
        for tag in scenario.tags:
            if not known.fullmatch(tag):
                yield f"{scenario.file}:{scenario.line}: unknown tag @{tag}"


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
