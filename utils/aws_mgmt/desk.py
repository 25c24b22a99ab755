"""What a command that runs a plan works with."""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.environments import Environment
from utils.aws_mgmt import judging
from utils.aws_mgmt.authorising import Start
from utils.aws_mgmt.reaching import Reach
from utils.aws_mgmt.request import Request


@dataclass(frozen=True)
class Desk:
    """What the command works with: where files go, what is open, and what it was cleared for."""

    request: Request
    env: Environment
    reach: Reach
    start: Start
    files: judging.Run
