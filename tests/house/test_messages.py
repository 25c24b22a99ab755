"""Sentences are for people: no branch of the product looks into one. What decides is a typed value beside it.

A test whether there is a sentence at all (``if paused_by``) is allowed; what it says is not to be asked.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.house.sources import Source, sources

ROOMS = ("dr_estate", "dr_checks", "dr_actions", "reports", "utils", "steps", "sandbox")
MESSAGES = {"because", "says", "why", "reason", "message"}
AWS_OWN_WORDS = {
    # ECS itself marks a failed pull by the first word of a task's stoppedReason; the emulator does the same.
    "sandbox/moto_ext/ecs/descriptions.py",
    "sandbox/moto_ext/ecs/deployments.py",
}
COMPARING = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)
LOOKING = {"startswith", "endswith", "find", "rfind", "index", "count", "match", "search", "fullmatch", "findall"}
RESHAPING = {"strip", "lstrip", "rstrip", "lower", "upper", "casefold", "split", "partition", "removeprefix", "replace"}


class Messages:
    """Finds where a file looks into a message; ``found`` are its lines. A name that was given a message is one."""

    def __init__(self, source: Source) -> None:
        handlers = (node for node in source.nodes if isinstance(node, ast.ExceptHandler))
        self.errors = {handler.name for handler in handlers if handler.name}
        if "Exception" in source.text:  # writing an annotation out takes long
            arguments = (node for node in source.nodes if isinstance(node, ast.arg) and node.annotation)
            self.errors |= {node.arg for node in arguments if "Exception" in ast.unparse(node.annotation or node)}
        self.names = set(MESSAGES)
        for node in source.nodes:
            if isinstance(node, (ast.Assign, ast.NamedExpr)) and self.is_message(node.value):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                self.names |= {target.id for target in targets if isinstance(target, ast.Name)}
        self.found = sorted({line for node in source.nodes for line in self._lines(node)})

    def is_message(self, node: ast.expr) -> bool:
        """Whether the expression is a sentence for people, or a part of one."""
        if isinstance(node, ast.Name):
            return node.id in self.names
        if isinstance(node, ast.Attribute):
            return node.attr in MESSAGES
        if isinstance(node, ast.Subscript):
            return _text(node.slice) in MESSAGES or self.is_message(node.value)
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id == "str" and node.args:
                argument = node.args[0]
                return self.is_message(argument) or (isinstance(argument, ast.Name) and argument.id in self.errors)
            if isinstance(called, ast.Attribute):
                gets = called.attr == "get" and bool(node.args) and _text(node.args[0]) in MESSAGES
                return gets or (called.attr in RESHAPING and self.is_message(called.value))
        return False

    def _lines(self, node: ast.AST) -> Iterator[int]:
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            empty = any(isinstance(side, ast.Constant) and side.value in ("", None) for side in sides)
            if not empty and any(isinstance(op, COMPARING) for op in node.ops) and any(map(self.is_message, sides)):
                yield node.lineno
        elif isinstance(node, ast.Call):
            called = node.func
            if (
                isinstance(called, ast.Attribute)
                and called.attr in LOOKING
                and any(map(self.is_message, [called.value, *node.args]))
            ):
                yield node.lineno
        elif isinstance(node, ast.Match) and self.is_message(node.subject):
            yield node.lineno


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_nothing_branches_on_what_a_sentence_says() -> None:
    found = {source.name: lines for source in sources(*ROOMS) if (lines := Messages(source).found)}
    assert found.keys() == AWS_OWN_WORDS, found


@pytest.mark.parametrize(
    "source",
    [
        "if 'in af-south-1' in finding.because: relax()",
        "if f'{region} is' in finding.because or late: relax()",
        "bad = [f for f in findings if any(word in f.because for word in words)]",
        "unseen.kind is kind and unseen.why.startswith(f'{name} ')",
        "gone = 1 if message.lower().endswith('gone.') else 2",
        "while re.search('denied', dark.unseen.why): wait()",
        "def ended(trouble: Exception) -> bool: return 'gate.' in str(trouble)",
        "try: go()\nexcept ClientError as error:\n    said = str(error)\n    if 'deadline' in said: stop()",
        "if entry.data['says'].partition(':')[0] == 'gate': back()",
        "if entry.data.get('reason') in ('late', 'denied'): back()",
        "match step.reason:\n    case 'late': back()",
    ],
)
def test_a_file_that_looks_into_a_message_is_found(source: str) -> None:
    assert Messages(Source("x.py", source)).found


@pytest.mark.parametrize(
    "source",
    [
        "if refused.reason: raise Refused(refused.reason)",
        "if unseen.why == '': leave()",
        "text = f'{step.says.rstrip(chr(46))}: {failed}'",
        "if unseen.kind in SILENT and unseen.region == region: relax()",
        "rows = sorted(dark, key=lambda unseen: unseen.why)",
    ],
)
def test_what_only_passes_a_message_on_is_not(source: str) -> None:
    assert Messages(Source("x.py", source)).found == []
