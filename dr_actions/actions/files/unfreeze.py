"""Lifts the freeze of the DR region's files after the traffic returned: their policy is exactly what it was before.

Where there was no policy the tool's own policy is removed: EFS then allows every client that reaches a mount target, as
before. The policy to restore is that of the plan; any other change made since is not overwritten, but reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.files import write_freeze_policy
from dr_actions.actions.files.freeze import DELETE, PUT, restoring
from dr_actions.model.action import PlanContext, StepState, StepStatus, action
from dr_actions.model.plan import Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import efs, efs_policy


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where the freeze has one."""
    if found := files_failback.policy_to_freeze(context):
        yield _step(context, *found)


def _step(context: PlanContext, system: efs.FileSystem, text: str) -> Step:
    name, region = files_failback.name_of(context), context.env.regions.dr
    return context.step(
        __name__,
        name,
        side=Side.DR,
        says=f"Give {system.id} ({name}) in {region} the file system policy back that it had before the freeze"
        + ("." if text else ": none."),
        danger=Danger.REVERSIBLE,
        undo="Left as it is: the files are home.",
        budget_s=300,
        call=restoring(system.id, text, region),
        before={"file system": system.id},
        after={"policy": text},
    )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once nothing freezes the file system and its policy is the planned one."""
    policy = files_failback.policy(context, Side.DR)
    if policy is None or policy.file_system != step.before["file system"]:
        return StepStatus(StepState.DRIFTED, f"{step.before['file system']} is gone from the DR region.")
    if not write_freeze_policy.same(write_freeze_policy.unfrozen(policy), step.after["policy"]):
        return StepStatus(StepState.DRIFTED, f"The policy of {policy.file_system} is not the one planned upon.")
    if policy.frozen_at is not None:
        return StepStatus(
            StepState.READY, f"{policy.file_system} is frozen since {files_failback.timestamp(policy.frozen_at)}."
        )
    return StepStatus(StepState.DONE, f"The policy of {policy.file_system} is as it was before the failback.")


ACTION = action(globals(), {PUT, DELETE}, (efs.file_systems, efs_policy.policies), essential=False)
