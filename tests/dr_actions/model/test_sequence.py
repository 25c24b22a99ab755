"""What other rooms learn from the table: roles, and where a step belongs."""

from __future__ import annotations

import pytest

from dr_actions.model.plan import Goal
from dr_actions.model.sequence import Role, role_of, roles_in, row_of
from tests.dr_actions.deciding import plan, step


@pytest.mark.parametrize(
    ("goal", "step_id", "role"),
    [
        (Goal.FAILOVER, "database/restore_dr:sit-mysql", Role.DATABASE),
        (Goal.FAILOVER, "database/restore_dr.promotable:sit-mysql", None),
        (Goal.SWITCHOVER, "database/verify_zero_loss:sit-mysql", Role.ZERO_LOSS),
        (Goal.FAILOVER, "database/verify_zero_loss:sit-mysql", None),
        (Goal.FAILBACK, "files/freeze:sit-efs", Role.FREEZE_FILES),
        (Goal.FAILBACK, "database/rename_old_dr:sit-mysql", Role.RENAME),
        (Goal.FAILBACK, "database/restore_dr:sit-mysql", None),
    ],
)
def test_a_role_follows_from_goal_and_id(goal: Goal, step_id: str, role: Role | None) -> None:
    assert role is role_of(goal, step_id)


def test_traffic_led_home_in_part_goes_on_by_the_stages_left() -> None:
    left = step("100", 52, "traffic/shift_to_primary")
    assert Role.TRAFFIC in roles_in(plan(left, goal=Goal.FAILBACK))


def test_an_action_without_a_place_says_where_to_add_it() -> None:
    with pytest.raises(ValueError, match="traffic/pin_primary has no place in a failback: add it to dr_actions/model"):
        row_of(Goal.FAILBACK, "traffic/pin_primary")
