"""A fresh folder for the files of each run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from utils.aws_mgmt.app.request import Request


@contextlib.contextmanager
def run_folder(request: Request) -> Iterator[Path]:
    """A fresh folder for this run's results; runs never share one (a shared Allure folder shows false retries)."""
    stamp = f"{request.environment}-{request.command}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    folder = request.output / stamp
    folder.mkdir(parents=True)
    yield folder
