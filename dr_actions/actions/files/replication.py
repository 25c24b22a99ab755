"""Replication and overwrite protection of the files in a failback: what is stale ended, all copied back, then writable.

EFS transfers what differs and makes the destination read-only meanwhile. A call that begins one overwrites: its
direction is computed once more right before it (T28), and a file system takes part in one replication only. That all
has arrived is proven by the last complete sync: "Any changes to data on the source file system that occurred before
this time have been successfully replicated" (API, Destination, LastReplicatedTimestamp). So a sync that ended once the
freeze was in force, when nobody could write any more, includes everything. Only then is the replication ended, in the
source's region, where AWS deletes both halves; of one whose other half a failover deleted alone, the rest is dropped
(EFS User Guide, Deleting replication configurations). It may leave ``efs-replication-lost+found-...`` in the root.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from dr_actions.actions import restored_copy
from dr_actions.actions.files import failback as files_failback
from dr_actions.actions.shared import timestamp
from dr_actions.guard.failback_exemptions import LOCAL_ONLY
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus, Waits
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.aws_durations import GIB, limit_s
from dr_estate.model.states import FILE_REPLICATION
from dr_estate.readers import efs

# The overwrite protection of both file systems: taken off before a replication onto one, on again afterwards.
#
# Taking it off is irreversible in what it leads to: the replication that comes next discards all that its destination
# alone holds (T28). So the direction is computed from what is seen right before the call, and a wrong one stops the
# run. AWS puts the protection on by itself: "If you delete the replication configuration, the file system's replication
# overwrite protection is re-enabled and the file system becomes writeable". Source: EFS User Guide, File system
# protection, and Configuring replication to an existing file system.


def _allow_primary_steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    name, region = files_failback.name_of(context), context.env.regions.primary
    # DISABLED makes it read-only, too (EFS API, UpdateFileSystemProtection): no task may need to write it.
    params = {"FileSystemId": found.primary.id, "ReplicationOverwriteProtection": files_failback.OFF}
    yield context.step(
        ALLOW_OVERWRITE_PRIMARY.name,
        name,
        side=Side.PRIMARY,
        says=f"Take the overwrite protection off {found.primary.id} ({name}) in {region}: the files of {found.dr.id} "
        f"in {context.env.regions.dr} are then written over it, and what it alone holds is in its backup only.",
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


_SYNC_S = 14400
BOTH = "ALL_CONFIGURATIONS"


def _in_sync_steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    """The one step, where both regions have their file system."""
    name = files_failback.name_of(context)
    yield context.step(
        VERIFY_PRIMARY_IN_SYNC.name,
        name,
        side=Side.PRIMARY,
        says=f"Wait until every file written to {found.dr.id} before its freeze is in {found.primary.id}.",
        budget_s=14400,
        before=found.ids,
        after={"lost": "nothing"},
    )


def _in_sync_status(context: PlanContext, found: files_failback.FileSystems) -> StepStatus:
    """IN_PROGRESS until the last complete sync is at or after the moment from which on nobody could write."""
    row = files_failback.replication(context, Side.DR, found.dr.id, found.primary.id)
    if row is None:
        message = f"nothing replicates {found.dr.id} onto {found.primary.id}"
        # The opposite direction is named: it would replace the newer files, and must be ended by a person.
        fed = files_failback.into(context, Side.DR, found.dr.id)
        opposite = f", but {fed.source_id} replicates into {found.dr.id}" if fed else ""
        return StepStatus(StepState.DRIFTED, f"Nothing proves that the files are copied back: {message}{opposite}.")
    how = _replication_status(row)
    # Neither ENABLING nor ENABLED proves an arrival: only the time of the last sync does.
    if how.state in (StepState.FAILED, StepState.DRIFTED):
        return how
    return arrival_status(row.synced_at, context)


def arrival_status(synced_at: datetime | None, context: PlanContext) -> StepStatus:
    """Whether all has arrived, by the last complete sync. Raises DataUnavailable."""
    since = files_failback.still_since(context)
    if since is None:
        return StepStatus(StepState.DRIFTED, "The files of the DR region are not frozen: more may be written.")
    facts = (("still since", timestamp(since)), ("last sync", timestamp(synced_at)))
    message = f"nothing was written since {timestamp(since)}, and the last sync ended {timestamp(synced_at)}"
    # Not the size, not the status: only a sync that ended after the last possible write proves that it holds it.
    if synced_at is not None and synced_at >= since:
        return StepStatus(StepState.DONE, f"Every file is copied back: {message}.", facts)
    message = f"Not all has arrived: {message}."
    return StepStatus(StepState.IN_PROGRESS, message, facts, progress=(timestamp(synced_at),))


def _replicate_call(source: efs.FileSystem, region: str, destination: efs.FileSystem, into: str) -> Call:
    """The call, made in the source's region, that replicates onto a file system that exists."""
    there = [{"Region": into, "FileSystemId": destination.id}]
    params = {"SourceFileSystemId": source.id, "Destinations": there}
    return Call("efs", "CreateReplicationConfiguration", region, params)


