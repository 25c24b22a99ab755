"""Shrinks the DR region's services to the standby that they were before the failover. Nothing is deleted.

Their repointed task definitions stay in use: they name the DR region's own database, files and secrets, which is what
the next failover needs.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common import unseen_handling
from dr_actions.actions.compute import services as of
from dr_actions.actions.compute.rollout import facts_of
from dr_actions.model.action import Confirmation, Sight, Standing, action
from dr_actions.model.plan import Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import ecs


def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each tenant's DR service that runs more than it did before the failover."""
    for tenant_service in unseen_handling.held(sight, Side.DR):
        standby = _standby(sight, tenant_service)
        if tenant_service.service.desired > standby:
            yield _step(sight, tenant_service, standby)


def _standby(sight: Sight, tenant_service: unseen_handling.Held) -> int:
    """The count before the failover; where none was recorded, standby.tasks_per_service."""
    recorded = sight.before("compute/scale_dr_services", tenant_service.service.name)
    return int(recorded.get("desiredCount", sight.env.standby.tasks_per_service))


def _step(sight: Sight, tenant_service: unseen_handling.Held, standby: int) -> Step:
    name, service, region = tenant_service.service.name, tenant_service.service, sight.env.regions.dr
    return sight.step(
        __name__,
        name,
        side=Side.DR,
        says=f"{name} runs {standby} tasks in {region} again, as before the failover ({service.desired} wanted now).",
        danger=Danger.REVERSIBLE,
        undo=f"Set its desired count to {service.desired} again.",
        # The target group's deregistration delay (300 s by default), and Fargate's longest stopTimeout (120 s).
        budget_s=480,
        call=of.update(sight.env, Side.DR, name, desiredCount=standby),
        tenant=tenant_service.tenant.id,
        before={"desiredCount": service.desired},
        after={"desiredCount": standby},
    )


def confirm(step: Step, sight: Sight) -> Confirmation:
    """DONE once no more tasks run than are wanted. Any higher count is READY: it scaled by its load until now."""
    service = of.service_of(step, sight)
    wanted = step.after["desiredCount"]
    message = f"{step.subject} wants {service.desired}, runs {service.running}, starts {service.pending}"
    if service.desired > wanted:
        return Confirmation(Standing.READY, f"{message}.", facts_of(service))
    if service.desired < wanted:
        return Confirmation(Standing.CHANGED, f"{message}: somebody shrank it further since.", facts_of(service))
    if service.running + service.pending > wanted:
        return Confirmation(Standing.WAITING, f"{message}: its tasks drain and stop.", facts_of(service))
    return Confirmation(Standing.DONE, f"{message}.", facts_of(service))


def notes(sight: Sight) -> Iterator[str]:
    """Why the DR region's services could not be seen."""
    for why in unseen_handling.unseen(sight, Side.DR, ecs.services):
        yield f"Services of the DR region are not made smaller: {why}"


VERB = action(globals(), {of.UPDATE}, (ecs.services,), undo=unseen_handling.as_before, essential=False)
