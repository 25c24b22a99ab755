"""Starting a host process and waiting for its word. The starter watches its child and leaves no orphan."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from platformdirs import user_cache_path

from sandbox.client.endpoint import Endpoint, from_json
from sandbox.client.launch_options import LaunchOptions, Progress, no_progress
from sandbox.core.errors import SandboxError

ROOT = Path(__file__).resolve().parents[2]
# How long a host that starts may say nothing. How long it takes in all is not limited.
SILENCE_DEADLINE_S = 120.0
STOP_DEADLINE_S = 10.0
TAIL = 2000


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
