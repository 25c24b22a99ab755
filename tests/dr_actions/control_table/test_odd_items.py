"""Whatever stands in the control table is read as what it is, or as unreadable: it raises nothing, and holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from dr_actions.authorization.approvals import ApprovalStore
from dr_actions.control_table.lock import cool_down_until, may_take
from dr_actions.journal.mirror import TableMirror
from dr_estate.model.control_items import UnreadableItem, readable, unreadable
from dr_estate.model.dynamodb_values import decode_item, encode_item
from dr_estate.model.run_records import from_item
from dr_estate.readers.control_table import ControlState, in_force, with_own_pauses, words_of
from reports.values.report import control_sentences, control_to_dict
from tests.dr_actions.control_table.odd_items import KINDS, odd_items
from tests.dr_actions.control_tables import SIT

NOW = datetime(2026, 1, 7, 4, tzinfo=UTC)
KEYS = sorted(KINDS)


class _OneItem:
    """A table that holds one item."""

    def __init__(self, item: dict[str, Any]) -> None:
        self.item = item

    def get(self, key: tuple[str, str]) -> dict[str, Any] | None:
        return self.item if key == (self.item["pk"], self.item["sk"]) else None

    def query(self, pk: str) -> list[dict[str, Any]]:
        return [self.item] if self.item["pk"] == pk else []

    def query_by_sk(self, sk: str) -> list[dict[str, Any]]:
        return [self.item] if self.item["sk"] == sk else []


@pytest.mark.parametrize("key", KEYS)
def test_as_a_version_writes_it_each_item_can_be_read(key: tuple[str, str]) -> None:
    assert unreadable({"pk": key[0], "sk": key[1], **KINDS[key]}) is None


@pytest.mark.parametrize("key", [key for key in KEYS if key[0] in ("LOCK", "STANDING") or key[1] == "PAUSE"])
def test_each_odd_item_that_stands_is_read_or_holds_as_one_that_does(key: tuple[str, str]) -> None:
    for name, raw in odd_items(key):
        item = decode_item(raw)
        state = _state(item)
        odd = unreadable(item)
        assert _holds(key, state, odd), f"{name}: {state}"
        for line in control_sentences(state, NOW):
            assert "\n" not in line or odd is None, name
        json.dumps(control_to_dict(state), default=str)


def _state(item: dict[str, Any]) -> ControlState:
    if str(item["pk"]).startswith("PAUSE#"):
        return with_own_pauses(ControlState(), [item])
    return in_force([item])


def _holds(key: tuple[str, str], state: ControlState, odd: UnreadableItem | None) -> bool:
    """Whether the state holds what the kind holds, wherever the item could not be read."""
    if odd is None:
        return not state.unreadable
    if key[1] == "PAUSE":
        return state.pause is not None and "unpause" in state.pause.why
    holding = {"INCIDENT": state.incident, "RUN": state.run}.get(key[1], odd)
    return holding == odd and odd in state.unreadable and f"`dr_cli.py repair {odd.id} " in odd.says


def test_a_lock_that_can_be_read_is_reckoned_with_whatever_it_says() -> None:
    for name, raw in odd_items(("LOCK", "RUN")):
        run = in_force([decode_item(raw)]).known_run
        if run is not None:
            assert may_take(run, NOW, "run-2", "INC-8", SIT.execution, stood_still=True), name
            assert cool_down_until(run, SIT.execution), name


def test_each_odd_record_is_a_run_that_json_takes_or_is_not_read() -> None:
    for name, raw in odd_items(("HISTORY#status", next(sk for pk, sk in KEYS if pk == "HISTORY#status"))):
        item = decode_item(raw)
        if unreadable(item) is None:
            record = from_item(item)
            assert all(isinstance(found, str) for found in (record.run, record.who, record.verdict)), name
            assert record.score is None or 0 <= record.score <= 100, name


@pytest.mark.parametrize("key", [key for key in KEYS if key[0].startswith(("APPROVAL#", "JOURNAL#"))])
def test_each_odd_approval_pin_or_entry_counts_nothing_and_raises_nothing(key: tuple[str, str]) -> None:
    for name, raw in odd_items(key):
        table: Any = _OneItem(decode_item(raw))
        approvals = ApprovalStore(table, lambda: NOW)
        found = approvals.of("INC-123"), approvals.pins(), approvals.history_of("INC-123"), approvals.starts("INC-123")
        lines = TableMirror(type("Control", (), {"table": table})()).fetch("INC-123")
        assert all(isinstance(part, tuple) for part in found), name
        assert all(isinstance(line, str) for line in lines), name


def test_each_odd_word_and_change_is_read_or_left_out() -> None:
    for key in [key for key in KEYS if key[0] == "HISTORY" or key[0].startswith("PAUSE#")]:
        for name, raw in odd_items(key):
            item = decode_item(raw)
            good, odd = readable([item])
            assert len(good) + len(odd) <= 1, name
            if key[0] != "HISTORY":
                assert all(word.at.tzinfo for word in words_of(item)), name


def test_what_is_kept_of_an_item_is_all_that_it_had() -> None:
    for key in KEYS:
        for name, raw in odd_items(key):
            again = decode_item(encode_item(decode_item(raw)))
            assert again == decode_item(raw), name
