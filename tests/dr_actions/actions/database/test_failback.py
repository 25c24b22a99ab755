"""Which database goes home, how what is kept is named, and what stops the way home: plain values."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dr_actions.actions.backup import create_backups
from dr_actions.actions.database import failback as home
from dr_actions.actions.database import freeze as database_freeze
from dr_actions.actions.database import promote_primary as database_promote_primary
from dr_actions.actions.database import protect_primary as database_protect_primary
from dr_actions.actions.database import rename_old_dr, rename_old_primary
from dr_actions.actions.database import replicate_to_dr as database_replicate_to_dr
from dr_actions.actions.database import replicate_to_primary as database_replicate_to_primary
from dr_actions.actions.database import unfreeze as database_unfreeze
from dr_actions.actions.database import verify_primary_in_sync as database_verify_primary_in_sync
from dr_actions.actions.registry import verbs
from dr_actions.model.action import HOME, Standing
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Side
from dr_estate.readers import vpc
from dr_estate.reading.cloudwatch_metrics import Reading
from tests.dr_actions.actions.database.failback_values import (
    CAME_HOME,
    COPY,
    FROZEN_GROUP,
    NAME,
    OLD,
    SENT,
    SERVED,
    sight,
    standing,
    the,
)
from tests.dr_checks import databases as plain
from tests.dr_checks.worlds import NOW, SIT

OURS = (
    *(database_freeze.VERB, create_backups.VERB, rename_old_primary.VERB, database_replicate_to_primary.VERB),
    *(
        database_verify_primary_in_sync.VERB,
        database_promote_primary.VERB,
        database_protect_primary.VERB,
        rename_old_dr.VERB,
    ),
    *(database_unfreeze.VERB, database_replicate_to_dr.VERB),
)


def test_the_verbs_are_those_of_a_failback_alone_in_the_order_of_its_stages() -> None:
    assert all(verb.goals == HOME and verbs()[verb.name] is verb for verb in OURS)
    away = replace(sight(), goal=Goal.FAILOVER)
    assert [step for verb in OURS for step in verb.foresee(away)] == []
    assert [note for verb in OURS for note in (*verb.notes(away), *verb.leaves(away))] == []
    stages = [step.stage for verb in OURS for step in verb.foresee(sight())]
    assert stages == sorted(stages) == [18, 20, 20, 25, 30, 35, 37, 38, 62, 63, 65]


def test_two_people_who_look_a_minute_apart_plan_the_same() -> None:
    later = replace(sight(), snapshot=replace(sight().snapshot, taken_at=NOW + timedelta(minutes=1)))
    for verb in OURS:
        assert list(verb.foresee(later)) == list(verb.foresee(sight()))


def test_without_a_database_that_took_the_writes_nothing_is_planned() -> None:
    for verb in OURS:
        assert [
            s for s in verb.foresee(sight(instances_dr=())) if s.side is Side.DR or verb is not create_backups.VERB
        ] == []
    (note,) = database_freeze.VERB.notes(sight(instances_dr=()))
    assert "nothing synced" in note


def test_the_database_that_went_away_is_the_one_the_failover_recorded() -> None:
    promoted = replace(SERVED, identifier="sit-mysql-replica", resource_id="db-REP")
    both = (SERVED, promoted)
    assert home.writer(sight(instances_dr=both)) == SERVED
    assert home.writer(sight(instances_dr=both, recorded={"database/restore_dr:sit-mysql-replica": {}})) == promoted
    assert home.writer(sight(instances_dr=(promoted,))) == promoted
    assert home.writer(sight(instances_dr=(replace(SERVED, source=plain.ARN),))) is None, "a replica took no writes"
    instance = replace(SERVED, identifier=home.aside_name(SERVED))
    assert home.writer(sight(instances_dr=(instance,))) is None, "what an earlier failback kept is not it"


def test_the_name_of_what_is_kept_is_made_of_its_resource_id_and_fits() -> None:
    assert home.aside_name(OLD) == "sit-mysql-before-db-one"
    assert home.aside_name(SERVED) == "sit-mysql-before-db-twotw"
    long = home.aside_name(replace(SERVED, identifier="m" * 63))
    assert (len(long), long[-16:]) == (63, "-before-db-twotw")


def test_the_new_instance_is_as_the_old_one_and_never_as_the_frozen_one() -> None:
    step = the(database_replicate_to_primary.VERB)
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
    aside = replace(OLD, identifier=home.aside_name(OLD))
    again = the(database_replicate_to_primary.VERB, sight(instances_primary=(aside,)))
    assert again.call == step.call, "also once the old one was set aside"


def test_without_an_old_instance_the_estates_own_groups_are_taken_as_they_are_then() -> None:
    verb = database_replicate_to_primary.VERB
    step = the(verb, sight(instances_primary=()))
    assert step.call is not None
    assert step.call.params["KmsKeyId"] == "alias/aws/rds"
    with pytest.raises(ValueError, match="sit-db-sg"):
        verb.fill(step, sight(instances_primary=()))
    group = vpc.SecurityGroup("sg-9", "sit-db-sg", (), ())
    call = verb.fill(step, sight(instances_primary=(), security_groups=(group,)))
    assert call.params["VpcSecurityGroupIds"] == ["sg-9"]


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        pytest.param((), Standing.READY, id="absent"),
        pytest.param((OLD,), Standing.CHANGED, id="the old one still has the name"),
        pytest.param((replace(OLD, resource_id="db-NEW"),), Standing.CHANGED, id="another has the name"),
        pytest.param((replace(COPY, status="creating"),), Standing.WAITING, id="being made"),
        pytest.param((COPY,), Standing.DONE, id="replicates"),
        pytest.param((replace(COPY, replication="error"),), Standing.FAILED, id="does not replicate"),
        pytest.param((replace(COPY, status="incompatible-restore"),), Standing.FAILED, id="broken"),
        pytest.param((replace(COPY, source="arn:another"),), Standing.CHANGED, id="replicates another"),
        pytest.param((CAME_HOME,), Standing.DONE, id="promoted already"),
    ],
)
def test_the_new_instance_is_told_from_any_other_of_its_name(there: Any, expected: Standing) -> None:
    verb = database_replicate_to_primary.VERB
    assert standing(verb, the(verb), instances_primary=there) is expected
    assert standing(verb, the(verb), instances_primary=there, instances_dr=()) is Standing.CHANGED


def _lag(value: float | None, minutes_ago: float) -> tuple[Reading, ...]:
    at = None if value is None else NOW - timedelta(minutes=minutes_ago)
    return (Reading("ReplicaLag", (("DBInstanceIdentifier", NAME),), value, at, value, 0.0),)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"lags_primary": _lag(0.0, 1)}, Standing.DONE, id="caught up"),
        pytest.param({"lags_primary": _lag(0.0, 6)}, Standing.WAITING, id="measured before the copy was asked for"),
        pytest.param({"lags_primary": _lag(600.0, 1)}, Standing.WAITING, id="trails"),
        pytest.param({"lags_primary": _lag(-1.0, 1)}, Standing.WAITING, id="tells that it does not run"),
        pytest.param({"lags_primary": _lag(None, 0)}, Standing.WAITING, id="not published"),
        pytest.param({"lags_primary": _lag(0.0, 1), "sent": {}}, Standing.WAITING, id="freeze not recorded"),
        pytest.param(
            {"lags_primary": _lag(0.0, 1), "parameter_groups_dr": (plain.PARAMETERS,)}, Standing.CHANGED, id="thawed"
        ),
        pytest.param(
            {"lags_primary": _lag(0.0, 1), "instances_primary": (replace(COPY, replication="stopped"),)},
            Standing.WAITING,
            id="stopped",
        ),
        pytest.param(
            {"lags_primary": _lag(0.0, 1), "instances_primary": (CAME_HOME,)}, Standing.CHANGED, id="promoted unproven"
        ),
    ],
)
def test_the_copy_is_complete_once_it_was_measured_after_the_freeze(changes: Any, expected: Standing) -> None:
    seen = {"instances_primary": (COPY,), "parameter_groups_dr": (FROZEN_GROUP,), "sent": SENT, **changes}
    assert standing(database_verify_primary_in_sync.VERB, the(database_verify_primary_in_sync.VERB), **seen) is expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, Standing.READY, id="frozen and a replica"),
        pytest.param({"parameter_groups_dr": (plain.PARAMETERS,)}, Standing.CHANGED, id="the DR region takes writes"),
        pytest.param({"instances_primary": (replace(COPY, status="backing-up"),)}, Standing.WAITING, id="backs up"),
        pytest.param({"instances_primary": (replace(CAME_HOME, status="rebooting"),)}, Standing.WAITING, id="reboots"),
        pytest.param({"instances_primary": (CAME_HOME,)}, Standing.DONE, id="promoted"),
        pytest.param({"instances_primary": (OLD,)}, Standing.CHANGED, id="the old one"),
        pytest.param({"instances_primary": ()}, Standing.CHANGED, id="gone"),
    ],
)
def test_a_promotion_is_asked_for_once_and_while_one_region_alone_writes(changes: Any, expected: Standing) -> None:
    seen = {"instances_primary": (COPY,), "parameter_groups_dr": (FROZEN_GROUP,), **changes}
    assert standing(database_promote_primary.VERB, the(database_promote_primary.VERB), **seen) is expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, Standing.READY, id="takes writes"),
        pytest.param({"parameter_groups_dr": (FROZEN_GROUP,)}, Standing.DONE, id="frozen"),
        pytest.param({"instances_dr": ()}, Standing.CHANGED, id="gone"),
        pytest.param(
            {
                "parameter_groups_dr": (FROZEN_GROUP,),
                "instances_dr": (replace(SERVED, parameter_groups=(("sit-mysql-params", "pending-reboot"),)),),
            },
            Standing.FAILED,
            id="not in sync before a reboot",
        ),
        pytest.param(
            {"instances_dr": (replace(SERVED, parameter_groups=(("others", "in-sync"),)),)},
            Standing.CHANGED,
            id="another group",
        ),
    ],
)
def test_writes_are_refused_once_group_and_instance_say_so(changes: Any, expected: Standing) -> None:
    assert standing(database_freeze.VERB, the(database_freeze.VERB), **changes) is expected


def test_a_group_of_awss_own_is_left_to_a_person_and_watched() -> None:
    default = replace(SERVED, parameter_groups=(("default.mysql8.0", "in-sync"),))
    step = the(database_freeze.VERB, sight(instances_dr=(default,)))
    assert step.manual
    assert step.call is None
    assert standing(database_freeze.VERB, step, instances_dr=(default,)) is Standing.READY
    assert standing(database_freeze.VERB, step, parameter_groups_dr=(FROZEN_GROUP,)) is Standing.DONE
    assert list(database_unfreeze.VERB.foresee(sight(instances_dr=(default,)))) == []
