"""The database comes up in the DR region: by the mechanism that the evidence supports, and nothing is taken away."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_actions.actions.database import protection
from dr_actions.actions.database import restore_dr as database_restore_dr
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Goal, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.config.settings import NamesInDr
from dr_estate.model.invocation import Invocation
from dr_estate.model.recovery_names import RESTORED_FROM
from dr_estate.readers import rds, vpc
from tests.dr_checks import databases as plain
from tests.dr_checks.worlds import NOW, SIT
from tests.dr_checks.worlds import world as values_of

ACTION, PROTECT = database_restore_dr.RESTORE_DR, protection.PROTECT_DR
DR = SIT.regions.dr
SANDBOXED = Invocation(("-e", "sit", "--sandbox"))
REPLICA_FIRST = plain.accepting("read-replica", "automated-backup", "backup-copy")
GROUP = vpc.SecurityGroup("sg-db", "sit-db-sg", (), ())


def _sight(env: Environment = SIT, **parts: Any) -> PlanContext:
    rows = plain.database(**parts) | {(vpc.security_groups, Side.DR): (GROUP,)}
    return PlanContext(env, values_of(rows, env=env), Goal.FAILOVER, primary_answers=False)


def _only(context: PlanContext) -> Step:
    (step,) = [
        step for step in ACTION.plan_steps(context) if step.id != f"database/restore_dr.promotable:{step.subject}"
    ]
    return step


def _operation(context: PlanContext) -> str:
    call = _only(context).call
    assert call is not None
    return call.operation


OLD = replace(plain.REPLICATED, latest=NOW - timedelta(hours=3))
STUCK = replace(plain.LAG, at=NOW - timedelta(hours=2))
WITH_REPLICA = {"instances_dr": (plain.REPLICA,), "lags_dr": (plain.LAG,)}


@pytest.mark.parametrize(
    ("env", "parts", "operation"),
    [
        (SIT, {}, "RestoreDBInstanceToPointInTime"),
        (SIT, WITH_REPLICA, "RestoreDBInstanceToPointInTime"),
        (SIT, {"automated_backups_dr": ()}, "RestoreDBInstanceFromDBSnapshot"),
        (SIT, {"automated_backups_dr": (OLD,)}, "RestoreDBInstanceFromDBSnapshot"),
        (REPLICA_FIRST, WITH_REPLICA, "PromoteReadReplica"),
        (REPLICA_FIRST, WITH_REPLICA | {"lags_dr": (plain.SILENT,)}, "RestoreDBInstanceToPointInTime"),
        (REPLICA_FIRST, WITH_REPLICA | {"lags_dr": (STUCK,)}, "RestoreDBInstanceToPointInTime"),
        (
            REPLICA_FIRST,
            WITH_REPLICA | {"lags_dr": (plain.SILENT,), "automated_backups_dr": (), "recovery_points_dr": ()},
            "PromoteReadReplica",
        ),
    ],
    ids=[
        "the preferred",
        "the preferred, though a replica is fresher",
        "a backup copy, where nothing replicates",
        "a fresh backup copy before a replication that stands still",
        "the replica, where it is preferred and measured",
        "another, where the replica's lag is absent",
        "another, where the replica's lag is old",
        "the replica after all, where there is nothing else",
    ],
)
def test_the_mechanism_is_the_one_that_the_evidence_supports(
    env: Environment, parts: dict[str, Any], operation: str
) -> None:
    assert _operation(_sight(env, **parts)) == operation


REPORTS = replace(plain.REPLICA, identifier="a-reports", resource_id="db-THREE")
ITS = replace(plain.REPLICA, identifier="standby-of-orders")
LAGS = tuple(replace(plain.LAG, dimensions=(("DBInstanceIdentifier", r.identifier),)) for r in (REPORTS, ITS))


def _named(env: Environment) -> Environment:
    groups = {"db_subnet_group": "its-subnets", "db_parameter_group": "its-settings", "db_security_group": "its-access"}
    return env.model_copy(update={"names_in_dr": NamesInDr(database=ITS.identifier, **groups)})


def test_the_replica_that_the_settings_name_is_promoted() -> None:
    step = _only(_sight(_named(REPLICA_FIRST), instances_dr=(REPORTS, ITS), lags_dr=LAGS))
    assert (step.subject, step.call and step.call.operation) == ("standby-of-orders", "PromoteReadReplica")


@pytest.mark.parametrize("parts", [{}, {"automated_backups_dr": ()}], ids=["backups", "a snapshot"])
def test_a_copy_is_restored_under_the_names_of_the_dr_region(parts: dict[str, Any]) -> None:
    step = _only(_sight(_named(SIT), **parts))
    params = step.call.params if step.call else {}
    assert step.subject == "standby-of-orders"
    assert (params["DBSubnetGroupName"], params["DBParameterGroupName"]) == ("its-subnets", "its-settings")
    assert "its-access" in params["VpcSecurityGroupIds"][0]


def test_an_unmeasured_replica_is_fallen_back_on_with_a_note() -> None:
    parts = WITH_REPLICA | {"lags_dr": (plain.SILENT,), "automated_backups_dr": (), "recovery_points_dr": ()}
    (note,) = ACTION.notes(_sight(REPLICA_FIRST, **parts))
    assert "T23" in note
    assert "read-replica" in note


def test_a_copy_whose_key_is_unusable_is_never_chosen() -> None:
    """One key serves all three copies here, so nothing is left, and the plan says why (T19)."""
    context = _sight(copy_keys_dr=(replace(plain.ENABLED, state="Disabled"),))
    assert list(ACTION.plan_steps(context)) == []
    (note,) = ACTION.notes(context)
    assert "is Disabled" in note


def test_a_replica_that_is_backing_up_is_waited_for_as_the_only_choice() -> None:
    busy = replace(plain.REPLICA, status="backing-up")
    nothing: dict[str, Any] = {"automated_backups_dr": (), "recovery_points_dr": (), "lags_dr": (plain.LAG,)}
    context = _sight(instances_dr=(busy,), **nothing)
    wait, promote = ACTION.plan_steps(context)
    assert (wait.call, wait.stage < promote.stage) == (None, True)
    assert ACTION.observe(wait, context).state is StepState.IN_PROGRESS
    assert ACTION.observe(wait, _sight(instances_dr=(plain.REPLICA,), **nothing)).state is StepState.DONE


def test_a_broken_replica_with_the_name_of_the_estate_is_renamed_by_hand() -> None:
    """The restored database must have that name: DR task definitions name its endpoint beforehand."""
    context = _sight(instances_dr=(replace(plain.REPLICA, replication="error"),), lags_dr=(plain.SILENT,))
    step = _only(context)
    assert step.subject == "sit-mysql"
    status = ACTION.observe(step, context)
    assert (status.state, "--new-db-instance-identifier" in status.message) == (StepState.DRIFTED, True)
    assert ACTION.observe(step, _sight()).state is StepState.READY


def test_a_plan_made_a_minute_later_reads_the_same() -> None:
    context = _sight()
    later = replace(context, snapshot=replace(context.snapshot, taken_at=NOW + timedelta(minutes=1)))
    assert list(ACTION.plan_steps(context)) == list(ACTION.plan_steps(later))
    assert list(ACTION.notes(context)) == list(ACTION.notes(later))


def _standing_there(**changed: Any) -> rds.Instance:
    values: dict[str, Any] = {"source": "", "replication": "", "created_at": NOW - timedelta(minutes=2)}
    return replace(plain.REPLICA, **(values | changed))


TAGGED = ((RESTORED_FROM, plain.REPLICATED.arn),)


def test_what_an_earlier_run_restored_from_all_there_is_is_done() -> None:
    context = _sight(instances_dr=(_standing_there(tags=TAGGED),))
    assert ACTION.observe(_only(context), context).state is StepState.DONE


@pytest.mark.parametrize(
    "leftover",
    [_standing_there(tags=TAGGED, created_at=NOW - timedelta(days=20)), _standing_there()],
    ids=["restored by an older drill", "restored by nobody this tool knows"],
)
def test_a_leftover_stops_the_run_and_says_what_to_do(leftover: rds.Instance) -> None:
    context = _sight(instances_dr=(leftover,))
    status = ACTION.observe(_only(context), context)
    assert status.state is StepState.DRIFTED
    assert "resume that incident" in status.message
    assert "Rename or delete it by hand" in status.message
    assert '-old --apply-immediately --endpoint-url "$AWS_ENDPOINT_URL"`' in SANDBOXED.complete(status.message), (
        "the live account's instance has the same name"
    )


@pytest.mark.parametrize(("stored", "state"), [("the newest data", StepState.DONE), ("older data", StepState.DRIFTED)])
def test_plans_on_record_are_judged_by_the_values_that_they_store(stored: str, state: StepState) -> None:
    leftover = _sight(instances_dr=(_standing_there(),))
    step = _only(leftover)
    assert ACTION.observe(replace(step, before={**step.before, "holds": stored}), leftover).state is state


def test_a_leftover_taken_away_by_hand_lets_the_same_step_go_on() -> None:
    step = _only(_sight(instances_dr=(_standing_there(),)))
    assert ACTION.observe(step, _sight()).state is StepState.READY


def test_an_instance_of_another_maker_is_not_adopted() -> None:
    step = _only(_sight())
    assert ACTION.observe(step, _sight(instances_dr=(_standing_there(),))).state is StepState.DRIFTED
    assert ACTION.observe(step, _sight(instances_dr=(_standing_there(tags=TAGGED),))).state is StepState.DONE


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("creating", StepState.IN_PROGRESS),
        ("modifying", StepState.IN_PROGRESS),
        ("backing-up", StepState.DONE),
        ("incompatible-parameters", StepState.FAILED),
        ("restore-error", StepState.FAILED),
    ],
)
def test_a_restored_instance_stands_as_rds_says(status: str, state: StepState) -> None:
    step, restored = _only(_sight()), _standing_there(tags=TAGGED, status=status)
    assert ACTION.observe(step, _sight(instances_dr=(restored,))).state is state


def test_a_copy_that_vanished_after_planning_is_a_change() -> None:
    step = _only(_sight())
    assert ACTION.observe(step, _sight(automated_backups_dr=())).state is StepState.DRIFTED


def test_what_cannot_be_seen_is_said_to_be_unseen() -> None:
    step = _only(_sight())
    assert ACTION.observe(step, _sight(instances_dr=None)).state is StepState.UNAVAILABLE


def test_without_the_security_group_nothing_is_restored_out_of_reach() -> None:
    bare = replace(_sight(), snapshot=values_of(plain.database() | {(vpc.security_groups, Side.DR): ()}))
    step = _only(bare)
    assert step.call is not None
    assert step.call.params["VpcSecurityGroupIds"][0].startswith("<")
    assert ACTION.observe(step, bare).state is StepState.DRIFTED
    with pytest.raises(ValueError, match="sit-db-sg"):
        ACTION.build_call(step, bare)
    assert ACTION.build_call(step, _sight()).params["VpcSecurityGroupIds"] == ["sg-db"]
