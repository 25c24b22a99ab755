"""The stages in which an environment fails back."""

from __future__ import annotations

from dr_estate.config.environment import Environment
from utils.aws_mgmt.app.request import Request


def staged_or_not(request: Request, environment: Environment) -> Environment:
    """The environment, its stages cut to the last one where stages are neither asked for nor demanded."""
    if environment.failback.staged or "staged" in request.flags:
        return environment
    failback = environment.failback.model_copy(update={"stages": (100,)})
    return environment.model_copy(update={"failback": failback})
