"""No product module imports itself by way of another, lazily or not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.house.sources import Source, sources

ROOMS = ("dr_estate", "dr_checks", "dr_actions", "reports", "sandbox", "steps", "utils")
Modules = Mapping[str, Source]


@cache
def product() -> dict[str, Source]:
    """The source of each product module, by its name; of a package, that of its ``__init__``."""
    names = {source: source.name.removesuffix(".py").removesuffix("/__init__") for source in sources(*ROOMS)}
    return {name.replace("/", "."): source for source, name in names.items()}


@cache
def product_imports() -> dict[str, set[str]]:
    """The product's modules that each of them imports."""
    return imports(product())


def imports(modules: Modules) -> dict[str, set[str]]:
    """The modules of ``modules`` that each of them imports, at its top or in a function.

    Imports under TYPE_CHECKING are left out: they never run. That a submodule's import also runs its package's
    ``__init__`` is Python's own doing, and not counted.
    """
    named = {name: set(_imported(source.tree)) for name, source in modules.items()}
    return {
        name: ({module for module in found if module in modules} | {_holder(module, modules) for module in found})
        - {name, ""}
        for name, found in named.items()
    }


_BODIES = ("body", "orelse", "finalbody", "handlers", "cases")  # where statements stand within others


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in (child for field in _BODIES for child in getattr(tree, field, ())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports are not followed: write the module's whole name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from _imported(ast.Module(node.orelse, []))
        else:
            yield from _imported(node)


def _holder(module: str, modules: Modules) -> str:
    """The module that a symbol is imported from, "" where ``module`` is a module itself or not ours."""
    parent = module.rpartition(".")[0]
    return parent if module not in modules and parent in modules else ""


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """The modules of one circle in the order in which they import each other; [] where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as found:
        return list(reversed(found.args[1]))
    return []


def test_no_product_module_is_in_a_circle_of_imports() -> None:
    graph = product_imports()
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
    graph = imports({"room.a": Source("room/a.py", there), "room.b": Source("room/b.py", back)})
    assert ["room.a", "room.b"] == sorted(set(circle(graph)))


def test_what_never_runs_closes_no_circle() -> None:
    never = Source("room/b.py", "if TYPE_CHECKING:\n    from room.a import A")
    graph = imports({"room.a": Source("room/a.py", "import room.b"), "room.b": never})
    assert [] == circle(graph)


SILENT = ("reports.terminal", "reports.render", "reports.incident", "reports.allure", "reports.publish")
STREAMS = {"print", "input", "sys.stdout", "sys.stderr", "sys.stdin"}
COMMANDS = "utils.aws_mgmt.cli.commands"


def below(name: str, *rooms: str) -> bool:
    """Whether a module is one of ``rooms``, or in one."""
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def test_the_application_prints_nothing_itself() -> None:
    application = {name: source for name, source in product().items() if below(name, "utils.aws_mgmt.app")}
    assert len(application) > 15, "the room is empty"
    printers = {name for name in product() if below(name, *SILENT)}
    assert {} == {name: found for name in application if (found := product_imports()[name] & printers)}
    assert {} == {name: found for name, source in application.items() if (found := source.written & STREAMS)}


def test_nothing_below_the_application_knows_the_command_line() -> None:
    others = ("utils.aws_mgmt.cli", "utils.aws_mgmt.generate", "sandbox")
    modules = {name: source for name, source in product().items() if not below(name, *others)}
    assert {"utils.aws_mgmt.dr_cli"} == {name for name, source in modules.items() if "sys.argv" in source.written}
    assert [] == [name for name, source in modules.items() if re.search("import (argparse|click)", source.text)]


def test_no_command_imports_another_command() -> None:
    graph = product_imports()
    commands = {name for name in graph if below(name, COMMANDS) and name != COMMANDS}
    assert commands
    assert {} == {name: found for name in commands if (found := graph[name] & commands)}


# What is put together in one place alone; everybody else, tests too, is given it.
MADE_BY = {
    "MutatingClient": set[str](),  # a parameter of the composition root: tests pass another one
    "ControlStore.of": {"utils.aws_mgmt.app.connections"},
    "ApprovalStore": {"utils.aws_mgmt.app.connections"},
    "AppContext": {"utils.aws_mgmt.app.connections"},
    # The second asks, before AWS starts a task, what the task would be refused: it starts nothing (RunStart).
    "AuthorizationRequest": {"utils.aws_mgmt.app.authorization"},
    "RunStart": {"utils.aws_mgmt.app.authorization"},
    "observe": {"utils.aws_mgmt.app.target"},
    "locking.take": {"utils.aws_mgmt.app.execution"},
}


@pytest.mark.parametrize("constructor", MADE_BY)
def test_each_connection_is_made_in_one_place(constructor: str) -> None:
    found = ((name, source.calls) for name, source in product().items() if not below(name, "sandbox"))
    makers = {name for name, calls in found if constructor in calls}
    assert MADE_BY[constructor] == makers
