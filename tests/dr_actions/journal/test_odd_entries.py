"""Entries of a valid chain that no version wrote: it ends before a malformed one, and the log is always printed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_actions.journal.entries import EntryKind, entry_after, read_chain
from dr_estate.model.journal_chain import canonical, genesis
from reports.incident.log import incident_log, render
from reports.incident.review import review
from tests.dr_actions.control_tables import WORLD

AT = datetime(2026, 1, 7, 3, 0, tzinfo=UTC)
SOMETHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "0001-01-01", "2026-01-07T03:00:00"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "action", "goal"]), inner),
    max_leaves=4,
)
STEP = st.fixed_dictionaries({"id": SOMETHING, "action": SOMETHING, "number": SOMETHING}) | SOMETHING
PLAN = st.fixed_dictionaries({"goal": st.just("failover") | SOMETHING, "steps": st.lists(STEP, max_size=2) | SOMETHING})
NAMES = ("moment", "since", "last_request", "digest", "says", "rules", "losses", "outcome", "gates", "until", "passed")
DATA = st.fixed_dictionaries({}, optional={"plan": PLAN | SOMETHING, **dict.fromkeys(NAMES, SOMETHING)})
ENTRIES = st.lists(st.tuples(st.sampled_from(EntryKind), st.none() | st.just("a:b"), DATA), min_size=1, max_size=5)


@pytest.mark.proof
@given(ENTRIES)
def test_whatever_a_valid_chain_holds_the_log_and_its_review_are_printed(
    rows: list[tuple[EntryKind, str | None, dict[str, Any]]],
) -> None:
    head, lines = genesis("sit", "INC-1", WORLD), []
    for number, (kind, step, data) in enumerate(rows, 1):
        content = {**data, **({"world": WORLD.to_json()} if number == 1 else {})}
        entry = entry_after(head, number, AT, "run-1", kind, step, content)
        lines.append(entry.line + "\n")
        head = entry.digest
    chain = read_chain("".join(lines).encode(), "sit", "INC-1")
    assert len(chain.entries) == (len(rows) if chain.fault is None else chain.fault.line - 1)
    log = incident_log(chain, "sit", "INC-1", "a file", 60)
    assert all([*(render(log, form) for form in ("terminal", "markdown", "json")), review(log)])


CONTENT = {"says": "seen", "world": WORLD.to_json()}


def _line(**changed: Any) -> bytes:
    entry = entry_after(genesis("sit", "INC-1", WORLD), 1, AT, "run-1", EntryKind.NOTE, None, CONTENT)
    body = {"seq": 1, "at": AT.isoformat(), "run": "run-1", "kind": "note", "step": None, "data": CONTENT}
    return canonical({**body, "prev": entry.prev, "digest": entry.digest, **changed}).encode()


@pytest.mark.parametrize(
    "line",
    [
        _line(seq=[1]),
        _line(run=7),
        _line(step={}),
        _line(data=[]),
        _line(at="9999-12-31T23:59:59-23:00"),
        _line().replace(b'"seen"', b"NaN"),
        _line().replace(b'"seen"', b'"\\ud800"'),
        b"[" * 100_000,
    ],
    ids=["seq", "run", "step", "data", "time", "no number", "half a character", "deep"],
)
def test_a_line_of_no_shape_that_was_ever_written_is_the_fault(line: bytes) -> None:
    chain = read_chain(line + b"\n", "sit", "INC-1")
    assert chain.fault is not None
    assert (chain.fault.line, chain.entries) == (1, ())


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)], ids=str)
def test_an_entry_of_the_begin_or_the_end_of_all_time_is_the_fault(at: datetime) -> None:
    """Nothing could be counted on from it: when a review is due, or whether its anchor came in time."""
    own = entry_after(genesis("sit", "INC-1", WORLD), 1, at, "run-1", EntryKind.NOTE, None, CONTENT)
    dated = {**CONTENT, "since": at.isoformat()}
    within = entry_after(genesis("sit", "INC-1", WORLD), 1, AT, "run-1", EntryKind.NOTE, None, dated)
    for entry in (own, within):
        chain = read_chain(entry.line.encode() + b"\n", "sit", "INC-1")
        assert chain.fault is not None
        assert (chain.fault.line, chain.entries) == (1, ())


def test_the_same_words_in_other_bytes_are_a_change() -> None:
    entry = entry_after(genesis("sit", "INC-1", WORLD), 1, AT, "run-1", EntryKind.NOTE, None, CONTENT)
    assert read_chain(entry.line.encode() + b"\n", "sit", "INC-1").fault is None
    fault = read_chain(entry.line.replace(",", ", ").encode() + b"\n", "sit", "INC-1").fault
    assert fault is not None
    assert "changed after it was written" in fault.why
