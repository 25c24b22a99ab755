"""Faster decoding of AWS answers: botocore spends most of its time on timestamps (measured in benchmarks/)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore.utils import parse_timestamp


def fast_timestamp(value: Any) -> datetime:
    """Parse an AWS timestamp (epoch seconds, ISO 8601, or RFC 822) into an aware datetime."""
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC)
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return parse_timestamp(value)  # type: ignore[no-any-return] # botocore publishes no types


def fast_parsers(session: botocore.session.Session) -> None:
    """Make ``session`` decode timestamps with fast_timestamp."""
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=fast_timestamp)
