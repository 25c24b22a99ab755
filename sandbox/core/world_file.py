"""The file of a saved world: one line of JSON that says who wrote it, then the world.

A pickle is code: files are written 0600, and only our own are opened, of this very version.
"""

from __future__ import annotations

import json
import os
import platform
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

from platformdirs import user_state_path

from sandbox.core.errors import SandboxError

# Raise it where a saved world cannot be read by the new code: older files are refused by a sentence, not a traceback.
FORMAT = "sandbox world 2"
PRIVATE = 0o600
# No more is read of the first line: a file that is no world has perhaps no line's end.
LINE = 1 << 16


def stamp() -> dict[str, str]:
    """What a world is bound to: our format, the emulator's version and Python's."""
    return {"format": FORMAT, "moto": version("moto"), "python": ".".join(platform.python_version_tuple()[:2])}


def write(path: Path, world: bytes, about: dict[str, Any]) -> None:
    """Write ``world`` to ``path``, whole or not at all, readable by its owner alone; ``about`` is kept beside it.

    Raises SandboxError where it cannot be written.
    """
    # In the same folder: a rename is atomic on one file system alone. The pid keeps two writers apart.
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "wb") as out:
            out.write(json.dumps({**stamp(), **about}).encode() + b"\n")
            out.write(world)
        part.replace(path)
    except OSError as unwritable:
        raise SandboxError(
            f"The sandbox cannot keep a world in {path.parent} ({unwritable.strerror}): name a folder that can be "
            "written with the variable DR_SANDBOX_HOME."
        ) from unwritable


def about(path: Path) -> dict[str, Any]:
    """Return what the file says of itself. Raises SandboxError where it is not ours, foreign or of another version."""
    with open_world(path) as (header, _):
        return header


@contextmanager
def open_world(path: Path) -> Iterator[tuple[dict[str, Any], BinaryIO]]:
    """Open a world of our own: what it says of itself, and the file, standing at the world. Raises SandboxError."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        # Any bit for group or others refuses the file: who can write it can run code as us.
        if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
            raise SandboxError(f"{path} is not a private file of yours (0600): the sandbox will not load it.")
        yield _header(file.readline(LINE), path), file


def _header(line: bytes, path: Path) -> dict[str, Any]:
    try:
        header: dict[str, Any] = json.loads(line)
        written = {key: header.get(key) for key in stamp()}
    except (ValueError, AttributeError) as foreign:
        raise SandboxError(
            f"{path} is not a world of the sandbox: move it away, or start again: `dr_cli.py sandbox up --fresh`."
        ) from (foreign)
    if written != stamp():
        raise SandboxError(
            f"{path} was written by {_version_text(written)}, this is {_version_text(stamp())}. Start again: "
            "`dr_cli.py sandbox up --fresh`."
        )
    return header


def _version_text(versions: dict[str, Any]) -> str:
    return f"{versions['format']} (moto {versions['moto']}, Python {versions['python']})"


def home() -> Path:
    """Return the folder of the sandbox's state: DR_SANDBOX_HOME, else below the user's own for state."""
    if own := os.environ.get("DR_SANDBOX_HOME"):
        return Path(own)
    return user_state_path("aws-dr-manager") / "sandbox"
