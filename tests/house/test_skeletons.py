"""What `make new-check`, `make new-service` and `make new-store` write fails until it is filled, and says where."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from utils.aws_mgmt.generate.skeletons import main

ROOT = Path(__file__).parents[2]
ROOMS = ("dr_checks", "dr_estate", "features", "sandbox", "tests/dr_checks")
WRITTEN = {
    "new-check kms key-rotated": [
        "dr_checks/security/kms.py",
        "features/infrastructure_keys.feature",
        "tests/dr_checks/examples/kms.py",
        "sandbox/disasters/kms.py",
    ],
    "new-service sqs": [
        "dr_estate/readers/sqs.py",
        "dr_checks/operations/sqs.py",
        "features/infrastructure_sqs.feature",
        "tests/dr_checks/examples/sqs.py",
        "sandbox/disasters/sqs.py",
    ],
    "new-store es search": [
        "dr_estate/readers/es.py",
        "dr_checks/operations/es.py",
        "features/replication_es.feature",
        "tests/dr_checks/examples/es.py",
        "sandbox/disasters/es.py",
        "dr_estate/model/stores.py",
    ],
}
CONTRACTS = ("tests/house/test_contract.py", "tests/house/test_rooms.py", "tests/dr_checks/test_examples.py")
RED = (
    "test_skeletons.py::test_no_skeleton_is_left_unfilled",
    *(
        f"test_rooms.py::test_every_declared_read_is_a_real_operation_that_only_looks[{service}:FillIn]"
        for service in ("sqs", "es")
    ),
    *(
        f"test_examples.py::test_every_check_has_a_passing_a_failing_and_a_not_seen_example[{check}]"
        for check in ("kms.key-rotated", "sqs.in-both-regions", "es.in-both-regions")
    ),
    # A store whose copies nobody measures: its recovery point is unknown.
    "test_examples.py::test_the_check_judges_its_examples_as_expected[rpo.met]",
)
OF_A_CHECKOUT = "test_rooms.py::test_the_repository_holds_no_generated_report_and_no_registry_address"


def test_no_skeleton_is_left_unfilled() -> None:
    files = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in {".py", ".feature"})
    left = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if "FILL IN" in line
    ]
    assert [] == left, "\n".join(left)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree in which all skeletons were written."""
    copy = tmp_path_factory.mktemp("copy") / "tree"
    hidden = shutil.ignore_patterns(".*", "__pycache__", "out", "proofs")
    shutil.copytree(ROOT, copy, ignore=hidden)
    for command in WRITTEN:
        main([*command.split(), "--root", str(copy)])
    return copy


def test_they_write_the_files_that_the_pages_name(copied: Path) -> None:
    page = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("contributing.md", "add-a-store.md"))
    for path in (path for paths in WRITTEN.values() for path in paths):
        assert "FILL IN" in (copied / path).read_text(encoding="utf-8")
        assert (
            f"`{path}`" in page
            or f"`{Path(path).parent.parent if path.startswith('dr_checks') else Path(path).parent}/<" in page
        )


def test_a_declared_store_is_known_wherever_stores_are_asked_about(copied: Path) -> None:
    program = (
        "from dr_checks.core.registry import lag_sources\n"
        "from dr_checks.core.verdict import store_of\n"
        "from dr_estate.model.stores import STORES\n"
        "new = STORES[-1]\n"
        "print(new.id, store_of('es.in-both-regions'), *(s.store.id for s in lag_sources() if s.store is new))"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=copied, capture_output=True, text=True, check=False)
    assert run.stdout.split() == ["search"] * 3, run.stderr


def test_what_they_write_is_well_formed(copied: Path) -> None:
    ruff = Path(sys.executable).parent / "ruff"
    files = [path for paths in WRITTEN.values() for path in paths if path.endswith(".py")]
    for words in (["check"], ["format", "--check"]):
        run = subprocess.run([ruff, *words, *files], cwd=copied, capture_output=True, text=True, check=False)
        assert 0 == run.returncode, run.stdout


@pytest.mark.proof
def test_the_contract_is_red_until_they_are_filled_and_names_each_place(copied: Path) -> None:
    variables = {**os.environ, "DR_PROOFS": ""}
    tests = [*CONTRACTS, "tests/house/test_skeletons.py::test_no_skeleton_is_left_unfilled"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        cwd=copied, env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    red = [line for line in run.stdout.splitlines() if line.startswith("FAILED ")]
    for name in RED:
        assert any(name in line for line in red), f"{name} is not red:\n{run.stdout[-3000:]}"
    for path in (path for paths in WRITTEN.values() for path in paths):
        assert f"{path}:" in run.stdout, f"{path} is not named"
    assert [] == [line for line in red if not any(name in line for name in (*RED, OF_A_CHECKOUT))]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("new-check sqs depth", "do not exist: use new-service"),
        ("new-service kms", "exist: use new-check"),
        ("new-check kms key-usable", "the check kms.key-usable exists"),
        ("new-check kms KeyUsable", "is no name"),
        ("new-store sqs files", "the store files exists"),
        ("new-store kms", "exist: use new-check"),
        ("new-service sqs --room attic", "dr_checks/attic is no room of checks"),
    ],
)
def test_what_cannot_be_written_is_refused(command: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(command.split())
    assert reason in capsys.readouterr().err
