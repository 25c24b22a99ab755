"""A fresh folder for the files of each run, or a temporary one while the disk of that is full."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from utils.aws_mgmt.app.options import Options

_NEEDED = 16 * 2**20  # bytes: evidence and Allure's results of an estate of some hundred tenants
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it


@contextlib.contextmanager
def run_folder(options: Options) -> Iterator[Path]:
    """A fresh folder for this run's results; runs never share one (a shared Allure folder shows false retries)."""
    stamp = f"{options.environment}-{options.command}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    folder = options.output / stamp
    folder.mkdir(parents=True)
    yield folder


@contextlib.contextmanager
def with_room(folder: Path) -> Iterator[Path]:
    """``folder``, or a temporary one that is taken away again. It is ``folder`` too where none has room."""
    spare = next((place for place in (Path(tempfile.gettempdir()), _SHARED_MEMORY) if _has_room(place)), None)
    if spare is None or _has_room(folder):
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="aws-dr-manager-", dir=spare) as created:
        yield Path(created)


def _has_room(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free >= _NEEDED
    except OSError:
        return False
