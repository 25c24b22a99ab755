"""The restore test's database: restored beside the estate, and asked as the tenants do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from dr_actions.actions.database import copy_selection
from dr_actions.actions.database import failback as database_failback
from dr_actions.actions.restore_test import database
from dr_actions.actions.restore_test import database as restore_test_database
from dr_actions.actions.shared import LONGEST_OVERRIDES, container_of
from dr_actions.model.action import CallDeclined, PlanContext, StepState
from dr_actions.model.plan import Call, Goal
from dr_estate.config.environment import Environment
from dr_estate.readers import drill_resources, ecs
from tests.dr_actions.actions.restore_test.trial_values import (
    ANSWER,
    COPY,
    DARK,
    DATABASE,
    HOST,
    RESTORED,
    SERVICES,
    TASK,
    TRIAL,
    only,
    params,
    sight,
)
from tests.dr_checks import databases as plain
from tests.dr_checks.worlds import NOW, SIT

RESTORE = restore_test_database.RESTORE
OLDER = replace(plain.REPLICATED, latest=NOW - timedelta(hours=2))
REPLICA_ONLY: dict[str, Any] = {"instances": (plain.REPLICA,), "automated_backups": (), "points": ()}
QUERY = database.QUERY
STEP = next(iter(QUERY.plan_steps(sight())))


def test_the_restore_is_isolated_unprotected_and_without_backups() -> None:
    step = only(RESTORE, sight())
    assert step.call is not None
    assert (step.call.operation, step.call.region) == ("RestoreDBInstanceToPointInTime", SIT.regions.dr)
    call_params = params(step)
    assert call_params["TargetDBInstanceIdentifier"] == step.subject == DATABASE
    assert call_params["SourceDBInstanceAutomatedBackupsArn"] == COPY
    assert (call_params["DBSubnetGroupName"], call_params["DBParameterGroupName"]) == (
        "sit-db-subnet-group",
        "sit-mysql-params",
    )
    assert call_params["VpcSecurityGroupIds"] == ["sg-db"]
    assert (
        call_params["PubliclyAccessible"],
        call_params["DeletionProtection"],
        call_params["BackupRetentionPeriod"],
    ) == (
        False,
        False,
        0,
    )
    tags = {tag["Key"]: tag["Value"] for tag in call_params["Tags"]}
    assert (tags["dr:drill"], tags["Environment"], tags["RestoredFrom"]) == (TRIAL, "sit", COPY)
    assert not {"Backup", "DR"} & set(tags), "nothing backs it up, and nobody takes it for the estate's"


@pytest.mark.parametrize(
    ("parts", "operation"),
    [
        ({}, "RestoreDBInstanceToPointInTime"),
        ({"automated_backups": (OLDER,)}, "RestoreDBInstanceFromDBSnapshot"),
        ({"automated_backups": DARK}, "RestoreDBInstanceFromDBSnapshot"),
        ({"instances": (plain.REPLICA,), "automated_backups": ()}, "RestoreDBInstanceFromDBSnapshot"),
    ],
    ids=["automated backups", "the newest of two", "what is seen", "a snapshot beside a replica"],
)
def test_the_newest_usable_copy_is_tried(parts: dict[str, Any], operation: str) -> None:
    call = only(RESTORE, sight(**parts)).call
    assert call is not None
    assert call.operation == operation


def test_a_mechanism_that_recoveries_refuse_is_tried_as_the_only_one() -> None:
    replica_alone = plain.accepting("read-replica")
    assert (
        params(only(RESTORE, sight(env=replica_alone, instances=(plain.REPLICA,))))["TargetDBInstanceIdentifier"]
        == DATABASE
    )


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (REPLICA_ONLY, "to try a read replica uses it up"),
        ({"keys": (replace(plain.ENABLED, state="Disabled"),)}, "is Disabled"),
        ({"automated_backups": DARK, "points": DARK}, "it is denied"),
    ],
    ids=["a replica alone", "no key works", "nothing is seen"],
)
def test_where_nothing_can_be_tried_a_note_says_why(parts: dict[str, Any], reason: str) -> None:
    assert list(RESTORE.plan_steps(sight(**parts))) == []
    (note,) = RESTORE.notes(sight(**parts))
    assert reason in note


def test_a_copy_that_is_unseen_beside_one_that_is_tried_is_reported() -> None:
    (note,) = RESTORE.notes(sight(points=DARK))
    assert note.startswith("Not every copy")
    assert list(RESTORE.notes(sight())) == []


@pytest.mark.parametrize("incident", ["", "INC-1", "DRILL-20260302-095900"])
def test_without_a_trial_nothing_is_planned(incident: str) -> None:
    assert list(RESTORE.plan_steps(sight(incident=incident))) == []


def test_a_plan_of_a_minute_later_reads_the_same() -> None:
    seen = sight()
    later = replace(seen, snapshot=replace(seen.snapshot, taken_at=NOW + timedelta(minutes=1)))
    assert list(RESTORE.plan_steps(seen)) == list(RESTORE.plan_steps(later))


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        ({}, StepState.READY),
        ({"instances": (replace(RESTORED, status="creating", host=""),)}, StepState.IN_PROGRESS),
        ({"instances": (RESTORED,)}, StepState.DONE),
        ({"instances": (replace(RESTORED, status="backing-up"),)}, StepState.DONE),
        ({"instances": (replace(RESTORED, status="incompatible-restore"),)}, StepState.FAILED),
        ({"instances": (replace(RESTORED, tags=()),)}, StepState.DRIFTED),
        ({"automated_backups": ()}, StepState.DRIFTED),
        ({"groups": ()}, StepState.DRIFTED),
        ({"groups": DARK}, StepState.UNAVAILABLE),
        ({"instances": DARK}, StepState.UNAVAILABLE),
    ],
)
def test_it_stands_as_the_region_shows_it(parts: dict[str, Any], state: StepState) -> None:
    step = only(RESTORE, sight())
    assert RESTORE.observe(step, sight(**parts)).state is state


def test_it_keeps_the_host_and_the_age_of_the_data_at_the_call() -> None:
    step = only(RESTORE, sight())
    seen = replace(sight(instances=(RESTORED,)), sent_at={step.id: NOW})
    facts = dict(RESTORE.observe(step, seen).evidence)
    assert (facts["host"], facts["resource"], facts["source"]) == (HOST, "db-COPY", COPY)
    assert (facts["restored to"], facts["age of the data in s"]) == ("2026-03-02T09:53:00Z", "420")


def test_the_moment_of_the_data_is_tagged_right_before_the_call() -> None:
    step = only(RESTORE, sight())
    later = replace(plain.REPLICATED, latest=NOW)
    call = RESTORE.build_call(step, sight(automated_backups=(later,)))
    assert {"Key": "RestoredTo", "Value": "2026-03-02T10:00:00Z"} in call.params["Tags"]
    for parts in ({"automated_backups": ()}, {"automated_backups": DARK}, {"groups": ()}):
        with pytest.raises(ValueError, match=r"gone|denied|absent"):
            RESTORE.build_call(step, sight(**parts))


def test_what_a_trial_restored_is_never_taken_for_the_estates_database() -> None:
    standing = (RESTORED,)
    assert [note for note in copy_selection.notes(sight(Goal.FAILOVER, instances=standing)) if DATABASE in note] == []
    assert database_failback.writer(sight(Goal.FAILBACK, instances=standing)) is None
    promoted = replace(RESTORED, identifier="sit-mysql-promoted")
    assert database_failback.writer(sight(Goal.FAILBACK, instances=(*standing, promoted))) == promoted


def test_it_takes_no_part_in_a_recovery_and_undoes_nothing() -> None:
    assert RESTORE.goals == {Goal.RESTORE_TEST}
    assert RESTORE.rollback_call(only(RESTORE, sight())) is None


def asked(**parts: Any) -> PlanContext:
    """What is seen once the database is there."""
    return sight(**({"instances": (RESTORED,)} | parts))


def ended(answer: Any = ANSWER, **changed: Any) -> dict[str, Any]:
    return {"tasks": (replace(TASK, **changed),), "answers": (answer,) if answer else ()}


def test_each_sampled_tenant_asks_by_a_task_of_its_own_service() -> None:
    steps = list(QUERY.plan_steps(sight()))
    assert [step.tenant for step in steps] == ["tenant1", "tenant2", "tenant3"]
    call_params = params(steps[0])
    assert (call_params["taskDefinition"], call_params["startedBy"]) == (SERVICES[0].task_definition, TRIAL)
    assert (call_params["cluster"], call_params["launchType"], call_params["count"]) == ("sit-cluster", "FARGATE", 1)
    network = {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"]}
    assert call_params["networkConfiguration"] == {"awsvpcConfiguration": network}
    assert call_params["tags"] == [{"key": "dr:drill", "value": TRIAL}]
    assert len({params(step)["clientToken"] for step in steps}) == len(steps)


def test_the_command_is_a_script_with_the_restored_host_and_no_secret() -> None:
    call = QUERY.build_call(STEP, asked())
    (container_override,) = call.params["overrides"]["containerOverrides"]
    assert container_override["command"][:2] == ["php", "-r"]
    environment = {pair["name"]: pair["value"] for pair in container_override["environment"]}
    assert environment == {
        "DR_DB_HOST": f"{HOST}:3306",
        "DR_PROBE": TRIAL,
        "DR_TENANT": "tenant1",
        "DR_SCHEMA": "tenant1_db",
    }
    assert len(str(call.params["overrides"])) < LONGEST_OVERRIDES
    for parts, reason in (({"instances": ()}, "still absent"), ({"instances": DARK}, "denied")):
        with pytest.raises(ValueError, match=reason):
            QUERY.build_call(STEP, asked(**parts))


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        ({}, StepState.READY),
        ({"tasks": (replace(TASK, incident="TRIAL-20250101-000000"),)}, StepState.READY),
        ({"instances": ()}, StepState.DRIFTED),
        ({"instances": (replace(RESTORED, status="stopped"),)}, StepState.DRIFTED),
        ({"tasks": (replace(TASK, status="PROVISIONING", exit_code=None),)}, StepState.IN_PROGRESS),
        (ended(), StepState.DONE),
        (ended(ANSWER, exit_code=None, reason="CannotPullContainerError: no image"), StepState.FAILED),
        (ended(None, exit_code=1), StepState.FAILED),
        (ended(None), StepState.UNAVAILABLE),
        (ended(drill_resources.ProbeAnswer(TASK.arn, heard=False)), StepState.UNAVAILABLE),
        (ended(DARK), StepState.UNAVAILABLE),
        (ended(replace(ANSWER, rows=0)), StepState.FAILED),
        (ended(replace(ANSWER, tables=0)), StepState.FAILED),
        (ended(replace(ANSWER, schema="other_db")), StepState.FAILED),
        (ended(replace(ANSWER, tenant="tenant2")), StepState.FAILED),
        (ended(replace(ANSWER, incident="TRIAL-20250101-000000")), StepState.FAILED),
        ({"tasks": DARK}, StepState.UNAVAILABLE),
        ({**ended(), "answers": DARK}, StepState.UNAVAILABLE),
    ],
)
def test_it_stands_as_the_task_ended_and_as_its_log_says(parts: dict[str, Any], state: StepState) -> None:
    assert QUERY.observe(STEP, asked(**parts)).state is state


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            ended(None, exit_code=None, reason="CannotPullContainerError: no image"),
            "CannotPullContainerError: no image",
        ),
        (
            ended(drill_resources.ProbeAnswer(TASK.arn, False, said="mysqli_sql_exception: timed out"), exit_code=1),
            "timed out",
        ),
        (ended(replace(ANSWER, schema="", tables=0), exit_code=1), "the schema tenant1_db is not in it"),
        (ended(replace(ANSWER, rows=0)), "the 12 tables of tenant1_db hold no row"),
        (ended(replace(ANSWER, host="sit-mysql.x")), f"it was sit-mysql.x that was asked, and not {HOST}"),
        (ended(replace(ANSWER, server="")), f"{HOST} does not say which server it is"),
        (
            {**ended(), "answers": (ANSWER, replace(ANSWER, task="another", tenant="tenant2", server="uuid-2"))},
            "tenants reached different servers: uuid-1, uuid-2",
        ),
    ],
    ids=["not started", "not connected", "no schema", "no rows", "another host", "no name", "two servers"],
)
def test_a_failure_says_why(parts: dict[str, Any], message: str) -> None:
    assert message in QUERY.observe(STEP, asked(**parts)).message


def test_what_is_kept_are_counts_alone() -> None:
    facts = dict(QUERY.observe(STEP, asked(**ended())).evidence)
    assert facts == {
        "task": TASK.arn,
        "host": HOST,
        "server": "uuid-1",
        "schema": "tenant1_db",
        "tables": "12",
        "rows": "40",
        "newest": "2026-03-02 09:00:00",
    }


@dataclass
class Answering:
    """A sender to which ECS gives ``answer``."""

    answer: dict[str, Any]
    sent: list[Call] = field(default_factory=list)

    def send(self, call: Call) -> dict[str, Any]:
        self.sent.append(call)
        return self.answer


def test_a_task_that_ecs_does_not_start_is_declined_with_its_reason() -> None:
    call = QUERY.build_call(STEP, asked())
    hand = Answering({"tasks": [], "failures": [{"reason": "Capacity is unavailable at this time"}]})
    with pytest.raises(CallDeclined, match="Capacity is unavailable"):
        QUERY.send(STEP, call, hand)
    started = Answering({"tasks": [{"taskArn": TASK.arn}], "failures": []})
    assert QUERY.send(STEP, call, started) == started.answer
    assert started.sent == [call]


def test_a_tenant_without_a_service_is_not_asked_as_and_a_note_says_so() -> None:
    assert [step.tenant for step in QUERY.plan_steps(sight(services=SERVICES[1:]))] == [
        "tenant2",
        "tenant3",
        "tenant4",
    ]
    (note,) = QUERY.notes(sight(services=SERVICES[1:]))
    assert note.startswith("tenant1: without a service")
    assert [note.startswith("No tenant") for note in QUERY.notes(sight(services=()))] == [False, True]
    (dark,) = QUERY.notes(sight(services=DARK))
    assert "it is denied" in dark
    assert list(QUERY.notes(sight())) == []


def test_where_no_database_is_tried_nobody_asks() -> None:
    nothing: dict[str, Any] = {"automated_backups": (), "points": (), "instances": (plain.REPLICA,)}
    assert list(QUERY.plan_steps(sight(**nothing))) == list(QUERY.plan_steps(sight(incident=""))) == []
    assert STEP.subject == DATABASE


def test_a_line_of_the_log_is_an_answer_only_where_it_is_one() -> None:
    assert (
        drill_resources.answer_in("t", "PHP Warning: nothing")
        is drill_resources.answer_in("t", "[1]")
        is drill_resources.answer_in("t", '{"a": 1}')
        is None
    )
    answer = drill_resources.answer_in(
        "t", '{"dr_probe": "TRIAL-1", "tenant": "a", "schema": "a_db", "tables": 3, "rows": "7"}'
    )
    assert answer == drill_resources.ProbeAnswer("t", True, "TRIAL-1", "a", "a_db", 3, 0), (
        "a count that is no number is none"
    )


def test_the_script_is_short_and_reads_credentials_as_wordpress_does() -> None:
    (_, _, script) = database.command()
    assert "_FILE" in script
    assert "WORDPRESS_DB_HOST" not in script, "it may be a secret, which no override replaces (T74)"
    for word in ("DR_DB_HOST", "WORDPRESS_DB_USER", "WORDPRESS_DB_PASSWORD", "information_schema"):
        assert word in script
    assert container_of(SIT, None) == "wordpress"


PSQL = ecs.TaskDefinition(
    f"arn:aws:ecs:eu-west-1:{SIT.account}:task-definition/sit-psql:4",
    *("sit-psql", 256, 512, "awsvpc", "", ""),
    containers=(ecs.Container("psql", "postgres:16", (), (), (), "/ecs/sit-psql", "eu-west-1"),),
    volumes=(),
)
NAMED = SIT.model_copy(update={"names": SIT.names.model_copy(update={"psql_task": "sit-psql"})})
OF_POSTGRES: dict[str, Any] = {"instances": (replace(plain.REPLICA, engine="postgres"),)}


def test_a_postgresql_database_is_queried_as_each_tenant_by_the_psql_task() -> None:
    seen = sight(env=NAMED, psql=(PSQL,), **OF_POSTGRES)
    steps = tuple(QUERY.plan_steps(seen))
    assert {step.planned_call.params["taskDefinition"] for step in steps} == {PSQL.arn}
    assert len({step.planned_call.params["clientToken"] for step in steps}) == len(steps) > 1
    (override,) = params(steps[0])["overrides"]["containerOverrides"]
    assert (override["name"], override["command"][:2]) == ("psql", ["sh", "-c"])
    call = QUERY.build_call(steps[0], sight(env=NAMED, psql=(PSQL,), instances=(RESTORED,)))
    assert f"{HOST}:5432" in str(call.params["overrides"])
    at_work = replace(TASK, task_definition=PSQL.arn, group=params(steps[0])["group"], status="RUNNING", exit_code=None)
    during = sight(env=NAMED, psql=(PSQL,), instances=(RESTORED,), tasks=(at_work,))
    states = [QUERY.observe(step, during).state for step in steps[:2]]
    assert states == [StepState.IN_PROGRESS, StepState.READY]


@pytest.mark.parametrize(
    ("env", "reason"), [(SIT, "set names.psql_task"), (NAMED, "there is no active task definition sit-psql")]
)
def test_without_a_psql_task_the_database_is_not_queried_with_a_note(env: Environment, reason: str) -> None:
    seen = sight(env=env, psql=(), **OF_POSTGRES)
    assert list(QUERY.plan_steps(seen)) == []
    (note,) = QUERY.notes(seen)
    assert reason in note
