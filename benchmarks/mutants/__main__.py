"""Do the tests notice? ``python -m benchmarks.mutants`` changes code at random and runs the tests that cover it.

A mutant that no test fails on has survived. Exits with 1 where less than 90 % of a group were killed; survivors that
tests/mutants.toml accepts with a reason are left out of that share.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Iterator

from benchmarks.mutants import collected, running
from benchmarks.mutants.accepted import reasons
from benchmarks.mutants.running import Group, Measured
from benchmarks.mutants.source import Candidate, SourceFile

WANTED = 0.9
_DECIDING = ("assessment", "authorization", "guard", "model", "planning")
GROUPS = (
    Group(
        "dr_checks",
        ("dr_checks",),
        (
            "tests/dr_checks",
            *(
                f"tests/golden/test_{name}.py"
                for name in ("findings", "single_values", "single_values_of_estates", "words_on_record")
            ),
            "tests/house/test_docs.py",
            "tests/dr_actions/actions/traffic/test_records.py",
            "tests/dr_actions/drills/test_stop_conditions.py",
        ),
        ("dr_estate", "sandbox"),
    ),
    Group(
        "dr_actions",
        tuple(f"dr_actions/{room}" for room in _DECIDING),
        (
            *(f"tests/dr_actions/{room}" for room in _DECIDING),
            "tests/dr_actions/control_table/test_control.py",
            *(
                f"tests/golden/test_{name}.py"
                for name in (
                    *("assessments", "plans", "refusals", "rules_on_record", "single_values_of_estates"),
                    "words_on_record",
                )
            ),
            *(f"tests/house/test_{name}.py" for name in ("docs", "sequence")),
        ),
        ("dr_estate", "sandbox", "dr_checks"),
    ),
)


def survivors(group: Group, sample: list[Candidate], jobs: int) -> Iterator[Candidate]:
    """Run the tests of each mutant, so many at a time, and yield those that none of them fails on."""
    running.preload(group)
    known = running.measure_group(group)
    imported = [candidate for candidate in sample if running.is_imported(candidate, known)]
    others = [candidate for candidate in sample if candidate not in imported]
    work = [(found, known.tests(found.file.name, found.lines or ())) for found in others]
    yield from (candidate for candidate, tests in work if not tests)
    for candidate, killed in collected.kill_results(group, [(found, tests) for found, tests in work if tests], jobs):
        if killed is None:
            imported.append(candidate)
        elif not killed:
            yield candidate
    yield from _judge_imported(imported, known, group, jobs)


def _judge_imported(sample: list[Candidate], known: Measured, group: Group, jobs: int) -> Iterator[Candidate]:
    at_work: dict[int, Candidate] = {}
    for candidate in sample:
        if len(at_work) >= jobs:
            yield from _next(at_work)
        at_work[running.start(candidate, known, group)] = candidate
    while at_work:
        yield from _next(at_work)


def _next(at_work: dict[int, Candidate]) -> Iterator[Candidate]:
    pid, killed = running.finish()
    candidate = at_work.pop(pid)
    if not killed:
        yield candidate


def measure(group: Group, seed: int, count: int | None, jobs: int) -> bool:
    """Print how many mutants of a group were killed, and each survivor. Returns whether the share is enough."""
    every = [candidate for path in group.files() for candidate in SourceFile(path).candidates]
    sample = every if count is None else random.Random(seed).sample(every, min(count, len(every)))  # noqa: S311
    print(f"{group.name}: {len(sample)} of {len(every)} mutants, seed {seed}", flush=True)
    survived, accepted = 0, 0
    known = reasons()
    for candidate in survivors(group, sample, jobs):
        change = candidate.change()
        reason = known.get(change)
        survived, accepted = survived + 1, accepted + bool(reason)
        print(f"\n{change.module}:{candidate.line} {change.function}" + (f"  accepted: {reason}" if reason else ""))
        for sign, text in (("-", change.was), ("+", change.becomes)):
            print("\n".join(f"  {sign} {line}" for line in text.splitlines()), flush=True)
    judged = len(sample) - accepted
    share = (len(sample) - survived) / judged if judged else 1.0
    print(f"\n{group.name}: {len(sample) - survived} killed, {survived} survived ({accepted} accepted): {share:.1%}")
    return share >= WANTED


def main() -> int:
    """Measure each group. Returns 0 only where each reaches the wanted share."""
    words = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    words.add_argument("--count", default="110", help="mutants of each group, drawn at random; or `all`")
    words.add_argument("--seed", type=int, default=1, help="which are drawn")
    words.add_argument("--group", choices=[group.name for group in GROUPS], action="append", help="not all groups")
    words.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants tested at a time")
    chosen = words.parse_args()
    count = None if chosen.count == "all" else int(chosen.count)
    os.environ["CI"] = "true"  # property tests try the same examples each time
    os.environ["DR_PROOFS"] = "all"  # a test that waits for the proofs judges code as the others do
    groups = [group for group in GROUPS if group.name in (chosen.group or [group.name])]
    enough = [measure(group, chosen.seed, count, chosen.jobs) for group in groups]
    return 0 if all(enough) else 1


if __name__ == "__main__":
    sys.exit(main())
