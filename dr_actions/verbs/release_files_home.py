"""Ends the replication onto the primary's file system, which becomes writable by it, once every file is proven home.

Called in the source's region, where AWS deletes both halves. EFS may leave a directory
``efs-replication-lost+found-...`` in the root of the destination. Source: EFS User Guide, Deleting replication
configurations.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions import files_home
from dr_actions import home_database as home
from dr_actions.plan import Call, Danger, Step
from dr_actions.verbs import HOME, Confirmation, Sight, Standing, Verb
from dr_actions.verbs.compute import careful
from dr_actions.verbs.prove_files_home import arrived
from dr_estate.environments import Side
from dr_estate.playbook import Plane

NAME, STAGE = "release_files_home", 38
BOTH = "ALL_CONFIGURATIONS"
_BUDGET_S = 1800


@home.homeward
def foresee(sight: Sight) -> Iterator[Step]:
    """The one step, where both regions have their file system."""
    found = files_home.systems(sight)
    if found is not None:
        yield _step(sight, found)


def _step(sight: Sight, found: files_home.Systems) -> Step:
    name, primary, dr = files_home.name_of(sight), sight.env.regions.primary, sight.env.regions.dr
    asked = {"SourceFileSystemId": found.away.id, "DeletionMode": BOTH}
    return Step(
        id=f"{NAME}.{name}",
        number=home.SYNC,
        stage=STAGE,
        verb=NAME,
        subject=name,
        owner=home.OWNERS[home.SYNC],
        side=Side.PRIMARY,
        says=f"Make {found.home.id} ({name}) in {primary} writable: end the replication of {found.away.id} onto it.",
        danger=Danger.COMPENSABLE,
        undo="The replication is not resumed; while the primary's files take no write a new one can be made.",
        budget_s=_BUDGET_S,
        call=Call("efs", "DeleteReplicationConfiguration", dr, asked),
        before=found.ids,
        after={"replicates from": ""},
        planes=(Plane.PRIMARY, Plane.DR),
    )


@careful
def confirm(step: Step, sight: Sight) -> Confirmation:
    """READY only while everything is proven to have arrived; DONE once neither region lists the replication."""
    try:
        found = files_home.now_of(step.before, sight)
    except files_home.Changed as changed:
        return changed.told
    for side in (Side.DR, Side.PRIMARY):
        row = files_home.replication(sight, side, found.away.id, found.home.id)
        if row is not None and row.status == files_home.DELETING:
            return Confirmation(Standing.WAITING, f"The replication onto {found.home.id} is being deleted.")
        if row is not None:
            how = arrived(row.synced_at, sight)
            standing = Standing.READY if how.standing is Standing.DONE else how.standing
            return Confirmation(standing, how.says, how.facts)
    if found.home.overwrite_protection == files_home.DESTINATION:
        return Confirmation(Standing.WAITING, f"{found.home.id} is still read-only.")
    facts = (("file system", found.home.id),)
    return Confirmation(Standing.DONE, f"{found.home.id} is writable, and nothing replicates onto it.", facts)


VERB = Verb(
    name=NAME,
    writes=frozenset({files_home.END}),
    watches=files_home.SYSTEMS,
    foresee=foresee,
    confirm=confirm,
    goals=HOME,
)
