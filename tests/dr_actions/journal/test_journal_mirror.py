"""The journal's mirror: before each change it holds what the file holds, and the dead write nothing into it."""

from __future__ import annotations

import base64
import os
import resource
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dr_actions.control_table.control import ControlStore, Fenced
from dr_actions.control_table.heartbeat import LockLost
from dr_actions.control_table.lock import Lock, Owner, take
from dr_actions.control_table.table import Put
from dr_actions.journal.entries import Entry, EntryKind, RecordedState, read_chain
from dr_actions.journal.journal import Journal
from dr_actions.journal.mirror import MirrorFailed, TableMirror
from dr_actions.journal.pauses import record_pauses
from dr_actions.model.plan import Call, FailureKind, Goal, Plan, SendFailed, from_json, to_json
from dr_estate.config.recovery_settings import Execution
from dr_estate.model.dynamodb_values import moment
from dr_estate.model.journal_chain import JournalBroken
from tests.dr_actions.control_tables import WORLD, Clock, Plain, a_plan

LIMITS = Execution(lease_s=120, cool_down_minutes=0)
ALICE = Owner("Alice", "arn:aws:iam::1:user/alice")
Opened = Callable[..., Journal]


@pytest.fixture
def lock(control: ControlStore) -> Lock:
    return take(control, ALICE, "run-1", "INC-1", LIMITS)


@pytest.fixture
def opened(tmp_path: Path, control: ControlStore, lock: Lock, clock: Clock) -> Opened:
    """Opens the journal of INC-1 in a folder, mirrored under the lock of run-1."""

    def open_it(machine: str = "mine", run_lock: Lock = lock) -> Journal:
        mirror = TableMirror(control, run_lock.fence)
        return Journal.open(
            tmp_path / machine, "sit", "INC-1", run_lock.run, clock, mirror, run_lock.owner.person, world=WORLD
        )

    return open_it


def test_another_machine_rebuilds_the_journal_from_its_mirror_and_goes_on(opened: Opened) -> None:
    plan = a_plan()
    with opened() as journal:
        journal.append(EntryKind.BEGIN, plan=to_json(plan))
        journal.append_many([(EntryKind.INTENT, f"compute/scale_dr_services:{n}", {}) for n in range(250)])
    with opened("other") as other:
        assert journal.entries == other.entries
        assert journal.path.read_bytes() == other.path.read_bytes()
        assert plan == from_json(other.entries[0].data["plan"])
        other.append(EntryKind.OUTCOME, "compute/scale_dr_services:0")
    with opened() as again:
        assert EntryKind.OUTCOME is again.entries[-1].kind, "the longer one wins, here too"


@pytest.mark.proof
def test_a_plan_of_many_megabytes_is_mirrored_whole(opened: Opened) -> None:
    plan = a_plan(message=os.urandom(150_000).hex(), steps=3)
    unlike = [a_plan(message=os.urandom(200_000).hex()).steps[0] for _ in range(3)]
    plan = Plan("sit", "1", Goal.FAILOVER, "PRIMARY_LOST", (*plan.steps, *unlike))
    with opened() as journal:
        journal.append(EntryKind.BEGIN, plan=to_json(plan))
        assert len(journal.entries[0].line) > 2_000_000
    with opened("other") as other:
        assert plan == from_json(other.entries[0].data["plan"])


def _cut_off(_call: Call) -> None:
    raise SendFailed(FailureKind.UNCERTAIN, "the region is dark")


def test_without_the_mirror_nothing_changes_and_entries_are_sent_later(
    opened: Opened, sender: Plain, control: ControlStore
) -> None:
    with opened() as journal:
        journal.append(EntryKind.INTENT, "a")
        sender.before = _cut_off
        journal.append(EntryKind.OUTCOME, "a")
        assert "the region is dark" in journal.mirror_trouble
        assert [EntryKind.INTENT, EntryKind.OUTCOME, EntryKind.NOTE] == [entry.kind for entry in journal.entries]
        journal.append(EntryKind.CONFIRMED, "a")
        assert EntryKind.CONFIRMED is journal.entries[-1].kind, "noted once"
        with pytest.raises(MirrorFailed, match="not mirrored"):
            journal.append(EntryKind.INTENT, "b")
        assert RecordedState.INTENDED is journal.state_of("b"), "it is in the file"
        assert 1 == len(read_chain(_mirrored(control, sender), "sit", "INC-1").entries)
        sender.before = lambda _call: None
        journal.append(EntryKind.LOOKED)
        assert "" == journal.mirror_trouble
        assert journal.path.read_bytes() == _mirrored(control, sender)


