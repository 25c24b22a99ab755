"""Names of actions and ids of steps."""

from __future__ import annotations

from dr_actions.model.plan import label_of, part_of, prefix_of, step_id


def test_an_id_is_taken_apart() -> None:
    whole = step_id("database/restore_dr", "sit-mysql")
    assert (prefix_of(whole), part_of(whole), label_of(whole)) == ("database/restore_dr", "", "sit-mysql")
    assert part_of("database/restore_dr.promotable:sit-mysql") == "promotable"
