"""How far a service is on its way to its size: tasks, rollout, and what the load balancer sees of them. Pure."""

from __future__ import annotations

from datetime import timedelta

from dr_actions.verbs import Confirmation, Sight, Standing
from dr_estate.environments import Side
from dr_estate.facts import ecs, elbv2

# A Fargate task pulls its image, boots, and passes its first health checks, whose counts are published a minute later.
START_S = 420
# A count that is older says nothing of today's targets: ELB publishes each minute, and none while there is no target.
_FRESH = timedelta(minutes=5)


def progress(sight: Sight, service: ecs.Service, needed: int, said: str, side: Side) -> Confirmation:
    """How far a service is that wants what it must: DONE when as many targets are healthy (T07). Raises CannotSee."""
    facts = facts_of(service)
    if service.rollout == "FAILED":
        return Confirmation(Standing.FAILED, f"{said}: ECS gave its deployment up; read its events.", facts)
    if service.running < needed or service.rollout not in ("COMPLETED", ""):
        return Confirmation(Standing.WAITING, f"{said}, its rollout is {service.rollout or 'not told'}.", facts)
    if not service.target_groups:
        return Confirmation(Standing.DONE, f"{said}; it is attached to no target group.", facts)
    healthy = healthy_targets(sight, service, side) or 0
    facts = (*facts, ("healthy", str(healthy)))
    if healthy < needed:
        return Confirmation(Standing.WAITING, f"{said}; the load balancer sees {healthy} healthy.", facts)
    return Confirmation(Standing.DONE, f"{said}; the load balancer sees {healthy} healthy.", facts)


def facts_of(service: ecs.Service) -> tuple[tuple[str, str], ...]:
    """The service's counts, rollout and revision, as they are kept in the journal."""
    counts = tuple((name, str(getattr(service, name))) for name in ("desired", "running", "pending"))
    return (*counts, ("rollout", service.rollout), ("task definition", service.task_definition))


def healthy_targets(sight: Sight, service: ecs.Service, side: Side) -> int | None:
    """Healthy targets in the group that has the fewest, by readings of the last minutes; None where one has none.

    Raises CannotSee.
    """
    since = sight.snapshot.taken_at - _FRESH
    seen = {
        reading.dimension("TargetGroup"): int(reading.value)
        for reading in sight.snapshot.get(elbv2.healthy_hosts, side)
        if reading.value is not None and reading.at is not None and reading.at >= since
    }
    counts = [seen.get(arn.rpartition(":")[2]) for arn in service.target_groups]
    known = [count for count in counts if count is not None]
    return min(known) if known and len(known) == len(counts) else None
