"""What a command that runs a plan works with."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from dr_estate.config.environment import Environment
from utils.aws_mgmt.app import evaluation
from utils.aws_mgmt.app.authorization import Start
from utils.aws_mgmt.app.connections import Reach
from utils.aws_mgmt.app.request import Request


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
    files: evaluation.Run
    stop_condition: Callable[[], str] = str
    inventory: str = ""
    stop: threading.Event = field(default_factory=threading.Event)
