"""One side's threads: a fixed number of them work, and nobody waits for what nobody does."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from time import sleep

import pytest

from dr_estate.reading.workers import (
    PATIENCE_S,
    PartWorkers,
    PoolWorkers,
    SideThreads,
    Workers,
)

_LONG_S = 30


class _Time:
    """Seconds that pass by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(name="time")
def _time() -> _Time:
    return _Time()


@pytest.fixture(name="side")
def _side(time: _Time) -> Iterator[SideThreads]:
    side = SideThreads(2, "test", time)
    yield side
    side.end()


def _result(side: SideThreads, doing: Callable[[], object], rank: int = 0) -> Future[object]:
    """Let a thread of ``side`` do ``doing``, as a part does."""
    future: Future[object] = Future()

    def settle() -> None:
        try:
            future.set_result(doing())
        except ValueError as error:
            future.set_exception(error)

    side.submit(rank, settle)
    return future


def test_all_parts_together_have_as_many_threads_as_their_side(side: SideThreads) -> None:
    reading, at_once, counting = set[int](), list[int](), threading.Lock()

    def read() -> None:
        with counting:
            reading.add(threading.get_ident())
            at_once.append(len(reading))
        threading.Event().wait(0.001)
        with counting:
            reading.discard(threading.get_ident())

    for part in [_result(side, read) for _ in range(40)]:
        part.result(_LONG_S)
    assert max(at_once) <= side.size


def test_what_another_part_waits_for_goes_before_what_nobody_waits_for(time: _Time) -> None:
    side = SideThreads(1, "test", time)
    begun, go, over = threading.Event(), threading.Event(), threading.Event()
    order: list[str] = []

    def keep_busy() -> None:
        begun.set()
        go.wait(_LONG_S)

    side.submit(0, keep_busy)
    assert begun.wait(_LONG_S)
    side.submit(-5, lambda: order.append("of many reads"), "alone")
    side.submit(0, lambda: order.append("waited for"), "below")
    side.hurry("below")
    side.submit(1, over.set, "last")
    side.submit(0, lambda: order.append("of the same part"), "below")
    go.set()
    assert over.wait(_LONG_S)
    assert order == ["waited for", "of the same part", "of many reads"]
    side.end()


def test_the_items_of_parts_come_back_in_order(side: SideThreads) -> None:
    workers = PartWorkers(side, 0, 8)
    parts = [_result(side, lambda: workers.each(lambda item: item * 2, range(40))) for _ in range(12)]
    assert [part.result(_LONG_S) for part in parts] == [[item * 2 for item in range(40)]] * 12


def test_a_part_that_is_alone_has_all_threads_of_its_side(time: _Time) -> None:
    side, together = SideThreads(6, "test", time), threading.Barrier(6)
    workers = PartWorkers(side, 0, 2, "alone", spare=4)
    assert _result(side, lambda: workers.each(lambda _: together.wait(_LONG_S), range(6))).result(_LONG_S)
    side.end()


def test_a_part_gives_its_spare_threads_to_the_first_that_wants_them(time: _Time) -> None:
    """It has one thread of three by right, and goes on with that one."""
    side, all_begun, wanted = SideThreads(3, "test", time), threading.Barrier(4), threading.Event()
    others: list[Future[object]] = []

    def read(item: int) -> object:
        if item < 3:
            all_begun.wait(_LONG_S)
            return wanted.wait(_LONG_S)
        return [other.result(_LONG_S / 6) for other in others]

    part = _result(side, lambda: PartWorkers(side, 0, 1, "many", spare=2).each(read, range(9)))
    all_begun.wait(_LONG_S)
    others += [_result(side, lambda: "another part's", 5) for _ in range(2)]
    wanted.set()
    assert part.result(_LONG_S) == [True] * 3 + [["another part's"] * 2] * 6
    side.end()


