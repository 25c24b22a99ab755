"""An account that the settings do not describe: no outage, and nothing to judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dr_estate.aws.read_client import ReadClient, WrongAccount
from dr_estate.config.environment import Environment, Side
from dr_estate.model.estate_map import EstateMap, MappedKind
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import backup, ecs, rds
from dr_estate.scan.account import READS
from dr_estate.scan.scan import NoEstate, scan
from dr_estate.snapshot.snapshot import Snapshot
from utils.aws_mgmt.app.discovery import with_deadline
from utils.aws_mgmt.app.errors import UsageError, short_list
from utils.aws_mgmt.app.target import ObservedWorld

# The map of what an account runs, read for the commands that go by settings.

SCAN_S = 60


def estate_map(
    environment: Environment, world: ObservedWorld, account: str, regions: Sequence[str], seconds: int = SCAN_S
) -> EstateMap:
    """The map of what runs in the environment's cluster; where none is called so, of all that the account runs.

    Raises NoEstate, and DataUnavailable where nobody signed in.
    """
    client = ReadClient(with_deadline(environment, seconds), READS, world.credentials)
    try:
        return scan(client, account, regions, environment.named(environment.names.cluster))
    except NoEstate:
        return scan(client, account, regions)
    finally:
        client.close_connections(for_good=True)


# Whether the settings' names find anything: neither cluster nor database nor a copy of it is no outage. Pure.
#
# What was not seen is unknown: an estate is a misfit only where every list that would show it was read.

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


_SCAN_S = 30


class SettingsMisfit(UsageError):
    """The settings' names find neither cluster nor database nor a copy of it in either region."""

    def __init__(self, environment: Environment, misfit: Misfit, contents: str) -> None:
        self.misfit = misfit
        super().__init__(
            f"The settings of {environment.name} do not fit account {environment.account}: in "
            f"{' and '.join(misfit.regions)} there is no ECS cluster {misfit.cluster}, and no RDS instance "
            f"{misfit.database} or copy of it. That is no outage.{contents} `dr_cli.py scan` shows what the account "
            "runs; then correct [names] of the settings by it, or let `dr_cli.py init` write others."
        )


def refuse_misfit(snapshot: Snapshot, environment: Environment, world: ObservedWorld | None = None) -> None:
    """Raise SettingsMisfit where the names find nothing. ``world`` is asked what stands there instead."""
    misfit = misfit_of(snapshot, environment)
    if misfit is not None:
        raise SettingsMisfit(environment, misfit, _contents(environment, world) if world else "")


def _contents(environment: Environment, world: ObservedWorld) -> str:
    """What the account holds instead, in a sentence; "" where that could not be read."""
    # an estate that fits never needs these
    from dr_estate.scan.scan import NoEstate
    from utils.aws_mgmt.app.misfit import estate_map

    regions = (environment.regions.primary, environment.regions.dr)
    try:
        found = estate_map(environment, world, environment.account, regions, _SCAN_S)
    except NoEstate as none:
        return f" {none}"
    except (DataUnavailable, WrongAccount):
        return ""
    return f" There instead: {_platform(found)}."


def _platform(found: EstateMap) -> str:
    entries = [entry.name for entry in found.entries]
    clusters = list(dict.fromkeys(workload.cluster for workload in found.workloads))
    databases = [store.thing.name for store in found.stores if store.kind is MappedKind.DATABASE]
    parts = [("entry", entries), ("ECS cluster", clusters), ("database", databases)]
    named = [f"{what} {short_list(names)}" for what, names in parts if names]
    return f"{', '.join(named)} in {found.primary}"
