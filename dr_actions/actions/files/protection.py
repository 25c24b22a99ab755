"""The overwrite protection of both file systems: taken off before a replication onto one, on again afterwards.

Taking it off is irreversible in what it leads to: the replication that comes next discards all that its destination
alone holds (T28). So the direction is computed from what is seen right before the call, and a wrong one stops the run.
AWS puts the protection on by itself: "If you delete the replication configuration, the file system's replication
overwrite protection is re-enabled and the file system becomes writeable". Source: EFS User Guide, File system
protection, and Configuring replication to an existing file system.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_actions.actions.file_copies import restored_copy
from dr_actions.actions.files import failback as files_failback
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus, Waits
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side


def _allow_primary_steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    name, region = files_failback.name_of(context), context.env.regions.primary
    # DISABLED makes it read-only, too (EFS API, UpdateFileSystemProtection): no task may need to write it.
    params = {"FileSystemId": found.primary.id, "ReplicationOverwriteProtection": files_failback.OFF}
    yield context.step(
        ALLOW_OVERWRITE_PRIMARY.name,
        name,
        side=Side.PRIMARY,
        says=f"Take the overwrite protection off {found.primary.id} ({name}) in {region}: the files of {found.dr.id} "
        f"in "
        f"{context.env.regions.dr} are then written over it, and what it alone holds is in its backup only.",
        danger=Danger.IRREVERSIBLE,
        undo="Until the replication begins, protection can be switched on again; after that only its backup has the "
        "files that the primary alone held.",
        budget_s=300,
        call=Call("efs", "UpdateFileSystemProtection", region, params),
        before=found.ids,
        after={"overwrite protection": files_failback.OFF},
    )


def _allow_primary_status(context: PlanContext, found: files_failback.FileSystems) -> StepStatus:
    """READY only where the evidence says that the DR region's files are the newer ones."""
    facts = files_failback.sizes(found)
    fed = files_failback.into(context, Side.PRIMARY, found.primary.id)
    # Before the size and the protection are looked at: somebody else's replication is no step of this run.
    if fed is not None and fed.source_id != found.dr.id:
        return StepStatus(StepState.DRIFTED, f"{fed.source_id} replicates into {found.primary.id}.", facts)
    if fed is not None or found.primary.overwrite_protection == files_failback.OFF:
        return StepStatus(StepState.DONE, f"{found.primary.id} can be written over by a replication.", facts)
    # Only now: once the replication runs the other way, its own evidence says that the primary is the older one.
    wrong = files_failback.reason_against_failback(context, found)
    if wrong:
        return StepStatus(StepState.DRIFTED, f"Not this way (T28): {wrong}.", facts)
    # REPLICATING ends once the old replication is deleted (EFS API, UpdateFileSystemProtection).
    if found.primary.overwrite_protection == files_failback.DESTINATION:
        return StepStatus(StepState.IN_PROGRESS, f"{found.primary.id} is let go of by an old replication.", facts)
    return StepStatus(StepState.READY, f"{found.primary.id} is protected against being written over.", facts)


def replicates(context: PlanContext) -> bool:
    """Whether the estate's files are to replicate: by its rules, and by what the failover found and recorded."""
    restored = context.before(restored_copy.RESTORE, files_failback.name_of(context))
    # Files that were restored from a backup had no replication before: none is made for them.
    return context.env.replicates and "replication" in context.env.replication.files and not restored


def _allow_dr_steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    """The one step, where files replicated before and both regions have their file system."""
    if not replicates(context):
        return
    name, region = files_failback.name_of(context), context.env.regions.dr
    params = {"FileSystemId": found.dr.id, "ReplicationOverwriteProtection": files_failback.OFF}
    yield context.step(
        ALLOW_OVERWRITE_DR.name,
        name,
        side=Side.DR,
        says=f"Take the overwrite protection off {found.dr.id} ({name}) in {region}: all it holds is copied back, and "
        f"{found.primary.id} is to replicate onto it again.",
        danger=Danger.COMPENSABLE,
        undo="Switch the protection on again.",
        budget_s=300,
        call=Call("efs", "UpdateFileSystemProtection", region, params),
        before=found.ids,
        after={"overwrite protection": files_failback.OFF},
    )


