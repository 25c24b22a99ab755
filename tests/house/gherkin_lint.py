"""A lint of the Gherkin and its steps: what pytest-bdd lets pass in silence, said with file and line.

pytest-bdd runs only the last of two scenarios with one name, picks one of two matching step definitions, and ignores
features nobody binds, definitions nobody speaks, and scenarios that assert nothing.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gherkin.parser import Parser


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
