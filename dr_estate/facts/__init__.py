"""What is there: one module a noun, each with frozen fact types, the exact READS, and readers marked with ``part``.

A module is found by being in this folder; nothing is registered by hand.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import typing
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from dr_estate.environments import Side
from dr_estate.looking import Look, Reader

T = TypeVar("T")
REGIONAL = (Side.PRIMARY, Side.DR)
GLOBAL = (Side.GLOBAL,)


def part(*sides: Side, reads: frozenset[str]) -> Callable[[Callable[[Look], T]], Reader[T]]:
    """Make a reader of the decorated function: one part of the snapshot, read once on each of ``sides``.

    ``reads`` are the exact ``service:Operation`` names it may call. The part's name is ``<module>.<function>``.
    """

    def wrap(function: Callable[[Look], T]) -> Reader[T]:
        noun = function.__module__.rpartition(".")[2]
        module = vars(sys.modules[function.__module__])
        shape = typing.get_type_hints(function, {**module, "Look": Look})["return"]
        return Reader(f"{noun}.{function.__name__}", sides, reads, function, shape)

    return wrap


@cache
def readers() -> dict[str, Reader[Any]]:
    """Every reader of this package by name."""
    found: dict[str, Reader[Any]] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        for value in vars(importlib.import_module(f"{__name__}.{module}")).values():
            if isinstance(value, Reader):
                found[value.name] = value
    return found


def reads() -> frozenset[str]:
    """The union of the operations all readers may call: the session's allow-list."""
    return frozenset().union(*(reader.reads for reader in readers().values()))
