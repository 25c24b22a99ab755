"""Signals that ask a process to end: Ctrl-C, SIGTERM, and the SIGHUP of a terminal that is gone."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

_ASKING_TO_END = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Handler = Callable[[int, "FrameType | None"], None]


@contextlib.contextmanager
def stop_on_signals(stop: threading.Event) -> Iterator[None]:
    """Set ``stop`` on each of these signals: a run stops between two calls. The handlers are put back afterwards."""
    with _signal_handler(lambda *_: stop.set()):
        yield


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt on each of them, so that what is open is closed whichever it was."""
    with _signal_handler(signal.default_int_handler):
        yield


@contextlib.contextmanager
def _signal_handler(handler: Handler) -> Iterator[None]:
    """Let ``handler`` hear them; one that is ignored stays so (nohup)."""
    before = {number: signal.getsignal(number) for number in _ASKING_TO_END}
    # A process under nohup ignores SIGHUP: to hear it again would end the run with its terminal.
    heard = [number for number, previous in before.items() if previous is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])
