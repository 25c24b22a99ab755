"""All readers by name, and the union of their operations: the allow-list of the read client."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

import dr_estate.readers
from dr_estate.reading.reader import Reader

# What ``doctor`` alone reads: it is no part of a snapshot.
DIAGNOSED = frozenset({"rds:DescribeSourceRegions"})


@cache
def readers() -> dict[str, Reader[Any]]:
    """Every reader of this package by name."""
    found: dict[str, Reader[Any]] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(dr_estate.readers.__path__)):
        for value in vars(importlib.import_module(f"dr_estate.readers.{module}")).values():
            if isinstance(value, Reader):
                found[value.name] = value
    return found


def reads() -> frozenset[str]:
    """The union of the operations all readers may call: the session's allow-list."""
    return frozenset().union(*(reader.reads for reader in readers().values()))