def _lose(_call: Call) -> None:
    raise LockLost("another run has it")


def test_an_interrupt_during_a_mirror_write_ends_the_run_with_its_entry(opened: Opened, sender: Plain) -> None:
    with opened() as journal:
        sender.before = _lose
        with pytest.raises(LockLost):
            journal.append(EntryKind.CONFIRMED, "a")
        assert [EntryKind.CONFIRMED] == [entry.kind for entry in journal.entries]


def _mirrored(control: ControlStore, sender: Plain) -> bytes:
    before, sender.before = sender.before, lambda _call: None
    lines = TableMirror(control).fetch("INC-1")
    sender.before = before
    return "".join(line + "\n" for line in lines).encode()


def test_what_was_not_mirrored_before_a_crash_is_mirrored_by_the_next_run(
    opened: Opened, sender: Plain, control: ControlStore
) -> None:
    with opened() as journal:
        journal.append(EntryKind.INTENT, "a")
        sender.before = _cut_off
        journal.append(EntryKind.OUTCOME, "a")
    sender.before = lambda _call: None
    with opened() as again:
        again.append(EntryKind.RESUMED)
        assert again.path.read_bytes() == _mirrored(control, sender)


@contextmanager
def _full(path: Path, left: int = 0) -> Iterator[None]:
    """No file of this process may be longer than ``path`` is and ``left`` bytes more: the system refuses to write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + left, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_on_a_full_disk_the_mirror_is_written_and_the_file_completed_later(
    opened: Opened, sender: Plain, control: ControlStore
) -> None:
    messages: list[str] = []
    with opened() as journal:
        journal.report_to(messages.append)
        journal.append(EntryKind.INTENT, "a")
        with _full(journal.path, left=70):  # a part of a line may still be written: it is taken off again
            journal.append(EntryKind.OUTCOME, "a")
            journal.append(EntryKind.INTENT, "b")
            assert 1 == len(journal.verify().entries), "the file holds whole lines only"
            kinds = [EntryKind.INTENT, EntryKind.OUTCOME, EntryKind.NOTE, EntryKind.INTENT]
            assert kinds == [entry.kind for entry in journal.entries]
            assert journal.entries == read_chain(_mirrored(control, sender), "sit", "INC-1").entries
            (sentence,) = messages
            assert str(journal.path) in sentence
            assert "File too large" in sentence
            assert sentence == journal.entries[2].data["says"]
        journal.append(EntryKind.OUTCOME, "b")
        assert journal.path.read_bytes() == _mirrored(control, sender), "with space again it is completed"
        assert 1 == len(messages)


def test_what_a_full_disk_left_out_is_completed_from_the_mirror(
    opened: Opened, sender: Plain, control: ControlStore
) -> None:
    with opened() as journal:
        journal.append(EntryKind.INTENT, "a")
        with _full(journal.path):
            journal.append(EntryKind.OUTCOME, "a")
            journal.append(EntryKind.END, outcome="done")
    with _full(journal.path), opened() as still_full:
        assert journal.entries == still_full.entries, "it can be gone on with on a full disk, too"
        messages: list[str] = []
        still_full.report_to(messages.append)
        assert 1 == len(messages)
    with opened() as again:
        assert journal.entries == again.entries
        assert again.path.read_bytes() == _mirrored(control, sender)


def test_with_neither_disk_nor_mirror_the_run_must_end(opened: Opened, sender: Plain) -> None:
    with opened() as journal:
        journal.append(EntryKind.INTENT, "a")
        with _full(journal.path):
            sender.before = _cut_off
            for kind in (EntryKind.OUTCOME, EntryKind.INTENT):
                with pytest.raises(MirrorFailed, match=r"Neither .*File too large.*the region is dark"):
                    journal.append(kind, "a")
        sender.before = lambda _call: None


def test_a_mirror_that_cannot_be_read_stops_the_run_before_it_begins(opened: Opened, sender: Plain) -> None:
    sender.before = _cut_off
    with pytest.raises(MirrorFailed, match="cannot be read"):
        opened()
    sender.before = lambda _call: None
    opened().close()


def test_a_dead_owners_late_write_is_refused_and_does_not_reach_the_mirror(
    opened: Opened, control: ControlStore, lock: Lock, sender: Plain
) -> None:
    with opened("mine") as mine:
        mine.append(EntryKind.INTENT, "a")
        taken = take(control, Owner("Bob", "arn:aws:iam::1:user/bob"), "run-2", "INC-1", LIMITS)
        with opened("theirs", taken) as theirs:
            theirs.append(EntryKind.RESUMED)
            for kind in (EntryKind.INTENT, EntryKind.OUTCOME):
                with pytest.raises(Fenced, match=lock.run):
                    mine.append(kind, "b")
            assert theirs.path.read_bytes() == _mirrored(control, sender)
    with pytest.raises(JournalBroken, match="differ from here on: another run went on"):
        opened("mine", taken)


def test_a_mirror_that_was_changed_is_not_believed(opened: Opened, control: ControlStore, sender: Plain) -> None:
    with opened() as journal:
        journal.append(EntryKind.INTENT, "a")
        journal.append(EntryKind.OUTCOME, "a")
    item = control.table.get(("JOURNAL#INC-1", f"{1:09d}"))
    assert item is not None
    row = {name: {"S": value} for name, value in item.items() if isinstance(value, str)}
    row["text"] = {"S": item["text"].replace("intent", "looked")}
    flags = {"packed": {"BOOL": False}, "pieces": {"N": "1"}}
    sender.client.put_item(TableName=_table_of(control), Item={**row, **flags})
    with pytest.raises(JournalBroken, match=r"line 1: its digest .* \(the mirror\)"):
        opened()


def _table_of(control: ControlStore) -> str:
    name: str = vars(control.table)["_name"]
    return name


def test_a_lost_answer_of_the_mirror_writes_nothing_twice(opened: Opened, sender: Plain, control: ControlStore) -> None:
    with opened() as journal:
        sender.after = _cut_off
        with pytest.raises(MirrorFailed):
            journal.append(EntryKind.INTENT, "a")
        sender.after = lambda _call: None
        journal.append(EntryKind.INTENT, "a")
        assert journal.path.read_bytes() == _mirrored(control, sender)
        assert 2 == len(journal.entries)


def test_a_pause_is_copied_into_the_journal_once_by_the_run(
    opened: Opened, control: ControlStore, clock: Clock
) -> None:
    control.pause("Early", "before the incident")
    control.unpause("Early")
    clock.move(seconds=60)
    with opened() as journal:
        record_pauses(journal, control)
        assert [] == list(journal.entries), "there is nothing to tell of yet"
        journal.append(EntryKind.INTENT, "a")
        clock.move(seconds=60)
        control.pause("Jane", "storm")
        record_pauses(journal, control)
        clock.move(seconds=60)
        control.unpause("Ann")
        for _ in range(2):
            record_pauses(journal, control)
        paused, unpaused = journal.entries[1:]
        assert (EntryKind.PAUSED, "Jane", "Jane stopped all runs: storm") == _kind_person_and_words(paused)
        assert (EntryKind.UNPAUSED, "Ann", "Ann let the runs go on.") == _kind_person_and_words(unpaused)
        assert 120 == (moment(unpaused.data["moment"]) - journal.entries[0].at).total_seconds()


def _kind_person_and_words(entry: Entry) -> tuple[EntryKind, str, str]:
    return entry.kind, entry.data["by"], entry.data["says"]


def _bomb() -> bytes:
    """Some kilobytes that unpack to 300 MB: the same packed megabyte again and again."""
    packing = zlib.compressobj()
    first, more = (packing.compress(bytes(10**6)) + packing.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + 299 * more


@pytest.mark.parametrize(
    "odd",
    [
        {"pieces": 10**9},
        {"pieces": "many"},
        {"packed": True, "text": "no base64"},
        {"packed": True, "text": base64.b64encode(_bomb()).decode()},
        {"text": 7},
    ],
    ids=["pieces", "no number", "not packed", "a bomb", "no text"],
)
def test_an_item_that_no_run_wrote_breaks_the_chain_at_its_place_only(
    control: ControlStore, odd: dict[str, Any]
) -> None:
    item = {"pk": "JOURNAL#INC-1", "sk": "000000001", "digest": "d", "text": "t", "packed": False, "pieces": 1, **odd}
    control.table.put(Put(item))
    lines = "".join(f"{line}\n" for line in TableMirror(control).fetch("INC-1"))
    fault = read_chain(lines.encode(), "sit", "INC-1").fault
    assert (fault is not None and fault.line, len(lines) < 100) == (1, True)
