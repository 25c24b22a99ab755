"""No product module imports itself by way of another, lazily or not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("dr_estate", "dr_checks", "dr_actions", "reports", "sandbox", "steps", "utils")
Sources = Mapping[str, str]


@cache
def product() -> dict[str, str]:
    """The source of each product module, by its name; of a package, that of its ``__init__``."""
    paths = [path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return {
        ".".join(path.parent.parts if path.stem == "__init__" else path.with_suffix("").parts): (ROOT / path).read_text(
            encoding="utf-8"
        )
        for path in paths
    }


@cache
def parsed(text: str) -> ast.Module:
    """The tree of a source, made once."""
    return ast.parse(text)


def imports(sources: Sources) -> dict[str, set[str]]:
    """The modules of ``sources`` that each of them imports, at its top or in a function.

    Imports under TYPE_CHECKING are left out: they never run. That a submodule's import also runs its package's
    ``__init__`` is Python's own doing, and not counted.
    """
    return {
        name: {module for module in _imported(parsed(text)) if module in sources and module != name}
        | {parent for module in _imported(parsed(text)) if (parent := _holder(module, sources)) and parent != name}
        for name, text in sources.items()
    }


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports are not followed: write the module's whole name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from _imported(ast.Module(node.orelse, []))
        else:
            yield from _imported(node)


def _holder(module: str, sources: Sources) -> str:
    """The module that a symbol is imported from, "" where ``module`` is a module itself or not ours."""
    parent = module.rpartition(".")[0]
    return parent if module not in sources and parent in sources else ""


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """The modules of one circle in the order in which they import each other; [] where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as found:
        return list(reversed(found.args[1]))
    return []


def test_no_product_module_is_in_a_circle_of_imports() -> None:
    graph = imports(product())
    assert len(graph) > 300, "the rooms are empty"
    assert [] == circle(graph), "each of these imports the next"


@pytest.mark.parametrize(
    ("there", "back"),
    [
        ("import room.b", "import room.a"),
        ("from room.b import x", "def later():\n    from room import a"),
        ("from room import b", "class C:\n    def later(self):\n        if self:\n            import room.a as a"),
        ("if TYPE_CHECKING:\n    import os\nelse:\n    import room.b", "from room.a import y"),
    ],
)
def test_a_circle_is_seen_wherever_its_imports_stand(there: str, back: str) -> None:
    graph = imports({"room.a": there, "room.b": back})
    assert ["room.a", "room.b"] == sorted(set(circle(graph)))


def test_what_never_runs_closes_no_circle() -> None:
    graph = imports({"room.a": "import room.b", "room.b": "if TYPE_CHECKING:\n    from room.a import A"})
    assert [] == circle(graph)


SILENT = ("reports.terminal", "reports.render", "reports.incident", "reports.allure", "reports.publish")
STREAMS = {"print", "input", "sys.stdout", "sys.stderr", "sys.stdin"}
COMMANDS = "utils.aws_mgmt.cli.commands"


def below(name: str, *rooms: str) -> bool:
    """Whether a module is one of ``rooms``, or in one."""
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def written(text: str) -> set[str]:
    """The names and attributes that a source uses, as they are written."""
    return {ast.unparse(node) for node in ast.walk(parsed(text)) if isinstance(node, (ast.Name, ast.Attribute))}


def test_the_application_prints_nothing_itself() -> None:
    sources = {name: text for name, text in product().items() if below(name, "utils.aws_mgmt.app")}
    assert len(sources) > 15, "the room is empty"
    printers = {name for name in product() if below(name, *SILENT)}
    graph = imports({**sources, **dict.fromkeys(printers, "")})
    assert {} == {name: found for name in sources if (found := graph[name] & printers)}
    assert {} == {name: found for name, text in sources.items() if (found := written(text) & STREAMS)}


def test_nothing_below_the_application_knows_the_command_line() -> None:
    sources = {name: text for name, text in product().items() if not below(name, "utils.aws_mgmt.cli", "sandbox")}
    entries = {"utils.aws_mgmt.dr_cli"}
    assert entries == {name for name, text in sources.items() if "sys.argv" in written(text) and "generate" not in name}
    assert [] == [
        name for name, text in sources.items() if re.search("import (argparse|click)", text) and "generate" not in name
    ]


def test_no_command_imports_another_command() -> None:
    graph = imports(product())
    commands = {name for name in graph if below(name, COMMANDS) and name != COMMANDS}
    assert commands
    assert {} == {name: found for name in commands if (found := graph[name] & commands)}


# What is put together in one place alone; everybody else, tests too, is given it.
MADE_BY = {
    "MutatingClient": set[str](),  # a parameter of the composition root: tests pass another one
    "ControlStore.of": {"utils.aws_mgmt.app.connections"},
    "ApprovalStore": {"utils.aws_mgmt.app.connections"},
    "AppContext": {"utils.aws_mgmt.app.connections"},
    "AuthorizationRequest": {"utils.aws_mgmt.app.authorization"},
    "RunStart": {"utils.aws_mgmt.app.authorization"},
    "observe": {"utils.aws_mgmt.app.target"},
    "locking.take": {"utils.aws_mgmt.app.execution"},
}


@pytest.mark.parametrize("constructor", MADE_BY)
def test_each_connection_is_made_in_one_place(constructor: str) -> None:
    makers = {
        name
        for name, text in product().items()
        if not below(name, "sandbox")
        for node in ast.walk(parsed(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == constructor
    }
    assert MADE_BY[constructor] == makers
