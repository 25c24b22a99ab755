"""What a command that runs a plan works with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from dr_estate.environments import Environment
from utils.aws_mgmt import judging
from utils.aws_mgmt.authorising import Start
from utils.aws_mgmt.reaching import Reach
from utils.aws_mgmt.request import Request


@dataclass(frozen=True)
class Desk:
    """What the command works with: where files go, what is open, and what it was cleared for.

    ``stop_condition`` is asked before every change: why the run is to stop, "" while it is not. ``inventory`` is what
    the estate held before a drill, packed, "" where no drill is held. ``stop`` is set when a person stops the run.
    """

    request: Request
    env: Environment
    reach: Reach
    start: Start
    files: judging.Run
    stop_condition: Callable[[], str] = str
    inventory: str = ""
    stop: threading.Event = field(default_factory=threading.Event)
