"""Every reader takes every answer that AWS really gave: whole, in pages, and back from saved evidence."""

from __future__ import annotations

import pytest

from dr_estate.snapshot.snapshot import Snapshot, SnapshotPart, from_json, to_json
from tests.dr_checks.worlds import SIT
from tests.dr_estate.contracts.answering import Answered, Sections, evidence, operations, unseen
from tests.dr_estate.contracts.recorded import FOLDER, Recording, here, recordings

RECORDINGS = [recording for recording in recordings() if recording.operation in operations()]


@here
def test_recordings_of_declared_reads_are_there() -> None:
    assert RECORDINGS, f"{FOLDER} holds none"


@here
@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.label)
def test_a_recorded_answer_is_understood_and_read_by_pages_as_at_once(answered: Answered, recording: Recording) -> None:
    whole = answered.give(recording.operation, lambda *_: recording.whole())
    assert answered.calls[recording.operation], "it was asked for"
    assert [] == [why for section in whole.values() for why in unseen(section) if not why.why]
    assert all(row.name for section in whole.values() for row in section.unreadable), "each bears its name"
    paged = answered.give(recording.operation, lambda _operation, params, _region: recording.pages(params))
    assert whole == paged
    assert whole == reloaded(whole)


def reloaded(sections: Sections) -> Sections:
    """The sections as they come back from saved evidence."""
    now = evidence().taken_at
    parts = {
        key: SnapshotPart(*key, "somewhere", now, found.value, found.unreadable) for key, found in sections.items()
    }
    saved = from_json(to_json(Snapshot("sit", SIT.account, "x", "recorded", now, parts)))
    return {key: type(sections[key])(part.value, part.unreadable) for key, part in saved.parts.items()}
