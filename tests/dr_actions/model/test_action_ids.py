"""What was named before its path was its name is known by both names."""

from __future__ import annotations

import pytest

from dr_actions.actions.registry import actions
from dr_actions.model import action_ids
from dr_actions.model.action_ids import (
    former_id,
    former_name,
    label_of,
    name_of,
    part_of,
    prefix_of,
    present_id,
    present_name,
    step_id,
)
from dr_actions.model.plan import from_json, to_json
from tests.dr_actions.deciding import plan, step

FORMER = {
    "files.sit-efs": "files/restore_dr:sit-efs",
    "minimum.sit-tenant1-service": "compute/raise_dr_scaling:sit-tenant1-service",
    "promotable.sit-mysql-replica": "database/restore_dr.promotable:sit-mysql-replica",
    "zero-loss.database": "database/verify_zero_loss:database",
    "stage_traffic.canary-50.blog.example.com": "traffic/shift_to_primary:canary-50.blog.example.com",
    "provision.terraform": "provisioning/apply:terraform",
}


@pytest.mark.parametrize(("former", "present"), FORMER.items())
def test_a_step_is_known_by_its_former_id(former: str, present: str) -> None:
    assert (present_id(former), present_id(present)) == (present, present)
    assert (former_id(present), former_id(former)) == (former, former)


@pytest.mark.parametrize("name", sorted(actions()))
def test_an_action_is_known_by_its_former_name(name: str) -> None:
    assert present_name(former_name(name)) == present_name(name) == name
    assert present_id(former_id(f"{name}:a.b")) == f"{name}:a.b"


def test_every_alias_is_of_an_action_that_there_is() -> None:
    assert action_ids._FORMER.keys() <= actions().keys()
    assert len(set(action_ids._FORMER.values())) == len(action_ids._FORMER)


@pytest.mark.parametrize("other", ["", "run", "failed", "new.thing", "rds.instances"])
def test_what_is_no_former_name_stays(other: str) -> None:
    assert (present_id(other), present_name(other), former_name(other)) == (other, other, other)


def test_an_id_is_taken_apart() -> None:
    whole = step_id("dr_actions.actions.database.restore_dr", "sit-mysql")
    assert whole == "database/restore_dr:sit-mysql"
    assert (prefix_of(whole), part_of(whole), label_of(whole)) == ("database/restore_dr", "", "sit-mysql")
    assert part_of("database/restore_dr.promotable:sit-mysql") == "promotable"
    assert name_of("database/restore_dr") == "database/restore_dr"


def test_a_plan_written_under_former_ids_is_the_same_plan() -> None:
    mine = plan(step("a"), step("sit-efs", 41, "files/restore_dr"))
    former = to_json(mine)
    for row in former["steps"]:
        row["id"], row["verb"] = former_id(row["id"]), former_name(row["verb"])
    assert [row["id"] for row in former["steps"]] == ["services.a", "files.sit-efs"]
    assert (from_json(former), from_json(former).digest) == (mine, mine.digest)
