"""Which database is copied back to the primary region, how what is kept is named, and what stops it: plain values."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_actions.actions import backup as create_backups
from dr_actions.actions.database import failback, rename
from dr_actions.actions.database import freeze as database_freeze
from dr_actions.actions.database import promotion as database_promotion
from dr_actions.actions.database import protection as database_protection
from dr_actions.actions.database import replication as database_replication
from dr_actions.actions.database.own_group import OWN_GROUP
from dr_actions.actions.registry import actions
from dr_actions.model.action import TO_PRIMARY, Action, PlanContext, StepState
from dr_actions.model.plan import NO_RECOVERY, Goal, Step
from dr_estate.config.environment import Environment, Side
from dr_estate.model.recovery_names import own_group
from dr_estate.readers import backup, backup_jobs, efs, vpc
from dr_estate.reading.cloudwatch_metrics import Reading
from tests.dr_checks import databases as plain
from tests.dr_checks.worlds import NOW, SIT, world

NAME, KEY = plain.NAME, plain.KEY
OLD = replace(plain.PRIMARY, security_groups=("sg-home",), log_exports=("error",), backup_window="01:00-01:30")
SERVED = replace(
    plain.PRIMARY,
    arn=plain.ARN.replace(plain.HOME, plain.AWAY),
    host=plain.PRIMARY.host.replace(plain.HOME, plain.AWAY),
    resource_id="db-TWOTWOTWO",
    key_arn=KEY,
    tags=(("RestoredFrom", plain.REPLICATED.arn), ("Environment", "sit")),
)
COPY = replace(OLD, resource_id="db-THREE", source=SERVED.arn, replication="replicating", retention_days=0)
BROKEN = replace(COPY, replication="error", replication_message="Replication is not running.")
CAME_HOME = replace(COPY, source="", replication="", retention_days=7, tags=((failback.COME_FROM, SERVED.resource_id),))
FROZEN_GROUP = replace(plain.PARAMETERS, parameters=(("binlog_format", "ROW"), ("read_only", "1")))
SENT = {
    "backup/create_backups:dr-database": NOW - timedelta(minutes=8),
    f"database/replicate_to_primary:{NAME}": NOW - timedelta(minutes=5),
}
CONFIRMED = {f"database/freeze:{NAME}": NOW - timedelta(minutes=4)}
VAULTS = tuple(
    backup.Vault(name, f"arn:{name}", "", 1, False, None, None, None)
    for name in ("bbws-dr-vault", "bbws-backup-vault-sit")
)


def sight(
    env: Environment = SIT,
    recorded: Any = None,
    sent: Any = None,
    confirmed: Any = None,
    begun_at: Any = None,
    **parts: Any,
) -> PlanContext:
    """What is seen in a failback: both databases, none frozen, but for the parts named."""
    jobs, points = parts.pop("jobs", ()), parts.pop("points", ())
    vaults, groups = parts.pop("vaults", VAULTS), parts.pop("security_groups", ())
    values = plain.database(**{"instances_primary": (OLD,), "instances_dr": (SERVED,), "lags_primary": (), **parts})
    values |= {(vpc.security_groups, Side.PRIMARY): groups, (backup.recovery_points, Side.PRIMARY): ()}
    values |= {(efs.file_systems, side): () for side in (Side.PRIMARY, Side.DR)}
    values |= {(backup.vaults, side): vaults for side in (Side.PRIMARY, Side.DR)}
    values |= {(backup_jobs.backups, Side.PRIMARY): (), (backup_jobs.backups, Side.DR): jobs}
    values |= {(backup.recovery_points, Side.DR): points}
    context = PlanContext(env, world(values, env=env), Goal.FAILBACK, True, sent_at=sent or {}, begun_at=begun_at)
    return replace(context, recorded=recorded or {}, confirmed_at=confirmed or {})


def the(action: Action, seen: PlanContext | None = None) -> Step:
    (step,) = action.plan_steps(seen or sight())
    return step


def standing(action: Action, step: Step, **parts: Any) -> StepState:
    return action.observe(step, sight(**parts)).state


OURS = (
    *(create_backups.CREATE_BACKUPS, database_replication.END_STALE_REPLICATION, rename.OLD_PRIMARY),
    *(database_replication.REPLICATE_TO_PRIMARY, database_promotion.WAIT_REPLICA_LAG),
    *(
        database_freeze.FREEZE,
        database_promotion.VERIFY_PRIMARY_IN_SYNC,
        database_promotion.PROMOTE_PRIMARY,
        database_protection.PROTECT_PRIMARY,
        rename.OLD_DR,
    ),
    *(database_freeze.UNFREEZE, database_replication.REPLICATE_TO_DR),
)


def test_the_verbs_belong_to_a_failback_in_the_order_of_its_stages() -> None:
    assert all(action.goals - NO_RECOVERY == TO_PRIMARY and actions()[action.name] is action for action in OURS)
    away = replace(sight(), goal=Goal.FAILOVER)
    assert [step for action in OURS for step in action.plan_steps(away)] == []
    assert [note for action in OURS for note in (*action.notes(away), *action.cleanup_notes(away))] == []
    stages = [step.stage for action in OURS for step in action.plan_steps(sight())]
    assert stages == sorted(stages) == [18, 18, 19, 20, 23, 31, 36, 39, 40, 59, 62, 63, 65]


def test_two_people_who_look_a_minute_apart_plan_the_same() -> None:
    later = replace(sight(), snapshot=replace(sight().snapshot, taken_at=NOW + timedelta(minutes=1)))
    for action in OURS:
        assert list(action.plan_steps(later)) == list(action.plan_steps(sight()))


def test_without_a_database_that_took_the_writes_nothing_is_planned() -> None:
    for action in OURS:
        assert [
            s
            for s in action.plan_steps(sight(instances_dr=()))
            if s.side is Side.DR or action is not create_backups.CREATE_BACKUPS
        ] == []
    (note,) = database_freeze.FREEZE.notes(sight(instances_dr=()))
    assert "nothing synced" in note


def test_the_database_that_went_away_is_the_one_the_failover_recorded() -> None:
    promoted = replace(SERVED, identifier="sit-mysql-replica", resource_id="db-REP")
    both = (SERVED, promoted)
    assert failback.writer(sight(instances_dr=both)) == SERVED
    assert failback.writer(sight(instances_dr=both, recorded={"database/restore_dr:sit-mysql-replica": {}})) == promoted
    assert failback.writer(sight(instances_dr=(promoted,))) == promoted
    assert failback.writer(sight(instances_dr=(replace(SERVED, source=plain.ARN),))) is None, "a replica took no writes"
    instance = replace(SERVED, identifier=failback.retained_name(SERVED))
    assert failback.writer(sight(instances_dr=(instance,))) is None, "what an earlier failback kept is not it"


def test_the_name_of_what_is_kept_is_made_of_its_resource_id_and_fits() -> None:
    assert failback.retained_name(OLD) == "sit-mysql-before-db-one"
    assert failback.retained_name(SERVED) == "sit-mysql-before-db-twotw"
    long = failback.retained_name(replace(SERVED, identifier="m" * 63))
    assert (len(long), long[-16:]) == (63, "-before-db-twotw")


def test_the_new_instance_is_as_the_old_one_and_never_as_the_frozen_one() -> None:
    step = the(database_replication.REPLICATE_TO_PRIMARY)
    assert step.call is not None
    params = step.call.params
    assert step.call.region == SIT.regions.primary
    assert params["SourceDBInstanceIdentifier"] == SERVED.arn
    assert params["KmsKeyId"] == OLD.key_arn
    assert params["DBParameterGroupName"] == "sit-mysql-params"
    assert params["VpcSecurityGroupIds"] == ["sg-home"]
    assert params["OptionGroupName"] == "sit-mysql-options"
    assert params["EnableCloudwatchLogsExports"] == ["error"]
    assert params["MaxAllocatedStorage"] == 500
    assert {"Key": "ReplicatedFrom", "Value": SERVED.resource_id} in params["Tags"]
    aside = replace(OLD, identifier=failback.retained_name(OLD))
    again = the(database_replication.REPLICATE_TO_PRIMARY, sight(instances_primary=(aside,)))
    assert again.call == step.call, "also once the old one was set aside"


@pytest.mark.parametrize(
    ("like", "expected"),
    [
        pytest.param({"storage_type": "io2", "iops": 12000}, {"Iops": 12000}, id="RDS refuses io2 without"),
        pytest.param(
            {"storage_type": "gp3", "storage_gib": 400, "iops": 16000, "throughput": 700},
            {"Iops": 16000, "StorageThroughput": 700},
            id="large enough for IOPS of its own",
        ),
        pytest.param({"storage_type": "gp3", "storage_gib": 200, "iops": 3000}, {}, id="RDS takes none below 400 GiB"),
    ],
)
def test_a_replica_is_as_fast_as_what_it_is_like_in_either_region(like: Any, expected: Any) -> None:
    old, served = replace(OLD, **like), replace(SERVED, **like)
    promoted = {f"database/restore_dr:{NAME}": {"resource": served.resource_id, "source": plain.ARN}}
    seen = sight(instances_primary=(old,), instances_dr=(served,), recorded=promoted)
    for action in (database_replication.REPLICATE_TO_PRIMARY, database_replication.REPLICATE_TO_DR):
        params = next(iter(action.plan_steps(seen))).planned_call.params
        assert {key: params[key] for key in ("Iops", "StorageThroughput") if key in params} == expected


def test_the_windows_of_before_come_after_the_promotion_and_both_at_once() -> None:
    """RDS chose the replica's maintenance window: with the old backup window alone it may refuse the promotion."""
    old = replace(OLD, maintenance_window="sun:03:00-sun:03:30")
    seen = sight(instances_primary=(old,))
    promotion, protection = (
        the(action, seen).planned_call.params
        for action in (database_promotion.PROMOTE_PRIMARY, database_protection.PROTECT_PRIMARY)
    )
    windows = {"PreferredBackupWindow": "01:00-01:30", "PreferredMaintenanceWindow": "sun:03:00-sun:03:30"}
    assert {"DBInstanceIdentifier", "BackupRetentionPeriod"} == promotion.keys()
    assert windows.items() <= protection.items()


