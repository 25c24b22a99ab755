"""Sees to it that the primary's files cannot be overwritten any more: AWS does it by itself, else a call does.

"If you delete the replication configuration, the file system's replication overwrite protection is re-enabled and the
file system becomes writeable" (EFS User Guide, File system protection). A call is made only where it is off.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.files import failback as files_failback
from dr_actions.model.action import Confirmation, Sight, Standing
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side


def _steps(sight: Sight, found: files_failback.Systems) -> Iterator[Step]:
    """The one step, where both regions have their file system."""
    name, region = files_failback.name_of(sight), sight.env.regions.primary
    params = {"FileSystemId": found.home.id, "ReplicationOverwriteProtection": files_failback.ON}
    yield sight.step(
        __name__,
        name,
        side=Side.PRIMARY,
        says=f"Protect {found.home.id} ({name}) in {region} against being overwritten, should AWS not have done so.",
        danger=Danger.REVERSIBLE,
        undo="Left on: protection harms nobody.",
        budget_s=300,
        call=Call("efs", "UpdateFileSystemProtection", region, params),
        before=found.ids,
        after={"overwrite protection": files_failback.ON},
    )


def _judge(sight: Sight, found: files_failback.Systems) -> Confirmation:
    """DONE once protected, whoever did it."""
    fed = files_failback.into(sight, Side.PRIMARY, found.home.id)
    if fed is not None:
        return Confirmation(Standing.CHANGED, f"{fed.source_id} replicates onto {found.home.id}.")
    state = found.home.overwrite_protection
    message = f"The overwrite protection of {found.home.id} is {state}."
    if state == files_failback.ON:
        return Confirmation(Standing.DONE, message, (("overwrite protection", state),))
    return Confirmation(Standing.READY if state == files_failback.OFF else Standing.WAITING, message)


VERB = files_failback.paired(__name__, {files_failback.PROTECT}, files_failback.SYSTEMS, _steps, _judge)
