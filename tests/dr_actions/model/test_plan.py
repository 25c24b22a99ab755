"""The plan is a value: one digest for one decision, another for any other, and the same after it was written down."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dr_actions.model.plan import Call, Danger, Goal, Plan, Step, from_json, to_json
from dr_estate.config.environment import Side
from dr_estate.model.playbook import Plane
from tests.dr_actions.deciding import PLAN, plan, step

TEXT = st.text(max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
PARAMS = st.dictionaries(TEXT, JSON, max_size=4)
CALLS = st.builds(Call, TEXT, TEXT, TEXT, PARAMS)
STEPS = st.builds(
    Step,
    id=TEXT,
    number=st.integers(1, 9),
    stage=st.integers(10, 70),
    action=TEXT,
    subject=TEXT,
    owner=TEXT,
    side=st.sampled_from(Side),
    says=TEXT,
    danger=st.sampled_from(Danger),
    undo=TEXT,
    budget_s=st.integers(1, 9000),
    call=st.none() | CALLS,
    tenant=st.none() | TEXT,
    before=PARAMS,
    after=PARAMS,
    planes=st.lists(st.sampled_from(Plane), max_size=3).map(tuple),
    manual=st.booleans(),
)
PLANS = st.builds(
    Plan,
    environment=TEXT,
    account=TEXT,
    goal=st.sampled_from(Goal),
    posture=TEXT,
    steps=st.lists(STEPS, max_size=4).map(tuple),
    notes=st.lists(TEXT, max_size=2).map(tuple),
    leaves=st.lists(TEXT, max_size=2).map(tuple),
)
OTHER: dict[str, Any] = {
    "id": "compute/scale_dr_services:other",
    "number": 7,
    "stage": 47,
    "action": "other",
    "subject": "other",
    "owner": "Terraform",
    "side": Side.PRIMARY,
    "says": "other",
    "danger": Danger.IRREVERSIBLE,
    "undo": "cannot be",
    "budget_s": 61,
    "call": None,
    "tenant": None,
    "before": {"desired": 0},
    "after": {"desired": 3},
    "planes": (),
    "manual": True,
}
CALL = Call("ecs", "UpdateService", "dr", {"desiredCount": 2})


@settings(max_examples=30)
@given(PLANS)
def test_a_plan_survives_being_written_down_with_its_digest(found: Plan) -> None:
    written = json.dumps(to_json(found))
    again = from_json(json.loads(written))
    assert again == found
    assert again.digest == found.digest


@settings(max_examples=30)
@given(PLANS, PLANS)
def test_two_plans_have_one_digest_only_where_they_decide_the_same(recovery_plan: Plan, other: Plan) -> None:
    assert (recovery_plan.digest == other.digest) == (to_json(recovery_plan) == to_json(other))


def test_the_cases_below_change_every_field_of_a_step_and_of_a_plan() -> None:
    assert set(OTHER) == {field.name for field in fields(Step)}
    own = {"environment", "account", "goal", "posture", "steps", "notes", "leaves"}
    assert {field.name for field in fields(Plan)} == own


@pytest.mark.parametrize("name", sorted(OTHER))
def test_whatever_is_decided_of_a_step_changes_the_digest(name: str) -> None:
    changed = replace(step("tenant1"), **{name: OTHER[name]})
    assert plan(changed).digest != plan(step("tenant1")).digest


@pytest.mark.parametrize(
    "changed",
    [
        {"environment": "sit"},
        {"account": "111122223333"},
        {"goal": Goal.SWITCHOVER},
        {"posture": "NORMAL"},
        {"steps": PLAN.steps[:2]},
        {"steps": PLAN.steps[::-1]},
        {"notes": ()},
        {"leaves": ("an old database",)},
    ],
)
def test_whatever_is_decided_of_a_plan_changes_the_digest(changed: dict[str, Any]) -> None:
    assert replace(PLAN, **changed).digest != PLAN.digest


@pytest.mark.parametrize(
    "other",
    [
        replace(CALL, service="rds"),
        replace(CALL, operation="CreateService"),
        replace(CALL, region="primary"),
        replace(CALL, params={"desiredCount": 3}),
        replace(CALL, params={"desiredCount": "2"}),
        replace(CALL, params={"desiredCount": 2, "force": True}),
    ],
)
def test_whatever_is_to_be_sent_changes_the_digest(other: Call) -> None:
    assert plan(step("tenant1", call=other)).digest != plan(step("tenant1", call=CALL)).digest


def test_the_order_in_which_parameters_were_written_does_not() -> None:
    call = replace(CALL, params={"service": "a", "desiredCount": 2})
    other = replace(CALL, params={"desiredCount": 2, "service": "a"})
    assert plan(step("tenant1", call=call)).digest == plan(step("tenant1", call=other)).digest


def test_the_digest_is_a_sha_256_that_people_can_compare() -> None:
    assert len(PLAN.digest) == 64
    assert int(PLAN.digest, 16)
    assert PLAN.digest == plan().digest, "two people who decide the same see the same"


def test_what_was_written_by_something_else_is_no_plan() -> None:
    for broken in ({}, {**to_json(PLAN), "goal": "party"}, {**to_json(PLAN), "steps": [{"id": "x"}]}):
        with pytest.raises(ValidationError):
            from_json(broken)


def test_a_step_is_found_by_its_id_and_a_call_is_named_as_verbs_declare_it() -> None:
    found = PLAN.step("compute/scale_dr_services:tenant1")
    assert found.subject == "tenant1"
    assert found.call is not None
    assert found.call.name == "ecs:UpdateService"
    with pytest.raises(KeyError):
        PLAN.step("compute/scale_dr_services:nobody")


def test_a_parameter_of_a_call_is_text_or_absent() -> None:
    assert ("2", "", "") == tuple(CALL.text(name) for name in ("desiredCount", "service", ""))
