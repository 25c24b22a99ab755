"""The journal's file: lines that are on the disk before anything else happens, and one process at a time.

A call that left without its intent on disk could not be found after a crash. Two processes that append would break the
chain, so the second is refused with the name of the first.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from dr_actions.journal.entries import Chain, read_chain
from dr_estate.config.given_file import bytes_of
from dr_estate.model.dynamodb_values import instant

_MODE = 0o600


def journal_path(folder: Path, environment: str, incident: str) -> Path:
    """Where an incident's journal is. Raises ValueError for an incident that cannot be part of a file's name."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", incident):
        raise ValueError(f"'{incident}' is no incident id such as INC-123")
    return folder / f"{environment}-{incident}.journal.jsonl"


def read(path: Path, environment: str, incident: str) -> Chain:
    """What the file proves, offline and without its lock. Raises OSError where it cannot be read."""
    return read_chain(bytes_of(path), environment, incident)


class JournalInUse(Exception):
    """Another process has the journal open; the message names it."""


class JournalFile:
    """An append-only file of one owner, open and locked until ``close``. ``size`` is in bytes."""

    def __init__(self, path: Path, who: str, now: Callable[[], datetime]) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = path
        # Before the file is opened: no other process may append after its size was read.
        self._guard = _journal_lock(path, who, now())
        new = not path.exists()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _MODE)
        if new:  # fsync of a file does not keep its name: after a power cut the folder may lack it (fsync(2))
            handle = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        self.size = os.fstat(self._file).st_size

    def read(self) -> bytes:
        """All of it."""
        return self.path.read_bytes()

    def cut(self, size: int) -> None:
        """Take off what follows the first ``size`` bytes: a line that was never finished."""
        os.ftruncate(self._file, size)
        os.fsync(self._file)
        self.size = size

    def append(self, text: bytes) -> None:
        """Write ``text`` at the end, on the disk when this returns. What could not be written whole is taken off again.

        Raises OSError.
        """
        try:
            left = memoryview(text)
            while left:
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)
        except BaseException:
            # Half a line, as a full disk leaves it, would be a torn end of the chain for the next reader.
            os.ftruncate(self._file, self.size)
            raise
        self.size += len(text)

    def close(self) -> None:
        """Let the next one in."""
        os.close(self._file)
        os.close(self._guard)


def _journal_lock(path: Path, who: str, now: datetime) -> int:
    """The lock beside the file, with a word on who holds it. Raises JournalInUse. It goes with its process."""
    # Beside the journal and not on it: the journal may be moved away as evidence while somebody holds the lock.
    guard = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as taken:
        content = os.pread(guard, 4096, 0)
        os.close(guard)
        raise JournalInUse(f"{path} is in use by {_holder_name(content)}. Wait for it to end, or stop it.") from taken
    holder = {"who": who, "pid": os.getpid(), "host": socket.gethostname(), "since": instant(now)}
    with suppress(OSError):  # on a full disk nobody is named; the lock itself holds
        os.ftruncate(guard, 0)
        os.pwrite(guard, json.dumps(holder).encode(), 0)
    return guard


def _holder_name(content: bytes) -> str:
    with suppress(ValueError, KeyError):  # it is just being written: then it is another process, and no more is known
        document = json.loads(content)
        return f"{document['who']} (process {document['pid']} on {document['host']}, since {document['since']})"
    return "another process"


def unwritable_sentence(path: Path, reason: str) -> str:
    """What is said once of a file that cannot be written any more."""
    return (
        f"{path} cannot be written ({reason}): the run goes on, and its record is kept in the control table alone "
        f"until "
        "there is space again."
    )
