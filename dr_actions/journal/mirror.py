"""The journal's mirror in the control table: items of 400 KB at most, written only while the lock is the run's own.

An entry is one item ``JOURNAL#<incident>`` / ``<number>``; a long one (the plan) is compressed and, where that is not
enough, continued in items written before its own, so that an entry is there wholly or not at all.

The operator's keys may write file and mirror, so that the heads of the chain are anchored in places to which a run may
add, and where its keys rewrite nothing. A CloudWatch Logs stream: an event cannot be changed, AWS gives it its time of
arrival, and no role of the control stack may delete the group or its streams. An S3 bucket with Object Lock, where the
environment names one: an object for each head, whose name says all, and of which no version goes before its time. A
run's keys may add false heads, before the true ones or where a run could add none: two of one entry contradict each
other, and comparison.py asks when each arrived. Sources: CloudWatch Logs API, PutLogEvents and GetLogEvents; S3 API,
PutObject and ListObjectVersions.

The files of a run that AWS started, kept in the bucket with Object Lock: the disk of its task ends with it.

An object a file, under runs/ENV/INCIDENT/EXECUTION/. A task overwrites nothing (IfNoneMatch): a name with several
versions was written by somebody else too, and is not fetched. Source: S3 API, PutObject and ListObjectVersions; S3 User
Guide, "How Object Lock works".
"""

from __future__ import annotations

import base64
import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from dr_actions.clients.mutating_client import GuardRefused
from dr_actions.control_table.control import ControlStore, Fence
from dr_actions.control_table.table import MOST_AT_ONCE, Put, TableSender, WriteCondition
from dr_actions.journal.comparison import AnchoredHead
from dr_actions.journal.entries import Entry
from dr_actions.model.plan import Call, SendFailed
from dr_estate.aws.clock import WorldClock
from dr_estate.config.environment import Environment, Side
from dr_estate.config.given_file import LONGEST
from dr_estate.iam.scopes import ANCHORS_PREFIX, RUNS_PREFIX
from dr_estate.model.control_items import JOURNAL
from dr_estate.model.journal_chain import mirror_lines

RUN_FILE_CALLS = frozenset({"s3:GetObject", "s3:ListObjectVersions", "s3:PutObject"})
# A part of a file's name that is taken from the bucket: none leads out of the folder that it is fetched into.
_PART = re.compile(r"(?!\.{1,2}$)[\w. +@=,-]{1,200}", re.ASCII)
ANCHOR_CALLS = frozenset(
    {"logs:CreateLogStream", "logs:GetLogEvents", "logs:PutLogEvents", "s3:ListObjectVersions", "s3:PutObject"}
)

_ABSENT = "ResourceNotFoundException"
_THERE = "ResourceAlreadyExistsException"
_IN_USE = ("PreconditionFailed", "412")

_LONG = 4_000
_PIECE = 300_000  # of an item's 400 KB (AWS: ServiceQuotas, DynamoDB)
_MOST_BYTES = 3_000_000  # of a transaction's 4 MB
_CHECKS = 2  # of a trial's lock, and of the recoveries'


class LockedBucket:
    """The environment's part of the bucket with Object Lock, a folder an incident. What the sender raises passes."""

    def __init__(self, sender: TableSender, env: Environment, prefix: str) -> None:
        self._sender, self._env, self._prefix = sender, env, f"{prefix}/{env.name}"
        self._bucket = env.named(env.names.anchor_bucket)

    def _folder(self, incident: str) -> str:
        return f"{self._prefix}/{incident}/"

    def _versions(self, incident: str) -> Iterator[dict[str, Any]]:
        """Every version there is, also of what a delete marker hides."""
        marker: dict[str, Any] = {}
        while True:
            page = self._send("ListObjectVersions", Prefix=self._folder(incident), **marker)
            yield from page.get("Versions", ())
            if not page.get("IsTruncated"):
                return
            marker = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}

    def _send(self, operation: str, **params: Any) -> dict[str, Any]:
        named = {"Bucket": self._bucket, "ExpectedBucketOwner": self._env.account}
        return self._sender.send(Call("s3", operation, self._env.region(Side.DR), {**named, **params}))


