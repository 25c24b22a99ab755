"""Runs everything that must hold: lint, format, types, import contracts, and all tests; what can overlap, overlaps."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
STATIC = (
    ("types", ["mypy"]),
    ("lint", ["ruff", "check", "."]),
    ("format", ["ruff", "format", "--check", "."]),
    ("contracts", ["lint-imports"]),
)


# pytest's plugin for logging enters six contexts a test, and no test reads a log by it.
TESTS = ["pytest", "-q", "-p", "no:xdist", "-p", "no:logging", "-p", "tests.forked_session", "--processes", "3"]


@dataclass(frozen=True)
class Part:
    """How a part ended: its exit code, how long it took, and what it wrote where that was not shown at once."""

    name: str
    code: int
    took_s: float
    output: str


def _play(name: str, words: list[str], output: int | None) -> Part:
    began = time.monotonic()
    command = [str(BIN / words[0]), *words[1:]]
    ran = subprocess.run(
        command,
        cwd=ROOT,
        env=_environment(),
        text=True,
        stdout=output,
        stderr=output and subprocess.STDOUT,
        check=False,
    )
    return Part(name, ran.returncode, time.monotonic() - began, ran.stdout or "")


def main() -> int:
    """Run it all, the static parts one after another beside the tests. Returns 0 only where every part passed."""
    began = time.monotonic()
    with ThreadPoolExecutor(1) as beside:
        static = [beside.submit(_play, name, words, subprocess.PIPE) for name, words in STATIC]
        tests = _play("tests", [*TESTS, *sys.argv[1:]], None)
        parts = [*(part.result() for part in static), tests]
    failed = [part for part in parts if part.code]
    for part in failed:
        sys.stdout.write(f"--- {part.name} failed ---\n{part.output}\n")
    times = ", ".join(f"{part.name} {part.took_s:.0f} s" for part in parts)
    verdict = f"FAILED: {', '.join(part.name for part in failed)}" if failed else "All green"
    sys.stdout.write(f"{verdict} in {time.monotonic() - began:.0f} s ({times})\n")
    return 1 if failed else 0


def _environment() -> dict[str, str]:
    """Tests never see the operator's AWS settings, and no process of theirs compiles what another one has compiled."""
    left_out = "PYTHONDONTWRITEBYTECODE"
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_") and name != left_out}


if __name__ == "__main__":
    sys.exit(main())
