"""Stops a drill's task that has not ended by itself. Source: ECS API, StopTask."""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common.unseen_handling import unseen
from dr_actions.model.action import Confirmation, Sight, Standing, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import drill_resources, rds

STOP = "ecs:StopTask"


def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each of a drill's tasks that runs, or will."""
    for task in sight.snapshot.get(drill_resources.tasks, Side.DR):
        if task.status != drill_resources.STOPPED:
            yield _step(sight, task)


def _step(sight: Sight, probe: drill_resources.Probe) -> Step:
    env, name = sight.env, probe.arn.rpartition("/")[2]
    params = {"cluster": env.named(env.names.cluster), "task": probe.arn, "reason": f"clean-up of {probe.incident}"}
    return sight.step(
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


def confirm(step: Step, sight: Sight) -> Confirmation:
    """Whether the task has ended; ECS forgets one after an hour."""
    probe = sight.snapshot.find(drill_resources.tasks, Side.DR, arn=step.before["task"])
    if probe is None or probe.status == drill_resources.STOPPED:
        return Confirmation(Standing.DONE, f"{step.subject} has ended.")
    if probe.wanted == drill_resources.STOPPED:
        return Confirmation(Standing.WAITING, f"{step.subject} is {probe.status}.")
    return Confirmation(Standing.READY, f"{step.subject} is {probe.status} and can be stopped.")


def notes(sight: Sight) -> Iterator[str]:
    """What could not be seen."""
    return unseen(sight, Side.DR, drill_resources.tasks)


VERB = action(globals(), {STOP}, (rds.instances, drill_resources.tasks), essential=False)
