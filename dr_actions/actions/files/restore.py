"""Makes the tenants' files usable in the DR region: ends the replication into them, there alone where it must be.

A replica is read-only until its replication configuration is deleted (T27): called in the DR region, where the
configuration is also kept. With the primary dark AWS cannot delete its half, so the local half alone is deleted, then
and only then; the last complete synchronisation is recorded before. So it is where a sick primary does not do its half:
"If there's a configuration or permissions issue that prevents Amazon EFS from deleting the replication configuration
from both sides, you can use the LOCAL_CONFIGURATION_ONLY mode" (EFS API, DeleteReplicationConfiguration, which adds:
only then, for the other half is unrecoverable). A failback drops that half (files/end_stale_replication). That AWS
takes it while the replication is DELETING is assumed: no page says otherwise. Where nothing replicates, copies.py
restores the newest copy into another file system.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dr_actions.actions import restored_copy
from dr_actions.actions.database import copy_selection
from dr_actions.actions.restored_copy import name_of
from dr_actions.actions.shared import timestamp
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus, Waits, no_notes
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.playbook import Plane
from dr_estate.model.states import FILE_REPLICATION, FILE_SYSTEM
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import backup, efs, kms

DELETE = "efs:DeleteReplicationConfiguration"
BOTH_SIDES, LOCAL_ONLY = "ALL_CONFIGURATIONS", "LOCAL_CONFIGURATION_ONLY"
_DELETION_S = 900
_OPENED = "replicates from"


def restore_steps(context: PlanContext) -> Iterator[Step]:
    """One step, where anything replicates into the DR file system."""
    row = copy_selection.files_replication(context)
    if row is not None:
        name, region = name_of(context.env), context.env.regions.dr
        # LOCAL leaves the other half unrecoverable (EFS API, DeleteReplicationConfiguration): only where it must.
        mode = BOTH_SIDES if context.primary_answers else LOCAL_ONLY
        params = {"SourceFileSystemId": row.source_id, "DeletionMode": mode}
        half = "" if context.primary_answers else ", in this region alone: the primary region does not answer"
        yield context.step(
            RESTORE_DR.name,
            name,
            side=Side.DR,
            says=f"Make {row.destination_id} ({name}) in {region} writable: delete its replication "
            f"configuration{half}.",
            danger=Danger.IRREVERSIBLE,
            undo="None: a deleted replication is not resumed; failback makes a new one, and chooses its direction.",
            budget_s=_DELETION_S,
            call=Call("efs", "DeleteReplicationConfiguration", region, params),
            before={_OPENED: row.source_id, "file system": row.destination_id},
            after={_OPENED: "", "file system": row.destination_id},
            # With both halves the call needs the primary region's API as well, though it is sent to the DR region.
            planes=(Plane.DR,) if mode == LOCAL_ONLY else (Plane.DR, Plane.PRIMARY),
        )


def restore_status(step: Step, context: PlanContext) -> StepStatus:
    """Whether the file system is still replicated into."""
    system = str(step.before["file system"])
    seen = {file_system.id: file_system.state for file_system in context.snapshot.get(efs.file_systems, Side.DR)}
    # An empty list proves nothing: EFS may not show a replica that has no name.
    if seen and system not in seen:
        return StepStatus(StepState.DRIFTED, f"{system} is not the file system of {step.subject} any more.")
    row = context.snapshot.find(efs.replications, Side.DR, destination_id=system)
    if row is not None:
        return _of_replication(step, context, row)
    # a replica that EFS itself made has no name, and without its replication no longer shows whose it is
    if system not in seen or FILE_SYSTEM[seen[system]].serves:
        return StepStatus(StepState.DONE, f"{system} is writable.", (("file system", system),))
    return StepStatus(StepState.FAILED, f"Nothing replicates into {system}, but it is {seen[system]}.")


def _of_replication(step: Step, context: PlanContext, row: efs.FileReplication) -> StepStatus:
    synced = timestamp(row.synced_at)
    facts = (("last sync", synced), ("file system", row.destination_id), ("replication", row.status))
    # Before the source is compared: one that is being deleted is over, regardless of who called.
    if FILE_REPLICATION[row.status].gone:
        return StepStatus(StepState.IN_PROGRESS, f"The replication into {row.destination_id} is being deleted.", facts)
    if row.source_id != step.before[_OPENED]:
        return StepStatus(StepState.DRIFTED, f"{row.destination_id} replicates from {row.source_id} now.", facts)
    local = step.call is not None and step.call.params["DeletionMode"] == LOCAL_ONLY
    if local and context.primary_answers:
        reason = "The primary region answers again: its half of the replication would be left behind (T27)"
        return StepStatus(StepState.DRIFTED, f"{reason}. `dr_cli.py failover` plans again, for both halves.", facts)
    return StepStatus(StepState.READY, f"{row.destination_id} is a replica, last in sync at {synced}.", facts)


def restore_notes(context: PlanContext) -> Iterator[str]:
    """What needs no promotion, what replicates badly, and why nothing is done for the files."""
    yield "Objects (S3) and tables (DynamoDB) need no promotion: both regions' copies take writes at any time."
    name, region = name_of(context.env), context.env.regions.dr
    try:
        row = copy_selection.files_replication(context)
        point = None if row else restored_copy.files_point(context)
        system = restored_copy.system_in_use(context)
    except DataUnavailable as error:
        yield f"Nothing is planned for the files {name}: {error.unavailable.why}"
        return
    if row is not None and (not FILE_REPLICATION[row.status].serves or row.synced_at is None):
        never = " and never was in sync" if row.synced_at is None else ""
        yield (
            f"The replication into {row.destination_id} is {row.status}{never}: what it holds ends with its last "
            "complete synchronisation. The newest recovery point can be restored beside it, once it is writable."
        )
    if row is None and system is None:
        yield f"Nothing is planned for the files: {region} has no usable file system {name}. Provision it first."
    elif row is None and restored_copy.has_open_replica(context):
        return
    elif row is None and restored_copy.is_written(context):
        yield f"No copy takes the place of the files {name} in {region}: its tenants write them."
    elif row is None and point is None:
        yield f"Nothing is planned for the files {name}: nothing replicates into {region}, and no usable copy is there."
    elif row is None and context.env.replication.files[0] == "replication":
        yield f"Nothing replicates into {name} of {region}: its newest copy is restored beside it, to replace it."


def open_steps(context: PlanContext) -> Iterator[Step]:
    """One step behind each that asks both regions."""
    for step in restore_steps(context):
        if Plane.PRIMARY in step.planes:
            system, region = step.before["file system"], context.env.regions.dr
            yield context.step(
                OPEN_DR_LOCALLY.name,
                step.subject,
                side=Side.DR,
                says=f"Where {context.env.regions.primary} does not do its half in time: make {system} "
                f"({step.subject}) in {region} writable by deleting its replication configuration in {region} alone.",
                danger=step.danger,
                undo=step.undo,
                budget_s=step.budget_s,
                call=step.call_with({"DeletionMode": LOCAL_ONLY}),
                before=step.before,
                after=step.after,
            )


def open_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once nothing replicates into it, whichever call did that; READY while anything does, deleted or not."""
    status = restore_status(replace(step, call=None), context)  # that the primary answers is no reason to stop it
    row = context.snapshot.find(efs.replications, Side.DR, destination_id=step.before["file system"])
    # Sent already, DELETING is this step's own doing; not sent yet, it is the step's before, which does not end.
    if row is None or status.state is not StepState.IN_PROGRESS or step.id in context.sent_at:
        return status
    message = f"{row.destination_id} is {row.status}, and {context.env.regions.primary} does not finish it."
    return StepStatus(StepState.READY, message, status.evidence)


RESTORE_DR = Action(
    "files/restore_dr",
    "Makes the tenants' files usable in the DR region: ends the replication into them.",
    {DELETE},
    (efs.file_systems, efs.replications, backup.recovery_points, kms.copy_keys),
    restore_steps,
    restore_status,
    omissions=restore_notes,
)
OPEN_DR_LOCALLY = replace(
    RESTORE_DR,
    name="files/open_dr_locally",
    does="Ends the replication into the DR region's files in that region alone, where a sick primary does not do its "
    "half.",
    steps=open_steps,
    status=open_status,
    omissions=no_notes,
    waits=Waits(stands_in=True),
)
