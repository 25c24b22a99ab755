"""Mutants are of the code as it is, the runner counts killed and survived, and each accepted survivor still exists."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.mutants.__main__ import GROUPS
from benchmarks.mutants.accepted import reasons
from benchmarks.mutants.source import ROOT, Candidate, Change, SourceFile

MODEL = "dr_checks/core/model.py"
ACCEPTED = sorted({change.module for change in reasons()})


@pytest.mark.proof
@pytest.mark.parametrize("module", ACCEPTED)
def test_an_accepted_survivor_is_a_mutant_of_the_code_today(module: str) -> None:
    accepted = {change for change in reasons() if change.module == module}
    functions = {change.function for change in accepted}
    mutants = {found.change() for found in SourceFile(ROOT / module).candidates if found.function in functions}
    assert set() == accepted - mutants, "these changed or were deleted: remove them from tests/mutants.toml"


def test_each_accepted_survivor_has_a_reason() -> None:
    assert [] == [change for change, reason in reasons().items() if len(reason.split()) < 4]


def test_a_mutant_changes_one_place_and_says_where() -> None:
    (found,) = _mutants("if age_s > limit * _MINUTE_S:", "if age_s >= limit * _MINUTE_S:")
    assert ("View.doubt", True) == (found.function, found.lines is not None and found.line in found.lines)
    before = (ROOT / MODEL).read_text(encoding="utf-8").splitlines()
    assert 1 == sum(old != new for old, new in zip(before, found.text().splitlines(), strict=True))


@pytest.mark.proof
def test_annotations_and_dataclass_arguments_are_not_mutated() -> None:
    source = ROOT / "dr_checks/core/model.py"
    lines = source.read_text(encoding="utf-8").splitlines()
    typed = {place for place, line in enumerate(lines, start=1) if "@dataclass(" in line or "TypeVar(" in line}
    assert typed
    assert typed.isdisjoint(found.line for found in SourceFile(source).candidates)


def test_a_name_for_a_type_is_not_mutated() -> None:
    source = ROOT / "dr_checks/derived/counterparts.py"
    lines = source.read_text(encoding="utf-8").splitlines()
    named = {place for place, line in enumerate(lines, start=1) if line.startswith("Known = tuple[")}
    assert named
    assert named.isdisjoint(found.line for found in SourceFile(source).candidates)


@pytest.mark.proof
def test_arguments_of_check_decorators_are_mutated_and_run_at_import() -> None:
    kms = SourceFile(ROOT / "dr_checks/security/kms.py")
    changed = [found.change() for found in kms.candidates if found.lines is None]
    assert any(change.becomes == "@weigh(None, Area.INFRASTRUCTURE)" for change in changed)


def test_every_room_is_there_and_so_are_its_tests() -> None:
    for group in GROUPS:
        assert len(list(group.files())) > 20
        assert [] == [path for path in group.tests if not (ROOT / path).exists()]


TOY = {
    "toy/__init__.py": "",
    "toy/limits.py": "def week() -> int:\n    return 7\n\n\nLIMIT = week()\n\n\n"
    "def late(days: int) -> bool:\n    return days > LIMIT\n",
    "tests/test_limits.py": "from toy.limits import late\n\n\ndef test_late() -> None:\n    assert late(20)\n",
    "tests/mutants.toml": '[[accepted]]\nmodule = "toy/limits.py"\nfunction = "week"\nwas = "return 7"\n'
    'becomes = "return 8"\nreason = "a limit is a limit."\n',
    "pyproject.toml": '[tool.pytest.ini_options]\naddopts = ["-m", "not slow"]\nmarkers = ["slow: x"]\n',
}
RUN = """
from benchmarks.mutants.__main__ import measure
from benchmarks.mutants.running import Group
raise SystemExit(0 if measure(Group("toy", ("toy",), ("tests",), ()), 1, None, 2) else 1)
"""


@pytest.mark.proof
def test_the_runner_distinguishes_killed_survived_and_accepted(tmp_path: Path) -> None:
    for name, text in TOY.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    weak = _run(tmp_path)
    assert "toy/limits.py:2 week  accepted: a limit is a limit." in weak.stdout, weak  # the import runs it
    assert "  - return days > LIMIT\n  + return days >= LIMIT" in weak.stdout
    assert "toy: 1 killed, 2 survived (1 accepted): 50.0%" in weak.stdout
    assert 1 == weak.returncode
    (tmp_path / "tests" / "test_limits.py").write_text(
        "from toy.limits import late\n\n\ndef test_late() -> None:\n    assert late(8) and not late(7)\n"
    )
    strong = _run(tmp_path)
    assert "toy: 3 killed, 0 survived (0 accepted): 100.0%" in strong.stdout, strong
    assert 0 == strong.returncode
    (tmp_path / "tests" / "test_limits.py").write_text(
        "import os\n\nfrom toy.limits import late\n\nHERE = os.getpid()\n\n\n"
        "def test_late() -> None:\n    assert late(20) and os.getpid() == HERE\n"
    )
    forked = _run(tmp_path)
    assert (1, True) == (forked.returncode, "red without any mutant" in forked.stderr), "what a fork fails kills none"


def _run(folder: Path) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PYTHONPATH": f"{ROOT}:{folder}"}
    return subprocess.run(
        [sys.executable, "-c", RUN], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )


def _mutants(was: str, becomes: str) -> list[Candidate]:
    mutants = [found for found in SourceFile(ROOT / MODEL).candidates if found.function == "View.doubt"]
    return [found for found in mutants if found.change() == Change(MODEL, "View.doubt", was, becomes)]