def test_without_an_old_instance_the_groups_of_the_estate_are_used() -> None:
    action = database_replication.REPLICATE_TO_PRIMARY
    step = the(action, sight(instances_primary=()))
    assert step.call is not None
    assert step.call.params["KmsKeyId"] == "alias/aws/rds"
    with pytest.raises(ValueError, match="sit-db-sg"):
        action.build_call(step, sight(instances_primary=()))
    group = vpc.SecurityGroup("sg-9", "sit-db-sg", (), ())
    call = action.build_call(step, sight(instances_primary=(), security_groups=(group,)))
    assert call.params["VpcSecurityGroupIds"] == ["sg-9"]


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        pytest.param((), StepState.READY, id="absent"),
        pytest.param((OLD,), StepState.DRIFTED, id="the old one still has the name"),
        pytest.param((replace(OLD, resource_id="db-NEW"),), StepState.DRIFTED, id="another has the name"),
        pytest.param((replace(COPY, status="creating"),), StepState.IN_PROGRESS, id="being made"),
        pytest.param((COPY,), StepState.DONE, id="replicates"),
        pytest.param((BROKEN,), StepState.FAILED, id="does not replicate"),
        pytest.param((replace(COPY, status="incompatible-restore"),), StepState.FAILED, id="broken"),
        pytest.param((replace(COPY, source="arn:another"),), StepState.DRIFTED, id="replicates another"),
        pytest.param((CAME_HOME,), StepState.DONE, id="promoted already"),
    ],
)
def test_the_new_instance_is_distinguished_from_any_other_of_its_name(there: Any, expected: StepState) -> None:
    action = database_replication.REPLICATE_TO_PRIMARY
    assert standing(action, the(action), instances_primary=there) is expected
    assert standing(action, the(action), instances_primary=there, instances_dr=()) is StepState.DRIFTED


