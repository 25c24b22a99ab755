"""Takes the overwrite protection off the primary's file system, so that the DR region's files can be written over it.

Irreversible in what it leads to: the replication that comes next discards all that the primary alone holds (T28). So
the direction is computed from what is seen right before the call, and a wrong one stops the run. Source: EFS User
Guide, Configuring replication to an existing file system.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.files import failback as files_failback
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side


def _steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    name, region = files_failback.name_of(context), context.env.regions.primary
    params = {"FileSystemId": found.primary.id, "ReplicationOverwriteProtection": files_failback.OFF}
    yield context.step(
        __name__,
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


def _judge(context: PlanContext, found: files_failback.FileSystems) -> StepStatus:
    """READY only where the evidence says that the DR region's files are the newer ones."""
    facts = files_failback.sizes(found)
    fed = files_failback.into(context, Side.PRIMARY, found.primary.id)
    if fed is not None and fed.source_id != found.dr.id:
        return StepStatus(StepState.DRIFTED, f"{fed.source_id} replicates into {found.primary.id}.", facts)
    if fed is not None or found.primary.overwrite_protection == files_failback.OFF:
        return StepStatus(StepState.DONE, f"{found.primary.id} can be written over by a replication.", facts)
    wrong = files_failback.reason_against_failback(context, found)
    if wrong:
        return StepStatus(StepState.DRIFTED, f"Not this way (T28): {wrong}.", facts)
    if found.primary.overwrite_protection == files_failback.DESTINATION:
        return StepStatus(StepState.IN_PROGRESS, f"{found.primary.id} is let go of by an old replication.", facts)
    return StepStatus(StepState.READY, f"{found.primary.id} is protected against being written over.", facts)


ACTION = files_failback.paired(__name__, {files_failback.PROTECT}, files_failback.EVIDENCE, _steps, _judge)
