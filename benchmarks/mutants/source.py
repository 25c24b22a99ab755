"""Mutants of a source file, made by mutmut's operators; docs/why.md says why its own runner is not used."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
from libcst import matchers
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

ROOT = Path.cwd()  # it is started at the root of a checkout, as the tests are
_GENERIC = matchers.OneOf(*map(matchers.Name, ("Callable", "Mapping", "dict", "frozenset", "list", "set", "tuple")))
# Freezing a dataclass, naming a type, exporting a name: that is the type checker's business, no run distinguishes them.
_TYPES = (
    matchers.Annotation()
    | matchers.Decorator(decorator=matchers.Call(func=matchers.Name("dataclass")))
    | matchers.Assign(targets=[matchers.AssignTarget(target=matchers.Name("__all__"))])
    | matchers.Assign(value=matchers.Call(func=matchers.Name("TypeVar")))
    | matchers.Assign(value=matchers.Subscript(value=_GENERIC))
    | matchers.Call(func=matchers.Name("cast"))
)


@dataclass(frozen=True)
class Change:
    """What a mutant changes, in words that stay the same when lines move. ``function`` is empty at module level."""

    module: str
    function: str
    was: str
    becomes: str


@dataclass(frozen=True)
class Candidate:
    """A mutation, not yet written out. ``lines`` are its outermost function's; None where the import runs it."""

    file: SourceFile
    function: str
    line: int
    lines: range | None
    original: cst.CSTNode
    mutated: cst.CSTNode

    def text(self) -> str:
        """The whole file with this mutation."""
        changed = self.file.tree.deep_replace(self.original, self.mutated)
        if not isinstance(changed, cst.Module):
            raise TypeError(f"{self.file.name}:{self.line}: a mutation removed the module")
        return changed.code

    def change(self) -> Change:
        """What it changes; of lines that moved apart, all."""
        lines = difflib.unified_diff(self.file.tree.code.splitlines(), self.text().splitlines(), n=0)
        marked = [line for line in [*lines][2:] if line[0] in "+-"]
        was, becomes = ("\n".join(line[1:].strip() for line in marked if line[0] == sign) for sign in "-+")
        return Change(self.file.name, self.function, was, becomes)


class SourceFile(cst.CSTVisitor):
    """A file of the product and all its mutations."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.name = str(path.relative_to(ROOT))
        self.candidates: list[Candidate] = []
        self._scopes: list[tuple[str, range | None]] = []
        wrapper = MetadataWrapper(cst.parse_module(path.read_text(encoding="utf-8")))
        self.tree = wrapper.module
        wrapper.visit(self)

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Collect the mutations of a node. Returns whether its children are mutated too."""
        if matchers.matches(node, _TYPES):
            return False
        place = self.get_metadata(PositionProvider, node, None)
        if isinstance(node, cst.FunctionDef | cst.ClassDef) and place:
            lines = range(place.start.line, place.end.line + 1) if isinstance(node, cst.FunctionDef) else None
            self._scopes.append((node.name.value, lines))
        self.candidates += self._mutations(node, place.start.line if place else 0)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        """Leave the scope of a function or class."""
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef):
            self._scopes.pop()

    def _mutations(self, node: cst.CSTNode, line: int) -> Iterator[Candidate]:
        name = ".".join(scope for scope, _ in self._scopes)
        lines = next((lines for _, lines in self._scopes if lines and line in lines), None)  # a decorator is above them
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                for mutated in operator(node):
                    yield Candidate(self, name, line, lines, node, mutated)
