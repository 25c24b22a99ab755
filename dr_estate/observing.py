"""Takes the snapshot: all readers at once, each failure kept to its own part, all of it within the deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import Any

from dr_estate.access import Credentials, Eyes
from dr_estate.environments import Environment, Side
from dr_estate.facts import readers, reads
from dr_estate.looking import Look, Reader
from dr_estate.snapshot import Part, Snapshot
from dr_estate.unseen import Blindness, CannotSee, Unseen

Key = tuple[str, Side]
Progress = Callable[[int, int], None]
_TICK_S = 0.1


def observe(
    environment: Environment, credentials: Credentials, world: str, progress: Progress = lambda _done, _of: None
) -> Snapshot:
    """Prove the account, then read every part concurrently; ``progress`` is told how many parts are done, of how many.

    A part that is denied, throttled, slow or dark becomes Unseen; the rest is read all the same. Raises WrongAccount,
    and CannotSee where no region could prove the account or there are no credentials.
    """
    eyes = Eyes(environment, reads(), credentials)
    identity = eyes.prove_account()
    started = datetime.now(UTC)
    values = _read_all(eyes, started, list(readers().values()), progress)
    parts = {
        key: Part(key[0], key[1], environment.region(key[1]), read_at, value)
        for key, (read_at, value) in values.items()
    }
    return Snapshot(environment.name, identity.account, identity.arn, world, started, parts, dict(eyes.calls))


def _read_all(
    eyes: Eyes, now: datetime, wanted: Iterable[Reader[Any]], progress: Progress
) -> dict[Key, tuple[datetime, Any]]:
    todo = {(reader.name, side): reader for reader in wanted for side in reader.sides}
    futures: dict[Key, Future[Any]] = {key: Future() for key in todo}
    read_at: dict[Key, datetime] = {}
    pools = {side: ThreadPoolExecutor(eyes.environment.observation.workers, f"look-{side}") for side in Side}

    def run(key: Key) -> None:
        look = Look(eyes, key[1], eyes.environment.region(key[1]), now, pools[key[1]], lambda n, s: futures[n, s])
        value = _read_one(todo[key], look)
        read_at[key] = datetime.now(UTC)
        futures[key].set_result(value)

    for key in todo:
        threading.Thread(target=run, args=(key,), name=f"read-{key[0]}-{key[1]}", daemon=True).start()
    waiting: set[Future[Any]] = set(futures.values())
    while waiting and eyes.seconds_left:
        _, waiting = wait(waiting, timeout=min(_TICK_S, eyes.seconds_left))
        progress(len(futures) - len(waiting), len(futures))
    for pool in pools.values():
        pool.shutdown(wait=False, cancel_futures=True)
    return {key: (read_at.get(key, datetime.now(UTC)), _value(key, future, eyes)) for key, future in futures.items()}


def _value(key: Key, future: Future[Any], eyes: Eyes) -> Any:
    if future.done():
        return future.result()
    deadline_s = eyes.environment.observation.deadline_s
    return Unseen(Blindness.DEADLINE, f"{key[0]} was not read on the {key[1]} side within {deadline_s} s.")


def _read_one(reader: Reader[Any], look: Look) -> Any:
    try:
        return reader.read(look)
    except CannotSee as dark:
        return dark.unseen
    except Exception as defect:  # noqa: BLE001 - a defect of one reader is that part's UNKNOWN, and never stops the rest
        said = f"{reader.name} on the {look.side} side: {type(defect).__name__}: {defect}"
        return Unseen(Blindness.DEFECT, f"The reader failed ({said}). This is a defect: please report it.")
