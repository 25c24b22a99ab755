"""Where each scenario stands in the feature files: what a CI system links a finding to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gherkin.parser import Parser

FEATURES = Path(__file__).parents[2] / "features"


@dataclass(frozen=True, slots=True)
class ScenarioPlace:
    """The file, seen from the repository's root, and the line of a scenario."""

    file: str = "features"
    line: int = 1


@cache
def _places() -> dict[tuple[str, str], ScenarioPlace]:
    found = {}
    for path in sorted(FEATURES.glob("*.feature")):
        document: Any = Parser().parse(path.read_text(encoding="utf-8"))
        feature = document["feature"]
        for child in feature["children"]:
            if scenario := child.get("scenario"):
                place = ScenarioPlace(f"features/{path.name}", scenario["location"]["line"])
                found[feature["name"], scenario["name"]] = place
    return found


@cache
def _sentences() -> dict[str, ScenarioPlace]:
    return {
        line.strip().removeprefix("Then "): ScenarioPlace(f"features/{path.name}", number)
        for path in sorted(FEATURES.glob("*.feature"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    }


def place_of_sentence(says: str) -> ScenarioPlace:
    """The line that speaks the sentence of a check; the folder where none does."""
    return _sentences().get(says, ScenarioPlace())


def place_of(feature: str, scenario: str) -> ScenarioPlace:
    """The place of a scenario; the folder where none was reached."""
    return _places().get((feature, scenario), ScenarioPlace())
