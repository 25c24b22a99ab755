"""Faster replacements of parts of botocore; DR_NO_SPEEDUPS=1 leaves botocore as it is (measured in docs/why.md)."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import orjson
from botocore.loaders import JSONFileLoader
from botocore.utils import parse_timestamp

from dr_estate.aws.answer_parsing import PlannedParsers


def are_on() -> bool:
    """Return whether this process may replace parts of other libraries for speed."""
    return not os.environ.get("DR_NO_SPEEDUPS")


class FastFiles(JSONFileLoader):
    """Reads botocore's JSON files with orjson; plain dictionaries keep their order too."""

    def load_file(self, file_path: str) -> Any:
        """Return the content of ``file_path`` with the ending .json or .json.gz, None where there is neither."""
        for path, opened in ((Path(f"{file_path}.json"), open), (Path(f"{file_path}.json.gz"), gzip.open)):
            if path.is_file():
                with opened(path, "rb") as file:
                    return orjson.loads(file.read())
        return None


def use_fast_parsing(session: botocore.session.Session) -> None:
    """Let ``session`` read AWS's answers by plans, and their timestamps in a hundredth of botocore's time."""
    if are_on():
        session.register_component("response_parser_factory", PlannedParsers(fast_timestamp))


def fast_timestamp(value: Any) -> datetime:
    """Parse an AWS timestamp (epoch seconds, ISO 8601, or RFC 822) into an aware datetime."""
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC)
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return parse_timestamp(value)  # type: ignore[no-any-return] # botocore publishes no types
