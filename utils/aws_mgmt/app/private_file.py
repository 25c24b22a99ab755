"""Files with what only their owner may read: evidence names hosts and addresses."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from utils.aws_mgmt.app.errors import UsageError


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
