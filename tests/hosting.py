"""Sandboxes forked from one process that has imported the emulator: a second of work is spared with each.

``python -m tests.hosting`` is that process. It takes its orders at a socket: one byte, and the three streams of the
host that is to run. It ends when nobody can order any more, and what it forked ends as every sandbox does.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from dr_estate.environments import Environment
from sandbox import emulator, host, lacks
from sandbox.endpoint import Endpoint, from_json
from sandbox.order import Order

ROOT = Path(__file__).parents[1]
LATE = (
    "moto.moto_server.werkzeug_app",
    *(f"sandbox.{name}" for name in ("application", "control", "naming", "persistence", "seeds", "sites", "world")),
)


@contextmanager
def hosted(environment: Environment, tenants: int, seeded: bool = True) -> Iterator[Endpoint]:
    """A world as ``sandbox.embedded.running`` starts it, in a forked process."""
    order_end, order = os.pipe()
    word, word_end = os.pipe()
    with os.fdopen(order, "wb") as orders, os.fdopen(word, "rb") as words:
        try:
            socket.send_fds(_ready(), [b"1"], [order_end, word_end, sys.__stderr__.fileno() if sys.__stderr__ else 2])
        finally:
            os.close(order_end)
            os.close(word_end)
        orders.write(Order(environment.model_dump(mode="json"), tenants, seeded=seeded).to_line())
        orders.flush()
        yield from_json(json.loads(words.readline()))


@cache
def _ready() -> socket.socket:
    """This process's end of the socket at which the forking process takes orders."""
    ours, theirs = socket.socketpair()
    with theirs:
        forking = subprocess.Popen(
            [sys.executable, "-m", "tests.hosting", str(theirs.fileno())], cwd=ROOT, pass_fds=[theirs.fileno()]
        )
    atexit.register(forking.wait)
    atexit.register(ours.close)
    return ours


def main(orders: socket.socket) -> None:
    """Fork a host for each order."""
    emulator.prepare()
    emulator.quicken()
    for name in LATE:
        importlib.import_module(name)
    lacks.install()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a host that ended
    while True:
        asked, streams, _, _ = socket.recv_fds(orders, 1, 3)
        if not asked:
            return
        if not os.fork():
            orders.close()
            _host(streams)
        for stream in streams:
            os.close(stream)


def _host(streams: list[int]) -> None:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    code = 1
    try:
        code = host.main()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