def _lag(value: float | None, minutes_ago: float) -> tuple[Reading, ...]:
    at = None if value is None else NOW - timedelta(minutes=minutes_ago)
    return (Reading("ReplicaLag", (("DBInstanceIdentifier", NAME),), value, at, 0.0),)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"lags_primary": _lag(0.0, 1)}, StepState.DONE, id="caught up"),
        pytest.param({"lags_primary": _lag(0.0, 5)}, StepState.IN_PROGRESS, id="measured before the freeze held"),
        pytest.param({"lags_primary": _lag(600.0, 1)}, StepState.IN_PROGRESS, id="trails"),
        pytest.param({"lags_primary": _lag(-1.0, 1)}, StepState.IN_PROGRESS, id="tells that it does not run"),
        pytest.param({"lags_primary": _lag(None, 0)}, StepState.IN_PROGRESS, id="not published"),
        pytest.param({"lags_primary": _lag(0.0, 1), "confirmed": {}}, StepState.IN_PROGRESS, id="freeze not recorded"),
        pytest.param(
            {"lags_primary": _lag(0.0, 1), "parameter_groups_dr": (plain.PARAMETERS,)}, StepState.DRIFTED, id="thawed"
        ),
        pytest.param(
            {"lags_primary": _lag(0.0, 1), "instances_primary": (replace(COPY, replication="stopped"),)},
            StepState.IN_PROGRESS,
            id="stopped",
        ),
        pytest.param({"lags_primary": (), "instances_primary": (BROKEN,)}, StepState.FAILED, id="replicates no more"),
        pytest.param(
            {"lags_primary": _lag(0.0, 1), "instances_primary": (CAME_HOME,)}, StepState.DRIFTED, id="promoted unproven"
        ),
    ],
)
def test_the_copy_is_complete_once_it_was_measured_after_the_freeze(changes: Any, expected: StepState) -> None:
    seen = {"instances_primary": (COPY,), "parameter_groups_dr": (FROZEN_GROUP,), "confirmed": CONFIRMED, **changes}
    assert (
        standing(database_promotion.VERIFY_PRIMARY_IN_SYNC, the(database_promotion.VERIFY_PRIMARY_IN_SYNC), **seen)
        is expected
    )


