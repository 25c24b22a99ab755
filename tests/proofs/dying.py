"""Clients that kill their own process at a given call, so that a run can die anywhere."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Any

from dr_actions.actions.registry import writes
from dr_actions.clients.mutating_client import MutatingClient
from dr_actions.control_table.table import CONTROL_CALLS
from dr_actions.guard.context import GuardContext
from dr_actions.model.plan import Call
from dr_estate.config.settings import ResourceNames
from tests.proofs.lots import plain

DIED = "died "
CONTROL_TABLE = ResourceNames().control_table.removeprefix("{env}")

Make = Callable[..., MutatingClient[GuardContext]]


def is_mutation(call: Call) -> bool:
    """Whether a call changes the estate; what is written to the control table is not of it."""
    is_control = call.name in CONTROL_CALLS and str(call.params.get("TableName", "")).endswith(CONTROL_TABLE)
    return call.name in writes() and not is_control


class When(StrEnum):
    """On which side of a call a process dies; LATER is while what was asked for takes its time, its answer recorded."""

    BEFORE = "before"
    AFTER = "after"
    LATER = "later-than"


Decide = Callable[[Call], "When | None"]
Recorded = Callable[[], bool]
_PAUSE_S = 0.01


class Dying(MutatingClient[GuardContext]):
    """Clients that kill their own process when ``decide`` returns it: no handler, no flush, no goodbye."""

    def __init__(self, *made_of: Any, decide: Decide, recorded: Recorded) -> None:
        super().__init__(*made_of)
        self._decide, self._recorded, self._deciding = decide, recorded, threading.Lock()

    def send(self, call: Call) -> dict[str, Any]:
        """Send the call, or die before it, after it, or once its answer is recorded."""
        with self._deciding:
            when = self._decide(call)
            if when is When.BEFORE:
                _die(when, call)
        answer = super().send(call)
        if when is When.AFTER:
            _die(when, call)
        if when is When.LATER:
            threading.Thread(target=self._die_once_recorded, args=(call,), daemon=True).start()
        return answer

    def _die_once_recorded(self, call: Call) -> None:
        while not self._recorded():
            time.sleep(_PAUSE_S)
        _die(When.LATER, call)


def _die(when: When, call: Call) -> None:
    sys.stdout.write(f"\n{DIED}{when} {name_of(call)}\n")
    os.kill(os.getpid(), signal.SIGKILL)


def name_of(call: Call) -> str:
    """The call's name and what it is about: short, and the same in each run. A task's token is of one attempt."""
    params = {name: value for name, value in call.params.items() if name != "clientToken"}
    about = hashlib.sha256(plain(json.dumps(params, sort_keys=True)).encode()).hexdigest()[:8]
    return f"{call.region} {call.name} {about}"


def dying(decide: Decide, recorded: Recorded = lambda: True) -> Make:
    """How to make mutating clients that die there; ``recorded`` is whether an answer is on record."""
    return partial(Dying, decide=decide, recorded=recorded)


def at(
    nth: int, when: When, counts: Callable[[Call], bool] = lambda _: True, recorded: Recorded = lambda: True
) -> Make:
    """Clients that die at the ``nth`` of the calls they ``count``."""
    met = 0

    def decide(call: Call) -> When | None:
        nonlocal met
        met += counts(call)
        return when if counts(call) and met == nth else None

    return dying(decide, recorded)


def at_the_first(operation: str, happens: Callable[[], object]) -> Make:
    """Clients that let something happen right before their first call of ``operation``, and then send it."""
    met: list[str] = []

    def decide(call: Call) -> When | None:
        if call.name == operation and not met:
            met.append(call.name)
            happens()
        return None

    return dying(decide)
