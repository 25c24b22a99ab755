"""What a drill leaves is taken away by hand: by a command that reaches the drill's own world alone."""

from __future__ import annotations

import pytest

from dr_actions.drills.residue import Residue, ResidueState
from dr_estate.model.invocation import Invocation
from utils.aws_mgmt.app.drill_cleanup import as_typed

DELETE = "aws rds delete-db-instance --db-instance-identifier sit-mysql-before-db-x"


@pytest.mark.parametrize(
    ("world", "typed"),
    [("sandbox f1597aec5036", f'{DELETE} --endpoint-url "$AWS_ENDPOINT_URL"'), ("live AWS", DELETE)],
)
def test_a_command_that_deletes_a_database_reaches_no_live_account_from_a_sandbox(world: str, typed: str) -> None:
    of_rule = Residue("rds.instances.primary", "sit-mysql", ResidueState.KEPT, "it was there before", DELETE)
    bare = Residue("backup.recovery_points.dr", "arn", ResidueState.KEPT, "it expires")
    rows = as_typed((of_rule, bare), Invocation(("-e", "sit")), world)
    assert [row.command for row in rows] == [typed, ""]
