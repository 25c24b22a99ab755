"""Text that names resources of one region: which one, and made comparable with the other's. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

# The id after a load balancer's or target group's name, one after a prefix such as fs-, and a health check's.
_IDS = re.compile(
    r"/[0-9a-f]{16}(?![0-9a-z])|(?<=[a-z])-(?:[0-9a-f]{17}|[0-9a-f]{8})(?![0-9a-z-])"
    r"|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
)


def arn_region(text: str) -> str:
    """The region of an ARN (arn:partition:service:region:...), "" where it has none or the text is no ARN."""
    prefix, _, rest = text.partition(":")
    return next(iter(rest.split(":")[2:3]), "") if prefix == "arn" else ""


def neutral(value: Any, region: str) -> str:
    """``value`` (JSON, keys in order, where it is no text) without ids, and with ``{region}`` for the region's name."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return _IDS.sub("", text).replace(region, "{region}")