def test_replication_of_old_backups_ends_before_that_of_new_ones_begins() -> None:
    action = database_replication.END_STALE_REPLICATION
    step = the(action)
    assert step.call is not None
    assert step.call.params == {"SourceDBInstanceArn": plain.REPLICATED.instance_arn}
    assert (step.side, step.stage < the(rename.OLD_PRIMARY).stage) == (Side.DR, True)
    assert standing(action, step) is StepState.READY
    copies = replace(plain.REPLICATED, status="retained")
    assert standing(action, step, automated_backups_dr=(copies,)) is StepState.DONE, "what was replicated stays"
    another = replace(plain.REPLICATED, resource_id="db-OTHER")
    assert [] == list(action.plan_steps(sight(automated_backups_dr=(another,))))


def test_backups_of_a_deleted_old_primary_are_replicated_no_more_either() -> None:
    """RDS takes one replication of a name: the new database's would be refused."""
    action = database_replication.END_STALE_REPLICATION
    for there in ((), (COPY,), (CAME_HOME,)):
        (step,) = action.plan_steps(sight(instances_primary=there))
        assert step.call is not None
        assert step.call.params == {"SourceDBInstanceArn": plain.REPLICATED.instance_arn}
        assert standing(action, step, instances_primary=there) is StepState.READY
        assert "that database is gone" in step.undo
    aside = replace(OLD, identifier=failback.retained_name(OLD))
    (renamed,) = action.plan_steps(sight(instances_primary=(CAME_HOME, aside)))
    assert "gone" not in renamed.undo, "it stands there under another name"
    own = replace(plain.REPLICATED, resource_id=CAME_HOME.resource_id)
    assert [] == list(action.plan_steps(sight(instances_primary=(CAME_HOME,), automated_backups_dr=(own,))))
    expiring = replace(plain.REPLICATED, status="retained")
    assert [] == list(action.plan_steps(sight(instances_primary=(), automated_backups_dr=(expiring,))))


