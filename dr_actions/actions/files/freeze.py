"""Freezes the DR region's files, so that all there is to sync stands still, and lifts the freeze afterwards.

Files are still read, and refuse writes. The file system's policy is kept, and a statement that denies ClientWrite
added; its id says when. AWS takes minutes to enforce a changed policy (EFS User Guide, "Creating file system
policies"): failback.files_freeze_minutes are waited. Afterwards the policy is exactly what it was before, as the plan
read it: where there was none the tool's own is removed, and EFS then allows every client that reaches a mount target;
any other change made since is not overwritten, but reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from dr_actions.actions.files import failback
from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.shared import timestamp
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus, Waits
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import efs

PUT, DELETE = "efs:PutFileSystemPolicy", "efs:DeleteFileSystemPolicy"
_MARGIN_S = 600


def freeze_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where both regions have their file system."""
    if found := files_failback.policy_to_freeze(context):
        yield _freeze_step(context, *found)


def _freeze_step(context: PlanContext, system: efs.FileSystem, text: str) -> Step:
    name, region = files_failback.name_of(context), context.env.regions.dr
    frozen = "<the policy as it is, and a statement that denies elasticfilesystem:ClientWrite to everybody>"
    return context.step(
        FREEZE.name,
        name,
        side=Side.DR,
        says=f"Let {system.id} ({name}) in {region} refuse writes (a deny in its file system policy): files are still "
        "read, and nothing that was acknowledged is lost.",
        danger=Danger.REVERSIBLE,
        undo="Take the statement out of the policy again.",
        budget_s=_MARGIN_S + round(context.env.failback.files_freeze_minutes * 60),
        call=Call("efs", "PutFileSystemPolicy", region, {"FileSystemId": system.id, "Policy": frozen}),
        before={"file system": system.id, "arn": system.arn, "policy": text},
        after={"writes": "refused"},
    )


def freeze_call(step: Step, context: PlanContext) -> Call:
    """The policy as it was planned upon, with the statement. Raises ValueError where it would be too long."""
    text = failback.policy_with_freeze(step.before["policy"], step.before["arn"], context.snapshot.taken_at)
    # Before the call: refused by EFS afterwards, the failback would stop in its write pause.
    if len(text) > failback.LONGEST:
        system = step.before["file system"]
        raise ValueError(f"the policy of {system} would be longer than {failback.LONGEST} characters")
    return step.call_with({"Policy": text})


def freeze_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the statement is there and AWS has had its minutes to enforce it."""
    policy = files_failback.policy(context, Side.DR)
    if policy is None or policy.file_system != step.before["file system"]:
        return StepStatus(StepState.DRIFTED, f"{step.before['file system']} is gone from the DR region.")
    # Compared by content: EFS answers a policy in another spelling than it was put.
    if not failback.policies_match(failback.unfrozen(policy), step.before["policy"]):
        return StepStatus(StepState.DRIFTED, f"The policy of {policy.file_system} is not the one planned upon.")
    if policy.freeze_time is None:
        return StepStatus(StepState.READY, f"{policy.file_system} takes writes.")
    since = files_failback.still_since(context)
    if since is None:
        holds = policy.freeze_time + timedelta(minutes=context.env.failback.files_freeze_minutes)
        message = f"is set to refuse writes; AWS has until {timestamp(holds)} to apply it."
        return StepStatus(StepState.IN_PROGRESS, f"{policy.file_system} {message}")
    frozen_at = timestamp(since)
    facts = (("file system", policy.file_system), ("frozen at", frozen_at))
    return StepStatus(StepState.DONE, f"{policy.file_system} refuses writes since {frozen_at}.", facts)


def _policy_call(system: str, text: str, region: str) -> Call:
    """The call that makes the policy ``text`` again, or none at all where there was none."""
    if text:
        return Call("efs", "PutFileSystemPolicy", region, {"FileSystemId": system, "Policy": text})
    # The default policy goes into effect once the own one is deleted (EFS API, DeleteFileSystemPolicy).
    return Call("efs", "DeleteFileSystemPolicy", region, {"FileSystemId": system})


def freeze_rollback(step: Step) -> Call | None:
    """The policy as it was."""
    return _policy_call(step.before["file system"], step.before["policy"], step.planned_call.region)


def freeze_notes(context: PlanContext) -> Iterator[str]:
    """Why nothing of the files is planned, and who is not held by their freeze."""
    name = files_failback.name_of(context)
    if files_failback.file_systems(context) is None:
        yield (
            f"No file is copied back: {context.env.regions.primary} and {context.env.regions.dr} do not each have one "
            f"usable file system named {name}. A replica that EFS made itself bears no name: give it the Name tag."
        )
        return
    yield (
        f"Objects (S3) and tables (DynamoDB) of {context.env.regions.dr} are not frozen: their writers stop with the "
        "database and the files. What they write after the first copy is copied back once more at the end."
    )


def unfreeze_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where the freeze has one."""
    if found := files_failback.policy_to_freeze(context):
        yield _unfreeze_step(context, *found)


def _unfreeze_step(context: PlanContext, system: efs.FileSystem, text: str) -> Step:
    name, region = files_failback.name_of(context), context.env.regions.dr
    return context.step(
        UNFREEZE.name,
        name,
        side=Side.DR,
        says=f"Give {system.id} ({name}) in {region} the file system policy back that it had before the freeze"
        + ("." if text else ": none."),
        danger=Danger.REVERSIBLE,
        undo="Left as it is: the files are in the primary region.",
        budget_s=300,
        call=_policy_call(system.id, text, region),
        before={"file system": system.id},
        after={"policy": text},
    )


def unfreeze_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once nothing freezes the file system and its policy is the planned one."""
    policy = files_failback.policy(context, Side.DR)
    if policy is None or policy.file_system != step.before["file system"]:
        return StepStatus(StepState.DRIFTED, f"{step.before['file system']} is gone from the DR region.")
    if not failback.policies_match(failback.unfrozen(policy), step.after["policy"]):
        return StepStatus(StepState.DRIFTED, f"The policy of {policy.file_system} is not the one planned upon.")
    if policy.freeze_time is not None:
        since = timestamp(policy.freeze_time)
        return StepStatus(StepState.READY, f"{policy.file_system} is frozen since {since}.")
    return StepStatus(StepState.DONE, f"The policy of {policy.file_system} is as it was before the failback.")


FREEZE = Action(
    "files/freeze",
    "Freezes the DR region's files: they are still read, and refuse writes, so that all there is to sync stands still.",
    {PUT, DELETE},
    (efs.file_systems, efs.policies),
    freeze_steps,
    freeze_status,
    build_call=freeze_call,
    rollback=freeze_rollback,
    omissions=freeze_notes,
    waits=Waits(minutes=lambda env: env.failback.files_freeze_minutes, with_call=True),
)
UNFREEZE = Action(
    "files/unfreeze",
    "Lifts the freeze of the DR region's files after the traffic returned: their policy is exactly what it was before.",
    {PUT, DELETE},
    (efs.file_systems, efs.policies),
    unfreeze_steps,
    unfreeze_status,
    essential=False,
)
