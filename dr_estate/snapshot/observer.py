"""Take the snapshot: all readers concurrently, failures isolated to their part, within the deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Any

from dr_estate.aws.read_client import Credentials, ReadClient, open_eyes
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind
from dr_estate.reading.reader import ReadContext, Reader, Section, TrackedChanges
from dr_estate.snapshot.registry import readers, reads
from dr_estate.snapshot.snapshot import Snapshot, SnapshotPart

Key = tuple[str, Side]
Progress = Callable[[int, int], None]
API_THREADS = 8
"""A part's calls at once. More cost CPU and gain nothing in Python: 8 in 40 ms are ten times ECS's published rate."""
_TICK_S = 0.1


def observe(
    environment: Environment,
    credentials: Credentials,
    world: str,
    progress: Progress = lambda _done, _of: None,
    only: frozenset[str] | None = None,
    upon: Snapshot | None = None,
    sides: Collection[Side] = tuple(Side),
) -> Snapshot:
    """Prove the account, then read every part concurrently; ``progress`` gets the number of parts done, and of all.

    ``only`` narrows to these parts' names and those they are read from; None reads all. The others are taken from
    ``upon``, an earlier snapshot, where it is given; what is read from one that was unseen there tries that one again.
    What is followed is what ``upon`` says. ``sides`` narrows to these: what ``upon`` holds of another is not asked
    again, seen or unseen.
    A part that is denied, throttled, slow or dark becomes Unseen; the rest is read all the same. Raises WrongAccount,
    and DataUnavailable where no region could prove the account or there are no credentials.
    """
    with open_eyes(environment, reads(), credentials) as client:
        return observe_with(client, world, progress, only, upon, sides)


def observe_with(
    client: ReadClient,
    world: str,
    progress: Progress = lambda _done, _of: None,
    only: frozenset[str] | None = None,
    upon: Snapshot | None = None,
    sides: Collection[Side] = tuple(Side),
) -> Snapshot:
    """``observe`` with ready ``client``."""
    environment = client.environment
    identity = client.prove_account()
    started = client.credentials.clock.now()
    values = _read_all(client, started, readers() if only is None else only, upon, progress, *sides)
    parts = dict(upon.parts if upon else {}) | {
        key: SnapshotPart(
            key[0], key[1], environment.region(key[1]), read_at, section.value, section.unreadable, section.cached
        )
        for key, (read_at, section) in values.items()
    }
    return Snapshot(environment.name, identity.account, identity.arn, world, started, parts, dict(client.calls))


def _read_all(
    client: ReadClient, now: datetime, wanted: Collection[str], upon: Snapshot | None, progress: Progress, *sides: Side
) -> dict[Key, tuple[datetime, Section]]:
    earlier, followed = (upon.parts, upon.followed) if upon else ({}, TrackedChanges())
    known = {(reader.name, side): reader for reader in readers().values() for side in reader.sides}
    futures, read_at = dict[Key, Future[Section]](), dict[Key, datetime]()
    pools: dict[Key, ThreadPoolExecutor] = {}  # one each: no part's items wait behind another's thousands
    starting = threading.Lock()

    def run(key: Key, reader: Reader[Any]) -> None:
        where = (key[1], client.environment.region(key[1]))
        context = ReadContext(client, *where, now, pools[key], lambda n, s: begun((n, s)), followed, reader.name)
        value = _read_one(reader, context)
        pools[key].shutdown(wait=False)
        read_at[key] = client.credentials.clock.now()
        futures[key].set_result(Section(value, **context.left_out))

    def begun(key: Key) -> Future[Section]:
        reader, name = known[key], f"read-{key[0]}-{key[1]}"
        part = earlier.get(key)
        if part and (key[1] not in sides or _is_known(part, wanted)):
            return _settled(Section(part.value, part.unreadable, part.cached))
        with starting:
            if key not in futures:
                futures[key] = Future()
                pools[key] = ThreadPoolExecutor(_threads(client, reader), f"look-{key[0]}-{key[1]}")
                threading.Thread(target=run, args=(key, reader), name=name, daemon=True).start()
            return futures[key]

    for key in known:
        if key[0] in wanted and (key[1] in sides or key not in earlier):
            begun(key)
    waiting: set[Future[Section]] = set(futures.copy().values())
    while waiting and client.seconds_left:
        _, waiting = wait(waiting, timeout=min(_TICK_S, client.seconds_left))
        progress(len(futures) - len(waiting), len(futures))
    for pool in pools.copy().values():
        pool.shutdown(wait=False, cancel_futures=True)
    end = client.credentials.clock.now()
    return {key: (read_at.get(key, end), _section(key, part, client)) for key, part in futures.copy().items()}


def _threads(client: ReadClient, reader: Reader[Any]) -> int:
    workers = client.environment.observation.workers
    return workers if reader.visits else min(workers, API_THREADS)


def _is_known(part: SnapshotPart, wanted: Collection[str]) -> bool:
    """Whether the part was seen before, and is not to be read anew."""
    return part.name not in wanted and not isinstance(part.value, Unavailable)


def _settled(section: Section) -> Future[Section]:
    done: Future[Section] = Future()
    done.set_result(section)
    return done


def _section(key: Key, future: Future[Section], client: ReadClient) -> Section:
    if future.done():
        return future.result()
    deadline_s, region = client.environment.observation.deadline_s, client.environment.region(key[1])
    reason = f"{key[0]} was not read on the {key[1]} side within {deadline_s} s."
    return Section(Unavailable(UnavailableKind.DEADLINE, reason, region, key[0]))


def _read_one(reader: Reader[Any], context: ReadContext) -> Any:
    try:
        return reader.read(context)
    except DataUnavailable as error:
        return error.unavailable.of_part(reader.name)
    except Exception as defect:  # noqa: BLE001 - a defect of one reader is that part's UNKNOWN, and never stops the rest
        defect_text = f"{reader.name} on the {context.side} side: {type(defect).__name__}: {defect}"
        reason = f"The reader failed ({defect_text}). This is a defect: please report it."
        return Unavailable(UnavailableKind.DEFECT, reason, context.region, reader.name)
