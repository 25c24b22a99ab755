"""The map of what an account runs, read for the commands that go by settings, and what of it is the settings' names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dr_estate.aws.read_client import ReadClient
from dr_estate.config.environment import Environment
from dr_estate.config.map_file import NAMED, MapFile, MapKind
from dr_estate.model.estate_map import EstateMap
from dr_estate.scan.account import READS
from dr_estate.scan.scan import NoEstate, scan
from utils.aws_mgmt.app.discovery import with_deadline
from utils.aws_mgmt.app.errors import UsageError, some
from utils.aws_mgmt.app.target import ObservedWorld

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


def names_of_map(saved: MapFile, environment: Environment) -> Iterator[tuple[str, str]]:
    """The names in the primary region of what the map has once, and the settings' patterns do not find."""
    for key, kind in NAMED.items():
        pattern = environment.named(getattr(environment.names, key))
        only = saved.only(kind)
        if only and not saved.called(kind, pattern):
            yield key, only.name


def refuse_unnamed_services(saved: MapFile, environment: Environment) -> None:
    """Raise UsageError where no service of the map is called as the settings say: no tenant would be found."""
    pattern = environment.names.service
    services = [entry.name for entry in saved.of_kind(MapKind.SERVICE)]
    if services and not any(environment.tenant_of(pattern, name) for name in services):
        raise UsageError(
            f"No ECS service of {saved.primary} is called {environment.named(pattern, tenant='TENANT')}: there are "
            f"{some(services)}. Give the environment the name that its resources bear (-e), or type how they are "
            "called when `dr_cli.py init` asks (names.service)."
        )