class RunFiles(LockedBucket):
    """The kept files of an environment's runs. What the sender raises passes through."""

    def __init__(self, sender: TableSender, env: Environment) -> None:
        super().__init__(sender, env, RUNS_PREFIX)
        self.place = f"s3://{self._bucket}/{self._prefix}"

    def keep(self, incident: str, execution: str, folder: Path, without: str) -> int:
        """Keep ``folder``'s files but those in ``without``; returns how many. Raises SendFailed, OSError."""
        files = (path for path in folder.rglob("*") if path.is_file())
        paths = sorted(path for path in files if without not in path.relative_to(folder).parts)
        for path in paths:
            key = f"{self._folder(incident)}{execution}/{path.relative_to(folder).as_posix()}"
            self._send("PutObject", Key=key, Body=path.read_bytes(), IfNoneMatch="*", ChecksumAlgorithm="SHA256")
        return len(paths)

    def fetch(self, incident: str, into: Path) -> tuple[list[Path], list[str]]:
        """Write the incident's files below ``into``, a folder an execution; returns them, and the keys left out."""
        versions = list(self._versions(incident))
        keys, large = Counter(str(row["Key"]) for row in versions), {r["Key"] for r in versions if r["Size"] > LONGEST}
        paths, others = [], []
        for key, count in sorted(keys.items()):
            parts = key.removeprefix(self._folder(incident)).split("/")
            if count > 1 or key in large or not all(_PART.fullmatch(part) for part in parts):
                others.append(key)
                continue
            path = into.joinpath(*parts)
            # A file cannot lie below another file, as a key may below another key: that was not a run's.
            if path.is_dir() or any(parent.is_file() for parent in path.parents):
                others.append(key)
                continue
            answer = self._send("GetObject", Key=key)
            path.parent.mkdir(parents=True, exist_ok=True)
            # The owner's alone from its first byte, and through no link: evidence names hosts and addresses.
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
                file.write(answer["Body"].read())
            paths.append(path)
        return paths, others


class Anchors(Protocol):
    """A place that holds heads of journals; ``place`` is what people call it."""

    place: str

    def put(self, incident: str, head: Entry) -> None:
        """Add an anchor of ``head``. Raises SendFailed."""
        ...

    def of(self, incident: str) -> list[AnchoredHead]:
        """Every head that was anchored, with its arrival; empty where none ever was."""
        ...


class MirrorFailed(Exception):
    """The mirror could not be written or read, so no change may be made now. The message says what the file has."""


class Mirror(Protocol):
    """Where a journal is kept besides its file."""

    def fetch(self, incident: str) -> list[str]:
        """Every entry's line in order, read consistently."""
        ...

    def send(self, incident: str, entries: Sequence[Entry]) -> None:
        """Add the entries; sending one twice is sending it once. Raises Fenced, or whatever kept it from that."""
        ...


class TableMirror:
    """The mirror over the control table. Without ``fence`` (the reader's) it can only fetch."""

    def __init__(self, control: ControlStore, fence: Fence | None = None) -> None:
        self._control, self._fence = control, fence

    def fetch(self, incident: str) -> list[str]:
        """Every entry's line in order, read consistently."""
        return mirror_lines(self._control.table.query(JOURNAL + incident))

    def send(self, incident: str, entries: Sequence[Entry]) -> None:
        """Add the entries. Raises Fenced where the lock is lost, ConditionFailed where another entry is there."""
        if self._fence is None:
            raise ValueError("a mirror without a fence is only read")
        for writes in _transactions([put for entry in entries for put in _puts(incident, entry)]):
            self._control.write(writes, self._fence)


class AnchoredMirror:
    """A mirror whose every addition is anchored. An anchor that fails stops no run: it is noted, once a place."""

    def __init__(self, mirror: Mirror, anchors: Sequence[Anchors], note: Callable[[str], None]) -> None:
        self._mirror, self._anchors, self._note = mirror, anchors, note
        self._noted: set[str] = set()

    def fetch(self, incident: str) -> list[str]:
        """Every entry's line in order, read consistently."""
        return self._mirror.fetch(incident)

    def send(self, incident: str, entries: Sequence[Entry]) -> None:
        """Add the entries, then the anchors of the last. Raises as the mirror."""
        self._mirror.send(incident, entries)
        for anchors in self._anchors:
            try:
                anchors.put(incident, entries[-1])
            except (SendFailed, GuardRefused) as failed:  # what ends the run passes
                if anchors.place not in self._noted:
                    self._noted.add(anchors.place)
                    message = f"The journal's head is not anchored in {anchors.place}: {failed}"
                    self._note(f"{message} `dr_cli.py log --verify` will say so.")


