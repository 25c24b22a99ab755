"""failback: assess the way home (the default), or go it, in stages."""

from __future__ import annotations

from dataclasses import replace

from dr_estate.environments import Environment
from utils.aws_mgmt import next_steps
from utils.aws_mgmt.commands import Refused
from utils.aws_mgmt.exits import Exit
from utils.aws_mgmt.request import Request


def run_failback(request: Request, environment: Environment) -> Exit:
    """Run failback. Raises Refused where the environment demands stages and --execute came without."""
    if "execute" in request.flags:
        if environment.failback.staged and "staged" not in request.flags:
            incident = str(request.arguments.get("incident", ""))
            staged = next_steps.same_run(replace(request, flags=request.flags | {"staged"}), incident)
            raise Refused(
                f"failback.staged: {environment.name} fails back in stages only "
                f"({', '.join(f'{stage} %' for stage in environment.failback.stages)}): {staged}."
            )
        from utils.aws_mgmt.executing_command import execute_command

        return execute_command(request, staged_or_not(request, environment))
    from utils.aws_mgmt.assessing_command import assess_command

    return assess_command(request, staged_or_not(request, environment))


def staged_or_not(request: Request, environment: Environment) -> Environment:
    """The environment, its stages cut to the last one where stages are neither asked for nor demanded."""
    if environment.failback.staged or "staged" in request.flags:
        return environment
    failback = environment.failback.model_copy(update={"stages": (100,)})
    return environment.model_copy(update={"failback": failback})
