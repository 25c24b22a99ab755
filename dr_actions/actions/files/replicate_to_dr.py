"""Lets the primary's files replicate into the DR region again, onto the file system that is there.

It overwrites that file system. By then the two are alike but for what the primary took since: every file of the DR
region was proven home before the primary took a write. The direction is computed right before the call (T28). DONE
with the first complete sync: only then are the files protected.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.files.allow_overwrite_dr import replicates
from dr_actions.actions.files.replicate_to_primary import call_for, standing_of
from dr_actions.model.action import Confirmation, Sight, Standing
from dr_actions.model.plan import Danger, Step
from dr_estate.config.environment import Side


def _steps(sight: Sight, found: files_failback.Systems) -> Iterator[Step]:
    """The one step, where files replicated before and both regions have their file system."""
    if not replicates(sight):
        return
    name, primary, dr = files_failback.name_of(sight), sight.env.regions.primary, sight.env.regions.dr
    yield sight.step(
        __name__,
        name,
        side=Side.DR,
        says=f"Replicate {found.home.id} ({name}) in {primary} onto {found.away.id} in {dr} again. It overwrites that: "
        "the two are alike but for what the primary took since its files came home.",
        danger=Danger.COMPENSABLE,
        undo="End the replication again: both file systems stay.",
        budget_s=14400,
        call=call_for(found.home, primary, found.away, dr),
        before=found.ids,
        after={"replication": f"{found.home.id} -> {found.away.id}"},
    )


def _judge(sight: Sight, found: files_failback.Systems) -> Confirmation:
    """DONE once the replication runs and its first sync is complete."""
    row = files_failback.replication(sight, Side.DR, found.home.id, found.away.id)
    if row is not None:
        how = standing_of(row)
        if how.standing is Standing.DONE and row.synced_at is None:
            return Confirmation(Standing.WAITING, f"The first sync of {found.away.id} is not complete.", how.facts)
        return how
    wrong = files_failback.wrong_way_back(sight, found)
    if wrong:
        return Confirmation(Standing.CHANGED, f"Not this way (T28): {wrong}.", files_failback.sizes(found))
    if found.away.overwrite_protection != files_failback.OFF:
        message = f"The overwrite protection of {found.away.id} is {found.away.overwrite_protection}"
        return Confirmation(Standing.CHANGED, f"{message}: it was switched off for this step.")
    return Confirmation(Standing.READY, f"Nothing replicates into {found.away.id} yet.", files_failback.sizes(found))


VERB = files_failback.paired(
    __name__, {files_failback.REPLICATE}, files_failback.EVIDENCE, _steps, _judge, essential=False
)
