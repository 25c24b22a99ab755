"""failover and the commands around it, each in a module of its own."""

from __future__ import annotations

from dr_estate.environments import Environment
from utils.aws_mgmt.exits import Exit
from utils.aws_mgmt.request import Request


def run_failover(request: Request, environment: Environment) -> Exit:
    """Run failover (assess, execute, validate), approve, pause, unpause, log or iam. Returns the exit code."""
    from utils.aws_mgmt.assessing_command import assess_command

    return assess_command(request, environment)
