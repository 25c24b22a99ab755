"""What the compute actions share: each tenant's service on a side, the two calls that size it, and words. Pure."""

from __future__ import annotations

from dr_actions.model.action import PlanContext, present
from dr_actions.model.plan import Call, Json, Step
from dr_estate.aws.pace import launch_s, shortest_s
from dr_estate.config.environment import Environment, Side
from dr_estate.model.states import SERVICE
from dr_estate.readers import ecs

UPDATE = "ecs:UpdateService"


def service_of(step: Step, context: PlanContext) -> ecs.Service:
    """The service that the step is about, as seen now. Raises Drifted, DataUnavailable."""
    found = context.snapshot.find(ecs.services, step.side, name=step.subject)
    found = found if found is not None and SERVICE[found.status].serves else None
    return present(found, f"{step.subject} is not there any more.")


def update(env: Environment, side: Side, service: str, **changes: Json) -> Call:
    """``ecs:UpdateService`` of the service."""
    who = {"cluster": env.named(env.names.cluster), "service": service}
    return Call("ecs", "UpdateService", env.region(side), {**who, **changes})


def scale_out_s(env: Environment, services: int, tasks: int) -> int:
    """Seconds AWS takes to let ``tasks`` more of ``services`` start: a floor that no tool lowers (T35).

    Calls, launches and registrations overlap, so the slowest counts.
    """
    launched_s = launch_s(tasks, env.capacity.launch_burst, env.capacity.launch_per_s)
    return round(max(launched_s, shortest_s({UPDATE: services})))
