"""A fresh folder for the files of each run, or a temporary one while the disk of that is full; private files in it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.options import Options

# Files with what only their owner may read: evidence names hosts and addresses.


def private_file(path: Path) -> BinaryIO:
    """The file, empty and open for writing, readable by its owner alone from its first byte on.

    A pipe or a device is written to as it is. Raises UsageError for a link to a file, OSError.
    """
    # /dev/stdout is a link too, to a pipe or a terminal.
    if path.exists() and not path.is_file():
        return path.open("wb")
    if path.is_symlink():
        raise UsageError(f"{path} is a link, and nothing private is written through one. Name the file itself.")
    # The mode is set as the file is made: chmod afterwards would leave a moment in which others may open it.
    # O_NOFOLLOW: a link may have been put there since.
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb")
    os.fchmod(file.fileno(), 0o600)  # a file that was there keeps its mode otherwise
    return file


_NEEDED = 16 * 2**20  # bytes: evidence and Allure's results of an estate of some hundred tenants
_LEAST = 4 * 2**20  # bytes: what an answer is worked out in; a disk that has them may still fill up on the way
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it


@contextlib.contextmanager
def run_folder(options: Options) -> Iterator[Path]:
    """A fresh folder for this run's results; runs never share one (a shared Allure folder shows false retries).

    Where the disk of the results is full it is a temporary one, which stays: an answer needs a place to be worked out.
    """
    stamp = f"{options.environment}-{options.command}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    folder = _results(options.output) / stamp
    folder.mkdir(parents=True)
    yield folder


def moved_results(folder: Path, options: Options) -> tuple[str, ...]:
    """Where a run's results are if there was no room for them in their own folder."""
    if folder.is_relative_to(options.output):
        return ()
    return (f"{options.output} has no room: the results are in {folder}. Make room, or name a folder with --output.",)


def _results(output: Path) -> Path:
    standing = next(place for place in (output, *output.parents) if os.path.exists(place))  # noqa: PTH110 - never raises
    spare = _spare()
    if spare is None or _has_room(standing, _LEAST):
        return output
    return Path(tempfile.mkdtemp(prefix="aws-dr-manager-", dir=spare))


def _spare() -> Path | None:
    return next((place for place in (Path(tempfile.gettempdir()), _SHARED_MEMORY) if _has_room(place)), None)


@contextlib.contextmanager
def with_room(folder: Path) -> Iterator[Path]:
    """``folder``, or a temporary one that is taken away again. It is ``folder`` too where none has room."""
    spare = _spare()
    if spare is None or _has_room(folder):
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="aws-dr-manager-", dir=spare) as created:
        yield Path(created)


def _has_room(folder: Path, needed: int = _NEEDED) -> bool:
    try:
        return shutil.disk_usage(folder).free >= needed
    except OSError:
        return False
