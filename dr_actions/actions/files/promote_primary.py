"""Ends the replication onto the primary's file system, which becomes writable by it, once every file is proven home.

Called in the source's region, where AWS deletes both halves. EFS may leave a directory
``efs-replication-lost+found-...`` in the root of the destination. Source: EFS User Guide, Deleting replication
configurations.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.files.verify_primary_in_sync import arrived
from dr_actions.model.action import Confirmation, Sight, Standing
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.states import FILE_REPLICATION

BOTH = "ALL_CONFIGURATIONS"


def _steps(sight: Sight, found: files_failback.Systems) -> Iterator[Step]:
    name, primary, dr = files_failback.name_of(sight), sight.env.regions.primary, sight.env.regions.dr
    params = {"SourceFileSystemId": found.away.id, "DeletionMode": BOTH}
    yield sight.step(
        __name__,
        name,
        side=Side.PRIMARY,
        says=f"Make {found.home.id} ({name}) in {primary} writable: end the replication of {found.away.id} onto it.",
        danger=Danger.COMPENSABLE,
        undo="The replication is not resumed; while the primary's files take no write a new one can be made.",
        budget_s=1800,
        call=Call("efs", "DeleteReplicationConfiguration", dr, params),
        before=found.ids,
        after={"replicates from": ""},
    )


def _judge(sight: Sight, found: files_failback.Systems) -> Confirmation:
    """READY only while everything is proven to have arrived; DONE once neither region lists the replication."""
    for side in (Side.DR, Side.PRIMARY):
        row = files_failback.replication(sight, side, found.away.id, found.home.id)
        if row is not None and FILE_REPLICATION[row.status].gone:
            return Confirmation(Standing.WAITING, f"The replication onto {found.home.id} is being deleted.")
        if row is not None:
            how = arrived(row.synced_at, sight)
            standing = Standing.READY if how.standing is Standing.DONE else how.standing
            return Confirmation(standing, how.says, how.facts)
    if found.home.overwrite_protection == files_failback.DESTINATION:
        return Confirmation(Standing.WAITING, f"{found.home.id} is still read-only.")
    facts = (("file system", found.home.id),)
    return Confirmation(Standing.DONE, f"{found.home.id} is writable, and nothing replicates onto it.", facts)


VERB = files_failback.paired(__name__, {files_failback.END}, files_failback.SYSTEMS, _steps, _judge)
