"""The product's files, each read and parsed once for all tests of the house that a process plays."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeVar, overload

ROOT = Path(__file__).parents[2]
Node = TypeVar("Node", bound=ast.AST)


@dataclass(frozen=True, eq=False)
class Source:
    """A file of Python: where it is, seen from the root, and what stands in it."""

    name: str
    text: str

    @property
    def room(self) -> str:
        """The room it is in."""
        return self.name.partition("/")[0]

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree, which nobody changes."""
        return ast.parse(self.text)

    @cached_property
    def _by_kind(self) -> dict[type[ast.AST], list[Any]]:
        found = defaultdict[type[ast.AST], list[Any]](list)
        for node in ast.walk(self.tree):
            found[type(node)].append(node)
        return found

    @overload
    def of(self, kind: type[Node], /) -> Iterator[Node]: ...

    @overload
    def of(self, *kinds: type[ast.AST]) -> Iterator[Any]: ...

    def of(self, *kinds: type[ast.AST]) -> Iterator[Any]:
        """The nodes of these kinds, one kind after another: a file has far more nodes than any test looks at."""
        for kind in kinds:
            yield from self._by_kind.get(kind, ())

    @cached_property
    def written(self) -> set[str]:
        """The names that it uses, with their dots, as they are written."""
        return {dotted(node) for node in self.of(ast.Name, ast.Attribute)}

    @cached_property
    def calls(self) -> set[str]:
        """The names that it calls, with their dots, as they are written."""
        return {dotted(node.func) for node in self.of(ast.Call)}

    @cached_property
    def imported(self) -> set[str]:
        """The packages that it imports."""
        plainly = {alias.name for node in self.of(ast.Import) for alias in node.names}
        froms = {node.module or "" for node in self.of(ast.ImportFrom) if not node.level}
        return {name.partition(".")[0] for name in plainly | froms}


def dotted(node: ast.AST) -> str:
    """A name with its dots as it is written, "" where it begins with anything else; far quicker than unparsing."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return before and f"{before}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@cache
def sources(*rooms: str) -> tuple[Source, ...]:
    """The files of these rooms, in order."""
    paths = (path for room in rooms for path in sorted((ROOT / room).rglob("*.py")))
    return tuple(_source(str(path.relative_to(ROOT))) for path in paths)


@cache
def _source(name: str) -> Source:
    return Source(name, (ROOT / name).read_text(encoding="utf-8"))
