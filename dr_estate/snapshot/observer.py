"""Take the snapshot: all readers concurrently, failures isolated to their part, within the deadline.

The account is proven before the first read. A region that is silent, a call that hangs and a reader with a defect cost
their own part alone: each becomes Unavailable with its reason, and the rest of the snapshot is as good as without it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from dr_estate.aws.pace import rate_of
from dr_estate.aws.read_client import Credentials, DroppedSessions, ReadClient
from dr_estate.config.environment import Environment, Side
from dr_estate.config.map_names import Entrance
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.reading.reader import ReadContext, Reader, Section, TrackedChanges, part_name, reader_name
from dr_estate.reading.workers import PartWorkers, PoolWorkers, QueuedWork, SideThreads, Workers
from dr_estate.snapshot.registry import readers, reads
from dr_estate.snapshot.snapshot import Snapshot, SnapshotPart, share_texts

Key = tuple[str, Side]
Progress = Callable[[int, int], None]
# Hears of a part as soon as it is read: its name, its side, and its value or why it is unavailable.
PartSeen = Callable[[str, Side, Any], None]
# Calls at once on one side, of all parts; calls that take long are not among them.
API_THREADS = 32
# Calls at once of one part while others have some to make: 8 in 40 ms are ten times ECS's published rate.
API_CALLS = 8
_TICK_S = 0.1


def observe(
    environment: Environment,
    credentials: Credentials,
    world: str,
    progress: Progress = lambda _done, _of: None,
    only: frozenset[str] | None = None,
    upon: Snapshot | None = None,
    sides: Collection[Side] = tuple(Side),
    seen: PartSeen = lambda _name, _side, _value: None,
) -> Snapshot:
    """Prove the account, then read every part concurrently; ``progress`` gets the number of parts done, and of all.

    ``only`` narrows to these parts' names and those they are read from; None reads all. The others are taken from
    ``upon``, an earlier snapshot, where it is given; what is read from one that was unseen there tries that one again.
    What is followed is what ``upon`` says. ``sides`` narrows to these: what ``upon`` holds of another is not asked
    again, seen or unseen. ``seen`` hears of each part as it is read.
    A part that is denied, throttled, slow or dark becomes Unavailable; the rest is read all the same. Raises
    WrongAccount, and DataUnavailable where no region could prove the account or there are no credentials.
    """
    with kept_client(environment, reads(), credentials) as client:
        return observe_with(client, world, progress, only, upon, sides, seen)


def observe_with(
    client: ReadClient,
    world: str,
    progress: Progress = lambda _done, _of: None,
    only: frozenset[str] | None = None,
    upon: Snapshot | None = None,
    sides: Collection[Side] = tuple(Side),
    seen: PartSeen = lambda _name, _side, _value: None,
) -> Snapshot:
    """``observe`` with ready ``client``."""
    identity = client.prove_account()
    started = client.credentials.clock.now()
    reading = _Reading(client, started, readers() if only is None else only, upon, sides)
    reading.begin()
    keys = {future: key for key, future in reading.futures.copy().items()}
    waiting: set[Future[Section]] = set(keys)
    while waiting and client.remaining_seconds:
        done, waiting = wait(waiting, timeout=min(_TICK_S, client.remaining_seconds))
        for future in done:
            reading.take(keys[future])
            seen(*keys[future], future.result().value)
        reading.tend()
        progress(len(reading.futures) - len(waiting), len(reading.futures))
    reading.end()
    parts = dict(upon.parts if upon else {}) | reading.begun_parts()
    about = (client.environment.name, identity.account, identity.arn, world, started)
    return Snapshot(*about, parts, calls=dict(client.calls))


class _Reading:
    """The parts of one observation: those that are wanted, and those that they are read from, each once."""

    def __init__(
        self, client: ReadClient, now: datetime, wanted: Collection[str], upon: Snapshot | None, sides: Collection[Side]
    ) -> None:
        self.client, self.now, self.wanted, self.sides = client, now, wanted, sides
        self.earlier, self.followed = (upon.parts, upon.followed) if upon else ({}, TrackedChanges())
        self.known = dict(_parts_of(client.environment))
        self.futures, self.read_at = dict[Key, Future[Section]](), dict[Key, datetime]()
        self.parts = dict[Key, SnapshotPart]()
        self._workers = client.environment.observation.workers
        self._threads = {side: SideThreads(API_THREADS, f"read-{side}") for side in Side}
        self._pools, self._tasks = list[PoolWorkers](), dict[Key, QueuedWork]()
        self._starting = threading.Lock()

    def begin(self) -> None:
        """Begin what is wanted, those first that are read from most others."""
        for key in sorted(self.known, key=lambda key: -len(self.known[key][0].reads)):
            if reader_name(key[0]) in self.wanted and (key[1] in self.sides or key not in self.earlier):
                self._future_of(key)

    def take(self, key: Key) -> None:
        """Take the part of ``key`` as it is now: what was read, or that it was not read in time."""
        section = _section(key, self.futures[key], self.client)
        read_at = self.read_at.get(key) or self.client.credentials.clock.now()
        region = self.client.environment.region(key[1])
        self.parts[key] = SnapshotPart(*key, region, read_at, section.value, section.unreadable, section.cached)

    def begun_parts(self) -> dict[Key, SnapshotPart]:
        """Return every part that was begun, in that order. Threads may still begin others, which nobody waits for."""
        begun = list(self.futures)
        for key in begun:
            if key not in self.parts:
                self.take(key)
        return {key: self.parts[key] for key in begun}

    def tend(self) -> None:
        """Let no call that takes long hold up others."""
        for threads in self._threads.values():
            threads.tend()

    def end(self) -> None:
        """Begin nothing more."""
        for threads in self._threads.values():
            threads.end()
        for pool in self._pools:
            pool.end()

    def _part(self, name: str, side: Side) -> Future[Section]:
        """The part that another is read from; it is read in the asking thread where nobody has begun it."""
        key = (name, side)
        future = self._future_of(key)
        # The asking thread reads the part itself where nobody has begun it: waiting for each other would be a circle.
        if key in self._tasks and not future.done():
            self._threads[side].hurry(key)
            self._threads[side].help(self._tasks[key])
        return future

    def _future_of(self, key: Key) -> Future[Section]:
        # A side that is not asked keeps what the earlier snapshot has of it, seen or unseen.
        part = self.earlier.get(key)
        if part and (key[1] not in self.sides or _is_known(part, self.wanted)):
            done: Future[Section] = Future()
            done.set_result(Section(part.value, part.unreadable, part.cached))
            return done
        with self._starting:
            if key not in self.futures:
                self.futures[key] = Future()
                self._start(key, *self.known[key])
            return self.futures[key]

    def _start(self, key: Key, reader: Reader[Any], entrance: Entrance | None) -> None:
        # Sites and name servers may hang: they have threads of their own, and never those of AWS's calls.
        if reader.visits:
            pool = PoolWorkers(self._workers, f"visit-{key[0]}-{key[1]}")
            self._pools.append(pool)
            threading.Thread(
                target=self._run, args=(key, reader, entrance, pool), name=f"read-{key[0]}", daemon=True
            ).start()
        else:
            rank, threads = -len(reader.reads), self._threads[key[1]]
            most, spare = calls_at_once(reader.reads, self._workers)
            workers = PartWorkers(threads, rank, most, key, spare)
            self._tasks[key] = threads.submit(rank, lambda: self._run(key, reader, entrance, workers), key)

    def _run(self, key: Key, reader: Reader[Any], entrance: Entrance | None, workers: Workers) -> None:
        region = self.client.environment.region(key[1])
        parts, name = (self._part, self.followed), reader.name
        context = ReadContext(self.client, key[1], region, self.now, workers, *parts, name, entrance=entrance)
        value = _read_part(reader, context)
        share_texts(value)
        self.read_at[key] = self.client.credentials.clock.now()
        self.futures[key].set_result(Section(value, **context.extras))


def _parts_of(environment: Environment) -> Iterator[tuple[Key, tuple[Reader[Any], Entrance | None]]]:
    """Every part of the estate with its reader, and the entrance that it is about."""
    for reader in readers().values():
        for entrance in environment.entrances if reader.of_entrance else (None,):
            for side in reader.sides:
                yield (part_name(reader, environment, entrance), side), (reader, entrance)


def calls_at_once(reads: Iterable[str], limit: int) -> tuple[int, int]:
    """Calls at once of a part with these ``reads``: those by right, and those more that nothing else wants.

    No more than the first where AWS publishes no rate that paces them: many at once are throttled.
    """
    most = min(limit, API_CALLS)
    return most, min(limit, API_THREADS) - most if all(map(rate_of, reads)) else 0


def _is_known(part: SnapshotPart, wanted: Collection[str]) -> bool:
    """Whether the part was read before, and is not to be read again."""
    return reader_name(part.name) not in wanted and not isinstance(part.value, Unavailable)


def _section(key: Key, future: Future[Section], client: ReadClient) -> Section:
    if future.done():
        return future.result()
    deadline_s, region = client.environment.observation.deadline_s, client.environment.region(key[1])
    reason = f"{key[0]} was not read on the {key[1]} side within {deadline_s} s."
    return Section(Unavailable(UnavailableKind.DEADLINE, reason, region, key[0]))


def _read_part(reader: Reader[Any], context: ReadContext) -> Any:
    try:
        return reader.read(context)
    except DataUnavailable as error:
        return error.unavailable.of_part(reader.name)
    except Exception as defect:  # noqa: BLE001 - a defect of one reader is that part's UNKNOWN, and never stops the rest
        defect_text = f"{reader.name} on the {context.side} side: {type(defect).__name__}: {defect}"
        reason = f"The reader failed ({defect_text}). This is a defect: please report it."
        return Unavailable(UnavailableKind.DEFECT, reason, context.region, reader.name)


_TAKING = threading.Lock()
_kept: list[ReadClient] = []
_DROPPED = DroppedSessions()


def _reconnect() -> None:
    """A connection has two ends: a child asks on one of its own. Keys that were looked for may be others by then."""
    _kept[:] = [client for client in _kept if client.credentials.access_key_id]
    for client in _kept:
        client.close_connections()


os.register_at_fork(after_in_child=_reconnect)


def forget_client() -> None:
    """Let the next observation sign in again: the keys of the kept client may have expired since."""
    with _TAKING:
        dropped, _kept[:] = _kept.copy(), []
    _drop(dropped)


@contextmanager
def kept_client(environment: Environment, allowed: Iterable[str], credentials: Credentials) -> Iterator[ReadClient]:
    """Yield the read client of one observation, its deadline running: the kept client of this world, or a new client.

    Clients and connections take two thirds of the CPU time of a narrowed observation (measured). Only a client that
    got all it asked for is kept; after any other, the next observation signs in again with the credentials of then,
    and the connections are closed: somebody may watch a region that stays dark for hours.
    """
    client = _take(environment, credentials) or _read_client(environment, allowed, credentials)
    dropped = [client]
    try:
        yield client
        # One that missed something is dropped: the cause may be its keys or its connections.
        if not client.blinked and client.remaining_seconds:
            with _TAKING:
                dropped, _kept[:] = _kept.copy(), [client]
    finally:
        _drop(dropped)


def _drop(clients: Iterable[ReadClient]) -> None:
    for client in clients:
        client.close_connections(for_good=True)
        _DROPPED.add(client)


def _read_client(environment: Environment, allowed: Iterable[str], credentials: Credentials) -> ReadClient:
    _DROPPED.collect()
    return ReadClient(environment, allowed, credentials)


def _take(environment: Environment, credentials: Credentials) -> ReadClient | None:
    """The cached read clients, for one caller only."""
    with _TAKING:
        if not _kept or (_kept[0].environment, _kept[0].credentials) != (environment, credentials):
            return None
        client = _kept.pop()
    client.go_by(credentials)
    client.open()
    return client
