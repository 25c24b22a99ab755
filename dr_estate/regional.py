"""What of a value leads to the primary region, and how it reads where it leads to the DR region instead. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from dr_estate.environments import Environment, Side


def moved(value: str, env: Environment, host: str) -> str:
    """``value`` with the primary database's endpoint replaced by ``host``, and ARNs that differ by region alone moved.

    Those ARNs are of secrets (a replica keeps name and suffix) and multi-Region keys (mrk-). Anything else of the
    primary region stays as it is: another name of the DR region would be a guess.
    """
    endpoint, arn = _patterns(env)
    return arn.sub(rf"\g<before>{env.region(Side.DR)}\g<after>", endpoint.sub(host, value))


@lru_cache(maxsize=4)
def _patterns(env: Environment) -> tuple[re.Pattern[str], re.Pattern[str]]:
    region, database = re.escape(env.region(Side.PRIMARY)), re.escape(env.named(env.names.database))
    endpoint = rf"(?<![\w.-]){database}\.[a-z0-9]+\.{region}\.rds\.amazonaws\.com(\.cn)?(?![\w-])"
    arn = rf"(?P<before>arn:aws[a-z-]*:(secretsmanager|kms):){region}(?P<after>:\d{{12}}:(secret:|key/mrk-))"
    return re.compile(endpoint), re.compile(arn)
