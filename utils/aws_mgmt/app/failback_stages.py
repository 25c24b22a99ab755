"""The stages in which an environment fails back."""

from __future__ import annotations

from dataclasses import replace

from dr_estate.config.environment import Environment
from utils.aws_mgmt.app import next_steps
from utils.aws_mgmt.app.errors import Refused
from utils.aws_mgmt.app.options import PlanOptions, RecoveryOptions


def staged_or_not(options: PlanOptions, environment: Environment) -> Environment:
    """The environment, its stages cut to the last one where stages are neither asked for nor demanded.

    Raises Refused where the environment demands stages and --execute came without.
    """
    if options.staged or options.abort:
        return environment
    if not environment.failback.staged:
        failback = environment.failback.model_copy(update={"stages": (100,)})
        return environment.model_copy(update={"failback": failback})
    if isinstance(options, RecoveryOptions) and options.execute:
        staged = next_steps.same_run(replace(options, staged=True), options.incident)
        raise Refused(
            f"failback.staged: {environment.name} fails back in stages only "
            f"({', '.join(f'{stage} %' for stage in environment.failback.stages)}): {staged}."
        )
    return environment
