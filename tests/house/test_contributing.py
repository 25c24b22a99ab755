"""What docs/contributing.md and docs/add-a-store.md name exists: files, make targets and variables, names of code."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache

import pytest

from dr_actions.model.action import Action, PlanContext
from dr_actions.model.plan import Goal
from dr_checks.core.model import View
from dr_estate.reading.reader import ReadContext
from tests.house.sources import ROOT, sources

PAGE, STORE = ((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("contributing", "add-a-store"))
PAGES = PAGE + STORE
ROOMS = ("benchmarks", "dr_actions", "dr_checks", "dr_estate", "reports", "sandbox", "steps", "tests", "utils")
FOLDERS = {*ROOMS, ".ci", ".github", "docs", "deploy", "environments", "features"}
OWNERS = {"context": (ReadContext, PlanContext), "view": (View,), "Goal": (Goal,)}
NO_NAMES = {
    "CI",
    "sh",
    "# exit 1",
    "FILL IN",
    ".tools",
    ".tools/mkdocs",
    "<module>.<function>",
    "data.<store>",
    "rpo.met",
    "rpo.skew",
    "@lag_source(SEARCH)",
}
"""What is quoted and is no name of the tree: what CI sets and make builds, what a writer or a reader fills in."""


def quoted(page: str) -> set[str]:
    """The texts in backticks, without the blocks of code."""
    texts = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", page, flags=re.DOTALL))
    return {" ".join(text.split()) for text in texts} - NO_NAMES


def is_path(text: str) -> bool:
    """Whether a quoted text names a file or a folder of the tree."""
    return text.partition("/")[0] in FOLDERS or re.fullmatch(r"[\w.-]+\.(md|toml|py|yml)", text) is not None


NAMES = {text for text in quoted(PAGES) if not is_path(text) and not text.startswith(("make ", "rm "))}


@cache
def defined() -> frozenset[str]:
    """The functions, classes, fields and names of modules, and the folders of records."""
    found = {path.name for path in (ROOT / "tests" / "golden").iterdir() if path.is_dir()}
    for source in sources(*ROOMS):
        found |= {node.name for node in source.of(ast.FunctionDef, ast.ClassDef)}
        found |= {name.id for node in source.of(ast.Module, ast.ClassDef) for name in _targets(node.body)}
    return frozenset(found)


def _targets(body: list[ast.stmt]) -> Iterator[ast.Name]:
    for statement in body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        yield from (target for target in targets if isinstance(target, ast.Name))


@cache
def settings() -> str:
    """Where variables of make and of the environment, and the markers of tests, are named."""
    beside = (ROOT / name for name in ("Makefile", "pyproject.toml"))
    return "\n".join(
        [path.read_text(encoding="utf-8") for path in beside] + [source.text for source in sources(*ROOMS)]
    )


def is_known(text: str) -> bool:
    """Whether a quoted name is a member of its owner, a name of the code, or a variable that something reads."""
    if variable := re.fullmatch(r"([A-Z_]+)(=\w+)?", text):
        return variable[1] in defined() or re.search(rf"\b{variable[1]}\b", settings()) is not None
    (name,) = re.findall(r"^@?([A-Za-z_][\w.]*)", text)
    owner, _, member = name.rpartition(".")
    if owner:
        return any(hasattr(kind, member) for kind in OWNERS.get(owner, ()))
    is_marker = f'"{name}:' in settings()
    return name in defined() or is_marker or keyword.iskeyword(name)


@pytest.mark.parametrize("path", sorted(text for text in quoted(PAGES) if is_path(text)))
def test_a_file_or_folder_that_is_named_exists(path: str) -> None:
    assert any(ROOT.glob(re.sub(r"<\w+>", "*", path.rstrip("/"))))


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make ([\w-]+)", PAGE))))
def test_a_target_of_make_that_is_named_exists(target: str) -> None:
    assert re.search(rf"^([\w-]+ )*{target}( [\w-]+)*:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("text", sorted(NAMES))
def test_a_name_that_is_quoted_exists(text: str) -> None:
    assert is_known(text), f"nothing in the code is called {text}"


@pytest.mark.parametrize("text", ["sight.step(__name__)", "look.pages", "VERB = action(globals())", "Goal.TRIED"])
def test_a_name_of_before_is_noticed(text: str) -> None:
    assert not is_known(text)


def test_the_functions_of_an_action_are_its_fields() -> None:
    (section,) = re.findall(r"^## Add an action\n(.*?)^## ", PAGE, re.MULTILINE | re.DOTALL)
    functions = {text for text in quoted(section) if re.fullmatch(r"[a-z_]+", text)}
    assert functions
    assert functions <= {field.name for field in fields(Action)}


def test_a_new_service_always_touches_ten_files_at_most() -> None:
    (rows,) = re.findall(r"^\| file \| what to do \|\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    of_a_check = len(re.findall(r"^\| `", PAGE.partition("## Add a check")[2].partition("```python")[0], re.MULTILINE))
    named = [text for row in rows.splitlines() for text in quoted(row.split("|")[1])]
    assert len(named) + of_a_check <= 10
