"""Take the snapshot: all readers concurrently, failures isolated to their part, within the deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import Any

from dr_estate.aws.read_client import Credentials, Eyes, open_eyes
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unseen import Blindness, CannotSee, Unseen
from dr_estate.reading.reader import Followed, Look, Reader, Section
from dr_estate.snapshot.registry import readers, reads
from dr_estate.snapshot.snapshot import Part, Snapshot

Key = tuple[str, Side]
Progress = Callable[[int, int], None]
_TICK_S = 0.1


def observe(
    environment: Environment,
    credentials: Credentials,
    world: str,
    progress: Progress = lambda _done, _of: None,
    only: frozenset[str] | None = None,
    upon: Snapshot | None = None,
) -> Snapshot:
    """Prove the account, then read every part concurrently; ``progress`` gets the number of parts done, and of all.

    ``only`` narrows to these parts' names and those they are read from; None reads all. The others are taken from
    ``upon``, an earlier snapshot, where it is given; what is read from one that was unseen there tries that one again.
    What is followed is what ``upon`` says.
    A part that is denied, throttled, slow or dark becomes Unseen; the rest is read all the same. Raises WrongAccount,
    and CannotSee where no region could prove the account or there are no credentials.
    """
    with open_eyes(environment, reads(), credentials) as eyes:
        return observe_with(eyes, world, progress, only, upon)


def observe_with(
    eyes: Eyes,
    world: str,
    progress: Progress = lambda _done, _of: None,
    only: frozenset[str] | None = None,
    upon: Snapshot | None = None,
) -> Snapshot:
    """``observe`` with ready ``eyes``."""
    environment = eyes.environment
    identity = eyes.prove_account()
    started = datetime.now(UTC)
    values = _read_all(eyes, started, readers() if only is None else only, upon, progress)
    parts = dict(upon.parts if upon else {}) | {
        key: Part(key[0], key[1], environment.region(key[1]), read_at, section.value, section.unreadable)
        for key, (read_at, section) in values.items()
    }
    return Snapshot(environment.name, identity.account, identity.arn, world, started, parts, dict(eyes.calls))


def _read_all(
    eyes: Eyes, now: datetime, wanted: Collection[str], upon: Snapshot | None, progress: Progress
) -> dict[Key, tuple[datetime, Section]]:
    earlier, followed = (upon.parts, upon.followed) if upon else ({}, Followed())
    known = {(reader.name, side): reader for reader in readers().values() for side in reader.sides}
    futures: dict[Key, Future[Section]] = {}
    read_at: dict[Key, datetime] = {}
    pools: dict[Key, ThreadPoolExecutor] = {}  # one each: no part's items wait behind another's thousands
    starting = threading.Lock()

    def run(key: Key, reader: Reader[Any]) -> None:
        where = (key[1], eyes.environment.region(key[1]))
        look = Look(eyes, *where, now, pools[key], lambda n, s: begun((n, s)), followed, reader.name)
        value = _read_one(reader, look)
        pools[key].shutdown(wait=False)
        read_at[key] = datetime.now(UTC)
        futures[key].set_result(Section(value, tuple(look.unreadable)))

    def begun(key: Key) -> Future[Section]:
        reader, name = known[key], f"read-{key[0]}-{key[1]}"
        if key[0] not in wanted and key in earlier and not isinstance(earlier[key].value, Unseen):
            return _settled(Section(earlier[key].value, earlier[key].unreadable))
        with starting:
            if key not in futures:
                futures[key] = Future()
                pools[key] = ThreadPoolExecutor(eyes.environment.observation.workers, f"look-{key[0]}-{key[1]}")
                threading.Thread(target=run, args=(key, reader), name=name, daemon=True).start()
            return futures[key]

    for key in known:
        if key[0] in wanted:
            begun(key)
    waiting: set[Future[Section]] = set(futures.copy().values())
    while waiting and eyes.seconds_left:
        _, waiting = wait(waiting, timeout=min(_TICK_S, eyes.seconds_left))
        progress(len(futures) - len(waiting), len(futures))
    for pool in pools.copy().values():
        pool.shutdown(wait=False, cancel_futures=True)
    end = datetime.now(UTC)
    return {key: (read_at.get(key, end), _section(key, part, eyes)) for key, part in futures.copy().items()}


def _settled(section: Section) -> Future[Section]:
    done: Future[Section] = Future()
    done.set_result(section)
    return done


def _section(key: Key, future: Future[Section], eyes: Eyes) -> Section:
    if future.done():
        return future.result()
    deadline_s, region = eyes.environment.observation.deadline_s, eyes.environment.region(key[1])
    why = f"{key[0]} was not read on the {key[1]} side within {deadline_s} s."
    return Section(Unseen(Blindness.DEADLINE, why, region, key[0]))


def _read_one(reader: Reader[Any], look: Look) -> Any:
    try:
        return reader.read(look)
    except CannotSee as dark:
        return dark.unseen.of_part(reader.name)
    except Exception as defect:  # noqa: BLE001 - a defect of one reader is that part's UNKNOWN, and never stops the rest
        defect_text = f"{reader.name} on the {look.side} side: {type(defect).__name__}: {defect}"
        why = f"The reader failed ({defect_text}). This is a defect: please report it."
        return Unseen(Blindness.DEFECT, why, look.region, reader.name)
