"""Stops a drill's task that has not ended by itself. Source: ECS API, StopTask."""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common.unavailable_handling import unavailable_reasons
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import drill_resources, rds

STOP = "ecs:StopTask"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each of a drill's tasks that runs, or will."""
    for task in context.snapshot.get(drill_resources.tasks, Side.DR):
        if task.status != drill_resources.STOPPED:
            yield _step(context, task)


def _step(context: PlanContext, probe: drill_resources.Probe) -> Step:
    env, name = context.env, probe.arn.rpartition("/")[2]
    params = {"cluster": env.named(env.names.cluster), "task": probe.arn, "reason": f"clean-up of {probe.incident}"}
    return context.step(
        __name__,
        name,
        side=Side.DR,
        says=f"Stop the task {name} of {probe.incident} in {env.regions.dr}.",
        danger=Danger.COMPENSABLE,
        undo="None is needed: the task asks a question and keeps nothing.",
        budget_s=300,
        call=Call("ecs", "StopTask", env.regions.dr, params),
        before={"task": probe.arn},
        after={"status": drill_resources.STOPPED},
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """Whether the task has ended; ECS forgets one after an hour."""
    probe = context.snapshot.find(drill_resources.tasks, Side.DR, arn=step.before["task"])
    if probe is None or probe.status == drill_resources.STOPPED:
        return StepStatus(StepState.DONE, f"{step.subject} has ended.")
    if probe.wanted == drill_resources.STOPPED:
        return StepStatus(StepState.IN_PROGRESS, f"{step.subject} is {probe.status}.")
    return StepStatus(StepState.READY, f"{step.subject} is {probe.status} and can be stopped.")


def notes(context: PlanContext) -> Iterator[str]:
    """What could not be seen."""
    return unavailable_reasons(context, Side.DR, drill_resources.tasks)


ACTION = action(globals(), {STOP}, (rds.instances, drill_resources.tasks), essential=False)