def sync_limit_s(source: efs.FileSystem) -> int:
    """Return how many seconds to wait for the first sync: EFS does not report its progress."""
    return limit_s("efs.first-sync", _SYNC_S, source.size_bytes / GIB)


def _to_primary_steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    name, primary, dr = files_failback.name_of(context), context.env.regions.primary, context.env.regions.dr
    yield context.step(
        REPLICATE_TO_PRIMARY.name,
        name,
        side=Side.PRIMARY,
        says=f"Replicate {found.dr.id} in {dr} onto {found.primary.id} ({name}) in {primary}: it overwrites that.",
        danger=Danger.IRREVERSIBLE,
        undo="None: what was written over is in the primary's backup of before.",
        budget_s=sync_limit_s(found.dr),
        call=_replicate_call(found.dr, dr, found.primary, primary),
        before=found.ids,
        after={"replication": f"{found.dr.id} -> {found.primary.id}"},
    )


def _to_primary_status(context: PlanContext, found: files_failback.FileSystems) -> StepStatus:
    """DONE once the replication runs; whether everything has arrived is another step's question."""
    row = files_failback.replication(context, Side.DR, found.dr.id, found.primary.id)
    if row is not None:
        return _replication_status(row)
    wrong = files_failback.reason_against_failback(context, found)
    if wrong:
        return StepStatus(StepState.DRIFTED, f"Not this way (T28): {wrong}.", files_failback.sizes(found))
    other = files_failback.reason_of_another(context, found)
    if other:
        return StepStatus(StepState.DRIFTED, other, files_failback.sizes(found))
    # ENABLED: it cannot be a destination (EFS API, UpdateFileSystemProtection).
    if found.primary.overwrite_protection != files_failback.OFF:
        message = f"The overwrite protection of {found.primary.id} is {found.primary.overwrite_protection}"
        return StepStatus(StepState.DRIFTED, f"{message}: it was switched off for this step.")
    message = f"{found.dr.id} takes the writes; nothing replicates yet"
    return StepStatus(StepState.READY, f"{message}.", files_failback.sizes(found))


def _replication_status(row: efs.FileReplication) -> StepStatus:
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


def _to_dr_steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    """The one step, where files replicated before and both regions have their file system."""
    if not replicates(context):
        return
    name, primary, dr = files_failback.name_of(context), context.env.regions.primary, context.env.regions.dr
    yield context.step(
        REPLICATE_TO_DR.name,
        name,
        side=Side.DR,
        says=f"Replicate {found.primary.id} ({name}) in {primary} onto {found.dr.id} in {dr} again. It overwrites "
        "that: the two are alike but for what the primary took since its files were copied back.",
        danger=Danger.COMPENSABLE,
        undo="End the replication again: both file systems stay.",
        budget_s=sync_limit_s(found.primary),
        call=_replicate_call(found.primary, primary, found.dr, dr),
        before=found.ids,
        after={"replication": f"{found.primary.id} -> {found.dr.id}"},
    )


