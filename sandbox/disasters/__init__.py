"""Disasters: named ways to break the world, each with the way back. A module here registers by being here.

``inject`` runs a disaster and keeps the inverse calls it recorded as data in the world's state; ``repair`` replays
them.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.core.errors import SandboxError
from sandbox.core.state import STATE
from sandbox.world.world import World

Breaking = Callable[[World], object]
# For the consequences of an outage so wide that no check may be able to look.
ANYTHING = ("*",)


# The posture and the answer where credentials are refused: nothing is judged, and the command reports it (exit 3).
NO_ANSWER = "-"


@dataclass(frozen=True)
class Disaster:
    """``trips``: the checks it must turn; ``consequences``: those it may turn beside them.

    ``posture`` is the estate's posture while it is in force, ``answer`` what `failover` advises then: "A or B" where
    the hour decides. ``unseen`` is why no check need turn.
    """

    name: str
    sentence: str
    trips: tuple[str, ...]
    consequences: tuple[str, ...]
    posture: str
    answer: str
    unseen: str
    run: Breaking

    def description(self) -> dict[str, Any]:
        """Return the disaster as JSON-ready values."""
        return {
            "name": self.name,
            "sentence": self.sentence,
            "trips": list(self.trips),
            "consequences": list(self.consequences),
            "posture": self.posture,
            "answer": self.answer,
        }


_REGISTERED: dict[str, Disaster] = {}


def disaster(
    name: str,
    sentence: str,
    trips: tuple[str, ...] = (),
    consequences: tuple[str, ...] = (),
    *,
    posture: str = "NORMAL",
    answer: str = "DO_NOT_FAILOVER",
    unseen: str = "",
    run: Breaking | None = None,
) -> Callable[[Breaking], Breaking]:
    """Register the decorated function, or ``run``, as the disaster ``name``. Raises ValueError for one that is taken.

    Most disasters are of the standby: the primary serves, and there is nothing to fail over from.
    """

    def register(run: Breaking) -> Breaking:
        if name in _REGISTERED:
            raise ValueError(f"two disasters are called '{name}'")
        _REGISTERED[name] = Disaster(name, sentence, trips, consequences, posture, answer, unseen, run)
        return run

    if run is not None:
        register(run)
    return register


def catalogue() -> list[Disaster]:
    """Return all disasters, by name."""
    _load()
    return [_REGISTERED[name] for name in sorted(_REGISTERED)]


def find(name: str) -> Disaster:
    """Return the disaster ``name``. Raises SandboxError with the nearest names for an unknown one."""
    _load()
    if name not in _REGISTERED:
        near = difflib.get_close_matches(name, _REGISTERED, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        raise SandboxError(f"There is no disaster '{name}'. {hint}`dr_cli.py sandbox list` names them all.")
    return _REGISTERED[name]


def inject(world: World, name: str) -> set[str]:
    """Break ``world`` by ``name``; return the services it changed ("" for a region's outage). Raises SandboxError.

    What half a disaster did is taken back.
    """
    found = find(name)
    if name in STATE.disasters:
        raise SandboxError(f"'{name}' is already broken: repair it first (`sandbox mend`).")
    # What was recorded before belongs to no disaster: a repair must not replay it.
    world.take_undo()
    try:
        found.run(world)
    except Exception:
        world.replay(world.take_undo())
        raise
    # Data and no functions: it is saved with the world and replayed by another process.
    STATE.disasters[name] = undo = world.take_undo()
    # Which checks may see it: an outage without a service is of the whole region.
    return {str(step.get("outage", step)["service"]) for step in undo}


def repair(world: World, name: str) -> list[str]:
    """Take the disaster ``name`` back. Raises SandboxError where it is unknown or not broken."""
    find(name)
    if name not in STATE.disasters:
        broken = ", ".join(sorted(STATE.disasters)) or "nothing"
        raise SandboxError(f"'{name}' is not broken (broken now: {broken}).")
    world.replay(STATE.disasters[name])
    del STATE.disasters[name]
    return [name]


def repair_all(world: World) -> list[str]:
    """Take every disaster back, the latest first; return their names."""
    # A later disaster may have recorded as "before" what an earlier one had changed.
    return [done for name in reversed(list(STATE.disasters)) for done in repair(world, name)]


@functools.cache
def _load() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
