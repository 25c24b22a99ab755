"""Before a failback: tasks of a primary that came back unfenced stop, so that one region alone writes (T31, T41)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_actions.actions.common import unseen_handling
from dr_actions.actions.compute import fence_services
from dr_actions.model.action import Sight
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side


def _running(sight: Sight) -> list[unseen_handling.Held]:
    there = unseen_handling.held(sight, Side.PRIMARY) if sight.primary_answers else ()
    return [
        tenant_service for tenant_service in there if tenant_service.service.desired or tenant_service.service.running
    ]


def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each tenant's service that runs in the primary while the DR region serves."""
    for tenant_service in _running(sight):
        yield fence_services.step_of(sight, tenant_service, __name__)


def leaves(sight: Sight) -> Iterator[str]:
    """That the primary may have written while nobody looked: what it wrote is kept aside, and not merged."""
    if _running(sight):
        yield (
            f"The primary region came back unfenced: its tasks run. What they wrote since (wp-cron, webhooks) stays in "
            f"the old database of {sight.env.regions.primary}, which is kept aside, and is not merged (T31)."
        )


VERB = replace(fence_services.VERB, module=__name__, foresee=foresee, leaves=leaves)
