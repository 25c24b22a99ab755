"""The server's own process: ``python -m sandbox.server.process``. Its order comes as one JSON line on stdin.

While it starts it writes JSON lines of its progress (``{"doing": ..., "done": N, "total": M}``). The last line is its
word: the endpoint, or ``{"error": sentence}``. After that stdout is closed. An attached host (``attached``) lives as
long as its stdin is open, so it cannot outlive the process that started it.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import secrets
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from dr_estate.config.environment import Environment
from dr_estate.network.open_files import allow_open_files
from sandbox.client.endpoint import Endpoint, to_json
from sandbox.client.launcher import LaunchOptions, Progress, same_world
from sandbox.core import truth, world_file, world_lock
from sandbox.core.clock import CLOCK
from sandbox.core.deployed import DEPLOYED
from sandbox.core.errors import SandboxError
from sandbox.core.people import all_keys
from sandbox.core.state import STATE
from sandbox.core.timing import set_pace
from sandbox.world import fault_injection, moto_app

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer

    from sandbox.server.application import Application

# A stopping process saves its world first: a new start waits for it that long.
LOCK_DEADLINE_S = 15.0
# A burst of calls is saved once.
SAVE_PAUSE_S = 0.3
# About a tenth of the time at most: no call is answered while the world is dumped.
SAVE_SHARE = 10
PROGRESS_PAUSE_S = 0.5
GARBAGE = (100_000, 50, 100)  # a call leaves little of it: looking for it after each dozen costs 3 % of the CPU
_ID_BYTES = 6


class Host:
    """One world, one server, and the thread that saves the first while the second runs."""

    def __init__(self, order: LaunchOptions, progress: Progress) -> None:
        self.order = order
        self.environment = Environment.model_validate(order.environment)
        self.folder = Path(order.folder) if order.folder else None
        self._progress = progress
        progress("opening its world", 0, 1)
        self._lock = _lock_world(self.folder) if self.folder else None
        self.application, self.server = self._start_servers()
        self.endpoint = self._endpoint()

    def run(self) -> None:
        """Serve until ``stop`` is called; the processes of tasks end with it."""
        from sandbox.moto_ext.ecs import processes

        if self.folder:
            threading.Thread(target=self._keep_saving, daemon=True).start()
        self.server.serve_forever(poll_interval=0.05)
        processes.end_all()

    def stop(self, save: bool = True) -> str:
        """Save the world, then end ``run`` soon; the answer to the caller is still sent.

        Returns why the world could not be saved, "" where it was: ``run`` ends in both cases.
        """
        unsaved = ""
        if save and self.folder:
            try:
                self.save()
            except (SandboxError, OSError) as failed:
                unsaved = str(failed)
        # Before the server ends: held calls would keep its threads waiting for their outage to be over.
        fault_injection.STOPPING.set()
        # Later by a moment: the answer to the call that stops must still be sent.
        threading.Timer(0.05, self.server.shutdown).start()
        return unsaved

    def save(self) -> None:
        """Write the world to its file."""
        from sandbox.world import persistence

        if self.folder is None:
            raise SandboxError("This sandbox lives for one command: its world has no file.")
        # Before the dump: a change that comes while it is written sets it again.
        self.application.changed.clear()
        # Dump and clock under one lock: a moment between would let the saved world run ahead.
        with world_lock.WORLD_LOCK:
            world, clock = persistence.dump(), CLOCK.about()
        world_file.write(self.folder / "world", world, self.order.about() | clock)

    def _start_servers(self) -> tuple[Application, BaseWSGIServer]:
        from sandbox.server import dns_server, tenant_sites
        from sandbox.server.application import Application
        from sandbox.server.control_api import ControlApi
        from sandbox.server.http_server import listen
        from sandbox.world.world import World

        order = self.order
        # The port first: where it is taken nothing was built in vain.
        server = listen(None, order.port or order.last_port, fallback=not order.port)
        moto = moto_app.Emulator(self.environment.account)
        self.world = self._fill(moto)
        self.dns = dns_server.serve(self.environment.account)
        self.token = secrets.token_urlsafe(24)
        hooks: dict[str, Any] = {"save": self.save, "stop": self.stop}
        control = ControlApi(self.token, World(self.environment, moto), hooks)
        application = Application(moto, control, order.latency_s, self._records())
        counts = application.counts
        hooks |= {"counts": counts.totals, "reset_counts": counts.reset, "changed": application.changed.set}
        recorder = application.recorder
        hooks |= {"mutations": recorder.mutations, "reset_mutations": recorder.reset}
        hooks["latency"] = lambda seconds: setattr(application, "latency_s", seconds)
        ports = tenant_sites.serve(self.environment, self.token)
        hooks["sites"] = lambda: tenant_sites.places(self.environment, ports)
        served = tenant_sites.header_of(ports)
        application.headers = {dns_server.HEADER: f"{self.dns[0]}:{self.dns[1]}", tenant_sites.HEADER: served}
        server.app = application
        DEPLOYED.url = f"http://127.0.0.1:{server.port}"
        return application, server

    def _records(self) -> frozenset[str]:
        names = self.environment.names
        records = (names.control_table, names.anchor_log, names.anchor_bucket, names.stream_bucket)
        return frozenset(map(self.environment.named, filter(None, records)))

    def _fill(self, moto: moto_app.Emulator) -> str:
        """Fill the world and return its id."""
        from sandbox.server.pinned_rules import pin
        from sandbox.world import persistence, seed_cache
        from sandbox.world.world import World

        path = self.folder / "world" if self.folder else None
        if path is not None and path.exists():
            saved = world_file.about(path)
            same_world(saved, self.order)
            # Before the world is loaded, whose moments are of its own time.
            CLOCK.begin(saved.get("ahead_s", 0.0), self.order.speed or saved.get("speed", 1.0))
            self._progress("loading the kept world", 0, 1)
            persistence.load(path)
        else:
            if self.order.seeded:
                seed_cache.fill(
                    self.environment, self.order.tenants, moto.settle_people, self._progress, self.order.engine
                )
                if self.environment.approvals.people > 1:
                    pin(World(self.environment, moto), self.environment.rules())
                STATE.id = ""  # a seeded world may be the copy of a kept one
            else:
                moto.settle_people()
            CLOCK.begin(0.0, self.order.speed or 1.0)  # what is seeded is of the machine's time: others load it too
        if self.order.pace:
            set_pace(self.order.pace)
        STATE.id = STATE.id or secrets.token_hex(_ID_BYTES)
        return STATE.id

    def _endpoint(self) -> Endpoint:
        account = self.environment.account
        return Endpoint(
            url=f"http://127.0.0.1:{self.server.port}",
            account=account,
            token=self.token,
            environment=self.environment.name,
            tenants=self.order.tenants,
            pid=os.getpid(),
            people=all_keys(account),
            dns=self.dns,
            world=self.world,
        )

    def _keep_saving(self) -> None:
        """Save soon after a change, and spend no more than a share of the time on it."""
        pause = SAVE_PAUSE_S
        while not fault_injection.STOPPING.wait(pause):
            self.application.changed.wait()
            began = time.monotonic()
            try:
                self.save()
            except (SandboxError, OSError) as failed:
                # `down` saves once more and reports a failure clearly; the next change tries again
                sys.stderr.write(f"{failed}\n")
            pause = max(SAVE_PAUSE_S, SAVE_SHARE * (time.monotonic() - began))


def _lock_world(folder: Path) -> int:
    """Take the world's lock for the life of this process, whose id it holds. Raises SandboxError past the deadline."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + LOCK_DEADLINE_S
    while True:
        # flock ends with the process however it ends: no stale lock is left by a kill.
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(handle)
                raise SandboxError(
                    f"Another sandbox holds {folder}: stop it first: `dr_cli.py sandbox down`."
                ) from None
            time.sleep(0.05)
        else:
            # The id is read by `down`, which kills a process that does not answer.
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
            return handle


