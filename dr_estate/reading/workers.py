"""Threads in which the parts of one side are read: a fixed number for all parts' API calls, and some for probes.

A task that waits does not count: a task that waits for another part calls ``waiting``, and a task whose call hangs or
is paced is found by ``tend``. Another thread takes its place, so a slow service delays only its own parts. No thread
waits for a task that no thread runs: a thread that needs a task that has not begun runs it.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")
_TICK_S = 1.0
_AWAITED = -1_000_000
"""The rank of what another part waits for: before all others."""
_SPARE = 1_000_000
"""The rank of what a part does beyond its own number: after all others; before its like if another waits for it."""
PATIENCE_S = 0.5
"""Whose call takes longer holds no place: AWS answers most reads in a fifth of that."""


class Workers(Protocol):
    """Where the items of one part are done concurrently."""

    def each(self, doing: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Do ``doing`` for every item, and return the results in order. Raises what the first item to fail raised."""

    def calling(self) -> None:
        """Note that this thread begins a call."""

    def waiting(self) -> AbstractContextManager[None]:
        """Give up this thread's place until the context ends: it waits for another one."""


def _results(futures: Sequence[Future[R]]) -> list[R]:
    """Return all results in order. Raises the error of the first item in order that has failed, even if others hang."""
    for future in futures:
        if future.done() and (error := future.exception()):
            raise error
    return [future.result() for future in futures]


