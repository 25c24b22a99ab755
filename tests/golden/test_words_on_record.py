"""The words that records, reports and journals hold, of today: another word would not be read again."""

from __future__ import annotations

import importlib
import pkgutil
from enum import StrEnum

import pytest

from tests.golden.recording import compare


@pytest.mark.parametrize("room", ["dr_checks", "dr_actions"])
def test_the_words_for_each_kind_are_as_on_record(room: str) -> None:
    package = importlib.import_module(room)
    found = pkgutil.walk_packages(package.__path__, f"{room}.")
    kinds = {
        kind.__qualname__: kind
        for module in [importlib.import_module(info.name) for info in found]
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, StrEnum) and kind.__module__ == module.__name__
    }
    compare(f"words-of-{room}.golden", [f"{name}: {', '.join(kinds[name])}" for name in sorted(kinds)])
