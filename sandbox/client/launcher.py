"""Starting a host process and waiting for its word. The starter watches its child and leaves no orphan.

A sandbox for one command's own life, or one test's, is a child process that ends with the ``with`` block. The world is
in another process because the emulator's state is global to one, and because its work should not take the client's
share of the interpreter. It ends too when its starter dies: it watches the pipe between them.

The order a host process is started with.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from platformdirs import user_cache_path

from dr_estate.config.environment import Environment
from dr_estate.model.engines import ENGINES, MYSQL
from sandbox.client.endpoint import Endpoint, from_json
from sandbox.core.errors import SandboxError

# Called with what is being done, and how many parts of how many are done.
Progress = Callable[[str, int, int], None]
ROOT = Path(__file__).resolve().parents[2]
# How long a host that starts may say nothing. How long it takes in all is not limited.
SILENCE_DEADLINE_S = 120.0
STOP_DEADLINE_S = 10.0
TAIL = 2000
DEFAULT_TENANTS = 12
# Timing of a world in which a whole run is played while its operator waits: copies trail by seconds, not minutes.
HURRIED = {"transition_s": 0.3, "log_upload_s": 1, "files_lag_s": 1, "replica_lag_s": 0, "lag_published_s": 1}


def no_progress(_doing: str, _done: int, _total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class LaunchOptions:
    """What the host is to run. ``folder`` "" keeps no world on disk; ``port`` 0 is any, ``last_port`` if it is free.

    A world that is not ``seeded`` holds the people and nothing else. ``speed`` is how many seconds of the world pass in
    a real one; 0: as many as when it was saved, 1 for a new one. ``pace`` "" leaves a kept world at its pace; a new one
    is quick. ``engine`` is that of the seeded database.
    """

    environment: dict[str, Any]
    tenants: int
    port: int = 0
    last_port: int = 0
    latency_s: float = 0.0
    folder: str = ""
    attached: bool = True
    seeded: bool = True
    speed: float = 0.0
    pace: str = ""
    engine: str = MYSQL.name

    # On stdin and not in the arguments: these can be read by every user of the machine.
    def to_line(self) -> bytes:
        """Return the order as the line the host reads."""
        return json.dumps(asdict(self)).encode() + b"\n"

    def about(self) -> dict[str, Any]:
        """Return what a saved world says it was made from."""
        return {"environment": self.environment, "tenants": self.tenants, "engine": self.engine}


def same_world(saved: dict[str, Any], order: LaunchOptions) -> None:
    """Refuse an order for another world than the ``saved`` one. Raises SandboxError."""
    wanted = order.about()
    if saved["tenants"] != wanted["tenants"]:
        raise SandboxError(
            f"The kept sandbox has {saved['tenants']} tenants, {wanted['tenants']} were asked for: "
            "omit --tenants, or start again: `dr_cli.py sandbox up --fresh`."
        )
    if saved.get("engine", MYSQL.name) != wanted["engine"]:
        raise SandboxError(
            f"The database of the kept sandbox is of another engine than {ENGINES[wanted['engine']].title}: "
            "omit --engine, or start again: `dr_cli.py sandbox up --fresh`."
        )
    if saved["environment"] != wanted["environment"]:
        raise SandboxError(
            "The kept sandbox was built from other settings of this environment. Start again: "
            "`dr_cli.py sandbox up --fresh`."
        )


def start(
    order: LaunchOptions, log: Path, progress: Progress = no_progress
) -> tuple[subprocess.Popen[bytes], Endpoint]:
    """Start a host and return it with its endpoint; its stderr goes to ``log``, and how far it is to ``progress``.

    Raises SandboxError with the host's own sentence, or the end of its log where it died without one;
    ModuleNotFoundError where the extra "sandbox" of the package is not installed.
    """
    if importlib.util.find_spec("moto") is None:
        raise ModuleNotFoundError("the emulator is not installed", name="moto")
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if log.exists():
        # The log of a sandbox that failed is what its user looks for after the next start.
        log.replace(log.with_name("log.previous"))
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as errors:
        # This process's environment; bytecode goes to the user's cache folder where it may not lie beside the source
        inherited = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        if inherited.pop("PYTHONDONTWRITEBYTECODE", ""):
            inherited["PYTHONPYCACHEPREFIX"] = str(user_cache_path("aws-dr-manager") / "bytecode")
        child = subprocess.Popen(
            [sys.executable, "-m", "sandbox.server.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=ROOT,
            env=inherited,
            # Ctrl-C at the terminal goes to the command alone: a managed sandbox outlives it.
            start_new_session=True,
        )
    try:
        return child, _word(child, order, log, progress)
    # An interrupt too: a host that started already would stay behind without an owner.
    except BaseException:
        end(child)
        raise


def end(child: subprocess.Popen[bytes]) -> None:
    """End ``child``: by closing its stdin, then, past the deadline, by force."""
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
    try:
        child.wait(STOP_DEADLINE_S if child.poll() is None else 0)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _word(child: subprocess.Popen[bytes], order: LaunchOptions, log: Path, progress: Progress) -> Endpoint:
    assert child.stdin is not None and child.stdout is not None  # noqa: S101, PT018 - both were asked for
    with contextlib.suppress(BrokenPipeError):  # a child that died already has its say below
        child.stdin.write(order.to_line())
        child.stdin.flush()
    doing = "its start"
    for line in _lines(child.stdout):
        word = json.loads(line)
        if "doing" not in word:
            if "error" in word:
                raise SandboxError(str(word["error"]))
            return from_json(word)
        doing = f"'{word['doing']}'" + (f" ({word['done']} of {word['total']})" if word["total"] > 1 else "")
        progress(word["doing"], word["done"], word["total"])
    tail = log.read_text(encoding="utf-8", errors="replace")[-TAIL:].strip()
    silence = f"not heard of it for {SILENCE_DEADLINE_S:g} s after {doing}" if child.poll() is None else "it ended"
    raise SandboxError(f"The sandbox did not start: {tail or silence}")


def _lines(pipe: IO[bytes]) -> Iterator[bytes]:
    """Yield each line of ``pipe`` until its end, or until nothing comes for ``SILENCE_DEADLINE_S``."""
    read = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while selector.select(SILENCE_DEADLINE_S) and (part := os.read(pipe.fileno(), 1 << 16)):
            *lines, read = (read + part).split(b"\n")
            yield from lines


@contextmanager
def running(
    environment: Environment,
    tenants: int = DEFAULT_TENANTS,
    latency_s: float = 0.0,
    port: int = 0,
    seeded: bool = True,
    speed: float = 1.0,
    pace: str = "",
) -> Iterator[Endpoint]:
    """Run the healthy world of ``environment`` with ``tenants`` tenants, each call delayed by ``latency_s``.

    ``speed`` seconds of the world pass in a real one.

    A world that is not ``seeded`` holds the people alone. Raises SandboxError where it does not come up.
    """
    settings = environment.model_dump(mode="json")
    order = LaunchOptions(settings, tenants, port=port, latency_s=latency_s, seeded=seeded, speed=speed, pace=pace)
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder:
        child, endpoint = start(order, Path(folder) / "log")
        try:
            yield endpoint
        finally:
            end(child)