def _to_dr_status(context: PlanContext, found: files_failback.FileSystems) -> StepStatus:
    """DONE once the replication runs and its first sync is complete."""
    row = files_failback.replication(context, Side.DR, found.primary.id, found.dr.id)
    if row is not None:
        how = _replication_status(row)
        # ENABLED without a sync: a standby that holds nothing complete protects nobody.
        if how.state is StepState.DONE and row.synced_at is None:
            return StepStatus(StepState.IN_PROGRESS, f"The first sync of {found.dr.id} is not complete.", how.evidence)
        return how
    wrong = files_failback.reason_against_reversal(context, found)
    if wrong:
        return StepStatus(StepState.DRIFTED, f"Not this way (T28): {wrong}.", files_failback.sizes(found))
    if found.dr.overwrite_protection != files_failback.OFF:
        message = f"The overwrite protection of {found.dr.id} is {found.dr.overwrite_protection}"
        return StepStatus(StepState.DRIFTED, f"{message}: it was switched off for this step.")
    return StepStatus(StepState.READY, f"Nothing replicates into {found.dr.id} yet.", files_failback.sizes(found))


def _end_stale_steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    """A step where the primary lists a replication into the DR file system that the DR region knows nothing of."""
    if files_failback.stale_half(context, found) is not None:
        name, region = files_failback.name_of(context), context.env.regions.primary
        # The other half is gone, so AWS cannot delete both (API_DeleteReplicationConfiguration, DeletionMode).
        params = {"SourceFileSystemId": found.primary.id, "DeletionMode": LOCAL_ONLY}
        yield context.step(
            END_STALE_REPLICATION.name,
            name,
            side=Side.PRIMARY,
            says=f"Drop the half of the old replication {found.primary.id} -> {found.dr.id} that {region} still holds: "
            "its other half was deleted in the failover. No file is touched.",
            danger=Danger.COMPENSABLE,
            undo="Not needed: that half replicates nothing, and a new replication is made at the end.",
            budget_s=900,
            call=Call("efs", "DeleteReplicationConfiguration", region, params),
            before=found.ids,
            after={"replicates into": ""},
        )


def _end_stale_status(context: PlanContext, found: files_failback.FileSystems) -> StepStatus:
    """READY while the half is there alone; a replication that both regions know is alive, and never ended here."""
    row = files_failback.replication(context, Side.PRIMARY, found.primary.id, found.dr.id)
    if row is None:
        return StepStatus(StepState.DONE, f"{found.primary.id} replicates into nothing.")
    if FILE_REPLICATION[row.status].gone:
        return StepStatus(StepState.IN_PROGRESS, f"The old replication of {found.primary.id} is being deleted.")
    # Both regions list it, so it is alive: ended, the DR region would stop receiving files.
    if files_failback.stale_half(context, found) is None:
        message = f"{found.primary.id} replicates into {found.dr.id}"
        return StepStatus(StepState.DRIFTED, f"{message}: the files of the DR region are the older ones (T28).")
    facts = (("status", row.status), ("last sync", timestamp(row.synced_at)))
    return StepStatus(StepState.READY, f"The old replication of {found.primary.id} is {row.status}, and alone.", facts)


def _lag_steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    """The one step, where both regions have their file system."""
    name, most = files_failback.name_of(context), context.env.failback.files_lag_minutes
    yield context.step(
        WAIT_SYNC_LAG.name,
        name,
        side=Side.PRIMARY,
        says=f"Wait until the last complete sync of {found.dr.id} onto {found.primary.id} is {most:g} minutes old at "
        "most.",
        budget_s=14400,
        before=found.ids,
        after={"lag_minutes": most},
    )


def _lag_status(context: PlanContext, found: files_failback.FileSystems) -> StepStatus:
    """Return IN_PROGRESS until a complete sync ended recently."""
    row = files_failback.replication(context, Side.DR, found.dr.id, found.primary.id)
    if row is None:
        return StepStatus(StepState.DRIFTED, f"Nothing replicates {found.dr.id} onto {found.primary.id} (any more).")
    how = _replication_status(row)
    if how.state in (StepState.FAILED, StepState.DRIFTED):
        return how
    synced, most = timestamp(row.synced_at), context.env.failback.files_lag_minutes
    message, facts = f"The last complete sync ended {synced}", (("last sync", synced),)
    if row.synced_at is None or context.snapshot.taken_at - row.synced_at > timedelta(minutes=most):
        wanted = f"{message}: {most:g} minutes ago at most are wanted."
        return StepStatus(StepState.IN_PROGRESS, wanted, facts, progress=(row.status, synced))
    return StepStatus(StepState.DONE, f"{message}.", facts)


