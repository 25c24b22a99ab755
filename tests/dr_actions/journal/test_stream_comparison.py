"""What AWS anchored of the control table against what stands there: each way in which an item can differ."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dr_actions.journal.stream_comparison import StreamEvidence, altered_items, compared_with_stream
from dr_estate.model.dynamodb_values import encode_item, instant
from dr_estate.model.stream_records import StreamRecord, image_digest
from tests.dr_actions.journal.test_anchors import INCIDENT, MOMENT, chain

JOURNAL = f"JOURNAL#{INCIDENT}"
KEY = f"{instant(MOMENT)}#INCIDENT"


def written(
    pk: str, sk: str, item: Any = "x", late_s: float = 1, event: str = "INSERT", head: str = "-"
) -> StreamRecord:
    created = MOMENT + timedelta(seconds=late_s)
    return StreamRecord(pk, sk, int(late_s * 1000) + 10**20, created, event, image_digest({"v": item}), head)


def heads(*sentences: str, late_s: float = 1) -> list[StreamRecord]:
    entries = chain(*sentences).entries
    return [written(JOURNAL, f"{entry.seq:09d}", late_s=late_s, head=entry.digest) for entry in entries]


def evidence(*records: StreamRecord, **items: Any) -> StreamEvidence:
    """``items`` are what is under the key of the history now, by partition."""
    partitions: dict[str, list[StreamRecord]] = {}
    for row in records:
        partitions.setdefault(row.pk, []).append(row)
    return StreamEvidence(partitions, {pk: {KEY: {"v": value}} for pk, value in items.items()})


def test_a_record_whose_every_entry_aws_anchored_is_believed() -> None:
    found = compared_with_stream(chain("a", "b"), INCIDENT, evidence(*heads("a", "b")))
    assert (found.agrees, found.last) == (True, 2)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (heads("a", "b", late_s=9)[1:], "REWRITTEN at entry 2"),
        (
            [written(JOURNAL, "000000001.001"), written(JOURNAL, "000000001.001", "y", 9, "MODIFY")],
            "REWRITTEN at entry 1",
        ),
        ([written(JOURNAL, "000000002", late_s=9, event="REMOVE")], "then it taken out"),
        (heads("a", "b", "c")[2:], "DIFFERS from its anchors at entry 3: entry 3 was there once, and is cut off"),
    ],
)
def test_what_aws_saw_of_an_entry_after_it_was_written_refutes_it(more: list[StreamRecord], says: str) -> None:
    found = compared_with_stream(chain("a", "b"), INCIDENT, evidence(*heads("a", "b"), *more))
    assert (found.agrees, found.differs, says in found.message) == (False, True, True), found.message


@pytest.mark.parametrize(
    ("records", "now", "flaw"),
    [
        ([written("HISTORY", KEY)], "x", ""),
        ([], "x", ""),  # from before AWS began to look
        ([written("HISTORY", KEY)], "y", "is not what was written"),
        ([written("HISTORY", KEY), written("HISTORY", KEY, "y", 9, "MODIFY")], "y", "and rewritten"),
        ([written("HISTORY", KEY), written("HISTORY", KEY, "y", 9, "REMOVE")], "x", "and taken out"),
        ([written("HISTORY", KEY, late_s=9, event="MODIFY")], "x", "was rewritten"),
        ([written("HISTORY", KEY, late_s=3600)], "x", "and was written 2026-01-07 01:00:00 UTC"),
    ],
)
def test_an_item_that_is_written_once_is_as_aws_saw_it(records: list[StreamRecord], now: str, flaw: str) -> None:
    found = list(altered_items(chain("a"), evidence(*records, HISTORY=now)))
    assert (len(found), all(flaw in row for row in found)) == (1 if flaw else 0, True), found


@pytest.mark.parametrize(
    ("on_record", "late_s", "shows"),
    [("INCIDENT", 1, False), ("ASIDE", 1, False), ("PAUSE", 1, True), ("INCIDENT", 9, True)],
)
def test_what_stands_changes_with_an_entry_of_the_history_alone(on_record: str, late_s: float, shows: bool) -> None:
    change = written("HISTORY", f"{instant(MOMENT)}#{on_record}", late_s=late_s)
    items = {"HISTORY": {change.sk: {"v": "x"}}}
    seen = StreamEvidence({"STANDING": [written("STANDING", "INCIDENT")], "HISTORY": [change]}, items)
    assert bool([*altered_items(chain("a"), seen)]) is shows


def test_what_nobody_decides_needs_no_entry_of_the_history() -> None:
    assert [] == [*altered_items(chain("a"), evidence(written("STANDING", "DATABASE")))]


def test_an_approval_is_the_one_that_was_written_last() -> None:
    rows = [written("APPROVAL#AIDA:adam", INCIDENT), written("APPROVAL#AIDA:adam", INCIDENT, "y", 9, "MODIFY")]
    for now, shows in (("y", False), ("x", True)):
        items = {"APPROVAL#AIDA:adam": {INCIDENT: {"v": now}}}
        assert bool([*altered_items(chain("a"), StreamEvidence({rows[0].pk: rows}, items))]) is shows


def test_the_digest_of_an_item_is_that_of_its_json_whatever_its_order() -> None:
    item = encode_item({"b": 1.5, "a": None, "raw": b"\x00"})
    assert image_digest(item) == image_digest(dict(reversed(item.items())))
    assert image_digest(item) != image_digest({**item, "a": {"NULL": False}})
