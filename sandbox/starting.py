"""Starting a host process and waiting for its word. The starter watches its child and leaves no orphan."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from sandbox.endpoint import Endpoint, from_json
from sandbox.errors import SandboxError
from sandbox.order import Order

ROOT = Path(__file__).resolve().parent.parent
START_DEADLINE_S = 120.0
STOP_DEADLINE_S = 10.0
TAIL = 2000


def start(order: Order, log: Path) -> tuple[subprocess.Popen[bytes], Endpoint]:
    """Start a host and return it with its endpoint; its stderr goes to ``log``.

    Raises SandboxError with the host's own sentence, or the end of its log where it died without one.
    """
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_name("log.previous"))
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "sandbox.host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=ROOT,
            env=_environment(),
            start_new_session=True,
        )
    try:
        return child, _word(child, order, log)
    except BaseException:
        end(child)
        raise


def _environment() -> dict[str, str]:
    """This process's environment; bytecode goes to the user's cache folder where it may not lie beside the source."""
    inherited = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    if inherited.pop("PYTHONDONTWRITEBYTECODE", ""):
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        inherited["PYTHONPYCACHEPREFIX"] = str(cache / "aws-dr-manager" / "bytecode")
    return inherited


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


def _word(child: subprocess.Popen[bytes], order: Order, log: Path) -> Endpoint:
    assert child.stdin is not None and child.stdout is not None  # noqa: S101, PT018 - both were asked for
    with contextlib.suppress(BrokenPipeError):  # a child that died already has its say below
        child.stdin.write(order.to_line())
        child.stdin.flush()
    line = _line(child.stdout, time.monotonic() + START_DEADLINE_S)
    if not line:
        tail = log.read_text(encoding="utf-8", errors="replace")[-TAIL:].strip() or "it said nothing"
        raise SandboxError(f"The sandbox did not start: {tail}")
    said = json.loads(line)
    if "error" in said:
        raise SandboxError(str(said["error"]))
    return from_json(said)


def _line(pipe: IO[bytes], until: float) -> bytes:
    """Read one line of ``pipe``; empty at its end or past ``until`` (monotonic seconds)."""
    read = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while not read.endswith(b"\n") and selector.select(max(0.0, until - time.monotonic())):
            part = os.read(pipe.fileno(), 1 << 16)
            if not part:
                return b""
            read += part
    return read if read.endswith(b"\n") else b""
