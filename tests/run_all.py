"""Runs everything that must hold: lint, format, types, import contracts, and all tests; what can overlap, overlaps.

``--with-proofs JUDGES`` plays today's proofs beside them, as CI does, once make has installed the judges that they ask:
most of that is waiting for the network. What was left out, and why, is the last line.
``--proofs FILE`` plays the proofs that DR_PROOFS asks for, and nothing else; FILE gets the seconds that each file took.
With both, what failed beside the others is played once more, alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from tests.choice import LEFT_OUT
from tests.sampling import SEED

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
STATIC = (
    ("types", ["mypy"]),
    ("lint", ["ruff", "check", "."]),
    ("format", ["ruff", "format", "--check", "."]),
    ("contracts", ["lint-imports"]),
)


LIMIT_S = 600
"""No test waits for ever: one that lasts so long fails, and says where it stood. Alone, none takes half of it."""
# pytest's plugin for logging enters six contexts a test, and no test reads a log by it.
FORKED = ["pytest", "-q", "-p", "no:xdist", "-p", "no:logging", "-p", "tests.forked_session", f"--timeout={LIMIT_S}"]
TESTS = [*FORKED, "--processes"]
ALONE, BESIDE_PROOFS = "3", "2"
"""How many processes play the tests: beside the proofs, which last longer, fewer."""
PROOFS = [*FORKED, "--hypothesis-seed", str(SEED), "-p", "tests.durations", "--durations-file"]
PROOFS_ALONE, PROOFS_BESIDE = ["--processes", "6"], ["--processes", "4"]
"""More processes than two cores: of what a run takes, two thirds are spent waiting for an emulator or for a clock."""
CHOSEN_END_WITHIN_S = 750
"""CI lasts a quarter of an hour: before the proofs come the installations, after them what failed beside the others."""
WITH_PROOFS = "--with-proofs"
MOST_AGAIN = 10
"""So many tests that failed beside all others are played once more, alone: with six processes on two cores they may be
late where no tool is wrong. The last lines name them, and what fails again is red."""


@dataclass(frozen=True)
class Part:
    """How a part ended: its exit code, how long it took, and what it wrote where that was not shown at once."""

    name: str
    code: int
    took_s: float
    output: str


def _play(name: str, words: list[str], output: int | None, **variables: str) -> Part:
    began = time.monotonic()
    command = [str(BIN / words[0]) if (BIN / words[0]).exists() else words[0], *words[1:]]
    ran = subprocess.run(
        command,
        cwd=ROOT,
        env={**_environment(), **variables},
        text=True,
        stdout=output,
        stderr=output and subprocess.STDOUT,
        check=False,
    )
    return Part(name, ran.returncode, time.monotonic() - began, ran.stdout or "")


def _cache_of(name: str) -> Path:
    """Where pytest records what failed of this part: two play at once."""
    return ROOT / "build" / f"cache-{name}"


def failed_tests(cache: Path) -> list[str]:
    """The tests that failed, by pytest's cache; one that passed since is none."""
    last_failed = cache / "v" / "cache" / "lastfailed"
    return list(json.loads(last_failed.read_text(encoding="utf-8"))) if last_failed.exists() else []


def repeatable_tests(code: int, failed: list[str]) -> list[str]:
    """The tests that are played once more: none where pytest itself failed, or where so many tests did."""
    # 1: tests failed; above it, pytest was interrupted, used wrongly, or found no test (pytest, "Exit codes").
    return failed if code == 1 and len(failed) <= MOST_AGAIN else []


def _repeated(part: Part) -> tuple[Part, str]:
    """The part, with the code of its failed tests played alone, and the sentence that names them."""
    cache = _cache_of(part.name)
    tests = repeatable_tests(part.code, failed_tests(cache))
    if not tests:
        return part, ""
    sys.stdout.write(f"--- {part.name}: {len(tests)} failed beside the others, once more alone ---\n")
    sys.stdout.flush()
    words = [*TESTS, "1", "--hypothesis-seed", str(SEED), "-o", f"cache_dir={cache}", *tests]
    again = _play(part.name, words, None, **({"DR_PROOFS": "1"} if part.name == "proofs" else {}))
    ends = {test: "failed again" if test in failed_tests(cache) else "passed alone" for test in tests}
    sentence = "; ".join(f"{test} {end}" for test, end in ends.items())
    return replace(part, code=again.code), f"Failed beside the others: {sentence}.\n"


def _play_chosen(judges: list[str]) -> list[Part]:
    """Today's proofs; none where a judge that they ask could not be installed."""
    installed = _play("judges", ["make", "--no-print-directory", "-j", "4", *judges], subprocess.PIPE)
    if installed.code:
        return [installed]
    words = [*PROOFS, "build/durations.json", *PROOFS_BESIDE, "--end-within", str(CHOSEN_END_WITHIN_S)]
    words += ["-o", f"cache_dir={_cache_of('proofs')}", "tests"]
    return [installed, _play("proofs", words, None, DR_PROOFS="chosen")]


def main(arguments: list[str]) -> int:
    """Run it all, the static parts one after another beside the tests. Returns 0 only where every part passed."""
    if arguments[:1] == ["--proofs"]:
        cache = ["-o", f"cache_dir={_cache_of('proofs')}"]
        words = [*PROOFS, arguments[1], *PROOFS_ALONE, *cache, *(arguments[2:] or ["tests"])]
        part, note = _repeated(_play("proofs", words, None))
        sys.stdout.write(f"Proofs: {part.took_s:.0f} s.\n{note}")
        return part.code
    began = time.monotonic()
    with_proofs = arguments[:1] == [WITH_PROOFS]
    with ThreadPoolExecutor(2) as beside:
        static = [beside.submit(_play, name, words, subprocess.PIPE) for name, words in STATIC]
        proofs = beside.submit(_play_chosen, arguments[1:]) if with_proofs else None
        words = [BESIDE_PROOFS] if with_proofs else [ALONE, *arguments]
        tests = _play("tests", [*TESTS, *words, "-o", f"cache_dir={_cache_of('tests')}"], None)
        parts = [*(part.result() for part in static), *(proofs.result() if proofs else ()), tests]
    notes = ""
    if with_proofs:
        results = [_repeated(part) for part in parts]
        parts, notes = [part for part, _ in results], "".join(note for _, note in results)
    failed = [part for part in parts if part.code]
    for part in failed:
        sys.stdout.write(f"--- {part.name} failed ---\n{part.output}\n")
    times = ", ".join(f"{part.name} {part.took_s:.0f} s" for part in parts)
    verdict = f"FAILED: {', '.join(part.name for part in failed)}" if failed else "All green"
    sys.stdout.write(f"{verdict} in {time.monotonic() - began:.0f} s ({times})\n")
    sys.stdout.write(notes)
    if with_proofs:
        sys.stdout.write(LEFT_OUT.read_text(encoding="utf-8"))
    return 1 if failed else 0


def _environment() -> dict[str, str]:
    """Tests never see the operator's AWS settings, and no process of theirs compiles what another one has compiled."""
    left_out = "PYTHONDONTWRITEBYTECODE"
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_") and name != left_out}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
