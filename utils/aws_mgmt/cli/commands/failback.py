"""failback: assess the way home (the default), or go it, in stages."""

from __future__ import annotations

from dataclasses import replace

from dr_estate.config.environment import Environment
from utils.aws_mgmt.app import next_steps
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.failback_stages import staged_or_not
from utils.aws_mgmt.app.request import Request


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
        from utils.aws_mgmt.cli.commands.execute import execute_command

        return execute_command(request, staged_or_not(request, environment))
    from utils.aws_mgmt.cli.commands.assess import assess_command

    return assess_command(request, staged_or_not(request, environment))
