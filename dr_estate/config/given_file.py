"""Files that somebody names, or left in a folder, read whole: never a pipe without a writer, nor without an end."""

from __future__ import annotations

import errno
from pathlib import Path

# Folders of pipes that a shell holds open, such as /dev/stdin.
OF_SHELLS = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))
# Far above any report, journal or pack of a run.
LONGEST = 1 << 29


def bytes_of(path: Path) -> bytes:
    """The bytes of the file. Raises OSError where there are none, or where a pipe or its length would hold up all."""
    if path.exists() and not path.is_file() and path.parent not in OF_SHELLS:
        raise OSError(errno.EINVAL, "it is no file", str(path))
    with path.open("rb") as file:
        content = file.read(LONGEST + 1)
    if len(content) > LONGEST:
        raise OSError(errno.EFBIG, f"it is longer than {LONGEST >> 20} MB", str(path))
    return content
