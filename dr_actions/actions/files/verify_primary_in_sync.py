"""Proves that the primary region has every file of the DR region: the last complete sync ended after the freeze.

"Any changes to data on the source file system that occurred before this time have been successfully replicated" (API,
Destination, LastReplicatedTimestamp). So a sync that ended once the freeze was in force, when nobody could write any
more, includes everything. No call is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.files.failback import timestamp
from dr_actions.actions.files.replicate_to_primary import status_of
from dr_actions.model.action import PlanContext, StepState, StepStatus
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side


def _steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    """The one step, where both regions have their file system."""
    name = files_failback.name_of(context)
    yield context.step(
        __name__,
        name,
        side=Side.PRIMARY,
        says=f"Wait until every file written to {found.dr.id} before its freeze is in {found.primary.id}.",
        budget_s=14400,
        before=found.ids,
        after={"lost": "nothing"},
    )


def _judge(context: PlanContext, found: files_failback.FileSystems) -> StepStatus:
    """IN_PROGRESS until the last complete sync is at or after the moment from which on nobody could write."""
    row = files_failback.replication(context, Side.DR, found.dr.id, found.primary.id)
    if row is None:
        return _released(found, context)
    how = status_of(row)
    if how.state in (StepState.FAILED, StepState.DRIFTED):
        return how
    return arrived(row.synced_at, context)


def _released(found: files_failback.FileSystems, context: PlanContext) -> StepStatus:
    message = f"nothing replicates {found.dr.id} onto {found.primary.id}"
    fed = files_failback.into(context, Side.DR, found.dr.id)
    opposite = f", but {fed.source_id} replicates into {found.dr.id}" if fed else ""
    return StepStatus(StepState.DRIFTED, f"Nothing proves that the files are home: {message}{opposite}.")


def arrived(synced_at: datetime | None, context: PlanContext) -> StepStatus:
    """Whether all has arrived, by the last complete sync. Raises DataUnavailable."""
    since = files_failback.still_since(context)
    if since is None:
        return StepStatus(StepState.DRIFTED, "The files of the DR region are not frozen: more may be written.")
    facts = (("still since", timestamp(since)), ("last sync", timestamp(synced_at)))
    message = f"nothing was written since {timestamp(since)}, and the last sync ended {timestamp(synced_at)}"
    if synced_at is not None and synced_at >= since:
        return StepStatus(StepState.DONE, f"Every file is home: {message}.", facts)
    return StepStatus(
        StepState.IN_PROGRESS, f"Not all has arrived: {message}.", facts, progress=(timestamp(synced_at),)
    )


ACTION = files_failback.paired(__name__, (), files_failback.SYSTEMS, _steps, _judge)