def test_spare_threads_serve_the_parts_that_others_wait_for_first(time: _Time) -> None:
    side, order, begun = SideThreads(1, "test", time), list[str](), threading.Semaphore(0)
    free, over, go = threading.Event(), threading.Event(), threading.Event()
    _result(side, lambda: free.wait(_LONG_S))

    def read(part: str, item: int) -> None:
        if item:
            order.append(part)
        else:  # the part's own thread
            begun.release()
            go.wait(_LONG_S)

    with ThreadPoolExecutor(2) as callers:
        for part in ("alone", "below"):
            callers.submit(PartWorkers(side, 0, 1, part, spare=1).each, partial(read, part), range(2))
            assert begun.acquire(timeout=_LONG_S)
        side.hurry("below")
        side.submit(0, lambda: order.append("by right"))
        side.submit(9_999_999, over.set)
        free.set()
        assert over.wait(_LONG_S)
        go.set()
    side.end()
    assert order == ["by right", "below", "alone"]


def test_nobody_waits_for_what_is_not_done_once_the_observation_is_over(side: SideThreads) -> None:
    answered, hanging, ended = threading.Event(), threading.Event(), threading.Event()

    def read(item: int) -> int:
        if item:
            hanging.set()
            answered.wait(_LONG_S)
        return hanging.wait(_LONG_S) + item  # the part's own thread waits until the other one hangs

    def part() -> None:
        with pytest.raises(TimeoutError):
            PartWorkers(side, 0, 2).each(read, range(2))
        ended.set()

    side.submit(0, part)
    assert hanging.wait(_LONG_S)
    side.end()
    assert ended.wait(_LONG_S)
    answered.set()


def test_a_call_that_hangs_holds_no_place_once_it_takes_long(side: SideThreads, time: _Time) -> None:
    answered, begun = threading.Event(), threading.Semaphore(0)

    def hang() -> bool:
        begun.release()
        return answered.wait(_LONG_S)

    hanging = [_result(side, hang) for _ in range(2)]
    assert begun.acquire(timeout=_LONG_S)
    assert begun.acquire(timeout=_LONG_S)
    behind = _result(side, lambda: "read")
    side.tend()
    assert not behind.done()
    time.seconds = 2 * PATIENCE_S
    side.tend()
    assert behind.result(_LONG_S) == "read"
    answered.set()
    assert all(future.result(_LONG_S) for future in hanging)


def test_a_part_with_many_calls_that_each_are_quick_keeps_its_place(side: SideThreads, time: _Time) -> None:
    going, gone = threading.Barrier(2), threading.Event()

    def read() -> None:
        time.seconds += 2 * PATIENCE_S
        side.calling()
        going.wait(_LONG_S)
        gone.wait(_LONG_S)

    part = _result(side, read)
    going.wait(_LONG_S)
    other = _result(side, lambda: gone.wait(_LONG_S))
    behind = _result(side, lambda: "read")
    side.tend()
    assert not behind.done()
    gone.set()
    assert (behind.result(_LONG_S), part.result(_LONG_S), other.result(_LONG_S)) == ("read", None, True)


def test_parts_that_wait_for_others_leave_them_their_places(side: SideThreads) -> None:
    """Each waits for the next, which is begun later: more of them than threads."""
    futures: list[Future[object]] = []
    listed = threading.Event()

    def wait_for(number: int) -> object:
        listed.wait(_LONG_S)
        with side.waiting():
            return futures[number + 1].result(_LONG_S)

    futures += [_result(side, lambda number=number: wait_for(number)) for number in range(6)]  # type: ignore[misc]
    futures.append(_result(side, lambda: "the last"))
    listed.set()
    assert {future.result(_LONG_S) for future in futures} == {"the last"}


def test_who_needs_a_task_that_is_not_begun_does_it(side: SideThreads) -> None:
    done_by: list[int] = []

    def asks() -> bool:
        needed = side.submit(9, lambda: done_by.append(threading.get_ident()))
        side.help(needed)
        side.help(needed)
        return done_by == [threading.get_ident()]

    blocked, stop = _result(side, lambda: stop.wait(_LONG_S)), threading.Event()
    assert _result(side, asks).result(_LONG_S)
    stop.set()
    assert blocked.result(_LONG_S)


