"""Proves that every file written in the DR region is home: its last complete sync ended after the freeze held.

"Any changes to data on the source file system that occurred before this time have been successfully replicated" (API,
Destination, LastReplicatedTimestamp). So a sync that ended once nobody could write any more holds everything. No call.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dr_actions import files_home
from dr_actions import home_database as home
from dr_actions.plan import Danger, Step
from dr_actions.verbs import HOME, Confirmation, Sight, Standing, Verb
from dr_actions.verbs.compute import careful
from dr_actions.verbs.replicate_files_home import standing_of
from dr_estate.environments import Side

NAME, STAGE = "prove_files_home", 35
_BUDGET_S = 14400


@home.homeward
def foresee(sight: Sight) -> Iterator[Step]:
    """The one step, where both regions have their file system."""
    found = files_home.systems(sight)
    if found is None:
        return
    name = files_home.name_of(sight)
    yield Step(
        id=f"{NAME}.{name}",
        number=home.SYNC,
        stage=STAGE,
        verb=NAME,
        subject=name,
        owner=home.OWNERS[home.SYNC],
        side=Side.PRIMARY,
        says=f"Wait until every file written to {found.away.id} before its freeze is in {found.home.id}.",
        danger=Danger.REVERSIBLE,
        undo="Nothing is changed.",
        budget_s=_BUDGET_S,
        before=found.ids,
        after={"lost": "nothing"},
    )


@careful
def confirm(step: Step, sight: Sight) -> Confirmation:
    """WAITING until the last complete sync is at or after the moment from which on nobody could write."""
    try:
        found = files_home.now_of(step.before, sight)
    except files_home.Changed as changed:
        return changed.told
    row = files_home.replication(sight, Side.DR, found.away.id, found.home.id)
    if row is None:
        return _released(found, sight)
    how = standing_of(row)
    if how.standing in (Standing.FAILED, Standing.CHANGED):
        return how
    return arrived(row.synced_at, sight)


def _released(found: files_home.Systems, sight: Sight) -> Confirmation:
    said = f"nothing replicates {found.away.id} onto {found.home.id}"
    fed = files_home.into(sight, Side.DR, found.away.id)
    opposite = f", but {fed.source_id} replicates into {found.away.id}" if fed else ""
    return Confirmation(Standing.CHANGED, f"Nothing proves that the files are home: {said}{opposite}.")


def arrived(synced_at: datetime | None, sight: Sight) -> Confirmation:
    """Whether all has arrived, by the last complete sync. Raises CannotSee."""
    since = files_home.still_since(sight)
    if since is None:
        return Confirmation(Standing.CHANGED, "The files of the DR region are not frozen: more may be written.")
    facts = (("still since", files_home.told(since)), ("last sync", files_home.told(synced_at)))
    said = f"nothing was written since {files_home.told(since)}, and the last sync ended {files_home.told(synced_at)}"
    if synced_at is not None and synced_at >= since:
        return Confirmation(Standing.DONE, f"Every file is home: {said}.", facts)
    return Confirmation(Standing.WAITING, f"Not all has arrived: {said}.", facts)


VERB = Verb(
    name=NAME,
    writes=frozenset(),
    watches=files_home.SYSTEMS,
    foresee=foresee,
    confirm=confirm,
    goals=HOME,
)
