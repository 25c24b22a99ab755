"""Proves that every file written in the DR region is home: its last complete sync ended after the freeze held.

"Any changes to data on the source file system that occurred before this time have been successfully replicated" (API,
Destination, LastReplicatedTimestamp). So a sync that ended once nobody could write any more holds everything. No call.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.files.failback import told
from dr_actions.actions.files.replicate_to_primary import standing_of
from dr_actions.model.action import Confirmation, Sight, Standing
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side


def _steps(sight: Sight, found: files_failback.Systems) -> Iterator[Step]:
    """The one step, where both regions have their file system."""
    name = files_failback.name_of(sight)
    yield sight.step(
        __name__,
        name,
        side=Side.PRIMARY,
        says=f"Wait until every file written to {found.away.id} before its freeze is in {found.home.id}.",
        budget_s=14400,
        before=found.ids,
        after={"lost": "nothing"},
    )


def _judge(sight: Sight, found: files_failback.Systems) -> Confirmation:
    """WAITING until the last complete sync is at or after the moment from which on nobody could write."""
    row = files_failback.replication(sight, Side.DR, found.away.id, found.home.id)
    if row is None:
        return _released(found, sight)
    how = standing_of(row)
    if how.standing in (Standing.FAILED, Standing.CHANGED):
        return how
    return arrived(row.synced_at, sight)


def _released(found: files_failback.Systems, sight: Sight) -> Confirmation:
    message = f"nothing replicates {found.away.id} onto {found.home.id}"
    fed = files_failback.into(sight, Side.DR, found.away.id)
    opposite = f", but {fed.source_id} replicates into {found.away.id}" if fed else ""
    return Confirmation(Standing.CHANGED, f"Nothing proves that the files are home: {message}{opposite}.")


def arrived(synced_at: datetime | None, sight: Sight) -> Confirmation:
    """Whether all has arrived, by the last complete sync. Raises CannotSee."""
    since = files_failback.still_since(sight)
    if since is None:
        return Confirmation(Standing.CHANGED, "The files of the DR region are not frozen: more may be written.")
    facts = (("still since", told(since)), ("last sync", told(synced_at)))
    message = f"nothing was written since {told(since)}, and the last sync ended {told(synced_at)}"
    if synced_at is not None and synced_at >= since:
        return Confirmation(Standing.DONE, f"Every file is home: {message}.", facts)
    return Confirmation(Standing.WAITING, f"Not all has arrived: {message}.", facts)


VERB = files_failback.paired(__name__, (), files_failback.SYSTEMS, _steps, _judge)
