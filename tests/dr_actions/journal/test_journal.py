"""The journal's file: on the disk before anything else, chained, and torn nowhere but at its end."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dr_actions.journal.entries import EntryKind, OtherWorld, RecordedState, done_steps, entry_after, read_chain
from dr_actions.journal.journal import Journal, JournalInUse, journal_path, read
from dr_actions.journal.redaction import SecretFound
from dr_actions.model.plan import from_json, to_json
from dr_estate.model.journal_chain import JournalBroken
from dr_estate.model.world_id import WorldId
from tests.dr_actions.control_tables import SIT, WORLD, Clock, a_plan, alone


def test_an_entry_is_on_disk_when_append_returns_and_private(tmp_path: Path, clock: Clock) -> None:
    with alone(tmp_path, clock) as journal:
        entry = journal.append(EntryKind.INTENT, "compute/scale_dr_services:0", call="ecs:UpdateService")
        line = json.loads(journal.path.read_text())
    assert {"seq", "at", "run", "kind", "step", "data", "prev", "digest"} == set(line)
    assert (1, "intent", "compute/scale_dr_services:0", entry.digest) == (
        line["seq"],
        line["kind"],
        line["step"],
        line["digest"],
    )
    assert 0o600 == journal.path.stat().st_mode & 0o777
    assert "sit-INC-1.journal.jsonl" == journal.path.name


def test_the_next_run_goes_on_where_the_last_one_ended(tmp_path: Path, clock: Clock) -> None:
    plan = a_plan()
    with alone(tmp_path, clock) as journal:
        journal.append(EntryKind.BEGIN, plan=to_json(plan), digest=plan.digest)
        journal.append(EntryKind.INTENT, "compute/scale_dr_services:0")
    with Journal.open(tmp_path, "sit", "INC-1", "run-2", clock, world=WORLD) as again:
        assert plan == from_json(again.entries[0].data["plan"])
        assert RecordedState.INTENDED is again.state_of("compute/scale_dr_services:0")
        assert 3 == again.append(EntryKind.RESUMED).seq
        assert ["run-1", "run-1", "run-2"] == [entry.run for entry in again.entries]
        assert again.verify().fault is None


def test_how_a_step_stands_follows_from_its_entries(tmp_path: Path, clock: Clock) -> None:
    with alone(tmp_path, clock) as journal:
        assert RecordedState.NONE is journal.state_of("s")
        for kind, state in (
            (EntryKind.INTENT, RecordedState.INTENDED),
            (EntryKind.OUTCOME, RecordedState.INTENDED),
            (EntryKind.CONFIRMED, RecordedState.DONE),
            (EntryKind.INTENT, RecordedState.INTENDED),
            (EntryKind.UNDONE, RecordedState.UNDONE),
            (EntryKind.MANUAL_WAIT, RecordedState.INTENDED),
            (EntryKind.MANUAL_DONE, RecordedState.INTENDED),
            (EntryKind.FAILED, RecordedState.FAILED),
            (EntryKind.LOOKED, RecordedState.FAILED),
        ):
            journal.append(kind, "s")
            assert state is journal.state_of("s")
        journal.append(EntryKind.BEGIN, plan=to_json(a_plan()))
        assert RecordedState.NONE is journal.state_of("s"), "another plan's steps are others"


def test_a_resumed_run_asks_for_no_step_done_since_its_last_plan(tmp_path: Path, clock: Clock) -> None:
    with alone(tmp_path, clock) as journal:
        journal.append(EntryKind.CONFIRMED, "of an earlier plan", says="seen")
        journal.append(EntryKind.BEGIN, plan=to_json(a_plan()))
        for step, kind in (
            ("done", EntryKind.CONFIRMED),
            ("sent", EntryKind.OUTCOME),
            ("taken back", EntryKind.CONFIRMED),
        ):
            journal.append(EntryKind.INTENT, step)
            journal.append(kind, step)
        journal.append(EntryKind.UNDONE, "taken back")
        assert done_steps(journal.entries) == {"done"}


def test_a_second_process_is_refused_with_who_has_the_journal(tmp_path: Path, clock: Clock) -> None:
    with (
        alone(tmp_path, clock),
        pytest.raises(JournalInUse, match=rf"in use by run run-1 of Alice \(process {os.getpid()} on "),
    ):
        alone(tmp_path, clock)
    alone(tmp_path, clock).close()


def test_secrets_are_not_recorded_and_a_plan_that_holds_one_is_refused(tmp_path: Path, clock: Clock) -> None:
    with alone(tmp_path, clock) as journal:
        entry = journal.append(EntryKind.OUTCOME, "s", answer={"SecretString": "hunter2"})
        assert ["answer.SecretString"] == entry.data["redacted"]
        with pytest.raises(SecretFound):
            journal.append(EntryKind.BEGIN, plan=to_json(a_plan({"SecretString": "hunter2"})))
        assert b"hunter2" not in journal.path.read_bytes()
        assert 1 == len(journal.verify().entries)


@pytest.mark.parametrize("length", [1, 60, -2])
def test_a_last_line_torn_by_a_crash_is_cut_and_noted(tmp_path: Path, clock: Clock, length: int) -> None:
    with alone(tmp_path, clock) as journal:
        journal.append(EntryKind.LOOKED)
        whole = journal.path.stat().st_size
        journal.append(EntryKind.INTENT, "s")
        end = journal.path.stat().st_size
    os.truncate(journal.path, whole + length if length > 0 else end + length + 1)
    assert 1 == len(read(journal.path, "sit", "INC-1").entries)
    with alone(tmp_path, clock) as again:
        assert [EntryKind.LOOKED, EntryKind.NOTE] == [entry.kind for entry in again.entries]
        assert RecordedState.NONE is again.state_of("s")
        assert again.verify().fault is None


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda rows: [rows[0], rows[1].replace(b"second", b"2econd"), rows[2]], 2),
        (lambda rows: [rows[0], rows[2]], 2),
        (lambda rows: [rows[0], rows[2], rows[1]], 2),
        (lambda rows: [rows[0], rows[0], *rows[1:]], 2),
        (lambda rows: rows[1:], 1),
        (lambda rows: [rows[0], b"\0\0\0\n", *rows[1:]], 2),
        (lambda rows: [rows[0], b"{}\n", *rows[1:]], 2),
        (lambda rows: [rows[0][:-5] + b"\n", *rows[1:]], 1),
    ],
    ids=["changed", "removed", "swapped", "doubled", "beheaded", "zeroed", "replaced", "cut"],
)
def test_a_chain_that_was_tampered_with_is_broken_and_the_line_is_named(
    tmp_path: Path, clock: Clock, change: Callable[[list[bytes]], list[bytes]], line: int
) -> None:
    with alone(tmp_path, clock) as journal:
        for word in ("first", "second", "third"):
            journal.append(EntryKind.LOOKED, says=word)
        journal.path.write_bytes(b"".join(change(_lines(journal.path))))
        with pytest.raises(JournalBroken):
            journal.verify()
    with pytest.raises(JournalBroken, match=f"line {line}:"):
        alone(tmp_path, clock)
    assert line - 1 == len(read(journal.path, "sit", "INC-1").entries), "what comes before is still believed"


def test_one_incidents_journal_does_not_pass_for_anothers(tmp_path: Path, clock: Clock) -> None:
    with alone(tmp_path, clock) as journal:
        journal.append(EntryKind.LOOKED)
    for environment, incident in (("sit", "INC-2"), ("prod", "INC-1")):
        assert read_chain(journal.path.read_bytes(), environment, incident).fault is not None
    with pytest.raises(ValueError, match="no incident id"):
        journal_path(tmp_path, "sit", "../INC-1")


def test_the_first_entry_names_the_world_and_another_world_is_refused(tmp_path: Path, clock: Clock) -> None:
    live = WorldId.live(SIT.account)
    with alone(tmp_path, clock) as journal:
        first = journal.append(EntryKind.LOOKED)
    assert WORLD.to_json() == first.data["world"]
    assert WORLD == read(journal.path, "sit", "INC-1").world
    with pytest.raises(OtherWorld, match=r"sandbox test, account 8158566\d+\. This is live AWS, account 8158566\d+"):
        Journal.open(tmp_path, "sit", "INC-1", "run-2", clock, world=live)
    renamed = journal.path.read_bytes().replace(b'"kind":"sandbox","detail":"test"', b'"kind":"live","detail":""')
    renamed = renamed.replace(b'"detail":"test","kind":"sandbox"', b'"detail":"","kind":"live"')
    assert renamed != journal.path.read_bytes()
    assert read_chain(renamed, "sit", "INC-1").fault is not None, "the world is part of the chain"


def test_a_journal_that_names_no_world_is_broken(tmp_path: Path, clock: Clock) -> None:
    entry = entry_after("", 1, clock(), "run-1", EntryKind.LOOKED, None, {})
    path = journal_path(tmp_path, "sit", "INC-1")
    path.write_bytes(entry.line.encode() + b"\n")
    chain = read(path, "sit", "INC-1")
    assert (str(chain.fault), chain.world, chain.entries) == (
        "The journal is broken at line 1: it is no first entry, which names the journal's world.",
        None,
        (),
    )
    with pytest.raises(JournalBroken, match="names the journal's world"):
        alone(tmp_path, clock)


def test_every_kind_has_its_sentence() -> None:
    assert all(kind.sentence.endswith(".") for kind in EntryKind)