@pytest.mark.parametrize(
    ("lag", "there", "expected"),
    [
        pytest.param(_lag(60.0, 1), COPY, StepState.DONE, id="trails by little"),
        pytest.param(_lag(61.0, 1), COPY, StepState.IN_PROGRESS, id="trails by more"),
        pytest.param(_lag(0.0, 60), COPY, StepState.IN_PROGRESS, id="measured an hour ago"),
        pytest.param(_lag(-1.0, 1), COPY, StepState.IN_PROGRESS, id="tells that it does not run"),
        pytest.param((), COPY, StepState.IN_PROGRESS, id="not published"),
        pytest.param((), BROKEN, StepState.FAILED, id="replicates no more"),
        pytest.param(_lag(0.0, 1), CAME_HOME, StepState.DRIFTED, id="promoted"),
    ],
)
def test_the_writes_are_not_stopped_before_the_copy_trails_by_little(lag: Any, there: Any, expected: StepState) -> None:
    step = the(database_promotion.WAIT_REPLICA_LAG)
    assert standing(database_promotion.WAIT_REPLICA_LAG, step, lags_primary=lag, instances_primary=(there,)) is expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, StepState.READY, id="frozen and a replica"),
        pytest.param({"parameter_groups_dr": (plain.PARAMETERS,)}, StepState.DRIFTED, id="the DR region takes writes"),
        pytest.param(
            {"instances_primary": (replace(COPY, status="backing-up"),)}, StepState.IN_PROGRESS, id="backs up"
        ),
        pytest.param(
            {"instances_primary": (replace(CAME_HOME, status="rebooting"),)}, StepState.IN_PROGRESS, id="reboots"
        ),
        pytest.param({"instances_primary": (CAME_HOME,)}, StepState.DONE, id="promoted"),
        pytest.param({"instances_primary": (OLD,)}, StepState.DRIFTED, id="the old one"),
        pytest.param({"instances_primary": ()}, StepState.DRIFTED, id="gone"),
    ],
)
def test_a_promotion_is_asked_for_once_and_while_one_region_alone_writes(changes: Any, expected: StepState) -> None:
    seen = {"instances_primary": (COPY,), "parameter_groups_dr": (FROZEN_GROUP,), **changes}
    assert standing(database_promotion.PROMOTE_PRIMARY, the(database_promotion.PROMOTE_PRIMARY), **seen) is expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, StepState.READY, id="takes writes"),
        pytest.param({"parameter_groups_dr": (FROZEN_GROUP,)}, StepState.DONE, id="frozen"),
        pytest.param({"instances_dr": ()}, StepState.DRIFTED, id="gone"),
        pytest.param(
            {
                "parameter_groups_dr": (FROZEN_GROUP,),
                "instances_dr": (replace(SERVED, parameter_groups=(("sit-mysql-params", "pending-reboot"),)),),
            },
            StepState.FAILED,
            id="not in sync before a reboot",
        ),
        pytest.param(
            {"instances_dr": (replace(SERVED, parameter_groups=(("others", "in-sync"),)),)},
            StepState.DRIFTED,
            id="another group",
        ),
    ],
)
def test_writes_are_refused_once_group_and_instance_say_so(changes: Any, expected: StepState) -> None:
    assert standing(database_freeze.FREEZE, the(database_freeze.FREEZE), **changes) is expected


