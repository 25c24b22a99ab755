"""Sentences are for people: no branch of the product looks into one. What decides is a typed value beside it.

A test whether there is a sentence at all (``if reason``) is allowed; what it says is not to be asked. A sentence is
what bears the name of one, and any text of several words that something is compared with.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.house.sources import Source, sources

ROOMS = ("dr_estate", "dr_checks", "dr_actions", "reports", "utils", "steps", "sandbox")
MESSAGES = {"because", "says", "why", "reason", "message"}
FIELDS = {"remedy", "measured", "wanted", "text", "summary", "sentence", "about", "Message"}
"""Attributes and keys that hold sentences; variables of these names hold anything."""
STORED = {"before", "after"}
"""Of a step: by name, ids, numbers and stored values. No literal text that stands beside such a value decides."""
ALLOWED = {
    # ECS itself marks a failed pull by the first word of a task's stoppedReason; the emulator does the same.
    "sandbox/moto_ext/ecs/descriptions.py",
    "sandbox/moto_ext/ecs/deployments.py",
    # Terraform gives its errors no codes, not with -json either: a held lock and a stale plan are known by its words
    # alone. They choose the sentence that a person reads; nothing is applied either way.
    "dr_actions/clients/terraform.py",
    # Documents, not sentences: policies of file systems, buckets and endpoints; a condition of DynamoDB.
    "dr_estate/readers/efs.py",
    "dr_checks/security/store_access.py",
    "dr_actions/control_table/table.py",
    # RDS's own value for the kind of a replica's status.
    "dr_estate/readers/rds.py",
    # What the reader of security groups puts in the place of an address that a rule has none of; evidence stores it.
    "dr_checks/derived/traffic_rules.py",
    # How the program was started, and the first line of a function in a file of Python.
    "utils/aws_mgmt/dr_cli.py",
    "utils/aws_mgmt/generate/skeletons.py",
    # ``wanted`` is the set of parts to be read, and a task's desiredStatus.
    "dr_estate/snapshot/observer.py",
    "dr_actions/actions/restore_test/tasks.py",
}
SEVERAL_WORDS = re.compile(r"[A-Za-z]{2,}\s+\w")
COMPARING = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)
LOOKING = {"startswith", "endswith", "find", "rfind", "index", "count", "match", "search", "fullmatch", "findall"}
RESHAPING = {"strip", "lstrip", "rstrip", "lower", "upper", "casefold", "split", "partition", "removeprefix", "replace"}


DECIDING = (ast.Compare, ast.Call, ast.Match, ast.MatchValue)


class Messages:
    """Finds where a file looks into a message; ``found`` are its lines. A name that was given a message is one."""

    def __init__(self, source: Source) -> None:
        self.errors = {handler.name for handler in source.of(ast.ExceptHandler) if handler.name}
        if "Exception" in source.text:  # writing an annotation out takes long
            arguments = (node for node in source.of(ast.arg) if node.annotation)
            self.errors |= {node.arg for node in arguments if "Exception" in ast.unparse(node.annotation or node)}
        self.names = set(MESSAGES)
        bound = (node for node in source.tree.body if isinstance(node, ast.Assign) and _is_sentence(node.value))
        self.sentences = {target.id for node in bound for target in node.targets if isinstance(target, ast.Name)}
        assigned = [(node.targets, node.value) for node in source.of(ast.Assign)]
        assigned += [([node.target], node.value) for node in source.of(ast.NamedExpr)]
        known = -1
        while known < len(self.names):  # a name may be given what a later line was given
            known = len(self.names)
            given = (target for targets, value in assigned if self.is_message(value) for target in targets)
            self.names |= {target.id for target in given if isinstance(target, ast.Name)}
        self.found = sorted({line for node in source.of(*DECIDING) for line in self._lines(node)})

    def is_message(self, node: ast.expr) -> bool:
        """Whether the expression is a sentence for people, or a part of one."""
        if isinstance(node, ast.Name):
            return node.id in self.names
        if isinstance(node, ast.Attribute):
            return node.attr in MESSAGES | FIELDS
        if isinstance(node, ast.Subscript):
            return _text(node.slice) in MESSAGES | FIELDS or self.is_message(node.value)
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id == "str" and node.args:
                argument = node.args[0]
                return self.is_message(argument) or (isinstance(argument, ast.Name) and argument.id in self.errors)
            if isinstance(called, ast.Attribute):
                gets = called.attr == "get" and bool(node.args) and _text(node.args[0]) in MESSAGES | FIELDS
                return gets or (called.attr in RESHAPING and self.is_message(called.value))
        return False

    def _lines(self, node: ast.AST) -> Iterator[int]:
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            empty = any(isinstance(side, ast.Constant) and side.value in ("", None) for side in sides)
            if not empty and any(isinstance(op, COMPARING) for op in node.ops) and self._looks(sides):
                yield node.lineno
        elif isinstance(node, ast.Call):
            called = node.func
            if (
                isinstance(called, ast.Attribute)
                and called.attr in LOOKING
                and (any(map(self.is_message, [called.value, *node.args])) or any(map(self._is_sentence, node.args)))
            ):
                yield node.lineno
        elif isinstance(node, ast.Match) and self.is_message(node.subject):
            yield node.lineno
        if isinstance(node, ast.MatchValue) and self._is_sentence(node.value):
            yield node.lineno

    def _looks(self, sides: list[ast.expr]) -> bool:
        if any(map(self.is_message, sides)):
            return True
        if any(map(_is_stored_value, sides)):
            return any(_text(part) for side in sides for part in _parts(side))
        is_key = any(map(_is_stored, sides))  # whether a step has such a value
        return not is_key and any(self._is_sentence(part) for side in sides for part in _parts(side))

    def _is_sentence(self, node: ast.expr) -> bool:
        return _is_sentence(node) or (isinstance(node, ast.Name) and node.id in self.sentences)


def _text(node: ast.expr) -> str:
    """A literal text, a format's values left out; "" for anything else."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "0" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _is_sentence(node: ast.expr) -> bool:
    return bool(SEVERAL_WORDS.search(_text(node)))


