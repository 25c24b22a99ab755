"""The map of what an account runs, read for the commands that go by settings."""

from __future__ import annotations

from collections.abc import Sequence

from dr_estate.aws.read_client import ReadClient
from dr_estate.config.environment import Environment
from dr_estate.model.estate_map import EstateMap
from dr_estate.scan.account import READS
from dr_estate.scan.scan import NoEstate, scan
from utils.aws_mgmt.app.discovery import with_deadline
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