def _puts(incident: str, entry: Entry) -> Iterator[Put]:
    """The entry's items, its own last."""
    text, packed = entry.line, len(entry.line) > _LONG
    if packed:
        text = base64.b64encode(zlib.compress(text.encode())).decode()
    pieces = [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
    # The entry's own item comes last: until it is there, its pieces belong to nothing.
    for number in range(len(pieces) - 1, -1, -1):
        item: dict[str, Any] = {
            "pk": JOURNAL + incident,
            "sk": f"{entry.seq:09d}" + (f".{number:03d}" if number else ""),
            "digest": entry.digest,
            "text": pieces[number],
            "packed": packed,
            "pieces": len(pieces),
        }
        # A number is written once, with one digest: sending again is harmless, and another run's entry is refused.
        same = WriteCondition("attribute_not_exists(#pk) OR #digest = :digest", {"digest": entry.digest})
        yield Put(item, same)


def _transactions(puts: Sequence[Put]) -> Iterator[list[Put]]:
    """The puts in transactions that AWS takes: 100 items with the lock's checks, 4 MB."""
    batch: list[Put] = []
    size = 0
    for put in puts:
        length = len(put.item["text"].encode())
        if batch and (len(batch) == MOST_AT_ONCE - _CHECKS or size + length > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(put)
        size += length
    if batch:
        yield batch


def anchors_of(sender: TableSender, env: Environment, clock: WorldClock) -> tuple[Anchors, ...]:
    """Every place of the environment's."""
    bucket = (BucketAnchors(sender, env),) if env.names.anchor_bucket else ()
    return (LogAnchors(sender, env, clock), *bucket)


class LogAnchors:
    """The anchors in a log group, a stream an incident. What the sender raises passes through."""

    def __init__(self, sender: TableSender, env: Environment, clock: WorldClock) -> None:
        self._sender, self._clock = sender, clock
        self.place = "CloudWatch Logs"
        self._group, self._region = env.named(env.names.anchor_log), env.region(Side.DR)

    def put(self, incident: str, head: Entry) -> None:
        """Add an anchor of ``head``; the incident's stream is made with its first. Raises SendFailed."""
        message = json.dumps({"seq": head.seq, "digest": head.digest, "run": head.run}, sort_keys=True)
        event = {"timestamp": int(self._clock.now().timestamp() * 1000), "message": message}
        try:
            self._send("PutLogEvents", incident, logEvents=[event])
        except SendFailed as failed:
            if failed.code != _ABSENT:
                raise
            try:
                self._send("CreateLogStream", incident)
            except SendFailed as failed:
                # Somebody else made it between the two calls: as good.
                if failed.code != _THERE:
                    raise
            self._send("PutLogEvents", incident, logEvents=[event])

    def of(self, incident: str) -> list[AnchoredHead]:
        """Every head that was anchored, with its arrival; empty where none ever was."""
        return [head for event in self._events(incident) if (head := _head(event)) is not None]

    def _events(self, incident: str) -> Iterator[dict[str, Any]]:
        token: dict[str, Any] = {}
        while True:
            try:
                page = self._send("GetLogEvents", incident, startFromHead=True, **token)
            except SendFailed as failed:
                if failed.code == _ABSENT:
                    return
                raise
            yield from page["events"]
            # An unchanged token is the end; a page may be empty before it (API_GetLogEvents).
            if page["nextForwardToken"] == token.get("nextToken"):
                return
            token = {"nextToken": page["nextForwardToken"]}

    def _send(self, operation: str, incident: str, **params: Any) -> dict[str, Any]:
        named = {"logGroupName": self._group, "logStreamName": incident}
        return self._sender.send(Call("logs", operation, self._region, {**named, **params}))


class BucketAnchors(LockedBucket):
    """The anchors in a bucket with Object Lock, an object a head. What the sender raises passes through."""

    def __init__(self, sender: TableSender, env: Environment) -> None:
        super().__init__(sender, env, ANCHORS_PREFIX)
        self.place = f"the bucket {self._bucket}"

    def put(self, incident: str, head: Entry) -> None:
        """Add an anchor of ``head``, under a name that nothing has yet. Raises SendFailed."""
        name = f"{self._folder(incident)}{head.seq:09d}-{head.digest}"
        try:
            self._send("PutObject", Key=name, Body=b"", IfNoneMatch="*", ChecksumAlgorithm="SHA256")
        except SendFailed as failed:
            # The name is the head itself: where it is taken, this very head is anchored already.
            if failed.code not in _IN_USE:
                raise

    def of(self, incident: str) -> list[AnchoredHead]:
        """Every head that was anchored, with its arrival; empty where none ever was."""
        named = re.compile(rf"{re.escape(self._folder(incident))}(\d{{9}})-([0-9a-f]+)")
        # S3 dates what was uploaded in parts by the beginning of its upload, and marks its ETag with their number: such
        # a head may be older than its entry, and no run puts any. Source: S3 User Guide, "Object metadata".
        whole = (version for version in self._versions(incident) if "-" not in version["ETag"])
        found = ((version["LastModified"], named.fullmatch(version["Key"])) for version in whole)
        return [AnchoredHead(int(name[1]), name[2], arrived) for arrived, name in found if name is not None]


def _head(event: Mapping[str, Any]) -> AnchoredHead | None:
    """The head; None for what is no anchor: anybody of the account's writers may add a line."""
    try:
        row = json.loads(event["message"])
        number, digest = int(row["seq"]), str(row["digest"])
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return None
    # `timestamp` is the sender's word; `ingestionTime` alone is AWS's (API Reference, OutputLogEvent).
    return AnchoredHead(number, digest, datetime.fromtimestamp(event["ingestionTime"] / 1000, UTC))
