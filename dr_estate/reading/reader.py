"""A reader of one part of the snapshot, and what it may ask: calls, pages and concurrent batches, for one region."""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from typing import Any, Generic, TypeVar, cast

from dr_estate.aws.read_client import Answer, ReadClient
from dr_estate.config.environment import Environment, Side
from dr_estate.config.map_names import Entrance
from dr_estate.model.unavailable import (
    DataUnavailable,
    Unavailable,
    UnavailableKind,
    UnreadableRow,
    available,
    understand,
)
from dr_estate.reading.workers import Workers

T = TypeVar("T")
R = TypeVar("R")
REGIONAL = (Side.PRIMARY, Side.DR)
GLOBAL = (Side.GLOBAL,)
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Reader(Generic[T_co]):
    """One part of the snapshot: how to read it, on which sides, and the exact operations that takes."""

    name: str
    sides: tuple[Side, ...]
    reads: frozenset[str]
    read: Callable[[ReadContext], T_co]
    shape: Any
    visits: bool = False
    of_entrance: bool = False


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


_OF = "@"


def part_name(reader: Reader[Any], environment: Environment, entrance: Entrance | None) -> str:
    """What a part is called: by its reader; that of a further entrance of the map with the entrance's key."""
    beside = reader.of_entrance and entrance != environment.entrances[0]
    return f"{reader.name}{_OF}{entrance.key}" if beside and entrance else reader.name


def reader_name(part: str) -> str:
    """The name of the reader that reads a part."""
    return part.partition(_OF)[0]


