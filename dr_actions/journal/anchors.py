"""Anchors of a journal's head in a CloudWatch Logs stream, to which a run may only add: a record rewritten whole shows.

The operator's keys may write the file and the mirror. A log event cannot be changed, AWS gives it its time of arrival,
and no role of the control stack may delete the group or its streams. Of two anchors of one entry the first to arrive
counts. Source: CloudWatch Logs API, PutLogEvents and GetLogEvents.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dr_actions.clients.mutating_client import SendFailed
from dr_actions.control_table.table import TableSender
from dr_actions.journal.comparison import RecordComparison
from dr_actions.journal.entries import Chain, Entry
from dr_actions.journal.mirror import Mirror
from dr_actions.model.plan import Call
from dr_estate.aws.clock import WorldClock
from dr_estate.config.environment import Environment, Side

ANCHOR_CALLS = frozenset({"logs:CreateLogStream", "logs:GetLogEvents", "logs:PutLogEvents"})
_ABSENT = "ResourceNotFoundException"
_THERE = "ResourceAlreadyExistsException"


class HeadAnchors:
    """The anchors of the environment's journals. What the sender raises passes through."""

    def __init__(self, sender: TableSender, env: Environment, clock: WorldClock) -> None:
        self._sender, self._clock = sender, clock
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
        events = sorted(self._events(incident), key=lambda event: event["ingestionTime"])
        anchors: dict[int, str] = {}
        for anchor in (_anchor(event) for event in events):
            if anchor is not None:
                anchors.setdefault(*anchor)
        return anchors

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


class AnchoredMirror:
    """A mirror whose every addition is anchored. An anchor that fails stops no run: it is noted, once."""

    def __init__(self, mirror: Mirror, anchors: HeadAnchors, note: Callable[[str], None]) -> None:
        self._mirror, self._anchors, self._note, self._noted = mirror, anchors, note, False

    def fetch(self, incident: str) -> list[str]:
        """Every entry's line in order, read consistently."""
        return self._mirror.fetch(incident)

    def send(self, incident: str, entries: Sequence[Entry]) -> None:
        """Add the entries, then the anchor of the last. Raises as the mirror."""
        self._mirror.send(incident, entries)
        try:
            self._anchors.put(incident, entries[-1])
        except Exception as failed:  # noqa: BLE001 - whatever it was, the run matters more
            if not self._noted:
                self._noted = True
                self._note(f"The journal's head is not anchored: {failed} `dr_cli.py log --verify` will say so.")


def anchored(chain: Chain, anchors: Mapping[int, str]) -> RecordComparison:
    """Compare the record with its anchors. A chain ends before its first fault."""
    known = {entry.seq: entry.digest for entry in chain.entries}
    good = 0
    for number in sorted(anchors):
        if number not in known:
            message = (
                f"DIFFERS from its anchors at entry {len(known) + 1}: entry {number} was there once, and is cut off"
            )
            return RecordComparison(compared=True, message=message, differs_at=len(known) + 1)
        if known[number] != anchors[number]:
            between = f"entry {number}" if number == good + 1 else f"an entry from {good + 1} to {number}"
            message = f"DIFFERS from its anchors at entry {number}: {between} was rewritten since"
            return RecordComparison(compared=True, message=message, differs_at=number)
        good = number
    if not good:
        return RecordComparison(compared=False, message="NOT ANCHORED: no head of it was ever put into the log")
    return RecordComparison(compared=True, message=f"anchored: {len(anchors)} heads, the last of entry {good}")


def _anchor(event: Mapping[str, Any]) -> tuple[int, str] | None:
    """Number and digest; None for what is no anchor: anybody of the account's writers may add a line."""
    try:
        row = json.loads(event["message"])
        return int(row["seq"]), str(row["digest"])
    except (KeyError, TypeError, ValueError):
        return None
