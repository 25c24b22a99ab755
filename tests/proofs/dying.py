"""Hands that kill their own process at a given call, so that a run can die anywhere."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Any

from dr_actions.control import CONTROL_CALLS
from dr_actions.hands import Hands
from dr_actions.plan import Call
from dr_actions.verbs import writes

DIED = "died "

Make = Callable[..., Hands]


def is_mutation(call: Call) -> bool:
    """Whether a call changes the estate; what is written to the control table is not of it."""
    return call.name in writes() and call.name not in CONTROL_CALLS


class When(StrEnum):
    """On which side of a call a process dies."""

    BEFORE = "before"
    AFTER = "after"


Decide = Callable[[Call], "When | None"]


class Dying(Hands):
    """Hands that kill their own process where ``decide`` says so: no handler, no flush, no goodbye."""

    def __init__(self, *made_of: Any, decide: Decide) -> None:
        super().__init__(*made_of)
        self._decide, self._deciding = decide, threading.Lock()

    def send(self, call: Call) -> dict[str, Any]:
        """Send the call, or die before it, or after it."""
        with self._deciding:
            when = self._decide(call)
            if when is When.BEFORE:
                _die(when, call)
        answer = super().send(call)
        if when is When.AFTER:
            _die(when, call)
        return answer


def _die(when: When, call: Call) -> None:
    sys.stdout.write(f"\n{DIED}{when} {name_of(call)}\n")
    os.kill(os.getpid(), signal.SIGKILL)


def name_of(call: Call) -> str:
    """The call's name and what it is about: short, and the same in each run."""
    about = hashlib.sha256(json.dumps(call.params, sort_keys=True).encode()).hexdigest()[:8]
    return f"{call.region} {call.name} {about}"


def dying(decide: Decide) -> Make:
    """How to make hands that die there."""
    return partial(Dying, decide=decide)


def at(nth: int, when: When, counts: Callable[[Call], bool] = lambda _: True) -> Make:
    """Hands that die at the ``nth`` of the calls they ``count``."""
    met = 0

    def decide(call: Call) -> When | None:
        nonlocal met
        met += counts(call)
        return when if counts(call) and met == nth else None

    return dying(decide)
