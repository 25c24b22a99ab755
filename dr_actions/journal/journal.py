"""The journal: one append-only file an incident, on the disk and in the control table before each change and after.

The file is ``<folder>/<environment>-<incident>.journal.jsonl``, readable by its owner alone. Each world has a folder of
its own, and the first entry names the world. Another operator's machine has no file: it is rebuilt from the mirror, and
the run goes on. Nothing secret is written (redaction.py).
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dr_actions.clients.mutating_client import GuardRefused
from dr_actions.control_table.control import Fenced
from dr_actions.control_table.table import ConditionFailed
from dr_actions.journal.entries import (
    Chain,
    Entry,
    EntryKind,
    RecordedState,
    agree,
    entry_after,
    of_this_world,
    read_chain,
    state_after,
    valid_chain,
)
from dr_actions.journal.mirror import Mirror, MirrorFailed
from dr_actions.journal.redaction import recordable, refuse_secrets
from dr_actions.model.plan import SendFailed
from dr_estate.config.given_file import bytes_of
from dr_estate.model.dynamodb_values import instant
from dr_estate.model.journal_chain import WORLD, JournalBroken, genesis
from dr_estate.model.world_id import WorldId

# The journal's file: lines that are on the disk before anything else happens, and one process at a time.
#
# A call that left without its intent on disk could not be found after a crash. Two processes that append would break
# the chain, so the second is refused with the name of the first.

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
        """Write ``text`` onto the disk; what could not be written whole is taken off again. Raises OSError."""
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


Row = tuple[EntryKind, str | None, Mapping[str, Any]]

BEFORE_A_CHANGE = frozenset({EntryKind.BEGIN, EntryKind.RESUMED, EntryKind.OVERRIDE, EntryKind.INTENT})


class Journal:
    """An open journal. Thread-safe. Made by ``Journal.open``; closed by ``close`` or at the end of a ``with`` block.

    ``mirror_trouble`` says why entries are not mirrored yet, ``file_trouble`` why they are not in the file (a full
    disk), "" where all are. One of the two is enough to go on with; ``behind`` says that the file was left behind once.
    """

    def __init__(
        self, file: JournalFile, names: tuple[str, str], world: WorldId, run: str, now: Callable[[], datetime]
    ) -> None:
        self._file, self._now, self.run, self.world = file, now, run, world
        self.environment, self.incident = names
        self._mirror: Mirror | None = None
        self._lock = threading.RLock()
        self._entries: list[Entry] = []
        self._pending: list[Entry] = []
        self._filed = (0, 0)  # how many entries are in the file, and their bytes
        self._states: dict[str, RecordedState] = {}
        self.mirror_trouble = self.file_trouble = self.behind = ""
        self._report: Callable[[str], None] = lambda _: None

    @classmethod
    def open(
        cls,
        folder: Path,
        environment: str,
        incident: str,
        run: str,
        now: Callable[[], datetime],
        mirror: Mirror | None = None,
        owner: str = "",
        *,
        world: WorldId,
    ) -> Journal:
        """Open the incident's journal to continue it, new or not.

        ``owner`` is named to anyone who finds it in use. File and mirror must agree as far as both go; the shorter is
        completed. A torn last line is cut, with a note. Raises JournalBroken, JournalInUse, OtherWorld, MirrorFailed
        where the mirror cannot be read, Fenced.
        """
        path = journal_path(folder, environment, incident)
        journal = cls(JournalFile(path, f"run {run} of {owner or '?'}", now), (environment, incident), world, run, now)
        try:
            journal._load(mirror)
        except BaseException:
            journal.close()
            raise
        return journal

    def append(self, kind: EntryKind, step: str | None = None, **data: Any) -> Entry:
        """Record one entry. Raises as ``append_many``."""
        return self.append_many([(kind, step, data)])[0]

    def append_many(self, rows: Sequence[Row]) -> tuple[Entry, ...]:
        """Record entries with one write to the disk and one to the mirror.

        Raises Fenced where the lock is lost; MirrorFailed for what comes before a change (``BEFORE_A_CHANGE``): any
        other entry that cannot be mirrored is noted and sent again with the next; SecretFound for a plan that holds
        a secret. Where the disk fails the mirror alone is enough: MirrorFailed where neither could be written, and
        OSError where there is no mirror.
        """
        with self._lock:
            entries = self._write(rows)
            self._send(before_a_change=any(kind in BEFORE_A_CHANGE for kind, _, _ in rows))
            return entries

    def report_to(self, listener: Callable[[str], None]) -> None:
        """Let ``listener`` hear, once, that the file cannot be written any more."""
        self._report = listener
        if self.behind:
            listener(self.behind)

    @property
    def head(self) -> str:
        """Number and digest of the last entry, as messages carry them."""
        digest, number = self._head()
        return f"{number} {digest}"

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Every entry, in order."""
        with self._lock:
            return tuple(self._entries)

    def state_of(self, step_id: str) -> RecordedState:
        """How the record says that step of the last plan stands; one only made by hand or sent is not done yet."""
        with self._lock:
            return self._states.get(step_id, RecordedState.NONE)

    def verify(self) -> Chain:
        """Check the file again from its first line. Raises JournalBroken."""
        with self._lock:
            chain = read_chain(self._file.read(), self.environment, self.incident)
            if chain.fault:
                raise chain.fault
            if chain.entries != tuple(self._entries[: self._filed[0]]):
                raise JournalBroken(len(chain.entries) + 1, "the file holds other entries than were written.")
            return chain

    def close(self) -> None:
        """Close the file and let the next process in."""
        self._file.close()

    def __enter__(self) -> Self:
        """The journal itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _load(self, mirror: Mirror | None) -> None:
        raw = self._file.read()
        chain = valid_chain(read_chain(raw, self.environment, self.incident), str(self.path), mirror is not None)
        entries = of_this_world(chain, str(self.path), self.world).entries
        if chain.torn:
            self._file.cut(len(raw) - len(chain.torn))
        self._keep(entries)
        self._filed = (len(entries), self._file.size)
        if mirror is not None:
            retained = self._mirror_entries(mirror)
            # Before anything is completed: two records that differ are both evidence.
            agree(entries, retained, str(self.path))
            self._pending = list(entries[len(retained) :])
            self._mirror = mirror
            # Not by `append`: these entries have their place in the chain, and are in the mirror.
            self._record(retained[len(entries) :])
        if chain.torn:
            message = "A last line was torn by a crash while it was written: it never counted, and was cut."
            self.append(EntryKind.NOTE, says=message, bytes=len(chain.torn))

    def _mirror_entries(self, mirror: Mirror) -> tuple[Entry, ...]:
        try:
            lines = mirror.fetch(self.incident)
        except Exception as failed:
            raise MirrorFailed(f"The journal's mirror cannot be read: {failed}") from failed
        text = "".join(line + "\n" for line in lines).encode()
        chain = valid_chain(read_chain(text, self.environment, self.incident), "the mirror", mirrored=False)
        return of_this_world(chain, "the control table", self.world).entries

    def _write(self, rows: Sequence[Row]) -> tuple[Entry, ...]:
        entries: list[Entry] = []
        head, seq = self._head()
        for kind, step, data in rows:
            seq += 1
            # An approval binds the digest, and a redacted plan has another: one with a secret is not written at all.
            if kind is EntryKind.BEGIN:
                refuse_secrets(data.get("plan"), "plan")
            content = recordable(data) | ({WORLD: self.world.to_json()} if seq == 1 else {})
            entry = entry_after(head, seq, self._now(), self.run, EntryKind(kind), step, content)
            entries.append(entry)
            head = entry.digest
        was_behind = self.behind
        self._record(entries)
        if self._mirror is not None:
            self._pending += entries
        if self.behind and not was_behind:
            self._report(self.behind)
            self._write([(EntryKind.NOTE, None, {"says": self.behind})])
        return tuple(entries)

    def _record(self, rows: Sequence[Entry]) -> None:
        """Keep ``rows``, and write it into the file after what that lacks. Raises OSError where there is no mirror."""
        count, size = self._filed
        try:
            # What failed before is written with this: the file catches up as soon as the disk takes bytes again.
            if self.file_trouble or self._file.size != size:  # cut short by the disk or an interrupt: it never counted
                self._file.cut(size)
            self._file.append(b"".join(entry.line.encode() + b"\n" for entry in [*self._entries[count:], *rows]))
        except OSError as refused:
            # A full disk of the operator's machine must not end a recovery that the mirror records.
            if self._mirror is None:
                raise
            self.file_trouble = refused.strerror or str(refused)
            self.behind = self.behind or (
                f"{self.path} cannot be written ({self.file_trouble}): the run goes on, and its record is kept in the "
                "control table alone until there is space again."
            )
            self._keep(rows)
        else:
            self._keep(rows)
            self._filed, self.file_trouble = (len(self._entries), self._file.size), ""

    def _send(self, before_a_change: bool) -> None:
        if self._mirror is None or not self._pending:
            return
        try:
            self._mirror.send(self.incident, self._pending)
        except Fenced:
            raise
        except ConditionFailed as other:  # the number is taken by another digest: two runs wrote one journal
            raise JournalBroken(self._pending[0].seq, "the mirror holds another entry here.") from other
        except (SendFailed, GuardRefused) as failed:  # what ends the run passes: a lost login, a lost lock
            first, self.mirror_trouble = not self.mirror_trouble, f"{type(failed).__name__}: {failed}"
            if self.file_trouble:
                neither = f"Neither {self.path} ({self.file_trouble}) nor the control table can be written"
                raise MirrorFailed(f"{neither}: {failed} Nothing is changed without a record.") from failed
            if before_a_change:
                raise MirrorFailed(f"The entry is in {self.path}, but not mirrored: {failed}") from failed
            if first:
                self._write([(EntryKind.NOTE, None, {"says": f"Not mirrored yet: {self.mirror_trouble}"})])
        else:
            self._pending, self.mirror_trouble = [], ""

    def _keep(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._entries.append(entry)
            if entry.kind is EntryKind.BEGIN:  # steps of the new plan stand for themselves, also under the same ids
                self._states.clear()
            if entry.step:
                self._states[entry.step] = state_after(self._states.get(entry.step, RecordedState.NONE), entry)

    def _head(self) -> tuple[str, int]:
        if not self._entries:
            return genesis(self.environment, self.incident, self.world), 0
        return self._entries[-1].digest, self._entries[-1].seq
