"""Replicates the DR region's files onto the primary's own file system: its mounts, access points and id stay.

EFS transfers what differs and makes the destination read-only meanwhile. It is the call that overwrites: its direction
is computed once more right before it (T28). A replication needs both regions. Source:
API_CreateReplicationConfiguration.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.files import failback as files_failback
from dr_actions.model.action import Confirmation, Sight, Standing
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import FILE_REPLICATION
from dr_estate.readers import efs


def call_for(source: efs.FileSystem, region: str, destination: efs.FileSystem, into: str) -> Call:
    """The call, made in the source's region, that replicates onto a file system that exists."""
    there = [{"Region": into, "FileSystemId": destination.id}]
    params = {"SourceFileSystemId": source.id, "Destinations": there}
    return Call("efs", "CreateReplicationConfiguration", region, params)


def _steps(sight: Sight, found: files_failback.Systems) -> Iterator[Step]:
    name, primary, dr = files_failback.name_of(sight), sight.env.regions.primary, sight.env.regions.dr
    yield sight.step(
        __name__,
        name,
        side=Side.PRIMARY,
        says=f"Replicate {found.away.id} in {dr} onto {found.home.id} ({name}) in {primary}: it overwrites that.",
        danger=Danger.IRREVERSIBLE,
        undo="None: what was written over is in the primary's backup of before.",
        budget_s=3600,
        call=call_for(found.away, dr, found.home, primary),
        before=found.ids,
        after={"replication": f"{found.away.id} -> {found.home.id}"},
    )


def _judge(sight: Sight, found: files_failback.Systems) -> Confirmation:
    """DONE once the replication runs; whether everything has arrived is another step's question."""
    row = files_failback.replication(sight, Side.DR, found.away.id, found.home.id)
    if row is not None:
        return standing_of(row)
    wrong = files_failback.wrong_way_home(sight, found)
    if wrong:
        return Confirmation(Standing.CHANGED, f"Not this way (T28): {wrong}.", files_failback.sizes(found))
    if found.home.overwrite_protection != files_failback.OFF:
        message = f"The overwrite protection of {found.home.id} is {found.home.overwrite_protection}"
        return Confirmation(Standing.CHANGED, f"{message}: it was switched off for this step.")
    message = f"{found.away.id} took the last writes and is frozen; nothing replicates yet"
    return Confirmation(Standing.READY, f"{message}.", files_failback.sizes(found))


def standing_of(row: efs.Replication) -> Confirmation:
    """How a replication in the wanted direction stands."""
    message = f"The replication {row.source_id} -> {row.destination_id} is {row.status}"
    facts = (("replication", f"{row.source_id} -> {row.destination_id}"), ("status", row.status))
    if FILE_REPLICATION[row.status].serves:
        return Confirmation(Standing.DONE, f"{message}.", facts)
    if FILE_REPLICATION[row.status].busy:
        return Confirmation(Standing.WAITING, f"{message}.", facts)
    if FILE_REPLICATION[row.status].gone:
        return Confirmation(Standing.CHANGED, f"{message}.", facts)
    return Confirmation(Standing.FAILED, f"{message}{f': {row.message}' if row.message else ''}.", facts)


VERB = files_failback.paired(__name__, {files_failback.REPLICATE}, files_failback.EVIDENCE, _steps, _judge)
