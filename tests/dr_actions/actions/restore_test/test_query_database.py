"""The restored database is asked by the tenants' own tasks, and what stands in their logs is what counts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from dr_actions.actions.common.one_off_task import LONGEST_OVERRIDES, container_of
from dr_actions.actions.restore_test import database
from dr_actions.model.action import CallDeclined, PlanContext, StepState
from dr_actions.model.plan import Call
from dr_estate.readers import drill_resources
from tests.dr_actions.actions.restore_test.trial_values import (
    ANSWER,
    DARK,
    DATABASE,
    HOST,
    RESTORED,
    SERVICES,
    TASK,
    TRIAL,
    params,
    sight,
)
from tests.dr_checks import databases as plain
from tests.dr_checks.worlds import SIT

ACTION = database.QUERY
STEP = next(iter(ACTION.plan_steps(sight())))


def asked(**parts: Any) -> PlanContext:
    """What is seen once the database is there."""
    return sight(**({"instances": (RESTORED,)} | parts))


def ended(answer: Any = ANSWER, **changed: Any) -> dict[str, Any]:
    return {"tasks": (replace(TASK, **changed),), "answers": (answer,) if answer else ()}


def test_each_sampled_tenant_asks_by_a_task_of_its_own_service() -> None:
    steps = list(ACTION.plan_steps(sight()))
    assert [step.tenant for step in steps] == ["tenant1", "tenant2", "tenant3"]
    call_params = params(steps[0])
    assert (call_params["taskDefinition"], call_params["startedBy"]) == (SERVICES[0].task_definition, TRIAL)
    assert (call_params["cluster"], call_params["launchType"], call_params["count"]) == ("sit-cluster", "FARGATE", 1)
    network = {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"]}
    assert call_params["networkConfiguration"] == {"awsvpcConfiguration": network}
    assert call_params["tags"] == [{"key": "dr:drill", "value": TRIAL}]
    assert len({params(step)["clientToken"] for step in steps}) == len(steps)


def test_the_command_is_a_script_with_the_host_of_the_restored_database_and_no_secret() -> None:
    call = ACTION.build_call(STEP, asked())
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
            ACTION.build_call(STEP, asked(**parts))


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
    assert ACTION.observe(STEP, asked(**parts)).state is state


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
    assert message in ACTION.observe(STEP, asked(**parts)).message


def test_what_is_kept_are_counts_alone() -> None:
    facts = dict(ACTION.observe(STEP, asked(**ended())).evidence)
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
    call = ACTION.build_call(STEP, asked())
    hand = Answering({"tasks": [], "failures": [{"reason": "Capacity is unavailable at this time"}]})
    with pytest.raises(CallDeclined, match="Capacity is unavailable"):
        ACTION.send(STEP, call, hand)
    started = Answering({"tasks": [{"taskArn": TASK.arn}], "failures": []})
    assert ACTION.send(STEP, call, started) == started.answer
    assert started.sent == [call]


def test_a_tenant_without_a_service_is_not_asked_as_and_a_note_says_so() -> None:
    assert [step.tenant for step in ACTION.plan_steps(sight(services=SERVICES[1:]))] == [
        "tenant2",
        "tenant3",
        "tenant4",
    ]
    (note,) = ACTION.notes(sight(services=SERVICES[1:]))
    assert note.startswith("tenant1: without a service")
    assert [note.startswith("No tenant") for note in ACTION.notes(sight(services=()))] == [False, True]
    (dark,) = ACTION.notes(sight(services=DARK))
    assert "it is denied" in dark
    assert list(ACTION.notes(sight())) == []


def test_where_no_database_is_tried_nobody_asks() -> None:
    nothing: dict[str, Any] = {"automated_backups": (), "points": (), "instances": (plain.REPLICA,)}
    assert list(ACTION.plan_steps(sight(**nothing))) == list(ACTION.plan_steps(sight(incident=""))) == []
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
