"""Which proofs CI plays today: chosen, and never thinned.

CI has a quarter of an hour, and the proofs take longer. It plays, in this order, as far as its time goes:

1. every proof marked ``whole_run``: a command that changes something, from its first line to its report;
2. a quarter of all proofs that turns with the date, so that four days in a row see all of them;
3. the proofs that a change can have reached: those whose imports lead to a file that changed since the newest commit
   that is older than a day, or since ``$CI_BASE``; the fewer imports lie between, the sooner.

What did not fit is named, with its reason, in the last line; so is what a slow machine had no time to begin
(tests/forked_session.py). `make proofs` plays all, whatever stands here.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
DURATIONS = ROOT / "tests" / "durations.json"
LEFT_OUT = ROOT / "build" / "left-out.txt"
PACKAGES = ("dr_actions", "dr_checks", "dr_estate", "reports", "sandbox", "steps", "tests", "utils")
DAYS = 4
BUDGET_S = 1700.0
"""Seconds, of those recorded, that a quarter and what a change reached may take: seven minutes of four processes."""
QUARTER, REACHED = "of today's quarter", "reached by what changed"
UNKNOWN_S = 20.0
"""How long a file is taken to last that no recorded run has played yet."""
BY_REGISTRY = {
    "dr_actions.actions.registry": "dr_actions.actions.",
    "dr_checks.core.registry": "dr_checks.",
    "dr_estate.snapshot.registry": "dr_estate.readers.",
    "tests.utils.running": "utils.aws_mgmt.dr_cli",
    "utils.aws_mgmt.dr_cli": "utils.aws_mgmt.cli.",
}
"""Modules that import others by the folder they lie in, or start them as a program: no import statement shows that."""
EVERYTHING = ("constraints.txt", "pyproject.toml", "requirements.lock")
"""What is installed: a change of it reaches all."""


@dataclass(frozen=True)
class Choice:
    """Files of proofs by the reason for which they are played, and by that for which they are not.

    What is left out is so but for its whole runs of commands.
    """

    played: Mapping[str, str]
    left_out: Mapping[str, str]

    def summary(self, durations: Mapping[str, float]) -> str:
        """One line: how much is played and left out, and why."""
        if not self.left_out:
            return f"All {len(self.played)} files of proofs are chosen, none is left out."
        reasons = [
            f"{len(files)} {reason} ({', '.join(sorted(files))})" for reason, files in _by_reason(self.left_out).items()
        ]
        minutes = sum(durations.get(file, UNKNOWN_S) for file in self.left_out) / 60
        return (
            f"Played {len(self.played)} of {len(self.played) + len(self.left_out)} files of proofs"
            f" ({', '.join(f'{len(files)} {reason}' for reason, files in _by_reason(self.played).items())}),"
            " and every whole run of a command."
            f" Left out, {minutes:.0f} minutes of `make proofs`: {'; '.join(reasons)}."
        )


def _by_reason(files: Mapping[str, str]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for file, reason in files.items():
        reasons.setdefault(reason, []).append(file)
    return reasons


def choice(
    files: Collection[str],
    distances: Mapping[str, int],
    durations: Mapping[str, float],
    today: date,
    budget_s: float,
) -> Choice:
    """Choose among ``files``. ``distances``: how many imports lie between a file of proofs and what changed."""
    quarter = set(dealt(files, durations, DAYS)[today.toordinal() % DAYS])
    played: dict[str, str] = {}
    left_out: dict[str, str] = {}
    spent_s = 0.0

    def turn(file: str) -> tuple[bool, int, str]:
        return file not in quarter, distances.get(file, 0), file

    for file in sorted(files, key=turn):
        if file in quarter:
            played[file] = QUARTER
        elif file not in distances:
            left_out[file] = "unchanged, and of another day's quarter"
        elif spent_s + durations.get(file, UNKNOWN_S) > budget_s:
            left_out[file] = "further from what changed than the time reaches"
        else:
            played[file] = REACHED
        spent_s += durations.get(file, UNKNOWN_S) if file in played else 0
    return Choice(played, left_out)


def chosen_today(files: Collection[str], durations: Mapping[str, float], today: date) -> Choice:
    """What CI plays of ``files`` today, in this checkout."""
    return choice(files, distances(files, changed_files()), durations, today, BUDGET_S)


def file_of(node_id: str) -> str:
    """The file of a test, seen from the root."""
    return node_id.partition("::")[0]


def dealt(files: Iterable[str], durations: Mapping[str, float], parts: int) -> list[list[str]]:
    """The files in so many parts, each of which lasts about as long as the others."""
    lengths = [0.0] * parts
    taken: list[list[str]] = [[] for _ in range(parts)]
    for file in sorted(files, key=lambda file: (-durations.get(file, UNKNOWN_S), file)):
        shortest = lengths.index(min(lengths))
        taken[shortest].append(file)
        lengths[shortest] += durations.get(file, UNKNOWN_S)
    return taken


def recorded_durations() -> dict[str, float]:
    """Seconds by test file, of the last run that was recorded."""
    rows = json.loads(DURATIONS.read_text(encoding="utf-8")) if DURATIONS.exists() else {}
    return {file: row["s"] for file, row in rows.items()}


def changed_files() -> list[str] | None:
    """The files that changed since ``$CI_BASE``, else since the newest commit that is older than a day.

    None where git knows no such commit, as in a clone without history: then anything may have changed.
    """
    base = os.environ.get("CI_BASE") or _git("rev-list", "-1", "--before=1 day ago", "HEAD")
    names = _git("diff", "--name-only", base) if base else None
    return None if names is None else names.splitlines()


def _git(*words: str) -> str | None:
    ran = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607 - whichever git is there
    return None if ran.returncode else ran.stdout.strip()


def distances(files: Iterable[str], changed: Collection[str] | None) -> dict[str, int]:
    """How many imports lie between a file and the nearest that changed; those that reach none are left out."""
    if changed is None or set(changed) & set(EVERYTHING):
        return dict.fromkeys(files, 0)
    imports = _imports()
    reached: dict[str, int] = {}
    for file in files:
        steps = _steps(module_of(file), imports)
        near = [steps[module] for module in map(module_of, changed) if module in steps]
        texts = [_text(module) for module, step in steps.items() if step <= 1 and module.startswith("tests.")]
        named = [name for name in changed if not name.endswith(".py") and any(_names(text, name) for text in texts)]
        near += [1] * len(named)
        if near:
            reached[file] = min(near)
    return reached


def module_of(file: str) -> str:
    """The module of a Python file, seen from the root."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imports() -> dict[str, set[str]]:
    import grimp

    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    for module, prefix in BY_REGISTRY.items():
        imports[module] |= {other for other in graph.modules if other.startswith(prefix)}
    return imports


def _steps(start: str, imports: Mapping[str, set[str]]) -> dict[str, int]:
    """The modules that a module leads to, with the number of imports between: 0 for itself."""
    steps, front = {start: 0}, [start]
    for module in front:  # the list grows while it is walked
        for other in imports.get(module, ()):
            if other not in steps:
                steps[other] = steps[module] + 1
                front.append(other)
    return steps


@cache
def _text(module: str) -> str:
    path = ROOT / f"{module.replace('.', '/')}.py"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _names(text: str, file: str) -> bool:
    """Whether a test has a string that begins with the name of the file, or of the folder at the top that holds it."""
    return f'"{file.partition("/")[0]}"' in text or f'"{file.partition("/")[0]}/' in text