def _parts(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else [node]


def _is_stored(node: ast.expr) -> bool:
    """Whether it is what a step holds, or held in an earlier plan, by name."""
    node = node.func if isinstance(node, ast.Call) else node
    return isinstance(node, ast.Attribute) and node.attr in STORED


def _is_stored_value(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
        return _is_stored(node.func.value)
    return isinstance(node, ast.Subscript) and _is_stored(node.value)


def test_nothing_branches_on_what_a_sentence_says() -> None:
    found = {source.name: lines for source in sources(*ROOMS) if (lines := Messages(source).found)}
    assert found.keys() == ALLOWED, found


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
        "if step.before['holds'] == 'the newest data': settle()",
        "if step.after.get('state') == 'done': settle()",
        "if 'acquiring the state lock' in output: explain()",
        "elif_ = 1 if holding == 'no zone of this account' else 2",
        "return_ = f'StatusCode {status}' in answer",
        "NO_ZONE = 'no zone of this account'\nif holding == NO_ZONE: leave()",
        "if line.startswith('An error occurred'): leave()",
        "if finding.measured in (first, second): relax()",
        "if answer['Message'].endswith('denied'): relax()",
        "match line:\n    case 'no such zone': back()",
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
        "if 'replicates from' in context.before(OPEN, name): leave()",
        "if 'file system' in step.before and step.before['file system'] == system.id: leave()",
        "if step.before['mechanism'] == REPLICA: leave()",
        "if wanted == text: leave()",
    ],
)
def test_what_only_passes_a_message_on_is_not(source: str) -> None:
    assert Messages(Source("x.py", source)).found == []