def _follow(stdin: TextIO, host: Host) -> None:
    """Stop when the process that started this one is gone."""
    stdin.read()
    host.stop(save=False)


def _show(word: TextIO, values: dict[str, Any]) -> None:
    word.write(json.dumps(values) + "\n")
    word.close()


def _progress_to(word: TextIO) -> Progress:
    """Write progress to ``word``, at once where something new begins, and else now and then."""
    last: tuple[str, float] = ("", 0.0)

    def write(doing: str, done: int, total: int) -> None:
        nonlocal last
        moment = time.monotonic()
        if doing != last[0] or moment >= last[1] + PROGRESS_PAUSE_S:
            last = (doing, moment)
            word.write(json.dumps({"doing": doing, "done": done, "total": total}) + "\n")
            word.flush()

    return write


def main() -> int:
    """Run the order on stdin. Returns the exit code: 0 after a stop, 1 where it never came up."""
    # Descriptor 1 is kept for the word, and 1 becomes stderr: what a library prints must not be read as JSON.
    word = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    order = LaunchOptions(**json.loads(sys.stdin.readline()))
    allow_open_files()
    progress = _progress_to(word)
    moto_app.prepare()
    gc.disable()  # what is built until the world is up is not garbage
    try:
        truth.answer_all()
        host = Host(order, progress)
    except SandboxError as refused:
        _show(word, {"error": str(refused)})
        return 1
    if host.folder:
        from sandbox.client.daemon import keep

        keep(host.folder, host.endpoint)
        progress("saving the world", 0, 1)
        host.save()
    # What is there now stays for the life of the process: the collector need never look at it again.
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    gc.enable()
    if order.attached:
        threading.Thread(target=_follow, args=(sys.stdin, host), daemon=True).start()
    _show(word, to_json(host.endpoint))
    host.run()
    return 0


if __name__ == "__main__":
    # Held connections are daemon threads; nothing is left to be said to them.
    code = main()
    sys.stderr.flush()
    os._exit(code)