@dataclass(frozen=True, slots=True)
class TrackedChanges:
    """What only a run knows and wants looked at: ids of its changes in Route 53, and names in the traffic zone.

    ``families`` are those of the task definitions of which it runs tasks that write and look for markers, ``tables``
    those that it puts a marker item into. ``trial`` is the drill that a run is of, which starts tasks under its id.
    ``fails_back``: it is a failback, and compares the contents of both regions to its end.
    """

    changes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    trial: str = ""
    fails_back: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """What a reader returned, the rows that it could not understand and left out, and the ARNs it did not ask for.

    Those it did not ask for were known from an earlier observation, in the version that it wanted.
    """

    value: Any
    unreadable: tuple[UnreadableRow, ...] = ()
    cached: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadContext:
    """A reader's view of one side. ``now`` is the moment the observation began (UTC), ``name`` the part it reads.

    ``unreadable`` collects the rows that matter to the estate and were not understood, those of other parts too;
    ``cached`` the ARNs that were not asked for. ``entrance`` is the one that the part is about, None where it is about
    all, or there is one alone.
    """

    client: ReadClient
    side: Side
    region: str
    now: datetime
    workers: Workers
    parts: Callable[[str, Side], Future[Section]]
    followed: TrackedChanges = TrackedChanges()
    name: str = ""
    unreadable: list[UnreadableRow] = field(default_factory=list)
    cached: list[str] = field(default_factory=list)
    entrance: Entrance | None = None

    @property
    def extras(self) -> dict[str, Any]:
        """What of a section is beside its value, in an order of its own: rows are read at once."""
        odd = sorted(self.unreadable, key=lambda row: (row.name, row.tenant or "", row.unseen.why))
        return {"unreadable": tuple(odd), "cached": tuple(sorted(self.cached))}

    @cached_property
    def env(self) -> Environment:
        """The environment whose estate is read, with the names of the side and of the entrance that are read."""
        return self.client.environment.at(self.entrance).on(self.side)

    def call(self, service: str, operation: str, **params: Any) -> Answer:
        """Make one call and return its answer. ``operation`` is boto3's method name. Raises DataUnavailable."""
        self.workers.calling()
        return cast(Answer, self.client.call(service, self.region, lambda c: getattr(c, operation)(**params)))

    def find(self, service: str, operation: str, absent: tuple[str, ...], **params: Any) -> Answer | None:
        """Like call, but None where AWS answers with one of the error codes ``absent``: the thing is not there."""
        self.workers.calling()
        found = self.client.call(service, self.region, lambda c: getattr(c, operation)(**params), absent)
        return cast("Answer | None", found)

    def pages(self, service: str, operation: str, key: str, **params: Any) -> list[Any]:
        """Read all pages and return the items under ``key`` (dots descend, commas join lists).

        Raises DataUnavailable.
        """
        return cast(list[Any], self.find_pages(service, operation, key, (), **params))

    def find_pages(
        self, service: str, operation: str, key: str, absent: tuple[str, ...], **params: Any
    ) -> list[Any] | None:
        """Like pages, but None where AWS answers with one of the error codes ``absent``: the thing is not there."""

        def all_pages(client: Any) -> list[Any]:
            once = getattr(client, operation)
            if not client.can_paginate(operation):
                return list(_under(once(**params), key))
            items = []
            for page in client.get_paginator(operation).paginate(**params):
                self.workers.calling()  # the next page's
                items += _under(page, key)
            return items

        self.workers.calling()
        return cast("list[Any] | None", self.client.call(service, self.region, all_pages, absent))

    def immutable(self, arn: str, shape: type[T], read: Callable[[], T], version: str) -> T:
        """Return this ``version`` of the resource of ``arn`` as it is known; else ``read`` it.

        ``version`` distinguishes the states of a resource with the same ARN: a version needs no asking again. A known
        resource that is not of ``shape``, or of another ARN, is read again. Raises what ``read`` raises.
        """
        answers = self.client.credentials.immutable
        known = answers.get(arn, version)
        if (
            known is not None
            and (thing := _value_of_shape(shape, known)) is not None
            and getattr(thing, "arn", "") == arn
        ):
            self.cached.append(arn)
            return thing
        thing = read()
        answers.keep(arn, version, thing)
        return thing

    def understand(self, parse: Callable[[], R], name: str) -> R:
        """Return what ``parse`` makes of an answer on ``name``.

        Raises DataUnavailable where it is of an unknown shape.
        """
        return understand(parse, name, self.region)

    def rows(
        self, rows: Iterable[Mapping[str, Any]], parse: Callable[[Any], R], key: str, pattern: str | None = None
    ) -> tuple[R, ...]:
        """Parse each row by itself; one that is not understood is left out, and recorded by its member ``key``.

        ``pattern`` narrows what is recorded to names of this pattern of the environment: others are strangers'.
        """
        parsed = (self.row(row, parse, key, pattern) for row in rows)
        return tuple(value for value in parsed if value is not None)

    def each_row(self, rows: Iterable[Mapping[str, Any]], parse: Callable[[Any], R], key: str) -> tuple[R, ...]:
        """Like rows, concurrently: ``parse`` asks about each row."""
        found = self.each(lambda row: self.row(row, parse, key), rows)
        return tuple(value for value in found if value is not None)

    def row(self, row: Mapping[str, Any], parse: Callable[[Any], R], key: str, pattern: str | None = None) -> R | None:
        """Parse one row as ``rows`` does; None where it was not understood."""
        name = str(row.get(key) or "")
        try:
            return self.understand(lambda: parse(row), name or f"A row without {key}")
        except DataUnavailable as error:
            # Only a row of an unknown shape is left out; after a call that was denied or late the rest is not whole.
            if error.unavailable.kind is not UnavailableKind.UNREADABLE:
                raise
            inside = self.env.tenant_of(pattern, name) if pattern else None
            if not name or pattern is None or inside is not None or name == self.env.named(pattern, tenant=""):
                tenant = inside if pattern and "{tenant}" in pattern else None
                self._record(UnreadableRow(name, tenant, error.unavailable.of_part(self.name)))
            return None

    def _record(self, odd: UnreadableRow) -> None:
        if odd not in self.unreadable:
            self.unreadable.append(odd)

    def each(self, doing: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Do ``doing`` for every item concurrently, in order. Raises the first DataUnavailable. Never nest it."""
        todo = list(items)
        # One item stays in this thread: handing it to another costs a change of threads and gains nothing.
        return [doing(todo[0])] if len(todo) == 1 else self.workers.each(doing, todo)

    def maybe(self, doing: Callable[[T], R], items: Iterable[T]) -> list[R | Unavailable]:
        """Like each, but an item that cannot be seen or understood becomes its Unavailable; the rest are still read."""

        def careful(item: T) -> R | Unavailable:
            try:
                return self.understand(lambda: doing(item), _label(item))
            except DataUnavailable as error:
                return error.unavailable.of_part(self.name)

        return self.each(careful, items)

    def about(self, things: Sequence[T], questions: Sequence[Callable[[T], Any]]) -> list[list[Any]]:
        """Ask every question about every thing, all at once: a row of answers for each thing, careful as ``maybe``."""
        todo = [_Question(thing, ask) for thing in things for ask in questions]
        answers = iter(self.maybe(lambda question: question.ask(question.thing), todo))
        return [[next(answers) for _ in questions] for _ in things]

    def batches(self, doing: Callable[[Sequence[T]], Sequence[R]], items: Sequence[T], size: int) -> list[R]:
        """Split ``items`` into batches of ``size``, do them concurrently, and join the answers."""
        chunks = [items[start : start + size] for start in range(0, len(items), size)]
        return [row for rows in self.each(doing, chunks) for row in rows]

    def part(self, reader: Reader[T], side: Side | None = None) -> T:
        """Return another part of the same observation (read once, shared): of the same entrance, else of the first.

        Raises DataUnavailable where it is unseen.
        """
        return self._part(reader, side, self.entrance)

    def part_if_seen(
        self, reader: Reader[T], side: Side | None = None, unseen: list[Unavailable] | None = None
    ) -> T | None:
        """The part as ``part`` returns it, None where it is unseen; adds the reason to ``unseen``."""
        try:
            return self.part(reader, side)
        except DataUnavailable as error:
            if unseen is not None:
                unseen.append(error.unavailable)
            return None

    def of_entrances(self, reader: Reader[T], side: Side | None = None) -> list[T]:
        """The part of each entrance. Raises DataUnavailable where one is unseen."""
        return [self._part(reader, side, entrance) for entrance in self.client.environment.entrances]

    def _part(self, reader: Reader[T], side: Side | None, entrance: Entrance | None) -> T:
        future = self.parts(part_name(reader, self.client.environment, entrance), side or self.side)
        if not future.done():
            with self.workers.waiting():
                while self.client.remaining_seconds and not future.done():  # it moves where AWS's rates need longer
                    wait([future], timeout=self.client.remaining_seconds)
        try:
            section = future.result(timeout=0)
        except FutureTimeout as late:
            reason, region = f"{reader.name} was not read before the deadline.", self.env.region(side or self.side)
            raise DataUnavailable(Unavailable(UnavailableKind.DEADLINE, reason, region, reader.name)) from late
        value = available(section.value)
        # What that part left out is lacking in this one, too: it is recorded with both.
        for odd in section.unreadable:
            self._record(odd)
        return cast(T, value)


@dataclass(frozen=True, slots=True)
class _Question(Generic[T]):
    """One call about one thing."""

    thing: T
    ask: Callable[[T], Any]

    @property
    def name(self) -> str:
        """How a sentence names the thing."""
        return _label(self.thing)


@cache
def _codec(shape: Hashable) -> Any:
    from pydantic import TypeAdapter  # what is cached nowhere needs none

    return TypeAdapter(cast(Any, shape))


def _value_of_shape(shape: type[T], known: Any) -> T | None:
    try:
        return cast(T, _codec(cast(Hashable, shape)).validate_python(known))
    except ValueError:
        return None


def _label(item: Any) -> str:
    """How a sentence names an item of ``maybe``: by its own text, its parts, or its name."""
    if isinstance(item, tuple):
        return " ".join(map(str, item))
    return str(getattr(item, "name", "") or getattr(item, "id", "") or item)


def _under(answer: Any, keys: str) -> list[Any]:
    found: list[Any] = []
    for key in keys.split(","):
        rows = answer
        for name in key.split("."):
            rows = (rows or {}).get(name) or []
        found += rows
    return found
