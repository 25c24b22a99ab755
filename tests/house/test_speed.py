"""Speed stands behind one door: its folder is small, described, and used by the door's names alone."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from dr_estate import speed
from tests.house.sources import Source, sources
from tests.house.test_private_parts import ROOMS, defined, places

FOLDER = "dr_estate/speed/"
MOST_LINES = 900
ELSEWHERE = [source for source in sources(*ROOMS) if not source.name.startswith((FOLDER, "sandbox/"))]


def passed_by(source: Source) -> list[str]:
    """What the source imports from the folder, and is no name of the door."""
    found = [alias.name for node in source.of(ast.Import) for alias in node.names]
    found += [f"{node.module}.{alias.name}" for node in source.of(ast.ImportFrom) for alias in node.names]
    inside = [name.removeprefix("dr_estate.speed.") for name in found if name.startswith("dr_estate.speed.")]
    return [name for name in inside if name not in {*speed.__all__, "AccountClients"}]


def test_nothing_of_the_folder_is_imported_but_by_its_door() -> None:
    files = sources(*ROOMS)
    assert {} == {
        source.name: passed_by(source) for source in files if passed_by(source) and not source.name.startswith(FOLDER)
    }
    assert sum("dr_estate.speed" in source.text or "import speed" in source.text for source in ELSEWHERE) >= 4


def test_nothing_of_botocore_is_replaced_elsewhere_but_in_the_sandbox() -> None:
    replaced = {
        (source.name, text)
        for source in ELSEWHERE
        for kind, _, text in places(source, defined(source), set())
        if kind == "replaced" and "allure" not in source.name
    }
    assert set() == replaced


@pytest.mark.parametrize("text", ["from dr_estate.speed.connections import x", "import dr_estate.speed.accounts"])
def test_an_import_past_the_door_is_found(text: str) -> None:
    assert passed_by(Source("x.py", text))
    assert not passed_by(Source("x.py", "from dr_estate.speed import client"))


def test_the_folder_is_small_and_its_page_describes_each_file() -> None:
    files = [Path(file) for file in sorted(Path(FOLDER).glob("*.py"))]
    texts = [file.read_text(encoding="utf-8").splitlines() for file in files]
    lines = sum(map(len, texts))
    page = (Path(FOLDER) / "README.md").read_text(encoding="utf-8")
    described = set(re.findall(r"`(\w+\.py)`", page))
    assert 200 < lines <= MOST_LINES
    assert {file.name for file in files} - {"__init__.py"} <= described
