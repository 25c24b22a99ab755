"""Stops the old primary's tasks, so that only one region serves and writes (T41). Nothing is deleted.

What it proves: no task of the tenants runs, starts or is still stopping in the primary cluster, whoever started it, and
auto scaling cannot start one (fence_scaling). What it does not prove: that the primary DATABASE refuses writes. It
still accepts connections; jobs, people and hosts outside ECS can write to it. Closing its security groups would be a
network change that a recovery must not make. So a switchover proves zero loss by the replica's own position after
this step, never by this step alone.

Taken back in reverse order, the services first and auto scaling after them: while scaling is suspended nothing pushes
a service back to 0, and it starts at the very count it had; with the bounds first, scaling would start tasks of its own
between the two. It may be taken back only while the DR database has not been promoted: after that, two regions would
write to two databases.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common import unseen_handling
from dr_actions.actions.common.unseen_handling import few
from dr_actions.actions.compute import services as of
from dr_actions.model.action import Confirmation, Sight, Standing, action, if_seen
from dr_actions.model.plan import Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.unseen import CannotSee
from dr_estate.readers import ecs, ecs_stopping_tasks


def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each tenant's service in the primary region, as far as that answers; see ``unfenced`` for the rest."""
    if sight.primary_answers:
        for tenant_service in unseen_handling.held(sight, Side.PRIMARY):
            yield step_of(sight, tenant_service)


def step_of(sight: Sight, tenant_service: unseen_handling.Held, action: str = __name__) -> Step:
    """The step that fences one tenant's service."""
    name, region, desired = tenant_service.service.name, sight.env.regions.primary, tenant_service.service.desired
    return sight.step(
        action,
        name,
        side=Side.PRIMARY,
        says=f"{name} stops in {region}, its requests drained: the old primary no longer serves or writes.",
        danger=Danger.REVERSIBLE,
        undo=f"Set its desired count to {desired} again, only while the DR database has not been promoted.",
        # The target group's deregistration delay (300 s by default), and Fargate's longest stopTimeout (120 s).
        budget_s=480,
        call=of.update(sight.env, Side.PRIMARY, name, desiredCount=0),
        tenant=tenant_service.tenant.id,
        before={"desiredCount": desired},
        after={"desiredCount": 0},
    )


def confirm(step: Step, sight: Sight) -> Confirmation:
    """DONE once no task of the tenant runs, starts or is stopping. Any desired count above 0 is READY.

    A primary that serves scales by its load, and the call says 0 whatever the count: a count other than the planned
    one is no reason to stop. ``undo`` restores the planned one, and scaling finds today's again.
    """
    service = of.service_of(step, sight)
    tasks = _tasks(step, sight)
    message = f"{step.subject} wants {service.desired}, runs {service.running}, starts {service.pending}"
    facts = tuple((key, str(getattr(service, key))) for key in ("desired", "running", "pending"))
    if service.desired:
        return Confirmation(Standing.READY, f"{message}.", facts)
    if service.running or service.pending:
        return Confirmation(Standing.WAITING, f"{message}: its tasks drain and stop.", facts)
    if tasks:
        return Confirmation(Standing.WAITING, f"{message}, but tasks of the tenant are alive: {few(tasks)}.", facts)
    return Confirmation(Standing.DONE, f"{message}: nothing of it serves or writes.", facts)


def _tasks(step: Step, sight: Sight) -> list[str]:
    """The tenant's tasks alive in the cluster: of its service, or of its family whoever started them."""
    family = sight.env.named(sight.env.names.task_family, tenant=step.tenant or "")
    alive = (*sight.snapshot.get(ecs.tasks, Side.PRIMARY), *sight.snapshot.get(ecs_stopping_tasks.tasks, Side.PRIMARY))
    return sorted(
        f"{task.arn.rpartition('/')[2]} ({task.status})"
        for task in alive
        if task.group == f"service:{step.subject}"
        or task.task_definition.rpartition("/")[2].rpartition(":")[0] == family
    )


def unfenced(sight: Sight) -> str | None:
    """Why the old primary would be left unfenced, and what must be done when it comes back; None where it is fenced."""
    region = sight.env.regions.primary
    why = f"the API of {region} does not answer" if not sight.primary_answers else ""
    if not why:
        try:
            unseen_handling.held(sight, Side.PRIMARY)
        except CannotSee as dark:
            why = dark.unseen.why.rstrip(".")
    if not why:
        return None
    return (
        f"The old primary is UNFENCED: {why}, so nothing there can be stopped. When it comes back its tasks run, "
        "wp-cron and webhooks run twice, and what they write is lost or in conflict (T31, T41). Keep the traffic "
        f"pinned to {sight.env.regions.dr}; as soon as {region} answers, and before anything else, set every service's "
        "desired count and auto scaling's bounds there to 0. Somebody must accept this by name."
    )


def leaves(sight: Sight) -> Iterator[str]:
    """That the old primary is unfenced, and tasks outside the tenants' services that fencing does not stop."""
    if why := unfenced(sight):
        yield why
    elif sight.primary_answers:
        yield from _strangers(sight)


@if_seen
def _strangers(sight: Sight) -> Iterator[str]:
    """Tasks that no tenant's service keeps: a job of a tenant's family, or a service of another name."""
    services = {
        f"service:{unseen_handling.service_name(sight.env, tenant)}" for tenant in unseen_handling.tenants_of(sight)
    }
    others = {task.group for task in sight.snapshot.get(ecs.tasks, Side.PRIMARY)} - services
    if others and not sight.only_tenants:
        yield (
            f"Tasks of {few(sorted(others))} run in {sight.env.regions.primary} outside the tenants' services, and "
            "are not fenced: stop them by hand if they write."
        )


VERB = action(
    globals(), {of.UPDATE}, (ecs.services, ecs.tasks, ecs_stopping_tasks.tasks), undo=unseen_handling.as_before
)
