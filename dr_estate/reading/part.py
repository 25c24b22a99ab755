"""Decorator that makes a function a reader of one part of the snapshot."""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable
from typing import TypeVar

from dr_estate.config.environment import Side
from dr_estate.reading.reader import ReadContext, Reader

T = TypeVar("T")
REGIONAL = (Side.PRIMARY, Side.DR)
GLOBAL = (Side.GLOBAL,)


def part(
    *sides: Side, reads: frozenset[str], visits: bool = False, of_entrance: bool = False
) -> Callable[[Callable[[ReadContext], T]], Reader[T]]:
    """Make a reader of the decorated function: one part of the snapshot, read once on each of ``sides``.

    ``reads`` are the exact ``service:Operation`` names it may call. The part's name is ``<module>.<function>``.
    ``visits``: it asks sites or name servers, of which a slow one takes seconds: more of them at once than API calls.
    ``of_entrance``: it is about one load balancer or its records, and is read once for each that the map has.
    """

    def wrap(function: Callable[[ReadContext], T]) -> Reader[T]:
        noun = function.__module__.rpartition(".")[2]
        module = vars(sys.modules[function.__module__])
        shape = typing.get_type_hints(function, {**module, "ReadContext": ReadContext})["return"]
        return Reader(f"{noun}.{function.__name__}", sides, reads, function, shape, visits, of_entrance)

    return wrap
