"""The table of AWS's durations: whole, sourced, played or reckoned with; and its arithmetic on plain values."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from dr_estate.model.aws_durations import STANDINGS, AwsOperation, OperationPhase, of_call, operation, operations
from sandbox.moto_ext.backup.durations import BACK_UPS, RESTORES

ROOT = Path(__file__).parents[3]
RESTORE = AwsOperation(
    "restore",
    (OperationPhase("creating", 100, {"gib": 2}), OperationPhase("backing-up", 50)),
    1.5,
    "assumed",
    "-",
    (),
    "backing-up",
)


def test_every_row_names_its_source_and_standing_and_ends_after_its_start() -> None:
    for row in operations().values():
        assert row.standing in STANDINGS, row.id
        assert row.source, row.id
        assert row.p90 >= 1, row.id
        assert row.seconds() > 0, row.id
        assert row.done_in in ("", *(phase.state for phase in row.phases)), row.id


def test_a_call_begins_one_operation() -> None:
    calls = Counter(call for row in operations().values() for call in row.calls)
    assert [] == [call for call, times in calls.items() if times > 1]
    assert of_call("rds:PromoteReadReplica") is operation("rds.promote")
    assert of_call("sns:Publish") is None


def test_every_row_is_played_by_the_sandbox_or_reckoned_with_by_the_plan() -> None:
    rooms = (ROOT / "sandbox", ROOT / "dr_actions")
    code = "\n".join(path.read_text(encoding="utf-8") for room in rooms for path in room.rglob("*.py"))
    by_store = {*BACK_UPS.values(), *RESTORES.values()}
    unused = (row.id for row in operations().values() if f'"{row.id}"' not in code and not row.calls)
    assert [] == [name for name in unused if name not in by_store]


def test_size_counts_by_unit_and_one_that_is_not_known_counts_nothing() -> None:
    assert RESTORE.seconds() == 150
    assert RESTORE.seconds(gib=100, kfiles=9) == 350
    assert RESTORE.phases_s(gib=100) == (("creating", 300.0), ("backing-up", 50.0))
    assert RESTORE.wait_seconds(gib=100) == 300


def test_nine_of_ten_take_the_median_times_p90_at_most() -> None:
    assert RESTORE.seconds(0.9) == pytest.approx(225)
    assert RESTORE.seconds(0.1) == pytest.approx(100)
    assert RESTORE.seconds(0.0) == RESTORE.seconds(0.02)
    assert RESTORE.seconds(1.0) == RESTORE.seconds(0.98) < 1.5**2 * 150
