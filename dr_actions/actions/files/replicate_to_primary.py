"""Replicates the DR region's files onto the primary's own file system: its mounts, access points and id stay.

EFS transfers what differs and makes the destination read-only meanwhile. It is the call that overwrites: its direction
is computed once more right before it (T28). A replication needs both regions. Source:
API_CreateReplicationConfiguration.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.common.size_limits import GIB, limit_s
from dr_actions.actions.files import failback as files_failback
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import FILE_REPLICATION
from dr_estate.readers import efs

_SYNC_S = 14400


def call_for(source: efs.FileSystem, region: str, destination: efs.FileSystem, into: str) -> Call:
    """The call, made in the source's region, that replicates onto a file system that exists."""
    there = [{"Region": into, "FileSystemId": destination.id}]
    params = {"SourceFileSystemId": source.id, "Destinations": there}
    return Call("efs", "CreateReplicationConfiguration", region, params)


def sync_limit_s(source: efs.FileSystem) -> int:
    """Return how many seconds to wait for the first sync: EFS does not report its progress."""
    return limit_s("efs.first-sync", _SYNC_S, source.size_bytes / GIB)


def _steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    name, primary, dr = files_failback.name_of(context), context.env.regions.primary, context.env.regions.dr
    yield context.step(
        __name__,
        name,
        side=Side.PRIMARY,
        says=f"Replicate {found.dr.id} in {dr} onto {found.primary.id} ({name}) in {primary}: it overwrites that.",
        danger=Danger.IRREVERSIBLE,
        undo="None: what was written over is in the primary's backup of before.",
        budget_s=sync_limit_s(found.dr),
        call=call_for(found.dr, dr, found.primary, primary),
        before=found.ids,
        after={"replication": f"{found.dr.id} -> {found.primary.id}"},
    )


def _judge(context: PlanContext, found: files_failback.FileSystems) -> StepStatus:
    """DONE once the replication runs; whether everything has arrived is another step's question."""
    row = files_failback.replication(context, Side.DR, found.dr.id, found.primary.id)
    if row is not None:
        return status_of(row)
    wrong = files_failback.reason_against_failback(context, found)
    if wrong:
        return StepStatus(StepState.DRIFTED, f"Not this way (T28): {wrong}.", files_failback.sizes(found))
    other = files_failback.reason_of_another(context, found)
    if other:
        return StepStatus(StepState.DRIFTED, other, files_failback.sizes(found))
    if found.primary.overwrite_protection != files_failback.OFF:
        message = f"The overwrite protection of {found.primary.id} is {found.primary.overwrite_protection}"
        return StepStatus(StepState.DRIFTED, f"{message}: it was switched off for this step.")
    message = f"{found.dr.id} takes the writes; nothing replicates yet"
    return StepStatus(StepState.READY, f"{message}.", files_failback.sizes(found))


def status_of(row: efs.FileReplication) -> StepStatus:
    """How a replication in the wanted direction stands."""
    message = f"The replication {row.source_id} -> {row.destination_id} is {row.status}"
    facts = (("replication", f"{row.source_id} -> {row.destination_id}"), ("status", row.status))
    if FILE_REPLICATION[row.status].serves:
        return StepStatus(StepState.DONE, f"{message}.", facts)
    if FILE_REPLICATION[row.status].busy:
        return StepStatus(StepState.IN_PROGRESS, f"{message}.", facts, progress=(row.status,), works=True)
    if FILE_REPLICATION[row.status].gone:
        return StepStatus(StepState.DRIFTED, f"{message}.", facts)
    return StepStatus(StepState.FAILED, f"{message}{f': {row.message}' if row.message else ''}.", facts)


ACTION = files_failback.paired(__name__, {files_failback.REPLICATE}, files_failback.EVIDENCE, _steps, _judge)
