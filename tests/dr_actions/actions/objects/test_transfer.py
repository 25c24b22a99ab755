"""Very many objects: each is tried again by itself, what cannot be copied is named, and a run that died goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_actions.actions.objects.copies import BATCH, MOST_PARTS, ObjectTransfer, ranges
from dr_actions.model.plan import Call, FailureKind, SendFailed
from dr_estate.readers.s3_objects import LARGEST_COPY_BYTES

HOME, AWAY = "assets", "assets-dr"
THEN = datetime(2026, 1, 7, tzinfo=UTC)
ANSWERS = {
    "SlowDown": FailureKind.THROTTLED,
    "503": FailureKind.UNCERTAIN,
    "lost": FailureKind.UNCERTAIN,
    "PreconditionFailed": FailureKind.REFUSED,
    "AccessDenied": FailureKind.DENIED,
    "ExpiredToken": FailureKind.CREDENTIALS,
}
T = TypeVar("T")
R = TypeVar("R")


class Died(Exception):
    """The process ended here."""


@dataclass
class Buckets:
    """Two buckets as plain values, a page being ``page`` keys; ``faults`` are answers to come to an object's copy."""

    away: dict[str, str]
    home: dict[str, str] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    cursor: str = ""
    dies_after: int = 0
    page: int = 1000
    attempts: int = 4
    calls: Counter[str] = field(default_factory=Counter)
    messages: list[str] = field(default_factory=list)
    records: int = 0

    def send(self, call: Call) -> dict[str, Any]:
        self.calls[call.operation] += 1
        if call.operation == "ListObjectVersions":
            return self._list(call.params)
        key = call.params["Key"]
        fault = next(iter(self.faults.get(key, [])), "")
        if fault:
            self.faults[key].pop(0)
            if fault == "lost":
                self.home[key] = self.away[key]
            raise SendFailed(ANSWERS[fault], f"s3:CopyObject answered {fault}", "" if fault == "lost" else fault)
        if (key in self.home) == ("IfNoneMatch" in call.params):
            raise SendFailed(FailureKind.REFUSED, "s3:CopyObject answered PreconditionFailed", "PreconditionFailed")
        self.home[key] = self.away[key]
        return {}

    def _list(self, params: Any) -> dict[str, Any]:
        listed, first = self.home if params["Bucket"] == HOME else self.away, params.get("Prefix", "")
        keys = [key for key in sorted(listed) if key > params.get("KeyMarker", "") and key.startswith(first)]
        page = keys[: params.get("MaxKeys", self.page)]
        latest = {"IsLatest": True, "LastModified": THEN, "Size": 1}
        rows = [{**latest, "Key": key, "ETag": listed[key], "VersionId": listed[key]} for key in page]
        return {"Versions": rows, "IsTruncated": len(page) < len(keys), "NextKeyMarker": page[-1] if page else ""}

    def each(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(work, items))

    def record(self, cursor: str, message: str) -> None:
        self.cursor = cursor or self.cursor
        self.messages.append(message)
        self.records += 1
        if self.records == self.dies_after:
            raise Died

    def pause(self, attempt: int) -> None:
        """Nobody waits."""

    def copy(self) -> int:
        transfer = ObjectTransfer(self, HOME, AWAY, "af-south-1", "eu-west-1", "1")
        return transfer.copy_all(transfer.differing(self.cursor), f"{len(self.away) - len(self.home):,}")


def keys(count: int) -> Iterator[str]:
    return (f"{number:06}" for number in range(count))


def test_only_differences_are_copied_and_both_lists_are_read_once_by_page() -> None:
    alike = dict.fromkeys(keys(9_990), "e")
    buckets = Buckets({**alike, **dict.fromkeys(("new-1", "new-2"), "e")}, dict(alike))
    assert 2 == buckets.copy()
    assert {"ListObjectVersions": 20, "CopyObject": 2} == buckets.calls
    assert buckets.home == buckets.away


@pytest.mark.parametrize("fault", ["SlowDown", "503", "lost", "PreconditionFailed"])
def test_an_object_whose_copy_fails_in_passing_is_tried_again_by_itself(fault: str) -> None:
    buckets = Buckets(dict.fromkeys(keys(50), "e"), faults={"000007": [fault], "000031": [fault, fault]})
    assert 50 == buckets.copy()
    assert buckets.home == buckets.away
    assert buckets.calls["CopyObject"] <= 53


def test_an_object_that_cannot_be_copied_is_named_and_others_are_copied() -> None:
    buckets = Buckets(dict.fromkeys(keys(2_500), "e"), faults={"001234": ["AccessDenied"]})
    with pytest.raises(SendFailed, match=r"1 object of assets-dr could not be copied into assets: 001234: ") as failed:
        buckets.copy()
    assert FailureKind.DENIED is failed.value.trouble
    assert {"001234"} == buckets.away.keys() - buckets.home.keys()
    assert "000999" == buckets.cursor, "whoever goes on looks at what failed again"
    buckets.copy()
    assert buckets.home == buckets.away


def test_what_fails_in_passing_for_ever_may_be_tried_again_as_a_whole() -> None:
    buckets = Buckets(dict.fromkeys(keys(3), "e"), faults={"000001": ["SlowDown"] * 4})
    with pytest.raises(SendFailed) as failed:
        buckets.copy()
    assert (FailureKind.THROTTLED, 4 + 2) == (failed.value.trouble, buckets.calls["CopyObject"])


def test_where_all_are_refused_it_is_not_tried_300_000_times() -> None:
    names = list(keys(5_000))
    buckets = Buckets(dict.fromkeys(names, "e"), faults={name: ["AccessDenied"] for name in names})
    with pytest.raises(SendFailed, match="1000 objects"):
        buckets.copy()
    assert BATCH == buckets.calls["CopyObject"]


def test_lost_credentials_end_the_copying_at_once_and_are_reported_as_such() -> None:
    buckets = Buckets(dict.fromkeys(keys(3), "e"), faults={"000001": ["ExpiredToken"]})
    with pytest.raises(SendFailed) as failed:
        buckets.copy()
    assert FailureKind.CREDENTIALS is failed.value.trouble


def test_a_resumed_run_lists_from_its_cursor_and_nothing_before_it() -> None:
    buckets = Buckets(dict.fromkeys(keys(10_000), "e"), dies_after=6)
    with pytest.raises(Died):
        buckets.copy()
    assert (6_000, "005999") == (len(buckets.home), buckets.cursor)
    assert "assets: 6,000 of 10,000 objects copied" == buckets.messages[-1]
    buckets.calls.clear()
    assert 4_000 == buckets.copy()
    assert {"ListObjectVersions": 5, "CopyObject": 4_000} == buckets.calls
    assert buckets.home == buckets.away


@given(st.integers(LARGEST_COPY_BYTES + 1, MOST_PARTS * LARGEST_COPY_BYTES))
def test_an_object_of_any_size_is_cut_into_parts_that_s3_takes(size_bytes: int) -> None:
    bounds = [tuple(map(int, text.removeprefix("bytes=").split("-"))) for _, text in ranges(size_bytes)]
    assert [number for number, _ in ranges(size_bytes)] == list(range(1, len(bounds) + 1))
    assert len(bounds) <= MOST_PARTS
    assert (0, size_bytes - 1) == (bounds[0][0], bounds[-1][1])
    assert all(end + 1 == start for (_, end), (start, _) in pairwise(bounds))
    assert max(end - start + 1 for start, end in bounds) <= LARGEST_COPY_BYTES
