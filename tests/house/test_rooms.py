"""The rooms stay small, and each library has one door."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from dr_checks.registry import checks
from dr_estate.facts import readers, reads

ROOT = Path(__file__).parents[2]
ROOMS = ("dr_estate", "dr_checks", "dr_actions", "reports", "sandbox", "steps", "utils", "features", "benchmarks")
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
REGION = re.compile(r"\b(af|ap|ca|eu|il|me|mx|sa|us)[-_](north|south|east|west|central|northeast|southeast)[-_]\d\b")
LOOKING = re.compile(r"(Describe|List|Get|BatchGet|Head|Simulate|Query|Scan|Test)[A-Z]|(Query|Scan)$")
GLOBAL_REGION = "us-east-1"  # where AWS keeps its global services, whatever the environment


@pytest.fixture(params=FILES, ids=lambda path: str(path.relative_to(ROOT)))
def source(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_a_file_fits_on_a_screen_and_a_function_in_a_head(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    assert text.count("\n") <= 250, "split this file"
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno
        and node.end_lineno - node.lineno + 1 > 40
    ]
    assert [] == long


# Where AWS publishes a table by region, the emulator holds it as AWS does.
PUBLISHED_TABLES = {"sandbox/lacks/route53_checks.py"}


def test_no_code_names_a_region(source: Path) -> None:
    if str(source.relative_to(ROOT)) in PUBLISHED_TABLES:
        return
    named = {found.group(0) for found in REGION.finditer(source.read_text(encoding="utf-8"))}
    assert set() == {name for name in named if name.replace("_", "-") != GLOBAL_REGION}


def test_each_library_has_one_door(source: Path) -> None:
    room = source.relative_to(ROOT).parts[0]
    tree = ast.parse(source.read_text(encoding="utf-8"))
    imported = {alias.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
    imported |= {
        (n.module or "").split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and not n.level
    }
    if "boto3" in imported:
        assert source.name == "access.py" or room in {"sandbox", "benchmarks"}
    if "moto" in imported:
        assert "sandbox" == room
    if "argparse" in imported:
        assert source.name in {"arguments.py", "grammar.py", "reference.py"} or room in {"sandbox", "benchmarks"}
    calls = {ast.unparse(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    if "sys.exit" in calls:
        assert source.name in {"dr_cli.py", "host.py"} or "__main__" in source.read_text(encoding="utf-8")
    if "print" in calls:
        assert room in {"reports", "benchmarks"}


def test_checks_never_use_assert() -> None:
    rooms = (ROOT / "dr_checks").glob("*.py")
    asserting = [path.name for path in rooms if re.search(r"^\s*assert ", path.read_text(), re.MULTILINE)]
    assert [] == asserting, "python -O removes asserts: a check would pass"


SESSION = botocore.session.get_session()


@cache
def _model(service: str) -> Any:
    return SESSION.get_service_model(service)


@pytest.mark.parametrize("operation", sorted(reads()))
def test_every_declared_read_is_a_real_operation_that_only_looks(operation: str) -> None:
    service, name = operation.split(":")
    assert name in _model(service).operation_names
    assert LOOKING.match(name), f"{operation} does not look like looking"


def test_every_reader_declares_what_it_reads() -> None:
    assert [] == [name for name, reader in readers().items() if not reader.reads]


def test_every_check_names_known_traps_only() -> None:
    known = {f"T{number:02}" for number in range(1, 50)}
    assert {} == {c.id: c.traps for c in checks().values() if not set(c.traps) <= known}


def test_the_repository_holds_no_generated_report_and_no_registry_address() -> None:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()  # noqa: S607
    assert [] == [name for name in names if name.startswith("reports/out/") or name.endswith((".log", ".pyc"))]
    locks = [name for name in names if name.endswith((".txt", ".lock", "package-lock.json"))]
    assert [] == [name for name in locks if "://" in (ROOT / name).read_text(encoding="utf-8")]
