"""What all failback actions share: their owners, and that they have a part in nothing else. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from dr_actions.model.action import Sight
from dr_actions.model.plan import Goal
from dr_estate.model.unseen import CannotSee

T = TypeVar("T")


def homeward(foresee: Callable[[Sight], Iterator[T]]) -> Callable[[Sight], Iterator[T]]:
    """``foresee`` (or ``notes``) that yields nothing but in a failback, and nothing where it cannot see."""

    def yielded(sight: Sight) -> Iterator[T]:
        if sight.goal is not Goal.FAILBACK:
            return
        try:
            found = list(foresee(sight))
        except CannotSee:
            return
        yield from found

    return yielded
