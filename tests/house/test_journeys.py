"""How many files somebody passes through who reads what a command does.

As a program of its own this file follows a command through the product's files. A file is passed through where a
function of it calls a function of another file that itself goes on into a third. What only answers is not followed: its
name and its sentence say enough. Files that hold values (``VALUES``) only answer. Files found by being in a folder
(``FAMILIES``) are read as their registry, and what one of them calls is its own. What happens while modules are
imported is left out; threads are followed like the rest.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.dr_checks.worlds import SIT
from tests.utils.forking import begin
from tests.utils.running import PATIENCE_S, command_of, signed_in
from tests.worlds import borrowed

ROOT = Path(__file__).resolve().parents[2]
VALUES = (
    "dr_estate.config",
    "dr_estate.model",
    "dr_estate.snapshot.snapshot",
    "dr_checks.core.model",
    "dr_checks.derived",
    "dr_checks.posture",
    "dr_actions.model",
    "reports.values",
)
FAMILIES = {
    "dr_estate.readers": "dr_estate.snapshot.registry",
    "dr_estate.reading": "dr_estate.snapshot.registry",
    "dr_actions.actions": "dr_actions.actions.registry",
    **{
        f"dr_checks.{store}": "dr_checks.core.registry"
        for store in (
            *("backup", "compute", "database", "dns", "edge", "files", "network", "objects", "operations"),
            *("security", "tables", "validation"),
        )
    },
}
_FUNCTION = 0x2  # CO_NEWLOCALS: the body of a module or a class is none
Place = tuple[str, str]


@dataclass(frozen=True)
class Waiting:
    """A function of ours that waits for what it called: where it stands, and the files of all that wait above it.

    What happens during an import is none of the command's, and what a family's module calls is its own.
    """

    frame: FrameType | None
    place: Place
    files: frozenset[str]
    is_importing: bool = False
    is_of_family: bool = False


NOBODY = Waiting(None, ("", ""), frozenset())


class Journey:
    """The calls from file to file of one command, up to its end or to the first call that changes the estate."""

    def __init__(self, at_first_change: Callable[[], None] | None) -> None:
        self.calls: dict[tuple[Place, Place], None] = {}
        self.files: set[str] = set()
        self.back: set[tuple[str, str]] = set()
        self._at_first_change = at_first_change
        self._threads = threading.local()

    def follow(self, frame: FrameType, event: str, _argument: Any) -> None:
        """Note one call; a profile function of the interpreter. A generator that goes on is called once more."""
        if event not in ("call", "return") or not frame.f_code.co_flags & _FUNCTION or not module_of(frame):
            return
        waiting: list[Waiting] = self._threads.__dict__.setdefault("waiting", [])
        if event == "call":
            waiting.append(self._called(frame, waiting[-1] if waiting else NOBODY))
        elif waiting:
            waiting.pop()

    def _called(self, frame: FrameType, caller: Waiting) -> Waiting:
        name = module_of(frame)
        this = Waiting(frame, (name, frame.f_code.co_qualname), caller.files | {name}, caller.is_importing)
        if this.is_importing or _is_importing(frame, caller.frame):
            return replace(this, is_importing=True)
        self.files.add(name)
        this = replace(this, is_of_family=caller.is_of_family or bool(registry_of(name)))
        if caller.is_of_family:
            return this
        here = (registry_of(name) or name, frame.f_code.co_qualname)
        if caller.frame and caller.place[0] != here[0]:
            self.calls[caller.place, here] = None
            if here[0] in caller.files:
                self.back.add((caller.place[0], here[0]))
        if self._at_first_change and _changes_the_estate(frame):
            sys.setprofile(None)
            self._at_first_change()
        return this

    def passed(self) -> list[str]:
        """The files that are passed through, in order; a registry is one."""
        calls = [(there, here) for there, here in self.calls if not any(_is_value(name) for name, _ in (there, here))]
        going_on = {there for there, _ in calls} | {here for _, here in calls if here[0] in FAMILIES.values()}
        passing = [there[0] for there, here in calls if here in going_on]
        return [*dict.fromkeys([*passing, *(name for name, _ in going_on if name in FAMILIES.values())])]


def module_of(frame: FrameType) -> str:
    """The product module whose code runs, "" where it is none of ours, or a page's template."""
    return _module_in(frame.f_code.co_filename)


