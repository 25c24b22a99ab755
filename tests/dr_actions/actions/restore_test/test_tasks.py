"""One task of each tenant's own definition is started in the DR region, in batches, and ends by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.restore_test import database
from dr_actions.actions.restore_test import tasks as restore_test_tasks
from dr_actions.guard import drill_exemptions
from dr_actions.guard.context import GuardContext
from dr_actions.model.action import StepState
from dr_actions.model.plan import Call, Goal
from dr_estate.config.environment import Side
from dr_estate.readers import ecs
from tests.dr_actions.actions.restore_test.trial_values import DARK, RESTORED, SERVICES, TASK, TRIAL, params, sight
from tests.dr_checks.worlds import SIT, service

ACTION = restore_test_tasks.START
STEP = next(iter(ACTION.plan_steps(sight())))
STARTED = replace(TASK, group="dr-start-test")


def _state(**task: Any) -> StepState:
    return ACTION.observe(STEP, sight(tasks=(replace(STARTED, **task),))).state


def test_each_definition_is_started_once_with_a_command_that_ends_at_once() -> None:
    steps = list(ACTION.plan_steps(sight()))
    assert [step.tenant for step in steps] == ["tenant1", "tenant2", "tenant3", "tenant4"]
    given = params(steps[0])
    assert (given["taskDefinition"], given["startedBy"], given["count"]) == (SERVICES[0].task_definition, TRIAL, 1)
    assert given["overrides"] == {"containerOverrides": [{"name": "wordpress", "command": ["true"]}]}
    tokens = {params(step)["clientToken"] for step in (*steps, *database.QUERY.plan_steps(sight()))}
    assert len(tokens) == 4 + 3, "ECS answers a used token with the task of before"


@pytest.mark.parametrize(("tenants", "batches", "largest"), [(20, 1, 20), (21, 2, 20), (300, 10, 30)])
def test_many_tenants_are_started_in_batches_one_after_another(tenants: int, batches: int, largest: int) -> None:
    services = tuple(service(f"sit-tenant{n}-service") for n in range(tenants))
    context = sight(services=services)
    context.snapshot.parts[ecs.services.name, Side.PRIMARY] = replace(  # type: ignore[index]  # a dict in this test
        context.snapshot.parts[ecs.services.name, Side.PRIMARY], value=services
    )
    stages = [step.stage for step in ACTION.plan_steps(context)]
    assert (len(set(stages)), max(stages.count(stage) for stage in stages)) == (batches, largest)


@pytest.mark.parametrize(
    ("task", "state"),
    [
        ({"status": "PROVISIONING", "exit_code": None}, StepState.IN_PROGRESS),
        ({"status": "RUNNING", "exit_code": None}, StepState.DONE),
        ({}, StepState.DONE),
        ({"exit_code": 127, "reason": "no such file"}, StepState.FAILED),
        ({"exit_code": None, "reason": "CannotPullContainerError"}, StepState.FAILED),
        ({"group": "family:sit-tenant1"}, StepState.READY),
        ({"incident": "TRIAL-20250101-000000"}, StepState.READY),
    ],
)
def test_it_stands_as_its_own_task_started_and_ended(task: dict[str, Any], state: StepState) -> None:
    assert _state(**task) is state


def test_of_a_task_that_never_ran_the_reason_of_ecs_is_shown() -> None:
    unpulled = replace(STARTED, exit_code=None, reason="CannotPullContainerError: no image")
    assert (
        "does not start: CannotPullContainerError: no image" in ACTION.observe(STEP, sight(tasks=(unpulled,))).message
    )
    assert ACTION.observe(STEP, sight(tasks=DARK)).state is StepState.UNAVAILABLE


def test_a_started_task_does_not_answer_for_the_database() -> None:
    (step, *_) = database.QUERY.plan_steps(sight())
    assert database.QUERY.observe(step, sight(tasks=(STARTED,), instances=(RESTORED,))).state is StepState.READY


def test_one_failed_tenant_does_not_end_the_test_and_omissions_are_named() -> None:
    assert not ACTION.essential
    (note,) = ACTION.notes(sight(services=SERVICES[1:]))
    assert note.startswith("tenant1: without a service")
    assert list(ACTION.plan_steps(sight(incident=""))) == []


def test_a_start_test_starts_them_though_no_database_is_tried() -> None:
    context = sight(automated_backups=(), points=())
    assert list(ACTION.plan_steps(context)) == []
    tenants = [step.tenant for step in ACTION.plan_steps(replace(context, goal=Goal.START_TEST))]
    assert tenants == ["tenant1", "tenant2", "tenant3", "tenant4"]


def test_the_guard_lets_a_trial_run_a_command_that_ends_and_no_other() -> None:
    call = STEP.planned_call
    context = GuardContext(SIT, goal=Goal.RESTORE_TEST)
    assert list(drill_exemptions.drill_refusals(call, context)) == []
    whole = {"containerOverrides": [{"name": "wordpress", "command": ["apache2-foreground"]}]}
    for params_of_another in ({**call.params, "overrides": whole}, {**call.params, "overrides": {}}):
        other = Call(call.service, call.operation, call.region, params_of_another)
        assert [refusal.rule for refusal in drill_exemptions.drill_refusals(other, context)] == [drill_exemptions.RULE]
