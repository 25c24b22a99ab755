"""Before a failback: tasks of a primary that came back unfenced stop, so that one region alone writes (T31, T41)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_actions.actions.common import unavailable_handling
from dr_actions.actions.compute import fence_services
from dr_actions.model.action import PlanContext, no_notes
from dr_actions.model.action_ids import name_of
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side


def _running(context: PlanContext) -> list[unavailable_handling.TenantService]:
    there = unavailable_handling.tenant_services(context, Side.PRIMARY) if context.primary_answers else ()
    return [
        tenant_service for tenant_service in there if tenant_service.service.desired or tenant_service.service.running
    ]


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each tenant's service that runs in the primary while the DR region serves."""
    for tenant_service in _running(context):
        yield fence_services.step_of(context, tenant_service, __name__)


def cleanup_notes(context: PlanContext) -> Iterator[str]:
    """That the primary may have written while nobody looked: what it wrote is kept aside, and not merged."""
    if _running(context):
        yield (
            f"The primary region came back unfenced: its tasks run. What they wrote since (wp-cron, webhooks) stays in "
            f"the old database of {context.env.regions.primary}, which is kept aside, and is not merged (T31)."
        )


ACTION = replace(fence_services.ACTION, name=name_of(__name__), does="", steps=plan_steps, leftovers=cleanup_notes, omissions=no_notes)
