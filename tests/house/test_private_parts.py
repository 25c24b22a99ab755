"""Private parts of other libraries are used in the listed files only, and no more often than the ceilings say."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import math
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.house.sources import Source, dotted, sources

ROOMS = ("dr_estate", "dr_checks", "dr_actions", "reports", "sandbox", "steps", "utils", "features", "benchmarks")
PRIVATE = re.compile(r"_(?!replace$)[A-Za-z]\w*")
DEFINED = re.compile(r"(?:def |class |self\.|\n)(_[A-Za-z]\w*)")
# the one switch, DR_NO_SPEEDUPS, turns all of them off; the last gives the standard library another exec
SPEEDUPS = ("sandbox/moto_ext/speedups.py", "dr_estate/speed/")
REPAIRS = "sandbox/moto_ext/"  # repairs of the emulator's behaviour replace its methods: that is what they are for
# How often a file uses private names of a library. Lower a number where a use is gone; raise none.
PRIVATE_USES = {
    "sandbox/disasters/edge.py": 2,
    "sandbox/moto_ext/acm.py": 2,
    "sandbox/moto_ext/autoscaling.py": 3,
    "sandbox/moto_ext/backup/resources.py": 1,
    "sandbox/moto_ext/cloudfront.py": 1,
    "sandbox/moto_ext/dynamodb/dynamodb.py": 2,
    "sandbox/moto_ext/ec2.py": 4,
    "sandbox/moto_ext/ecr.py": 2,
    "sandbox/moto_ext/ecs/ecs.py": 3,
    "sandbox/moto_ext/ecs/descriptions.py": 4,
    "sandbox/moto_ext/ecs/tasks.py": 1,
    "sandbox/moto_ext/ecs/services.py": 1,
    "sandbox/moto_ext/efs/deletion.py": 1,
    "sandbox/moto_ext/efs/efs.py": 1,
    "sandbox/moto_ext/elbv2/elbv2.py": 1,
    "sandbox/moto_ext/iam/access_requests.py": 1,
    "sandbox/moto_ext/iam/enforcement.py": 3,
    "sandbox/moto_ext/kms.py": 6,
    "sandbox/moto_ext/rds/rds.py": 1,
    "sandbox/moto_ext/route53/health.py": 1,
    "sandbox/moto_ext/s3/batch.py": 1,
    "sandbox/moto_ext/s3/listing.py": 4,
    "sandbox/moto_ext/s3/s3.py": 3,
    "sandbox/moto_ext/sns.py": 1,
    "sandbox/seeding/edge.py": 1,
    "sandbox/server/load_balancer.py": 1,
    "sandbox/world/persistence.py": 1,
    "utils/aws_mgmt/generate/docs_pages.py": 1,
}
REPLACED = {
    "reports/allure/plugin.py": 2,  # allure's listener: one file a scenario, not eleven; its logger: a quick one
    "sandbox/world/persistence.py": 1,  # the emulator has no public list of its backends
}
PATCHING = {"setattr", "delattr", "attach", "attach_property", "wrap", "wrap_property", "operation", "vars"}


@cache
def defined(source: Source) -> set[str]:
    """The private names that a file itself defines."""
    stored = (node for node in source.of(ast.Attribute) if isinstance(node.ctx, ast.Store) and _is_self(node.value))
    found = {node.attr for node in stored}
    found |= {node.id for node in source.of(ast.Name) if isinstance(node.ctx, ast.Store)}
    return found | {node.name for node in source.of(ast.FunctionDef, ast.ClassDef)}


@cache
def foreign(source: Source) -> dict[str, tuple[str, str]]:
    """Local name to (module, attribute) of everything that a file imports from libraries outside the standard one."""
    found: dict[str, tuple[str, str]] = {}
    for plain in source.of(ast.Import):
        names = ((a.asname, a.name) if a.asname else (a.name.split(".")[0],) * 2 for a in plain.names)
        found |= {local: (module, "") for local, module in names if is_foreign(module)}
    for node in source.of(ast.ImportFrom):
        if is_foreign(node.module or ""):
            found |= {(a.asname or a.name): (str(node.module), a.name) for a in node.names}
    return found


def is_foreign(module: str) -> bool:
    package = module.partition(".")[0]
    return package not in sys.stdlib_module_names and package not in {*ROOMS, "tests", "conftest"}


USING = (
    ast.ImportFrom, ast.Attribute, ast.Constant, ast.ClassDef, ast.Assign, ast.AugAssign, ast.Delete, ast.Call
)  # fmt: skip


def places(source: Source, ours: set[str], theirs: set[str]) -> Iterator[tuple[str, int, str]]:
    """Kind, line and text of each use; ``ours`` and ``theirs`` are the private names that each side defines."""
    for node in source.of(*USING):
        if isinstance(node, ast.ImportFrom) and is_foreign(node.module or ""):
            yield from (("private", node.lineno, a.name) for a in node.names if PRIVATE.fullmatch(a.name))
        elif isinstance(node, ast.Attribute) and PRIVATE.fullmatch(node.attr):
            known = ours if _is_self(node.value) else defined(source)
            if _root(node) in foreign(source) or (node.attr in theirs and node.attr not in known):
                yield "private", node.lineno, ast.unparse(node)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value in theirs
            and node.value not in ours
        ):
            yield "private", node.lineno, repr(node.value)
        elif isinstance(node, ast.ClassDef):
            yield from (("private", line, name) for line, name in _overridden(source, node))
        yield from (("replaced", line, text) for line, text in _replaced(source, node))


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in {"self", "cls"}


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _overridden(source: Source, node: ast.ClassDef) -> Iterator[tuple[int, str]]:
    bases = [_imported(source, base) for base in node.bases if _root(base) in foreign(source)]
    members = [member for member in node.body if isinstance(member, ast.FunctionDef) and PRIVATE.fullmatch(member.name)]
    for member in members:
        if any(hasattr(base, member.name) for base in bases):
            yield member.lineno, f"{node.name}.{member.name}"


def _imported(source: Source, node: ast.AST) -> Any:
    if isinstance(node, ast.Attribute):
        return getattr(_imported(source, node.value), node.attr)
    module, attribute = foreign(source)[_root(node)]
    found = importlib.import_module(module)
    return getattr(found, attribute) if attribute else found


def _replaced(source: Source, node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.Delete)):
        targets = [node.target] if isinstance(node, ast.AugAssign) else node.targets
        for target in targets:
            attribute = isinstance(target, ast.Attribute) and _root(target) in foreign(source)
            if attribute or (isinstance(target, ast.Subscript) and _is_a_module_s(source, target.value)):
                yield node.lineno, ast.unparse(target)
    elif isinstance(node, ast.Call):
        called = dotted(node.func)
        if called in {"sys.modules.setdefault", "sys.modules.pop", "sys.modules.update"}:
            yield node.lineno, called
        elif called.rpartition(".")[2] in PATCHING and node.args and _root(node.args[0]) in foreign(source):
            yield node.lineno, f"{called}({ast.unparse(node.args[0])})"


def _is_a_module_s(source: Source, node: ast.AST) -> bool:
    """Whether a mapping holds modules, or the names of one: the standard library's too."""
    if isinstance(node, ast.Call):
        imported = {name.asname or name.name for each in source.of(ast.Import) for name in each.names}
        return dotted(node.func) == "vars" and bool(node.args) and dotted(node.args[0]) in imported
    return dotted(node) == "sys.modules"