OF_AWS = replace(SERVED, parameter_groups=(("default.mysql8.0", "in-sync"),))
OWN = own_group(NAME)


def _on_own_group(status: str) -> dict[str, Any]:
    return {"instances_dr": (replace(SERVED, parameter_groups=((OWN, status),)),)}


def test_a_database_on_a_group_of_awss_own_gets_one_that_can_be_frozen() -> None:
    seen = sight(instances_dr=(OF_AWS,))
    create, use, reboot = OWN_GROUP.plan_steps(seen)
    assert [step.planned_call.operation for step in (create, use, reboot)] == [
        *("CreateDBParameterGroup", "ModifyDBInstance", "RebootDBInstance")
    ]
    assert create.planned_call.params["DBParameterGroupFamily"] == "mysql8.0"
    (freeze, thaw) = (the(database_freeze.FREEZE, seen), the(database_freeze.UNFREEZE, seen))
    assert create.stage < use.stage < reboot.stage < freeze.stage
    assert {OWN} == {step.planned_call.params["DBParameterGroupName"] for step in (create, use, freeze, thaw)}
    assert (freeze.before["read_only"], thaw.after["read_only"]) == ("{TrueIfReplica}", "{TrueIfReplica}")
    empty = replace(plain.PARAMETERS, name=OWN, parameters=())
    assert standing(OWN_GROUP, create, instances_dr=(OF_AWS,)) is StepState.READY
    assert standing(OWN_GROUP, create, instances_dr=(OF_AWS,), parameter_groups_dr=(empty,)) is StepState.DONE
    assert standing(OWN_GROUP, use, instances_dr=(OF_AWS,)) is StepState.READY
    assert standing(OWN_GROUP, use, **_on_own_group("pending-reboot")) is StepState.DONE
    assert standing(OWN_GROUP, reboot, instances_dr=(OF_AWS,)) is StepState.DRIFTED
    assert standing(OWN_GROUP, reboot, **_on_own_group("applying")) is StepState.IN_PROGRESS
    assert standing(OWN_GROUP, reboot, **_on_own_group("pending-reboot")) is StepState.READY
    assert standing(OWN_GROUP, reboot, **_on_own_group("in-sync")) is StepState.DONE
    assert standing(OWN_GROUP, reboot, instances_dr=()) is StepState.DRIFTED
    ready = _on_own_group("in-sync") | {"parameter_groups_dr": (empty,)}
    assert standing(database_freeze.FREEZE, freeze, **ready) is StepState.READY


def test_a_group_that_can_be_frozen_stays() -> None:
    assert list(OWN_GROUP.plan_steps(sight())) == []


def test_a_group_that_a_fence_froze_is_thawed_before_its_copy_comes_home() -> None:
    frozen: dict[str, Any] = {"parameter_groups_primary": (FROZEN_GROUP,)}
    (step,) = [s for s in database_freeze.UNFREEZE.plan_steps(sight(**frozen)) if s.side is Side.PRIMARY]
    (copied, *_) = database_replication.REPLICATE_TO_PRIMARY.plan_steps(sight())
    assert step.stage < copied.stage
    assert (step.planned_call.region, step.id) == (
        SIT.regions.primary,
        "database/unfreeze.primary:sit-mysql-params",
    )
    assert standing(database_freeze.UNFREEZE, step, **frozen) is StepState.DRIFTED, "its database still has its name"
    renamed = (replace(OLD, identifier="sit-mysql-before-1"),)
    assert standing(database_freeze.UNFREEZE, step, instances_primary=renamed, **frozen) is StepState.READY
    assert standing(database_freeze.UNFREEZE, step, instances_primary=renamed) is not StepState.READY
