"""The managed sandbox: a background process, one world an environment, whose world survives it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dr_estate.config.environment import Environment
from dr_estate.model.engines import ENGINES, MYSQL
from sandbox.client import endpoint as endpoints
from sandbox.client.endpoint import Endpoint
from sandbox.client.launcher import DEFAULT_TENANTS, LaunchOptions, Progress, no_progress, same_world, start
from sandbox.core import world_file
from sandbox.core.errors import SandboxError
from sandbox.core.world_file import home

# A large world is dumped under the lock: a sandbox that saves is slow to answer, and not dead.
ANSWER_DEADLINE_S = 30.0
DOWN_DEADLINE_S = 30.0
# `down` waits until the world is on disk: what is cut short here would be lost.
SAVE_DEADLINE_S = 300.0
# Longer than a start may be silent (launcher.SILENCE_DEADLINE_S): the starter itself fails first.
STARTER_DEADLINE_S = 150.0


@dataclass(frozen=True, slots=True)
class ShutdownResult:
    """How a sandbox was ended: whether one ran, and why its last changes are ``lost``, "" where its world was saved."""

    ran: bool
    lost: str = ""


def up(
    environment: Environment,
    tenants: int | None = None,
    port: int = 0,
    fresh: bool = False,
    seeded: bool = True,
    pace: str = "",
    progress: Progress = no_progress,
    speed: float = 0.0,
    *,
    engine: str = "",
) -> Endpoint:
    """Start the sandbox of ``environment``, or return the one that runs. ``fresh`` throws the kept world away.

    ``tenants`` None means as many as the world has, 12 for a new one. The port of the last run is taken again where
    it is free. ``pace`` "" leaves it at its pace. A new world that is not ``seeded`` holds the people alone.
    ``progress`` hears how far it is. ``speed`` 0 means as fast as the world ran last. Raises SandboxError where another
    number of tenants, another port or another speed is asked of a running one. ``engine`` "" means that of the world.
    """
    with _starting(environment.name):
        if fresh:
            purge(environment)
        found = find(environment)
        if found is not None:
            return _as_asked(found, tenants, port, pace, speed, engine)
        order = _order(environment, tenants, port=port, seeded=seeded, pace=pace, speed=speed, engine=engine)
        child, started = start(order, folder_of(environment.name) / "log", progress)
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        child.returncode = 0  # it lives on by design: Popen need not warn that it still runs
        return started


def down(environment: Environment, save: bool = True) -> ShutdownResult:
    """Save and stop the sandbox of ``environment`` and wait until its lock is free.

    It ends in any case: where its world cannot be saved, and, killed, where it does not answer or end in time. Raises
    SandboxError where even that does not end it.
    """
    if free(environment.name):
        return ShutdownResult(ran=False)
    found = find(environment)
    lost = "it did not answer"
    if found is not None:
        try:
            lost = found.ask("POST", "stop", {"save": save}, SAVE_DEADLINE_S)["unsaved"]
        except SandboxError as silent:
            lost = str(silent)
    if not _await_free(environment.name):
        lost = f"{lost or 'it did not end'}, so it was killed"
        # The id may be another process's by now where the lock is free: so the lock is looked at again.
        pid = (folder_of(environment.name) / "lock").read_text(encoding="ascii")
        if pid.isdigit() and not free(environment.name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        if not _await_free(environment.name):
            raise SandboxError(f"The sandbox of {environment.name} did not end within {DOWN_DEADLINE_S:g} s.")
    return ShutdownResult(ran=True, lost=lost if save else "")


def find(environment: Environment) -> Endpoint | None:
    """Return the running sandbox of ``environment``, or None. A stale endpoint file is none."""
    # The file outlives a process that was killed: only the lock says that somebody serves it.
    endpoint = endpoints.read(folder_of(environment.name) / "endpoint.json")
    if endpoint is None or free(environment.name):
        return None
    try:
        endpoint.ask("GET", "state", timeout_s=ANSWER_DEADLINE_S)
    except SandboxError:
        return None
    return endpoint


def purge(environment: Environment) -> None:
    """Stop the sandbox of ``environment`` and forget its world."""
    down(environment, save=False)
    shutil.rmtree(folder_of(environment.name), ignore_errors=True)


def folder_of(name: str) -> Path:
    """Return the folder that holds the world of the environment ``name``."""
    return home() / name


def keep(folder: Path, endpoint: Endpoint) -> None:
    """Write the endpoint of a running sandbox, token and all, readable by its owner alone."""
    # Renamed when it is whole: who reads it meanwhile finds the former one or this one.
    part = folder / ".endpoint.json"
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        json.dump(endpoints.to_json(endpoint), out)
    part.replace(folder / "endpoint.json")


def _order(environment: Environment, tenants: int | None, engine: str, **more: Any) -> LaunchOptions:
    """The order for the world of ``environment``. Raises SandboxError where the kept one is another."""
    endpoint = endpoints.read(folder_of(environment.name) / "endpoint.json")
    order = LaunchOptions(
        environment.model_dump(mode="json"),
        tenants if tenants is not None else _kept_tenants(environment),
        engine=engine or _kept_engine(environment.name),
        last_port=int(endpoint.url.rpartition(":")[2]) if endpoint else 0,
        folder=str(folder_of(environment.name)),
        attached=False,
        **more,
    )
    saved = _world_info(environment.name)
    if saved is not None:
        same_world(saved, order)
    return order


def _as_asked(found: Endpoint, tenants: int | None, port: int, pace: str, speed: float, engine: str) -> Endpoint:
    # A running world is never changed to what is asked: its resources were seeded with that number.
    if tenants not in (None, found.tenants):
        raise SandboxError(
            f"The sandbox of {found.environment} runs with {found.tenants} tenants, {tenants} were asked for: "
            "omit --tenants, or start again: `dr_cli.py sandbox up --fresh`."
        )
    if engine and engine != _kept_engine(found.environment):
        raise SandboxError(
            f"The database of the sandbox of {found.environment} is of another engine than {ENGINES[engine].title}: "
            "omit --engine, or start again: `dr_cli.py sandbox up --fresh`."
        )
    if port and not found.url.endswith(f":{port}"):
        raise SandboxError(
            f"The sandbox of {found.environment} runs at {found.url}: stop it first: `dr_cli.py sandbox down`."
        )
    if speed and found.clock()["speed"] != speed:
        raise SandboxError(
            f"The clock of the sandbox of {found.environment} runs at another speed: "
            f"`dr_cli.py sandbox clock --speed {speed:g}` changes it."
        )
    if pace:
        found.pace(pace)
    return found


def _world_info(name: str) -> dict[str, Any] | None:
    world = folder_of(name) / "world"
    return world_file.about(world) if world.exists() else None


def _kept_tenants(environment: Environment) -> int:
    saved = _world_info(environment.name)
    return int(saved["tenants"]) if saved else DEFAULT_TENANTS


def _kept_engine(name: str) -> str:
    return str((_world_info(name) or {}).get("engine", MYSQL.name))


@contextmanager
def _starting(name: str) -> Iterator[None]:
    """Let one starter of an environment at a time look and start."""
    home().mkdir(mode=0o700, parents=True, exist_ok=True)
    # Beside the folder of the world: `--fresh` removes that, and a lock in it would lose its file.
    with (home() / f"{name}.starting").open("w") as handle:
        until = time.monotonic() + STARTER_DEADLINE_S
        while not _try_lock(handle.fileno()):
            if time.monotonic() > until:
                raise SandboxError(f"Somebody else has been starting the sandbox of {name} for too long.")
            time.sleep(0.05)
        yield


def _try_lock(handle: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def free(name: str) -> bool:
    """Whether no running sandbox holds the world's lock."""
    try:
        handle = os.open(folder_of(name) / "lock", os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        # Taken to see whether it can be, and given back with the handle: a server that starts just then tries again.
        return _try_lock(handle)
    finally:
        os.close(handle)


def _await_free(name: str) -> bool:
    until = time.monotonic() + DOWN_DEADLINE_S
    while not free(name):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
