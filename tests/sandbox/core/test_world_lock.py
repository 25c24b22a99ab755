"""The lock of the world: in the order of waiting, and again for who holds it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

from sandbox.core.world_lock import FairLock
from tests.utils.running import ROOT

PATIENCE_S = 30


def test_who_waits_is_before_who_lets_go_and_takes_it_again() -> None:
    lock, order = FairLock(), list[str]()

    def wait() -> None:
        with lock:
            order.append("waited")

    with lock:
        waiting = threading.Thread(target=wait)
        waiting.start()
        _until_waiting(lock, 1)
    with lock:
        order.append("again")
    waiting.join(PATIENCE_S)
    assert order == ["waited", "again"]


def test_the_holder_takes_it_again_and_keeps_it_until_the_last_exit() -> None:
    lock, inside = FairLock(), threading.Event()
    other = threading.Thread(target=lambda: _enter(lock, inside))
    with lock:
        with lock:
            other.start()
            _until_waiting(lock, 1)
        assert not inside.is_set()
    other.join(PATIENCE_S)
    assert inside.is_set()


def test_nobody_is_inside_with_another() -> None:
    lock, most, inside = FairLock(), 0, 0

    def enter_often() -> None:
        nonlocal most, inside
        for _ in range(200):
            with lock:
                inside += 1
                most = max(most, inside)
                time.sleep(0)
                inside -= 1

    threads = [threading.Thread(target=enter_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert (1, 0) == (most, inside)


INTERRUPTED = """
import signal, threading, time
from sandbox.core.world_lock import FairLock
lock, held, leave = FairLock(), threading.Event(), threading.Event()
def hold():
    with lock:
        held.set()
        leave.wait()
threading.Thread(target=hold).start()
held.wait()
def interrupt():
    while not lock._waiting:
        time.sleep(0.001)
    time.sleep(0.02)
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    with lock:
        pass
except KeyboardInterrupt:
    leave.set()
    with lock:
        print("inside")
"""


def test_an_interrupt_while_waiting_leaves_the_lock_to_the_others() -> None:
    command = [sys.executable, "-c", INTERRUPTED]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=ROOT)
    assert (0, "inside\n", "") == (ran.returncode, ran.stdout, ran.stderr)


def _enter(lock: FairLock, inside: threading.Event) -> None:
    with lock:
        inside.set()


def _until_waiting(lock: FairLock, many: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while len(lock._waiting) < many:
        assert time.monotonic() < until
        time.sleep(0.001)
