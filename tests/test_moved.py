"""Where the assertion of each former proof stands now: `python -m tests.test_moved COMMIT`.

A proof that was renamed must not be one that was lost, and nobody sees the difference in a log of commits. A proof of
COMMIT is found again by its name, else by its body: the test of today that shares most words with it. What is not found
needs a reason in ``GONE``, else the command fails.
"""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
NEAR = 0.6
"""Share of its words that a body of today must have in common with a former one to be the same test."""
MEANWHILE = "judging while reading was given up: it saved too little"
FORMER = "what versions wrote that nobody ran is not read: "
GONE = {
    "test_what_was_read_can_be_worked_with_while_the_rest_crawls": MEANWHILE,
    "test_status_can_ask_aws_before_judging_and_reporting_are_imported": "late imports were given up",
    "test_whatever_part_is_read_last_each_result_is_what_the_whole_snapshot_gives": MEANWHILE,
    "test_a_look_at_a_service_that_crawls_reports_what_was_judged_meanwhile": f"{MEANWHILE}; what it hides: "
    "tests/dr_estate/snapshot/test_observer.py::test_a_service_that_crawls_hides_its_own_parts_alone",
    "test_evidence_is_judged_as_before": f"{FORMER}see tests/golden/test_findings.py",
    "test_evidence_leads_to_the_same_plan_gates_and_losses": f"{FORMER}see tests/golden/test_plans.py",
    "test_an_old_journal_is_shown_by_name_and_titled_as_of_no_recorded_world": f"{FORMER}a journal has one form",
    "test_a_run_whose_task_is_stopped_in_ecs_says_how_it_was_stopped_and_goes_on_at_once": "part of "
    "tests/proofs/test_automation.py::test_a_run_of_aws_stopped_by_a_pause_or_in_ecs_goes_on_each_time",
    "test_a_message_that_cannot_be_delivered_at_the_end_is_never_reported_as_done": "part of "
    "tests/proofs/test_two_operators.py::test_a_failed_step_or_message_keeps_the_progress_and_is_resumable",
}
"""Former proofs without a near body, and why, or which test holds what they held."""


@dataclass(frozen=True)
class Case:
    """A test function: where it stands, whether it is a proof, and how often each word is in its body."""

    file: str
    name: str
    proof: bool
    words: Counter[str]

    def share(self, other: Case) -> float:
        """Part of both bodies' words that they have in common, 0 to 1."""
        return 2 * (self.words & other.words).total() / ((self.words.total() + other.words.total()) or 1)


def cases(file: str, source: str) -> Iterator[Case]:
    """The test functions of a file; a mark of the file, or of one example of a test, makes a proof too."""
    tree = ast.parse(source)
    whole = any(
        isinstance(node, ast.Assign)
        and "pytestmark" in ast.unparse(node.targets[0])
        and "mark.proof" in ast.unparse(node)
        for node in tree.body
    )
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            body = [word for statement in node.body for word in ast.unparse(statement).replace("(", " ").split()]
            marked = any("mark.proof" in ast.unparse(decorator) for decorator in node.decorator_list)
            yield Case(file, node.name, whole or marked, Counter(body))


def former(commit: str) -> Iterator[Case]:
    words = ["git", "archive", commit, "tests"]
    archive = subprocess.run(words, cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            if member.name.endswith(".py") and (read := tar.extractfile(member)):
                yield from cases(member.name, read.read().decode())


def today() -> Iterator[Case]:
    for path in sorted(ROOT.glob("tests/**/*.py")):
        yield from cases(str(path.relative_to(ROOT)), path.read_text())


def places(then: list[Case], now: list[Case]) -> Iterator[tuple[Case, str]]:
    """Each former proof with the place of its assertion today; an empty place is one that nothing explains."""
    by_name: dict[str, list[Case]] = {}
    for case in now:
        by_name.setdefault(case.name, []).append(case)
    names_then = {case.name for case in then}
    new = [case for case in now if case.name not in names_then]
    for case in then:
        if not case.proof:
            continue
        found = max(by_name.get(case.name, new), key=case.share)
        if found.name == case.name or case.share(found) >= NEAR:
            yield case, f"{found.file}::{found.name}{'' if found.proof else ' (in each run of the tests)'}"
        else:
            yield case, GONE.get(case.name, "")


THEN = """
@pytest.mark.proof
def test_kept():
    assert 1

@pytest.mark.proof
def test_former_name():
    world = begun()
    assert world.served == 12

@pytest.mark.proof
def test_lost():
    assert something(of=quite, another="kind")

def test_no_proof():
    assert 1
"""
NOW = """
pytestmark = pytest.mark.proof

def test_kept():
    assert 1

def test_new_name():
    world = begun()
    assert world.served == 12
"""


def test_each_former_proof_is_shown_where_it_stands_now_or_as_not_found() -> None:
    rows = places(list(cases("a.py", THEN)), list(cases("b.py", NOW)))
    assert [(case.name, place) for case, place in rows] == [
        ("test_kept", "b.py::test_kept"),
        ("test_former_name", "b.py::test_new_name"),
        ("test_lost", ""),
    ]


if __name__ == "__main__":
    rows = list(places(list(former(sys.argv[1])), list(today())))
    listing = "".join(f"{case.file}::{case.name}\n    -> {place or 'NOT FOUND'}\n" for case, place in rows)
    lost = sum(not place for _, place in rows)
    last = f"{len(rows)} proofs of {sys.argv[1]}: {len(rows) - lost} stand or have their reason, {lost} are not found."
    sys.stdout.write(f"{listing}{last}\n")
    sys.exit(1 if lost else 0)
