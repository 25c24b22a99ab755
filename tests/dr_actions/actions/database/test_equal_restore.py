"""The restored database is the equal of the primary's, in a class that RDS has, and is given its second zone later."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from dr_actions.actions.database import protection, restore_dr
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Call, FailureKind, Goal, SendFailed, Step
from dr_actions.model.sequence import SEQUENCE, Role
from dr_estate.config.environment import Environment, Side
from dr_estate.readers import control_table, rds, vpc
from tests.dr_checks import databases as plain
from tests.dr_checks.derived.test_database_identity import BOTH, record
from tests.dr_checks.worlds import DENIED, SIT
from tests.dr_checks.worlds import world as values_of

ENV = SIT.model_copy(update={"database": SIT.database.model_copy(update={"classes": ("db.r6i.large", "db.r6g.large")})})
GROUP = vpc.SecurityGroup("sg-db", "sit-db-sg", (), ())
NONE_LEFT = SendFailed(FailureKind.BUSY, "no capacity", "InsufficientDBInstanceCapacity")
LARGE = {"storage_gib": 400, "iops": 12000, "throughput": 500}


def sight(known: Any = None, env: Environment = ENV, **parts: Any) -> PlanContext:
    rows = plain.database(**{"instances_primary": DENIED} | parts)
    rows |= {(vpc.security_groups, Side.DR): (GROUP,)}
    rows[control_table.standing, Side.DR] = control_table.ControlState(database=known)
    return PlanContext(env, values_of(rows, env=env), Goal.FAILOVER, primary_answers=False)


def restore(context: PlanContext) -> Step:
    (step,) = restore_dr.RESTORE_DR.plan_steps(context)
    return step


def params(context: PlanContext) -> dict[str, Any]:
    return dict(restore(context).planned_call.params)


def test_the_restored_database_has_all_that_was_remembered_of_the_primarys() -> None:
    given = params(sight(record(log_exports=("error",), iam_authentication=True, auto_minor_upgrade=True)))
    assert {
        "DBInstanceClass": "db.r6g.large",
        "StorageType": "gp3",
        "MaxAllocatedStorage": 500,
        "OptionGroupName": "sit-mysql-options",
        "DBParameterGroupName": "sit-mysql-params",
        "EnableCloudwatchLogsExports": ["error"],
        "EnableIAMDatabaseAuthentication": True,
        "AutoMinorVersionUpgrade": True,
        "CopyTagsToSnapshot": True,
        "DeletionProtection": True,
        "MultiAZ": False,
    }.items() <= given.items()
    assert params(sight(instances_primary=(plain.PRIMARY,)))["DBInstanceClass"] == "db.r6g.large", "or is seen now"


@pytest.mark.parametrize(
    ("changes", "speed"),
    [
        ({"storage_gib": 399, "iops": 3000, "throughput": 125}, {}),
        (LARGE, {"Iops": 12000, "StorageThroughput": 500}),
        ({"storage_type": "io1", "iops": 5000, "throughput": 0}, {"Iops": 5000}),
        ({"storage_type": "gp2", "iops": 0, "throughput": 0}, {}),
    ],
    ids=["gp3 below 400 GiB takes none", "gp3", "io1", "gp2"],
)
def test_iops_and_throughput_are_named_where_the_storage_takes_them(
    changes: dict[str, Any], speed: dict[str, int]
) -> None:
    given = params(sight(record(**changes)))
    assert {key: given[key] for key in ("Iops", "StorageThroughput") if key in given} == speed


def test_a_restored_snapshot_gets_its_storage_limit_with_the_second_zone() -> None:
    context = sight(record(), automated_backups_dr=())
    assert "MaxAllocatedStorage" not in params(context)
    (step,) = protection.PROTECT_DR.plan_steps(context)
    assert step.after == {"MultiAZ": True, "MaxAllocatedStorage": 500}


def test_an_option_group_that_the_dr_region_lacks_is_left_out_and_named() -> None:
    lacking = sight(record(), option_groups_dr=())
    assert "OptionGroupName" not in params(lacking)
    assert any("has no option group sit-mysql-options" in note for note in restore_dr.RESTORE_DR.notes(lacking))


def test_what_nobody_knows_is_left_to_the_defaults_and_said() -> None:
    unknown = sight()
    assert not {"DBInstanceClass", "StorageType", "OptionGroupName"} & params(unknown).keys()
    assert any("neither seen nor remembered" in note for note in restore_dr.RESTORE_DR.notes(unknown))


def test_two_databases_of_one_name_stop_the_plan_with_a_note_how_to_choose() -> None:
    context = sight(automated_backups_dr=BOTH, recovery_points_dr=())
    assert list(restore_dr.RESTORE_DR.plan_steps(context)) == []
    (note,) = [note for note in restore_dr.RESTORE_DR.notes(context) if "Nothing is planned" in note]
    assert all(word in note for word in ("db-OLD", "db-ONE", "database.resource_id"))


@dataclass
class Scarce:
    """RDS without capacity for some classes."""

    without: tuple[str, ...]
    failure: SendFailed = NONE_LEFT
    asked_for: list[str] = field(default_factory=list)

    def send(self, call: Call) -> dict[str, Any]:
        self.asked_for.append(call.params.get("DBInstanceClass", "default"))
        if self.asked_for[-1] in self.without:
            raise self.failure
        return {"DBInstance": {}}


def _send(sender: Scarce, known: Any = None) -> dict[str, Any]:
    step = restore(sight(known))
    return restore_dr.RESTORE_DR.send(step, step.planned_call, sender)


def test_the_next_class_is_tried_without_capacity_and_the_used_one_shown() -> None:
    first, second = Scarce(()), Scarce(("db.r6g.large",))
    assert _send(first, record()) == {"class": "db.r6g.large"}
    assert _send(second, record()) == {"class": "db.r6i.large"}
    assert (first.asked_for, second.asked_for) == (["db.r6g.large"], ["db.r6g.large", "db.r6i.large"])


def test_without_capacity_in_any_class_the_refusal_of_rds_is_retried() -> None:
    scarce = Scarce(("db.r6g.large", "db.r6i.large"))
    with pytest.raises(SendFailed) as failed:
        _send(scarce, record())
    assert (failed.value.trouble, scarce.asked_for) == (FailureKind.BUSY, ["db.r6g.large", "db.r6i.large"])


def test_any_other_refusal_is_not_answered_with_another_class() -> None:
    denied = Scarce(("db.r6g.large",), SendFailed(FailureKind.DENIED, "no", "AccessDenied"))
    with pytest.raises(SendFailed, match="no"):
        _send(denied, record())
    assert denied.asked_for == ["db.r6g.large"]


def test_the_classes_are_part_of_what_is_approved() -> None:
    assert restore(sight(record())).before["classes"] == ["db.r6g.large", "db.r6i.large"]


RESTORED = replace(plain.PRIMARY, multi_az=False, tags=(("RestoredFrom", plain.REPLICATED.arn),))


@pytest.mark.parametrize(
    ("instance", "state"),
    [
        (RESTORED, StepState.READY),
        (replace(RESTORED, becomes_multi_az=True, status="modifying"), StepState.DONE),
        (replace(RESTORED, multi_az=True), StepState.DONE),
        (replace(RESTORED, status="creating"), StepState.IN_PROGRESS),
        (replace(RESTORED, tags=()), StepState.DRIFTED),
        (None, StepState.DRIFTED),
    ],
)
def test_the_second_zone_is_asked_for_and_not_waited_for(instance: rds.Instance | None, state: StepState) -> None:
    (step,) = protection.PROTECT_DR.plan_steps(sight(record()))
    seen = sight(record(), instances_dr=(instance,) if instance else ())
    assert protection.PROTECT_DR.observe(step, seen).state is state
    assert not protection.PROTECT_DR.essential


def test_the_second_zone_follows_the_traffic_where_the_primary_had_one() -> None:
    (step,) = protection.PROTECT_DR.plan_steps(sight(record()))
    assert step.stage > max(row.stage for row in SEQUENCE[Goal.FAILOVER] if row.role is Role.TRAFFIC)
    assert list(protection.PROTECT_DR.plan_steps(sight(record(multi_az=False)))) == []
    assert {"", "second_zone"} == {row.part for row in SEQUENCE[Goal.FAILOVER] if row.action == "database/protect_dr"}
