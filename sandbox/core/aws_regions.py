"""What AWS fixes by region, read from ``aws_regions.toml`` beside this file."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

# The one region whose certificates CloudFront takes (T20).
CERTIFICATES_OF_CLOUDFRONT = "us-east-1"


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def opt_in_regions() -> frozenset[str]:
    """Regions an account must opt in to (T16)."""
    return frozenset(_table()["opt_in"])


def load_balancer_zone(region: str) -> str | None:
    """The hosted zone id of the region's load balancers, which an ALIAS record names; None where we do not know it."""
    found: str | None = _table()["load_balancer_zones"].get(region)
    return found