def _promote_steps(context: PlanContext, found: files_failback.FileSystems) -> Iterator[Step]:
    name, primary, dr = files_failback.name_of(context), context.env.regions.primary, context.env.regions.dr
    params = {"SourceFileSystemId": found.dr.id, "DeletionMode": BOTH}
    yield context.step(
        PROMOTE_PRIMARY.name,
        name,
        side=Side.PRIMARY,
        says=f"Make {found.primary.id} ({name}) in {primary} writable: end the replication of {found.dr.id} onto it.",
        danger=Danger.COMPENSABLE,
        undo="The replication is not resumed; while the primary's files take no write a new one can be made.",
        budget_s=1800,
        call=Call("efs", "DeleteReplicationConfiguration", dr, params),
        before=found.ids,
        after={"replicates from": ""},
    )


def _promote_status(context: PlanContext, found: files_failback.FileSystems) -> StepStatus:
    """READY only while everything is proven to have arrived; DONE once neither region lists the replication."""
    for side in (Side.DR, Side.PRIMARY):
        row = files_failback.replication(context, side, found.dr.id, found.primary.id)
        if row is not None and FILE_REPLICATION[row.status].gone:
            return StepStatus(StepState.IN_PROGRESS, f"The replication onto {found.primary.id} is being deleted.")
        if row is not None:
            how = arrival_status(row.synced_at, context)
            state = StepState.READY if how.state is StepState.DONE else how.state
            return StepStatus(state, how.message, how.evidence)
    # Neither lists it, and EFS has not let go yet: a write would still be refused.
    if found.primary.overwrite_protection == files_failback.DESTINATION:
        return StepStatus(StepState.IN_PROGRESS, f"{found.primary.id} is still read-only.")
    facts = (("file system", found.primary.id),)
    return StepStatus(StepState.DONE, f"{found.primary.id} is writable, and nothing replicates onto it.", facts)


VERIFY_PRIMARY_IN_SYNC = Action(
    "files/verify_primary_in_sync",
    "Proves that the primary region has every file of the DR region: the last complete sync ended after the freeze.",
    frozenset(),
    files_failback.SYSTEMS,
    files_failback.pair_steps(_in_sync_steps),
    files_failback.pair_status(_in_sync_status),
    waits=Waits(("efs.sync",)),
)
REPLICATE_TO_PRIMARY = Action(
    "files/replicate_to_primary",
    "Replicates the DR region's files onto the primary's own file system: its mounts, access points and id stay.",
    {files_failback.REPLICATE},
    files_failback.EVIDENCE,
    files_failback.pair_steps(_to_primary_steps),
    files_failback.pair_status(_to_primary_status),
)
REPLICATE_TO_DR = Action(
    "files/replicate_to_dr",
    "Replicates the primary's files into the DR region again, onto the file system that is there.",
    {files_failback.REPLICATE},
    files_failback.EVIDENCE,
    files_failback.pair_steps(_to_dr_steps),
    files_failback.pair_status(_to_dr_status),
    essential=False,
)
END_STALE_REPLICATION = Action(
    "files/end_stale_replication",
    "Ends what the primary region still has of the old replication, so that files can replicate back to it.",
    {files_failback.END},
    files_failback.SYSTEMS,
    files_failback.pair_steps(_end_stale_steps),
    files_failback.pair_status(_end_stale_status),
)
WAIT_SYNC_LAG = Action(
    "files/wait_sync_lag",
    "Before the write pause: waits until the files' last complete sync is recent. No call is made.",
    frozenset(),
    files_failback.SYSTEMS,
    files_failback.pair_steps(_lag_steps),
    files_failback.pair_status(_lag_status),
    waits=Waits(("efs.sync",)),
)
PROMOTE_PRIMARY = Action(
    "files/promote_primary",
    "Ends the replication onto the primary's file system, which makes it writable, once all files are "
    "proven to be there.",
    {files_failback.END},
    files_failback.SYSTEMS,
    files_failback.pair_steps(_promote_steps),
    files_failback.pair_status(_promote_status),
)
