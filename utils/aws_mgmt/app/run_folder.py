"""A fresh folder for the files of each run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from utils.aws_mgmt.app.options import Options


@contextlib.contextmanager
def run_folder(options: Options) -> Iterator[Path]:
    """A fresh folder for this run's results; runs never share one (a shared Allure folder shows false retries)."""
    stamp = f"{options.environment}-{options.command}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    folder = options.output / stamp
    folder.mkdir(parents=True)
    yield folder
