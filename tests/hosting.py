"""Sandboxes forked from one process that has imported the emulator: seconds of work are spared with each.

``python -m tests.hosting DOOR LIFE`` is that process, one for all the processes of a test session. It takes its orders
at the socket DOOR: a byte, and the three streams of the host that is to run. It ends when the last writer of the pipe
LIFE is gone, and what it forked ends as every sandbox does.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dr_estate.config.environment import Environment
from dr_estate.model.engines import MYSQL, Engine
from dr_estate.snapshot.registry import reads
from sandbox import moto_ext
from sandbox.client.endpoint import Endpoint, from_json
from sandbox.client.launcher import LaunchOptions
from sandbox.core import request_parser
from sandbox.moto_ext import speedups
from sandbox.server import process
from sandbox.world import moto_app

ROOT = Path(__file__).parents[1]
DOOR = "DR_TESTS_HOSTING"
LATE = (
    "moto.moto_server.werkzeug_app",
    *(f"sandbox.server.{name}" for name in ("application", "control_api", "dns_server", "tenant_sites")),
    *(f"sandbox.world.{name}" for name in ("persistence", "seed_cache", "world")),
)


@contextmanager
def hosted(
    environment: Environment, tenants: int, seeded: bool = True, speed: float = 1.0, engine: Engine = MYSQL
) -> Iterator[Endpoint]:
    """A world as ``sandbox.client.launcher.running`` starts it, in a forked process."""
    order_end, order = os.pipe()
    word, word_end = os.pipe()
    with os.fdopen(order, "wb") as orders, os.fdopen(word, "rb") as words:
        try:
            _send([order_end, word_end, sys.__stderr__.fileno() if sys.__stderr__ else 2])
        finally:
            os.close(order_end)
            os.close(word_end)
        launch = LaunchOptions(
            environment.model_dump(mode="json"), tenants, seeded=seeded, speed=speed, engine=engine.name
        )
        orders.write(launch.to_line())
        orders.flush()
        yield from_json(next(word for word in map(json.loads, words) if "doing" not in word))


def begin() -> None:
    """Begin the forking process, for this process and the children it has from now on; it ends with this one."""
    folder = Path(tempfile.mkdtemp(prefix="hosting-"))
    os.environ[DOOR] = str(folder / "door")
    life, life_end = os.pipe()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(os.environ[DOOR])
        door.listen()
        given = [door.fileno(), life]
        command = [sys.executable, "-m", "tests.hosting", *map(str, given)]
        # an interrupt at the keyboard is for the tests: it ends with them
        forking = subprocess.Popen(command, cwd=ROOT, pass_fds=given, start_new_session=True)
    os.close(life)
    atexit.register(shutil.rmtree, folder)
    atexit.register(forking.wait)
    atexit.register(os.close, life_end)


def _send(streams: list[int]) -> None:
    if DOOR not in os.environ:
        begin()
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(os.environ[DOOR])
        socket.send_fds(asking, [b"1"], streams)


def main(door: socket.socket, life: int) -> None:
    """Fork a host for each order."""
    _prepare()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a host that ended
    poll = select.poll()
    for file in (door.fileno(), life):
        poll.register(file, select.POLLIN)
    while life not in dict(poll.poll()):
        connection, _ = door.accept()
        with connection:
            _, streams, _, _ = socket.recv_fds(connection, 1, 3)
        if not os.fork():
            door.close()
            os.close(life)
            _host(streams)
        for stream in streams:
            os.close(stream)


def _prepare() -> None:
    """Import the emulator, and read what every world reads of the services that are looked at: models and routes."""
    moto_app.prepare()
    gc.disable()
    for name in LATE:
        importlib.import_module(name)
    from moto.core.routing import get_service_router
    from moto.moto_server import werkzeug_app

    speedups.install()
    moto_ext.install()
    application: Callable[[Any], object] = werkzeug_app.create_backend_app
    for service in {operation.partition(":")[0] for operation in reads()}:
        get_service_router(service)._get_router(request_parser.model_of(service).resolved_protocol)
        application(service.replace("-", ""))
    gc.freeze()


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
        code = process.main()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