def _texts(package: str) -> Iterator[str]:
    spec = importlib.util.find_spec(package)
    origin = Path(spec.origin) if spec and spec.origin else Path()
    files = origin.parent.rglob("*.py") if origin.name == "__init__.py" else [origin]
    yield from (file.read_text(encoding="utf-8", errors="replace") for file in files if file.suffix == ".py")


def test_private_parts_of_libraries_are_used_where_listed_and_no_oftener() -> None:
    files = sources(*ROOMS)
    assert len(files) > 300, "the rooms are empty"
    ours = {name for source in files for name in defined(source)}
    packages = {module.split(".")[0] for source in files for module, _ in foreign(source).values()}
    texts = (text for package in sorted(packages) for text in _texts(package))
    theirs = {name for text in texts for name in DEFINED.findall(text) if PRIVATE.fullmatch(name)}
    beyond: dict[str, list[str]] = {}
    for source in files:
        uses = [] if source.name.startswith(SPEEDUPS) else list(places(source, ours, theirs))
        for kind in ("private", "replaced"):
            lines = [f"{line}: {kind} {text}" for found, line, text in uses if found == kind]
            if len(lines) > _ceiling(source.name, kind):
                beyond[source.name] = lines
    assert {} == beyond


def _ceiling(name: str, kind: str) -> float:
    if kind == "replaced" and name.startswith(REPAIRS):
        return math.inf
    return {"private": PRIVATE_USES, "replaced": REPLACED}[kind].get(name, 0)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("from moto.x import _y", "private"),
        ("import moto.x\nmoto.x._y()", "private"),
        ("def ask(backend): return backend._get_cluster()", "private"),
        ("wrap(owner, '_get_cluster', around)", "private"),
        ("import botocore.loaders as b\nclass Files(b.JSONFileLoader):\n    def _load_file(self): ...", "private"),
        ("from moto.s3.models import S3Backend\nS3Backend.put = mine", "replaced"),
        ("from moto.s3.models import S3Backend as B\nsetattr(B, name, mine)", "replaced"),
        ("import moto.s3\nvars(moto.s3)['put'] = mine", "replaced"),
        ("import dataclasses\nvars(dataclasses)['exec'] = mine", "replaced"),
        ("import sys\nsys.modules['mako'] = None", "replaced"),
        ("import sys\nsys.modules.setdefault('mako', None)", "replaced"),
        ("def _get_cluster(): ...\nhouse._get_cluster()", ""),
        ("class Own:\n    def __init__(self): self._load_file = 1", ""),
    ],
)
def test_each_kind_of_use_is_found(text: str, kind: str) -> None:
    source = Source("x.py", text)
    found = {found for found, _, _ in places(source, defined(source), {"_get_cluster", "_load_file"})}
    assert found == ({kind} if kind else set())
