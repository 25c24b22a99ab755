"""What a scene is: a part of the run that answers some questions, with what it costs and how long it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from truth_kit.account import Account

Value = bool | int | str
Answer = tuple[str, Value]


@dataclass(frozen=True)
class Scene:
    """``play`` answers ``ids`` in this order, each as soon as it is known; minutes and dollars are estimates."""

    name: str
    ids: tuple[str, ...]
    minutes: int
    dollars: float
    why: str
    play: Callable[[Account], Iterator[Answer]]