class PoolWorkers:
    """A pool of one part alone, as those have that visit sites or name servers: a slow one takes seconds."""

    def __init__(self, threads: int, name: str = "read") -> None:
        self._pool = ThreadPoolExecutor(threads, name)

    def each(self, doing: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Do ``doing`` for every item, and return the results in order. Raises what the first item to fail raised."""
        futures = [self._pool.submit(doing, item) for item in items]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)  # a neighbour that hangs is not waited for
            return _results(futures)
        finally:
            for future in futures:
                future.cancel()

    def calling(self) -> None:
        """Its threads are its own: nobody takes their places."""

    def waiting(self) -> AbstractContextManager[None]:
        """Its threads are its own: nobody takes their places."""
        return nullcontext()

    def end(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)


@dataclass(order=True)
class QueuedWork:
    """What a thread does, once: lowest ``rank`` first, then in the order of submission. It belongs to ``part``."""

    rank: int
    number: int
    doing: Callable[[], None] = field(compare=False)
    part: Hashable = field(default=None, compare=False)
    is_begun: bool = field(default=False, compare=False)


class SideThreads:
    """The threads of one side: nothing is begun while ``size`` of them work, whatever the number of parts.

    Who waited goes on at once, beyond that number if need be: others wait for it.
    """

    def __init__(self, size: int, name: str, now: Callable[[], float] = time.monotonic) -> None:
        self.size, self.name, self._now = size, name, now
        self._changed = threading.Condition()
        self._tasks: list[QueuedWork] = []
        self._numbers = itertools.count()
        self._awaited = set[Hashable]()
        self._since: dict[int, float] = {}  # by thread: when its present call began; infinite while it waits
        self._idle = 0
        self.is_over = False

    def submit(self, rank: int, doing: Callable[[], None], part: Hashable = None) -> QueuedWork:
        """Let a thread do ``doing``, which must not raise."""
        with self._changed:
            task = QueuedWork(self._rank(rank, part), next(self._numbers), doing, part)
            heapq.heappush(self._tasks, task)
            self._staff()
        return task

    def hurry(self, part: Hashable) -> None:
        """From now on do what belongs to ``part``, which another waits for, before all that nobody waits for."""
        with self._changed:
            if part not in self._awaited:
                self._awaited.add(part)
                for task in self._tasks:
                    if task.part == part:
                        task.rank = self._rank(task.rank, part)
                # Ranks were changed in place: the heap is in no order until then.
                heapq.heapify(self._tasks)

    def help(self, task: QueuedWork) -> None:
        """Do ``task`` in this thread, if it is one of these and no other has begun it."""
        with self._changed:
            if task.is_begun or self.is_over or threading.get_ident() not in self._since:
                return
            task.is_begun = True
        task.doing()

    def is_sought(self, rank: int, part: Hashable = None) -> bool:
        """Whether a task that is more urgent than those of ``part`` at ``rank`` waits for a thread."""
        with self._changed:
            self._drop_running()
            return bool(self._tasks) and self._tasks[0].rank < self._rank(rank, part)

    def calling(self) -> None:
        """Note that this thread begins a call."""
        with self._changed:
            if threading.get_ident() in self._since:
                self._since[threading.get_ident()] = self._now()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Give up this thread's place until the context ends: it waits for another one."""
        me = threading.get_ident()
        with self._changed:
            is_ours = me in self._since
            if is_ours:
                # Began infinitely long ago: `_busy` counts it no more.
                self._since[me] = -float("inf")
                self._staff()
        try:
            yield
        finally:
            with self._changed:
                if is_ours:
                    self._since[me] = self._now()

    def tend(self) -> None:
        """Give the places of threads whose calls take long to others. To be called again and again."""
        with self._changed:
            self._staff()

    def end(self) -> None:
        """Begin nothing more; threads end when what they do is over."""
        with self._changed:
            self.is_over = True
            self._tasks.clear()
            self._changed.notify_all()

    def _rank(self, rank: int, part: Hashable) -> int:
        is_awaited = part in self._awaited
        return rank - is_awaited if rank == _SPARE else _AWAITED if is_awaited else rank

    def _staff(self) -> None:
        """Wake or start as many threads as there are tasks and free places."""
        self._drop_running()
        wanted = min(len(self._tasks), self.size - self._busy())
        for _ in range(min(wanted, self._idle)):
            self._changed.notify()
        for _ in range(wanted - self._idle):
            # A daemon: a call that hangs must not keep the command from ending.
            threading.Thread(target=self._work, name=self.name, daemon=True).start()
            self._idle += 1

    def _busy(self) -> int:
        limit = self._now() - PATIENCE_S
        return sum(since > limit for since in self._since.values())

    def _drop_running(self) -> None:
        while self._tasks and self._tasks[0].is_begun:
            heapq.heappop(self._tasks)

    def _work(self) -> None:
        while task := self._next():
            task.doing()

    def _next(self) -> QueuedWork | None:
        """The next task; None where there is none any more. A thread that lost its place finds no task either."""
        me = threading.get_ident()
        with self._changed:
            # A thread that comes back from its work is idle again; `_staff` counted a new one as it was started.
            self._idle += self._since.pop(me, None) is not None
            while True:
                self._drop_running()
                if self.is_over:
                    return None
                if self._tasks and self._busy() < self.size:
                    break
                self._changed.wait()
            self._idle -= 1
            self._since[me] = self._now()
            task = heapq.heappop(self._tasks)
            task.is_begun = True
            return task


@dataclass(frozen=True)
class PartWorkers:
    """One part's use of its side's threads: at most ``most`` of its items at once, the caller's own among them.

    It does ``spare`` further ones with threads that nothing else wants, and gives them back after each item.
    """

    threads: SideThreads
    rank: int
    most: int
    part: Hashable = None
    spare: int = 0

    def each(self, doing: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Do ``doing`` for every item, and return the results in order.

        Raises what the first item to fail raised, whatever other threads still wait for; and TimeoutError where the
        threads end before all are done.
        """
        rest: list[Future[R]] = [Future() for _ in items]
        numbers = itertools.count()  # gives each number to one thread
        failed = threading.Event()

        def submit(rank: int) -> None:
            self.threads.submit(rank, lambda: drain(rank), self.part)

        def drain(rank: int | None) -> None:
            while not failed.is_set() and (number := next(numbers)) < len(items):
                try:
                    rest[number].set_result(doing(items[number]))
                except BaseException as error:  # noqa: BLE001 - raised where the results are collected
                    rest[number].set_exception(error)
                    failed.set()
                if rank is not None and self.threads.is_sought(rank, self.part):
                    submit(rank)
                    return

        for helper in range(1, min(self.most + self.spare, len(items))):
            submit(self.rank if helper < self.most else _SPARE)
        drain(None)
        if failed.is_set() or all(future.done() for future in rest):
            return _results(rest)
        with self.threads.waiting():
            while wait(rest, timeout=_TICK_S, return_when=FIRST_EXCEPTION).not_done and not failed.is_set():
                if self.threads.is_over:
                    raise TimeoutError("the observation ended before this part was read")
        return _results(rest)

    def calling(self) -> None:
        """Note that this thread begins a call."""
        self.threads.calling()

    def waiting(self) -> AbstractContextManager[None]:
        """Give up this thread's place until the context ends: it waits for another one."""
        return self.threads.waiting()
