"""Freezes the DR region's files: they are still read, and refuse writes, so that all there is to sync stands still.

The file system's policy is kept, and a statement that denies ClientWrite added; its id says when. AWS takes minutes to
enforce a changed policy (EFS User Guide, "Creating file system policies"): failback.files_freeze_minutes are waited.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.files import write_freeze_policy
from dr_actions.model.action import Confirmation, Sight, Standing, action
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.readers import efs, efs_policy

PUT, DELETE = "efs:PutFileSystemPolicy", "efs:DeleteFileSystemPolicy"
_MARGIN_S = 600


def foresee(sight: Sight) -> Iterator[Step]:
    """The one step, where both regions have their file system."""
    found, policy = files_failback.systems(sight), files_failback.policy(sight, Side.DR)
    if found is not None and policy is not None:
        yield _step(sight, found.away, write_freeze_policy.thawed(policy))


def _step(sight: Sight, system: efs.FileSystem, text: str) -> Step:
    name, region = files_failback.name_of(sight), sight.env.regions.dr
    frozen = "<the policy as it is, and a statement that denies elasticfilesystem:ClientWrite to everybody>"
    return sight.step(
        __name__,
        name,
        side=Side.DR,
        says=f"Let {system.id} ({name}) in {region} refuse writes (a deny in its file system policy): files are still "
        "read, and nothing that was acknowledged is lost.",
        danger=Danger.REVERSIBLE,
        undo="Take the statement out of the policy again.",
        budget_s=_MARGIN_S + round(sight.env.failback.files_freeze_minutes * 60),
        call=Call("efs", "PutFileSystemPolicy", region, {"FileSystemId": system.id, "Policy": frozen}),
        before={"file system": system.id, "arn": system.arn, "policy": text},
        after={"writes": "refused"},
    )


def fill(step: Step, sight: Sight) -> Call:
    """The policy as it was planned upon, with the statement. Raises ValueError where it would be too long."""
    text = write_freeze_policy.frozen(step.before["policy"], step.before["arn"], sight.snapshot.taken_at)
    if len(text) > write_freeze_policy.LONGEST:
        raise ValueError(
            f"the policy of {step.before['file system']} would be longer than {write_freeze_policy.LONGEST} characters"
        )
    return step.call_with({"Policy": text})


def confirm(step: Step, sight: Sight) -> Confirmation:
    """DONE once the statement is there and AWS has had its minutes to enforce it."""
    policy = files_failback.policy(sight, Side.DR)
    if policy is None or policy.file_system != step.before["file system"]:
        return Confirmation(Standing.CHANGED, f"{step.before['file system']} is gone from the DR region.")
    if not write_freeze_policy.same(write_freeze_policy.thawed(policy), step.before["policy"]):
        return Confirmation(Standing.CHANGED, f"The policy of {policy.file_system} is not the one planned upon.")
    if policy.frozen_at is None:
        return Confirmation(Standing.READY, f"{policy.file_system} takes writes.")
    since = files_failback.still_since(sight)
    if since is None:
        until = files_failback.told(_holds(policy.frozen_at, sight))
        return Confirmation(
            Standing.WAITING, f"{policy.file_system} is set to refuse writes; AWS has until {until} to apply it."
        )
    facts = (("file system", policy.file_system), ("frozen at", files_failback.told(since)))
    return Confirmation(
        Standing.DONE, f"{policy.file_system} refuses writes since {files_failback.told(since)}.", facts
    )


def _holds(frozen_at: datetime, sight: Sight) -> datetime:
    return frozen_at + timedelta(minutes=sight.env.failback.files_freeze_minutes)


def restoring(system: str, text: str, region: str) -> Call:
    """The call that makes the policy ``text`` again, or none at all where there was none."""
    if text:
        return Call("efs", "PutFileSystemPolicy", region, {"FileSystemId": system, "Policy": text})
    return Call("efs", "DeleteFileSystemPolicy", region, {"FileSystemId": system})


def undo(step: Step) -> Call | None:
    """The policy as it was."""
    return restoring(step.before["file system"], step.before["policy"], step.planned_call.region)


def notes(sight: Sight) -> Iterator[str]:
    """Why nothing of the files is planned, and who is not held by their freeze."""
    name = files_failback.name_of(sight)
    if files_failback.systems(sight) is None:
        yield (
            f"No file is copied back: {sight.env.regions.primary} and {sight.env.regions.dr} do not each have one "
            f"usable file system named {name}. A replica that EFS made itself bears no name: give it the Name tag."
        )
        return
    yield (
        f"Objects (S3) and tables (DynamoDB) of {sight.env.regions.dr} are not frozen: their writers stop with the "
        "database and the files. What they write after the first copy is copied home once more at the end."
    )


VERB = action(globals(), {PUT, DELETE}, (efs.file_systems, efs_policy.policies))
