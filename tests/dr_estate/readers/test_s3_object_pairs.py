"""Two buckets compared: what the primary region lacks is to be copied, what is newer there or deleted is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_estate.readers.s3_objects import LARGEST_COPY_BYTES, ObjectState, ObjectVersion, latest, object_pairs

THEN = datetime(2026, 1, 7, tzinfo=UTC)
LATER = THEN + timedelta(seconds=1)


def obj(at: datetime = THEN, etag: str = "e", size: int = 1, version: str = "v") -> ObjectVersion:
    return ObjectVersion("k", version, at, etag, size)


def marker(at: datetime = THEN) -> ObjectVersion:
    return ObjectVersion("k", "m", at, deleted=True)


NEW = obj(LATER, "f", 2, "w")


@pytest.mark.parametrize(
    ("home", "away", "kind"),
    [
        (None, obj(), ObjectState.COPY),
        (None, obj(size=LARGEST_COPY_BYTES), ObjectState.COPY),
        (None, obj(size=LARGEST_COPY_BYTES + 1), ObjectState.LARGE),
        (obj(), NEW, ObjectState.COPY),
        (NEW, obj(), ObjectState.NEWER_AT_HOME),
        (obj(), obj(LATER, version="w"), ObjectState.ALIKE),
        (obj(), obj(LATER, "f", 2), ObjectState.ALIKE),
        (obj(LATER, "parts-2"), obj(THEN, "whole", version="w"), ObjectState.ALIKE),
        (obj(THEN, "parts-2"), obj(LATER, "whole", version="w"), ObjectState.COPY),
        (obj(version="null"), obj(LATER, "f", 1, "null"), ObjectState.COPY),
        (marker(), obj(LATER), ObjectState.COPY),
        (marker(LATER), obj(), ObjectState.DELETED_AT_HOME),
        (obj(), marker(LATER), ObjectState.DELETED_AWAY),
        (obj(LATER), marker(), ObjectState.ALIKE),
        (marker(), marker(LATER), ObjectState.ALIKE),
        (None, marker(), ObjectState.ALIKE),
        (obj(), None, ObjectState.ALIKE),
    ],
)
def test_each_key_is_judged_by_its_latest_versions(
    home: ObjectVersion | None, away: ObjectVersion | None, kind: ObjectState
) -> None:
    (pair,) = object_pairs(iter([home] if home else []), iter([away] if away else []))
    assert (kind, home, away) == (pair.kind, pair.home, pair.away)


Keys = st.sets(st.text(max_size=6), max_size=20)


@given(Keys, Keys)
def test_every_key_of_either_side_is_met_once_and_in_order(ours: set[str], theirs: set[str]) -> None:
    def listed(keys: set[str]) -> Iterator[ObjectVersion]:
        return iter([ObjectVersion(key, "v", THEN, "e", 1) for key in sorted(keys)])

    met = [(pair.home or pair.away) for pair in object_pairs(listed(ours), listed(theirs))]
    assert sorted(ours | theirs) == [entry.key for entry in met if entry]
    missing = {
        pair.away.key
        for pair in object_pairs(listed(ours), listed(theirs))
        if pair.kind is ObjectState.COPY and pair.away
    }
    assert theirs - ours == missing


def test_a_list_is_read_page_by_page_and_only_the_latest_versions_count() -> None:
    def row(key: str, version: str, is_latest: bool) -> dict[str, Any]:
        return {"Key": key, "VersionId": version, "IsLatest": is_latest, "LastModified": THEN, "ETag": '"e"', "Size": 1}

    pages = {
        "": {
            "Versions": [row("a", "2", True), row("a", "1", False), row("c", "9", True)],
            "DeleteMarkers": [{"Key": "b", "VersionId": "5", "IsLatest": True, "LastModified": THEN}],
            "IsTruncated": True,
            "NextKeyMarker": "c",
            "NextVersionIdMarker": "9",
        },
        "c 9": {"Versions": [row("c", "8", False), row("d", "1", True)], "IsTruncated": False},
    }

    def fetch(markers: Mapping[str, str]) -> Mapping[str, Any]:
        return pages[" ".join(markers.values())]

    found = list(latest(fetch))
    assert [("a", "2"), ("b", "5"), ("c", "9"), ("d", "1")] == [(entry.key, entry.version) for entry in found]
    assert ["e", "", "e", "e"] == [entry.etag for entry in found]
    assert [False, True, False, False] == [entry.deleted for entry in found]
