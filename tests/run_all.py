"""Runs everything that must hold: lint, format, types, import contracts, and all tests; what can overlap, overlaps."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
STATIC = (
    ("lint", ["ruff", "check", "."]),
    ("format", ["ruff", "format", "--check", "."]),
    ("contracts", ["lint-imports"]),
    ("types", ["mypy"]),
)


def _start(name: str, words: list[str]) -> tuple[str, subprocess.Popen[str]]:
    command = [str(BIN / words[0]), *words[1:]]
    return name, subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def main() -> int:
    """Run it all. Returns 0 only where every part passed."""
    began, failed = time.monotonic(), []
    static = [_start(name, words) for name, words in STATIC]
    words = [str(BIN / "pytest"), "-q", "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder", *sys.argv[1:]]
    tests = subprocess.run(words, cwd=ROOT, check=False, env=_environment())
    for name, process in static:
        output, _ = process.communicate()
        if process.returncode:
            failed.append(name)
            sys.stdout.write(f"--- {name} failed ---\n{output}\n")
    failed += ["tests"] if tests.returncode else []
    took_s = time.monotonic() - began
    checked = ", ".join([*(name for name, _ in STATIC), "tests"])
    sys.stdout.write(f"{'FAILED: ' + ', '.join(failed) if failed else f'All green ({checked})'} in {took_s:.0f} s\n")
    return 1 if failed else 0


def _environment() -> dict[str, str]:
    """Tests never see the operator's AWS settings, and no process of theirs compiles what another one has compiled."""
    left_out = "PYTHONDONTWRITEBYTECODE"
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_") and name != left_out}


if __name__ == "__main__":
    sys.exit(main())
