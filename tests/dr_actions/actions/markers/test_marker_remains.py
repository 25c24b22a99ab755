"""What is left of a failback's markers: named until each was seen removed, whatever plan wrote it."""

from __future__ import annotations

from datetime import UTC, datetime

from dr_actions.actions.markers.marker_task import marker_remains, remains_sentence
from dr_actions.journal.entries import Entry, EntryKind

NOW = datetime(2026, 1, 7, tzinfo=UTC)
FILES, DATABASE = (
    (EntryKind.INTENT, "files/write_marker:tenant-1"),
    (EntryKind.INTENT, "database/write_marker:sit-mysql"),
)
TABLE = (EntryKind.INTENT, "tables/write_marker:sit-tenant-state")


def recorded(*steps: tuple[EntryKind, str | None]) -> tuple[Entry, ...]:
    return tuple(Entry(seq, NOW, "run", kind, step, {}, "", "") for seq, (kind, step) in enumerate(steps))


def test_each_marker_is_named_by_its_store() -> None:
    assert marker_remains(recorded(FILES, DATABASE, TABLE)) == (
        ".dr-marker.json in the folder of tenant-1",
        "the table dr_marker in sit-mysql",
        "the item dr-marker in sit-tenant-state",
    )


def test_of_many_tenants_the_first_few_are_named() -> None:
    written = [(EntryKind.INTENT, f"files/write_marker:tenant{number}") for number in range(300)]
    called = ".dr-marker.json in the folder of tenant0, tenant1, tenant2, tenant3, tenant4 and 295 more"
    assert marker_remains(recorded(*written)) == (called,)


def test_it_is_named_until_it_is_gone_and_again_once_a_plan_writes_it() -> None:
    sent, seen = ((kind, "files/remove_marker:tenant-1") for kind in (EntryKind.INTENT, EntryKind.CONFIRMED))
    assert len(marker_remains(recorded(FILES, sent))) == 1
    assert marker_remains(recorded(FILES, sent, seen)) == ()
    assert len(marker_remains(recorded(FILES, sent, seen, (EntryKind.BEGIN, None), FILES))) == 1


def test_what_was_never_sent_is_not_left() -> None:
    planned, looked = (EntryKind.CONFIRMED, FILES[1]), (EntryKind.CONFIRMED, "files/verify_marker:tenant-1")
    assert remains_sentence(recorded(planned, looked)) == ""


def test_the_sentence_says_who_removes_them() -> None:
    words = remains_sentence(recorded(TABLE))
    assert words.startswith("Its markers are left: the item dr-marker in sit-tenant-state. ")
    assert "failback --abort" in words
