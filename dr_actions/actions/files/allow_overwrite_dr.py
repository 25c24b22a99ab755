"""Takes the overwrite protection off the DR region's file system, so that the primary's replicates onto it again.

All it holds is home by then; what the primary took since is written over it next.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.files import failback as files_failback
from dr_actions.model.action import Confirmation, Sight, Standing
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side


def replicates(sight: Sight) -> bool:
    """Whether the estate's files are to replicate: by its rules, and by what the failover found and recorded."""
    recorded = sight.before("files/restore_dr", files_failback.name_of(sight))
    wanted = sight.env.replicates and "replication" in sight.env.replication.files
    return wanted and "point" not in recorded


def _steps(sight: Sight, found: files_failback.Systems) -> Iterator[Step]:
    """The one step, where files replicated before and both regions have their file system."""
    if not replicates(sight):
        return
    name, region = files_failback.name_of(sight), sight.env.regions.dr
    params = {"FileSystemId": found.away.id, "ReplicationOverwriteProtection": files_failback.OFF}
    yield sight.step(
        __name__,
        name,
        side=Side.DR,
        says=f"Take the overwrite protection off {found.away.id} ({name}) in {region}: all it holds is home, and "
        f"{found.home.id} is to replicate onto it again.",
        danger=Danger.COMPENSABLE,
        undo="Switch the protection on again.",
        budget_s=300,
        call=Call("efs", "UpdateFileSystemProtection", region, params),
        before=found.ids,
        after={"overwrite protection": files_failback.OFF},
    )


def _judge(sight: Sight, found: files_failback.Systems) -> Confirmation:
    """READY only where the evidence says that the primary's files are the newer ones."""
    fed = files_failback.into(sight, Side.DR, found.away.id)
    if fed is not None and fed.source_id != found.home.id:
        return Confirmation(Standing.CHANGED, f"{fed.source_id} replicates into {found.away.id}.")
    if fed is not None or found.away.overwrite_protection == files_failback.OFF:
        return Confirmation(Standing.DONE, f"{found.away.id} can be written over by a replication.")
    wrong = files_failback.wrong_way_back(sight, found)
    if wrong:
        return Confirmation(Standing.CHANGED, f"Not this way (T28): {wrong}.", files_failback.sizes(found))
    return Confirmation(Standing.READY, f"{found.away.id} is protected against being written over.")


def undo(step: Step) -> Call | None:
    """The protection on again."""
    params = {**step.planned_call.params, "ReplicationOverwriteProtection": files_failback.ON}
    return Call("efs", "UpdateFileSystemProtection", step.planned_call.region, params)


def notes(sight: Sight) -> Iterator[str]:
    """Why files do not replicate again."""
    if not replicates(sight):
        yield (
            "No replication of the files is made at the end: none was there before the failover, or the environment "
            "file does not want one (replication.files). The backup plan copies them."
        )


VERB = files_failback.paired(
    __name__, {files_failback.PROTECT}, files_failback.EVIDENCE, _steps, _judge, essential=False, undo=undo, notes=notes
)
