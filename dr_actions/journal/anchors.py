"""Where the heads of a journal are anchored: places to which a run may add, and where its keys rewrite nothing.

A CloudWatch Logs stream: an event cannot be changed, AWS gives it its time of arrival, and no role of the control stack
may delete the group or its streams. An S3 bucket with Object Lock, where the environment names one: an object for each
head, whose name says all, and of which no version goes before its time. Of two anchors of one entry the first to arrive
counts, and of two at one moment neither. Sources: CloudWatch Logs API, PutLogEvents and GetLogEvents; S3 API, PutObject
and ListObjectVersions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from dr_actions.clients.mutating_client import SendFailed
from dr_actions.control_table.table import TableSender
from dr_actions.journal.entries import Entry
from dr_actions.model.plan import Call
from dr_estate.aws.clock import WorldClock
from dr_estate.config.environment import Environment, Side
from dr_estate.iam.scopes import ANCHORS_PREFIX

ANCHOR_CALLS = frozenset(
    {"logs:CreateLogStream", "logs:GetLogEvents", "logs:PutLogEvents", "s3:ListObjectVersions", "s3:PutObject"}
)

_ABSENT = "ResourceNotFoundException"
_THERE = "ResourceAlreadyExistsException"
_CONTESTED = ""
"""No entry's digest: where it cannot be told which anchor came first, the record is not proven."""
_IN_USE = ("PreconditionFailed", "412")


class Anchors(Protocol):
    """A place that holds heads of journals; ``place`` is what people call it."""

    place: str

    def put(self, incident: str, head: Entry) -> None:
        """Add an anchor of ``head``. Raises SendFailed."""
        ...

    def of(self, incident: str) -> dict[int, str]:
        """The first digest that was anchored of each entry, by its number; empty where none ever was."""
        ...


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
            self._make_stream(incident)
            self._send("PutLogEvents", incident, logEvents=[event])

    def of(self, incident: str) -> dict[int, str]:
        """The first digest that was anchored of each entry, by its number; empty where none ever was."""
        found = ((event["ingestionTime"], _anchor(event)) for event in self._events(incident))
        return _first((arrived, *anchor) for arrived, anchor in found if anchor is not None)

    def _make_stream(self, incident: str) -> None:
        try:
            self._send("CreateLogStream", incident)
        except SendFailed as failed:
            if failed.code != _THERE:
                raise

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
            if page["nextForwardToken"] == token.get("nextToken"):
                return
            token = {"nextToken": page["nextForwardToken"]}

    def _send(self, operation: str, incident: str, **params: Any) -> dict[str, Any]:
        named = {"logGroupName": self._group, "logStreamName": incident}
        return self._sender.send(Call("logs", operation, self._region, {**named, **params}))


class BucketAnchors:
    """The anchors in a bucket with Object Lock, an object a head. What the sender raises passes through."""

    def __init__(self, sender: TableSender, env: Environment) -> None:
        self._sender, self._env, self._region = sender, env, env.region(Side.DR)
        self._bucket = env.named(env.names.anchor_bucket)
        self.place = f"the bucket {self._bucket}"

    def put(self, incident: str, head: Entry) -> None:
        """Add an anchor of ``head``, under a name that nothing has yet. Raises SendFailed."""
        name = f"{self._folder(incident)}{head.seq:09d}-{head.digest}"
        try:
            self._send("PutObject", Key=name, Body=b"", IfNoneMatch="*", ChecksumAlgorithm="SHA256")
        except SendFailed as failed:
            if failed.code not in _IN_USE:
                raise

    def of(self, incident: str) -> dict[int, str]:
        """The first digest that was anchored of each entry, by its number; empty where none ever was."""
        named = re.compile(rf"{re.escape(self._folder(incident))}(\d{{9}})-([0-9a-f]+)")
        found = ((version["LastModified"], named.fullmatch(version["Key"])) for version in self._versions(incident))
        return _first((arrived, int(name[1]), name[2]) for arrived, name in found if name is not None)

    def _folder(self, incident: str) -> str:
        return f"{ANCHORS_PREFIX}/{self._env.name}/{incident}/"

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
        return self._sender.send(Call("s3", operation, self._region, {"Bucket": self._bucket, **params}))


def _first(anchors: Iterable[tuple[Any, int, str]]) -> dict[int, str]:
    """The digest that arrived first of each entry; of two at one moment (S3 tells seconds) neither: ``_CONTESTED``."""
    first: dict[int, tuple[Any, str]] = {}
    for arrived, number, digest in anchors:
        earliest, known = first.setdefault(number, (arrived, digest))
        if arrived < earliest:
            first[number] = (arrived, digest)
        elif arrived == earliest and digest != known:
            first[number] = (arrived, _CONTESTED)
    return {number: digest for number, (_, digest) in first.items()}


def _anchor(event: Mapping[str, Any]) -> tuple[int, str] | None:
    """Number and digest; None for what is no anchor: anybody of the account's writers may add a line."""
    try:
        row = json.loads(event["message"])
        return int(row["seq"]), str(row["digest"])
    except (KeyError, TypeError, ValueError):
        return None
