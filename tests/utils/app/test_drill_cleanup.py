"""What a drill leaves is taken away by hand: by a command that reaches the drill's own world alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dr_actions.drills.inventory import Inventory, Residue, ResidueState, pack
from dr_actions.journal.entries import Entry, EntryKind
from dr_estate.model.invocation import Invocation
from utils.aws_mgmt.app.drill_cleanup import inventory_before, with_typed_commands

DELETE = "aws rds delete-db-instance --db-instance-identifier sit-mysql-before-db-x"


@pytest.mark.parametrize("data", [{}, {"inventory": "aGVsbG8="}, {"inventory": None}, {"inventory": [1]}])
def test_earlier_findings_of_a_drill_are_unknown_off_its_record(data: dict[str, Any]) -> None:
    """A driller's keys write the record of a trial: nothing is proven clean then, and no command ends."""
    moment = datetime(2026, 1, 7, tzinfo=UTC)
    entry = Entry(1, moment, "run-1", EntryKind.INVENTORY, None, data, "", "")
    assert inventory_before([entry]) is None
    seen = replace(entry, data={"inventory": pack(Inventory({"rds.instances.dr": ("{}",)}))})
    assert inventory_before([seen]) == Inventory({"rds.instances.dr": ("{}",)})


@pytest.mark.parametrize(
    ("world", "typed"),
    [("sandbox f1597aec5036", f'{DELETE} --endpoint-url "$AWS_ENDPOINT_URL"'), ("live AWS", DELETE)],
)
def test_a_deletion_command_of_a_sandbox_reaches_no_live_account(world: str, typed: str) -> None:
    of_rule = Residue("rds.instances.primary", "sit-mysql", ResidueState.KEPT, "it was there before", DELETE)
    bare = Residue("backup.recovery_points.dr", "arn", ResidueState.KEPT, "it expires")
    rows = with_typed_commands((of_rule, bare), Invocation(("-e", "sit")), world)
    assert [row.command for row in rows] == [typed, ""]