def test_the_thread_of_another_side_helps_nobody(side: SideThreads) -> None:
    stop = threading.Event()
    blocked = [_result(side, lambda: stop.wait(_LONG_S)) for _ in range(2)]
    task = side.submit(0, lambda: None)
    side.help(task)
    assert not task.is_begun
    stop.set()
    assert all(future.result(_LONG_S) for future in blocked)


def test_the_most_urgent_is_done_first(time: _Time) -> None:
    side, order, begun, go = SideThreads(1, "test", time), list[int](), threading.Event(), threading.Event()

    def hold() -> bool:
        begun.set()
        return go.wait(_LONG_S)

    first = _result(side, hold)
    assert begun.wait(_LONG_S)
    ranks = [_result(side, lambda rank=rank: order.append(rank), rank) for rank in (3, 1, 2, 1)]  # type: ignore[misc]
    go.set()
    for future in (first, *ranks):
        future.result(_LONG_S)
    side.end()
    assert order == [1, 1, 2, 3]


@pytest.mark.parametrize("kind", ["of a side", "of its own"])
def test_the_first_item_that_fails_is_the_one_that_is_raised(side: SideThreads, kind: str) -> None:
    workers: Workers = PartWorkers(side, 0, 8) if kind == "of a side" else PoolWorkers(4)
    fifth = threading.Event()

    def fail(item: int) -> int:
        if item > 5:
            fifth.wait(_LONG_S)
            sleep(0.2)  # what the fifth raised is its result by then
        if item >= 5:
            fifth.set()
            raise ValueError(item)
        return item

    with pytest.raises(ValueError, match=r"^5$"):
        _result(side, lambda: workers.each(fail, range(100))).result(_LONG_S)


@pytest.mark.parametrize("kind", ["of a side", "of its own"])
def test_what_failed_is_raised_while_a_neighbour_still_hangs(side: SideThreads, kind: str) -> None:
    """The caller's own thread takes one of both items, so the other one hangs in another thread."""
    workers: Workers = PartWorkers(side, 0, 2) if kind == "of a side" else PoolWorkers(2)
    hangs, answered, ended, callers = threading.Event(), threading.Event(), threading.Event(), set[int]()

    def read(item: int) -> int:
        if threading.get_ident() in callers or (kind == "of its own" and item):
            assert hangs.wait(_LONG_S)
            raise ValueError(item)
        hangs.set()
        answered.wait(_LONG_S)
        return item

    def part() -> None:
        callers.add(threading.get_ident())
        with pytest.raises(ValueError, match=r"^[01]$"):
            workers.each(read, range(2))
        ended.set()

    side.submit(0, part)
    assert ended.wait(_LONG_S / 3)
    answered.set()


def test_what_failed_elsewhere_is_raised_while_a_third_item_hangs(time: _Time) -> None:
    """Another thread's item fails while the caller, done with its own, waits for one that hangs."""
    side, fails, answered, ended = SideThreads(3, "test", time), threading.Event(), threading.Event(), threading.Event()
    callers, others = set[int](), itertools.count()

    def read(item: int) -> int:
        if threading.get_ident() in callers:
            return int(fails.wait(_LONG_S))  # so that the other threads take the other items
        if next(others) == 0:
            answered.wait(_LONG_S)
            return item
        fails.set()
        raise ValueError(item)

    def part() -> None:
        callers.add(threading.get_ident())
        with pytest.raises(ValueError, match=r"^\d$"):
            PartWorkers(side, 0, 3).each(read, range(3))
        ended.set()

    side.submit(0, part)
    assert ended.wait(_LONG_S / 3)
    answered.set()
    side.end()


def test_what_is_over_begins_nothing(time: _Time) -> None:
    side = SideThreads(2, "test", time)
    side.end()
    task = side.submit(0, lambda: None)
    side.help(task)
    assert not task.is_begun
