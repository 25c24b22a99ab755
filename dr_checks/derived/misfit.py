"""Whether the settings' names find anything: neither cluster nor database nor a copy of it is no outage. Pure.

What was not seen is unknown: an estate is a misfit only where every list that would show it was read.
"""

from __future__ import annotations

from dataclasses import dataclass

from dr_estate.config.environment import Environment, Side
from dr_estate.readers import backup, ecs, rds
from dr_estate.snapshot.snapshot import Snapshot

_SIDES = (Side.PRIMARY, Side.DR)


@dataclass(frozen=True, slots=True)
class Misfit:
    """The names that found nothing, and the regions that were read for them."""

    cluster: str
    database: str
    regions: tuple[str, ...]


def misfit_of(snapshot: Snapshot, env: Environment) -> Misfit | None:
    """The names that found nothing in either region; None where one is there, or a list was not read."""
    clusters = [snapshot.get_if_seen(ecs.cluster, side) for side in _SIDES]
    if len(env.clusters) > 1:
        others = [snapshot.get_if_seen(ecs.other_clusters, side) for side in _SIDES]
        clusters += [row for found in others for row in (found if found is not None else (None,))]
    lists = [snapshot.get_if_seen(rds.instances, side) for side in _SIDES]
    copies = [snapshot.get_if_seen(reader, Side.DR) for reader in (rds.automated_backups, rds.snapshots)]
    vaults = snapshot.get_if_seen(backup.vaults, Side.DR)
    if None in (*clusters, *lists, *copies, vaults):
        return None
    names, vault = [env.database_on(side) for side in _SIDES], backup.vault_name(env, Side.DR)
    if not env.names.database:
        lists, copies, vaults = [], [], ()  # the estate has no database: its cluster alone shows it
    # A replica or a restored copy has a name of its own that begins with the database's.
    pairs = zip(names, lists, strict=False)
    instances = any(row.identifier.startswith(name) for name, rows in pairs for row in rows or ())
    copied = any(row.name == vault and row.points for row in vaults or ())
    if instances or copied or any(copies) or any(found.status is not None for found in clusters if found):
        return None
    regions = tuple(env.region(side) for side in _SIDES)
    cluster = " or ".join(dict.fromkeys(name for side in _SIDES for name in env.on(side).clusters))
    return Misfit(cluster, " or ".join(dict.fromkeys(names)), regions)