@cache
def _module_in(file: str) -> str:
    path = Path(file)
    if path.suffix != ".py" or not path.is_relative_to(ROOT) or path.parts[len(ROOT.parts)] in (".venv", "tests"):
        return ""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def registry_of(name: str) -> str:
    """The registry by which a module of a family is read, "" for another module."""
    family = next((family for family in FAMILIES if name.startswith(f"{family}.")), "")
    return FAMILIES[family] if family and name not in FAMILIES.values() else ""


def _is_importing(frame: FrameType, caller: FrameType | None) -> bool:
    """Whether an import stands between a function and the one of ours that waits for it."""
    above = frame.f_back
    while above is not None and above is not caller:
        if above.f_code.co_filename.startswith("<frozen importlib"):
            return True
        above = above.f_back
    return False


def _is_value(name: str) -> bool:
    return name.startswith(VALUES)


def _changes_the_estate(frame: FrameType) -> bool:
    """Whether the mutating client is asked for a call that is no record of the tool, nor asks who is asking."""
    if module_of(frame) != "dr_actions.clients.mutating_client" or frame.f_code.co_name != "send":
        return False
    return frame.f_locals["call"].service not in {"dynamodb", "logs", "sts"}


def main(result: str, until: str, argv: list[str]) -> int:
    """Run the command, and write its journey as JSON into the file ``result``; it ends where the journey does."""
    from utils.aws_mgmt import dr_cli

    sys.pycache_prefix, sys.dont_write_bytecode = str(Path(result).parent / "no cache"), True

    def write() -> None:
        found = {"passed": followed.passed(), "files": sorted(followed.files), "back": sorted(followed.back)}
        Path(result).write_text(json.dumps(found), encoding="utf-8")

    first = threading.Lock()

    def end_here() -> None:
        first.acquire()  # for ever: of several threads that come to a change, one writes
        write()
        os._exit(0)  # in whichever thread: nothing more is to be sent

    followed = Journey(end_here if until == "first-change" else None)
    threading.setprofile(followed.follow)
    sys.setprofile(followed.follow)
    try:
        return dr_cli.main(argv)
    finally:
        sys.setprofile(None)
        write()


pytestmark = [pytest.mark.proof, pytest.mark.apart]
MOST_OF_A_LOOK, MOST_BEFORE_A_CHANGE = 25, 38
EXECUTE = "failover --execute --planned --incident INC-123 --confirm files/restore_dr:sit-efs"


def journey(words: str, until: str, folder: Path, person: str) -> dict[str, list[str]]:
    """What a command of its own process passes through, where no earlier process has compiled anything."""
    result = folder / "journey.json"
    with borrowed(SIT, tenants=1) as world:
        world.timing(transition_s=0.1)
        (script, *argv), variables = command_of(
            f"-e sit --config environments {words}", folder, **signed_in(world, person)
        )
        assert script.endswith("dr_cli.py")
        ran = begin(["tests/house/test_journeys.py", str(result), until, *argv], variables, folder)
        ran.wait(PATIENCE_S)
    assert result.exists(), ran.err
    found: dict[str, list[str]] = json.loads(result.read_text(encoding="utf-8"))
    sys.stdout.write(f"{words} passes {len(found['passed'])} files: {' '.join(found['passed'])}\n")
    return found


def test_status_passes_few_files_and_never_returns_to_one_that_waits(tmp_path: Path) -> None:
    found = journey("status", "end", tmp_path, "reader")
    assert found["passed"][0] == "utils.aws_mgmt.dr_cli"
    assert "reports.publish" in found["passed"], "it did not come to its end"
    assert len(found["passed"]) <= MOST_OF_A_LOOK
    assert found["back"] == []


def test_a_failover_passes_few_files_before_it_first_changes_the_estate(tmp_path: Path) -> None:
    found = journey(EXECUTE, "first-change", tmp_path, "operator")
    assert "dr_actions.execution.sender" in found["passed"], "it came to no change"
    assert "dr_actions.clients.mutating_client" in found["files"]
    assert len(found["passed"]) <= MOST_BEFORE_A_CHANGE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
