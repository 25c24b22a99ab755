"""References to the primary region inside a value, and their replacement by the DR region. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from dr_estate.config.environment import Environment, Side


@dataclass(frozen=True, slots=True)
class RegionMove:
    """From one region to another, and the identifier of the database in the first."""

    origin: str
    target: str
    database: str


def way_of(env: Environment) -> RegionMove:
    """From the environment's primary region to its DR region."""
    return RegionMove(env.regions.primary, env.regions.dr, env.database_on(Side.PRIMARY))


def move_to_primary(env: Environment) -> RegionMove:
    """From the environment's DR region to its primary region."""
    return RegionMove(env.regions.dr, env.regions.primary, env.database_on(Side.DR))


def moved_value(value: str, way: RegionMove, host: str) -> str:
    """``value`` with the first region's database endpoint replaced by ``host``, and ARNs that differ by region moved.

    Those ARNs are of secrets (a replica keeps name and suffix) and multi-Region keys (mrk-). Anything else of the first
    region stays as it is: another name in the second would be a guess.
    """
    if way.origin not in value:  # most values: both patterns hold the region's name
        return value
    endpoint, arn = _patterns(way)
    return arn.sub(rf"\g<before>{way.target}\g<after>", endpoint.sub(lambda _: host, value))


@lru_cache(maxsize=4)
def _patterns(way: RegionMove) -> tuple[re.Pattern[str], re.Pattern[str]]:
    region, database = re.escape(way.origin), re.escape(way.database)
    endpoint = rf"(?<![\w.-]){database}\.[a-z0-9]+\.{region}\.rds\.amazonaws\.com(\.cn)?(?![\w-])"
    arn = rf"(?P<before>arn:aws[a-z-]*:(secretsmanager|kms):){region}(?P<after>:\d{{12}}:(secret:|key/mrk-))"
    return re.compile(endpoint), re.compile(arn)
