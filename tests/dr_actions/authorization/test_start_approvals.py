"""What an approver lets AWS start: in lines that people read, and as the control table has it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_actions.authorization.approvals import StartApproval, start_of_item, start_to_item, with_starts
from tests.dr_actions.deciding import APPROVER_ID, EARLIER, NOW, PLAN, approval, override

GAP = {"check": "efs.mounts", "subject": "fs-1", "who": "Jane", "why": "it is rebuilt", "until": "2099-12-31"}
START = StartApproval("run-1", PLAN.digest, APPROVER_ID, NOW, (override(),), (GAP,))


def test_what_is_set_aside_is_a_line_each() -> None:
    assert START.set_aside == (
        "override of check.c.d by Jane until 2026-01-07 04:00 UTC: the copy was checked by hand",
        "exception of efs.mounts for fs-1 by Jane until 2099-12-31: it is rebuilt",
    )


def test_a_start_is_read_from_the_table_as_it_was_written() -> None:
    assert start_of_item(start_to_item(START), APPROVER_ID) == START


@pytest.mark.parametrize(
    "item",
    [
        None,
        "text",
        {},
        {**start_to_item(START), "at": "yesterday"},
        {**start_to_item(START), "overrides": 1},
        {**start_to_item(START), "overrides": [{"gate": "a"}]},
        {**start_to_item(START), "exceptions": [{"check": "a"}]},
    ],
)
def test_what_cannot_be_read_is_no_start(item: Any) -> None:
    assert start_of_item(item, APPROVER_ID) is None


def test_an_approval_has_the_later_overrides_of_its_own_approver() -> None:
    given = approval(overrides=(override("a"),))
    assert with_starts(given, (START,)).overrides == (override("a"), override())
    assert with_starts(given, (replace(START, at=EARLIER),)).overrides == (override("a"), override())
    for other in (replace(START, userid="AIDAOTHER"), replace(START, digest="0" * 64)):
        assert with_starts(given, (other,)) == given
    later = replace(given, at=NOW)
    assert with_starts(later, (replace(START, at=EARLIER),)) == later
