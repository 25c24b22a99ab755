"""The rooms stay small, and each library has one door."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
import pytest

from dr_estate.snapshot.registry import readers, reads
from tests.house.sources import ROOT, Source, sources

ROOMS = (
    *("aws_dr_manager", "dr_estate", "dr_checks", "dr_actions", "reports", "sandbox", "steps", "utils", "features"),
    "benchmarks",
)
REGION = re.compile(r"\b(af|ap|ca|eu|il|me|mx|sa|us)[-_](north|south|east|west|central|northeast|southeast)[-_]\d\b")
LOOKING = re.compile(r"(Describe|List|Get|BatchGet|Head|Simulate|Query|Scan|Test)[A-Z]|(Query|Scan)$")
GLOBAL_REGION = "us-east-1"  # where AWS keeps its global services, whatever the environment


@cache
def product() -> tuple[Source, ...]:
    """All files of the rooms."""
    found = sources(*ROOMS)
    assert len(found) > 300, "the rooms are empty"
    return found


def test_a_file_fits_on_a_screen() -> None:
    lines = {source.name: source.text.count("\n") for source in product()}
    assert {} == {name: count for name, count in lines.items() if count > 600}, "split these files"


def test_a_function_fits_in_a_head() -> None:
    long = [
        f"{source.name}: {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for source in product()
        for node in source.of(ast.FunctionDef, ast.AsyncFunctionDef)
        if node.end_lineno and node.end_lineno - node.lineno + 1 > 60
    ]
    assert [] == long


# Where AWS publishes a table by region, the emulator holds it as AWS does.
PUBLISHED_TABLES = {"sandbox/moto_ext/route53/checks.py", "dr_estate/scan/account.py"}


def test_no_code_names_a_region() -> None:
    named = {
        source.name: sorted(found)
        for source in product()
        if source.name not in PUBLISHED_TABLES
        and (
            found := {
                region_match[0]
                for region_match in REGION.finditer(source.text)
                if region_match[0].replace("_", "-") != GLOBAL_REGION
            }
        )
    }
    assert {} == named


DOORS: dict[str, Callable[[Source], bool]] = {
    "boto3": lambda source: source.name == "dr_estate/aws/read_client.py" or source.room in {"sandbox", "benchmarks"},
    "moto": lambda source: source.room == "sandbox",
    "argparse": lambda source: (
        source.name.startswith("utils/aws_mgmt/generate/") or source.room in {"sandbox", "benchmarks"}
    ),
    "click": lambda source: source.name.startswith("utils/aws_mgmt/cli/"),
    "sys.exit": lambda source: (
        source.name in {"utils/aws_mgmt/dr_cli.py", "sandbox/server/process.py"} or "__main__" in source.text
    ),
    "print": lambda source: source.room in {"reports", "benchmarks"} or source.name == "sandbox/__main__.py",
}


@pytest.mark.parametrize("library", DOORS)
def test_each_library_has_one_door(library: str) -> None:
    users = [source for source in product() if library in source.imported | source.calls]
    assert users, "nobody uses it: the door leads nowhere"
    assert [] == [source.name for source in users if not DOORS[library](source)]


def test_checks_never_use_assert() -> None:
    rooms = (ROOT / "dr_checks").rglob("*.py")
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


def test_the_repository_holds_no_generated_report_and_no_registry_address() -> None:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()  # noqa: S607
    assert [] == [name for name in names if name.startswith("reports/out/") or name.endswith((".log", ".pyc"))]
    locks = [name for name in names if name.endswith((".txt", ".lock", "package-lock.json")) and "golden" not in name]
    assert [] == [name for name in locks if "://" in (ROOT / name).read_text(encoding="utf-8")]