def _allow_dr_status(context: PlanContext, found: files_failback.FileSystems) -> StepStatus:
    """READY only where the evidence says that the primary's files are the newer ones."""
    fed = files_failback.into(context, Side.DR, found.dr.id)
    if fed is not None and fed.source_id != found.primary.id:
        return StepStatus(StepState.DRIFTED, f"{fed.source_id} replicates into {found.dr.id}.")
    if fed is not None or found.dr.overwrite_protection == files_failback.OFF:
        return StepStatus(StepState.DONE, f"{found.dr.id} can be written over by a replication.")
    wrong = files_failback.reason_against_reversal(context, found)
    if wrong:
        return StepStatus(StepState.DRIFTED, f"Not this way (T28): {wrong}.", files_failback.sizes(found))
    return StepStatus(StepState.READY, f"{found.dr.id} is protected against being written over.")


def allow_dr_rollback(step: Step) -> Call | None:
    """The protection on again."""
    params = {**step.planned_call.params, "ReplicationOverwriteProtection": files_failback.ON}
    return Call("efs", "UpdateFileSystemProtection", step.planned_call.region, params)


def allow_dr_notes(context: PlanContext) -> Iterator[str]:
    """Why files do not replicate again."""
    if not replicates(context):
        yield (
            "No replication of the files is made at the end: none was there before the failover, or the environment "
            "file does not want one (replication.files). The backup plan copies them."
        )


def _protect_steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    """The one step, where both regions have their file system."""
    yield _protect_step(context, found, PROTECT_PRIMARY, "should AWS not have done so")


def _protect_again_steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    """The one step, where the failback took the protection off and no replication began."""
    if found.primary.overwrite_protection == files_failback.OFF:
        yield _protect_step(context, found, PROTECT_PRIMARY_AGAIN, "as before the failback: until then it is read-only")


def _protect_step(context: PlanContext, found: files_failback.FileSystems, action: Action, why: str) -> Step:
    name, region = files_failback.name_of(context), context.env.regions.primary
    params = {"FileSystemId": found.primary.id, "ReplicationOverwriteProtection": files_failback.ON}
    return context.step(
        action.name,
        name,
        side=Side.PRIMARY,
        says=f"Protect {found.primary.id} ({name}) in {region} against being overwritten, {why}.",
        danger=Danger.REVERSIBLE,
        undo="Left on: protection harms nobody.",
        budget_s=300,
        call=Call("efs", "UpdateFileSystemProtection", region, params),
        before=found.ids,
        after={"overwrite protection": files_failback.ON},
    )


def _protect_status(context: PlanContext, found: files_failback.FileSystems) -> StepStatus:
    """Return DONE once the file system is protected, regardless of who protected it."""
    fed = files_failback.into(context, Side.PRIMARY, found.primary.id)
    if fed is not None:
        return StepStatus(StepState.DRIFTED, f"{fed.source_id} replicates onto {found.primary.id}.")
    state = found.primary.overwrite_protection
    message = f"The overwrite protection of {found.primary.id} is {state}."
    if state == files_failback.ON:
        return StepStatus(StepState.DONE, message, (("overwrite protection", state),))
    # REPLICATING is neither on nor off: AWS puts it on once the deletion is through.
    return StepStatus(StepState.READY if state == files_failback.OFF else StepState.IN_PROGRESS, message)


ALLOW_OVERWRITE_PRIMARY = Action(
    "files/allow_overwrite_primary",
    "Takes the overwrite protection off the primary's file system, so that the DR region's files can be "
    "written over it.",
    {files_failback.PROTECT},
    files_failback.EVIDENCE,
    files_failback.pair_steps(_allow_primary_steps),
    files_failback.pair_status(_allow_primary_status),
)
ALLOW_OVERWRITE_DR = Action(
    "files/allow_overwrite_dr",
    "Removes the overwrite protection of the DR region's file system, so that the primary's replicates onto it again.",
    {files_failback.PROTECT},
    files_failback.EVIDENCE,
    files_failback.pair_steps(_allow_dr_steps),
    files_failback.pair_status(_allow_dr_status),
    essential=False,
    rollback=allow_dr_rollback,
    omissions=allow_dr_notes,
)
PROTECT_PRIMARY = Action(
    "files/protect_primary",
    "Sees to it that the primary's files cannot be overwritten any more: AWS does it by itself, else a call does.",
    {files_failback.PROTECT},
    files_failback.SYSTEMS,
    files_failback.pair_steps(_protect_steps),
    files_failback.pair_status(_protect_status),
    waits=Waits(()),
)
# Not essential: the DR region takes writes again by then, and `status` names the command where it fails.
PROTECT_PRIMARY_AGAIN = replace(
    PROTECT_PRIMARY,
    name="files/protect_primary_again",
    does="Puts the overwrite protection of the primary's files on again, where the failback took it off and ended "
    "before their replication.",
    steps=files_failback.pair_steps(_protect_again_steps),
    essential=False,
)
