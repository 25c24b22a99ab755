"""API of a reader: calls, pages and concurrent batches, for one region."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from dr_estate.aws.read_client import Answer, Eyes
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unseen import Blindness, CannotSee, Unseen

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Reader(Generic[T]):
    """One part of the snapshot: how to read it, on which sides, and the exact operations that takes."""

    name: str
    sides: tuple[Side, ...]
    reads: frozenset[str]
    read: Callable[[Look], T]
    shape: Any


@dataclass(frozen=True, slots=True)
class Followed:
    """What only a run knows and wants looked at: ids of its changes in Route 53, and names in the traffic zone."""

    changes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Look:
    """A reader's view of one side. ``now`` is the moment the observation began (UTC), ``name`` the part it reads."""

    eyes: Eyes
    side: Side
    region: str
    now: datetime
    workers: ThreadPoolExecutor
    parts: Callable[[str, Side], Future[Any]]
    followed: Followed = Followed()
    name: str = ""

    @property
    def env(self) -> Environment:
        """The environment whose estate is read."""
        return self.eyes.environment

    def call(self, service: str, operation: str, **params: Any) -> Answer:
        """Make one call and return its answer. ``operation`` is boto3's method name. Raises CannotSee."""
        return cast(Answer, self.eyes.call(service, self.region, lambda c: getattr(c, operation)(**params)))

    def find(self, service: str, operation: str, absent: tuple[str, ...], **params: Any) -> Answer | None:
        """Like call, but None where AWS answers with one of the error codes ``absent``: the thing is not there."""
        found = self.eyes.call(service, self.region, lambda c: getattr(c, operation)(**params), absent)
        return cast("Answer | None", found)

    def pages(self, service: str, operation: str, key: str, **params: Any) -> list[Any]:
        """Read all pages and return the items under ``key`` (dots descend). Raises CannotSee."""

        def all_pages(client: Any) -> list[Any]:
            once = getattr(client, operation)
            if not client.can_paginate(operation):
                return list(_under(once(**params), key))
            pages = client.get_paginator(operation).paginate(**params)
            return [item for page in pages for item in _under(page, key)]

        return cast(list[Any], self.eyes.call(service, self.region, all_pages))

    def each(self, doing: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Do ``doing`` for every item concurrently, in order. Raises the first CannotSee. Never nest it."""
        todo = list(items)
        if len(todo) == 1:
            return [doing(todo[0])]
        futures = [self.workers.submit(doing, item) for item in todo]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()

    def maybe(self, doing: Callable[[T], R], items: Iterable[T]) -> list[R | Unseen]:
        """Like each, but an item that cannot be seen becomes its Unseen and the rest are still read."""

        def careful(item: T) -> R | Unseen:
            try:
                return doing(item)
            except CannotSee as dark:
                return dark.unseen.of_part(self.name)

        return self.each(careful, items)

    def batches(self, doing: Callable[[Sequence[T]], list[R]], items: Sequence[T], size: int) -> list[R]:
        """Split ``items`` into batches of ``size``, do them concurrently, and join the answers."""
        chunks = [items[start : start + size] for start in range(0, len(items), size)]
        return [row for rows in self.each(doing, chunks) for row in rows]

    def part(self, reader: Reader[T], side: Side | None = None) -> T:
        """Return another part of the same observation (read once, shared). Raises CannotSee where it is unseen."""
        future = self.parts(reader.name, side or self.side)
        wait([future], timeout=self.eyes.seconds_left)
        try:
            value = future.result(timeout=0)
        except FutureTimeout as late:
            why, region = f"{reader.name} was not read before the deadline.", self.env.region(side or self.side)
            raise CannotSee(Unseen(Blindness.DEADLINE, why, region, reader.name)) from late
        if isinstance(value, Unseen):
            raise CannotSee(value)
        return cast(T, value)


def _under(answer: Any, key: str) -> list[Any]:
    for name in key.split("."):
        answer = (answer or {}).get(name) or []
    return cast(list[Any], answer)
