"""The order of the plan, its estimate, and that two people who look see one digest, whatever order AWS lists in."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr_actions.actions.registry import actions
from dr_actions.model.plan import Goal, Plan, batches
from dr_actions.planning.planner import context_of, in_order, make_plan, plan_estimate_s, rto_estimate_s
from dr_estate.aws.read_client import Credentials
from dr_estate.snapshot.observer import observe
from dr_estate.snapshot.snapshot import Snapshot
from sandbox.client.endpoint import Endpoint
from tests.dr_actions.deciding import SIT, plan, step
from tests.dr_actions.plain import recorded
from tests.dr_checks.worlds import world
from tests.proofs.mutating import shuffled

FEW = settings(max_examples=8)
HEALTHY = recorded("healthy")


def _look(endpoint: Endpoint) -> Snapshot:
    keys = endpoint.people["reader"]
    return observe(SIT, Credentials(endpoint.url, keys.access_key_id, keys.secret_access_key), "sandbox")


def _planned(snapshot: Snapshot, goal: Goal = Goal.SWITCHOVER, *tenants: str) -> Plan:
    return make_plan(context_of(SIT, snapshot, goal, frozenset(tenants)), "NORMAL")


def test_steps_stand_by_stage_then_verb_and_each_has_an_id_of_its_own() -> None:
    steps = _planned(HEALTHY).steps
    assert [(s.stage, s.action, s.id) for s in steps] == sorted((s.stage, s.action, s.id) for s in steps)
    assert len({s.id for s in steps}) == len(steps)
    assert {s.action for s in steps} <= set(actions())
    assert {s.stage for s in steps} >= {10, 20, 21, 40, 41, 46, 50, 70}, "told, fenced, restored, served, shifted, told"


@pytest.mark.proof
def test_two_people_who_look_one_after_the_other_see_one_digest(sandbox_world: Endpoint) -> None:
    seen, again = _look(sandbox_world), _look(sandbox_world)
    for goal in (Goal.FAILOVER, Goal.SWITCHOVER):
        assert _planned(again, goal) == _planned(seen, goal)
        assert _planned(again, goal).digest == _planned(seen, goal).digest


@pytest.mark.proof
@FEW
@given(rnd=st.randoms(use_true_random=False))
def test_the_order_in_which_aws_lists_things_does_not_change_the_digest(rnd: Random) -> None:
    assert _planned(shuffled(HEALTHY, rnd)) == _planned(HEALTHY)


def test_the_incident_is_no_part_of_the_plan() -> None:
    with_incident = make_plan(context_of(SIT, HEALTHY, Goal.SWITCHOVER, incident="INC-123"), "NORMAL")
    assert with_incident.digest == _planned(HEALTHY).digest


def test_a_plan_for_one_tenant_has_the_steps_of_no_other() -> None:
    recovery_plan = _planned(HEALTHY, Goal.SWITCHOVER, "tenant2")
    assert {s.tenant for s in recovery_plan.steps} == {None, "tenant2"}
    assert {s.id for s in recovery_plan.steps} < {s.id for s in _planned(HEALTHY).steps}


def test_where_nothing_was_seen_nothing_is_restored_or_moved() -> None:
    blind = make_plan(context_of(SIT, world({}), Goal.FAILOVER), "BLIND")
    assert not {s.stage for s in blind.steps} & {40, 41, 46, 50}
    assert blind.notes, "and it says why"


def test_two_steps_of_one_id_are_refused() -> None:
    steps = [step("a", 47), step("b"), step("a")]
    assert [s.stage for s in in_order(Goal.FAILOVER, steps[:2])] == [46, 47]
    with pytest.raises(ValueError, match=r"two steps are called compute/scale_dr_services:a"):
        in_order(Goal.FAILOVER, steps)
    assert in_order(Goal.FAILOVER, []) == ()


def test_steps_of_one_verb_and_stage_run_at_once_and_others_in_turn() -> None:
    steps = [step("a", 46), step("b", 46), step("c", 46, "other"), step("d", 47)]
    assert [[s.subject for s in batch] for batch in batches(steps)] == [["a", "b"], ["c"], ["d"]]
    assert batches([]) == []


def test_the_estimate_adds_people_and_clients_to_the_steps() -> None:
    recovery = plan(step("a", budget_s=60), step("c", 47, budget_s=5))
    people_s = (SIT.execution.assess_minutes + SIT.execution.verify_minutes) * 60
    clients_s = SIT.thresholds.record_ttl_s + SIT.thresholds.alb_keep_alive_s
    assert rto_estimate_s(recovery, SIT) == plan_estimate_s(recovery, SIT) + people_s + clients_s


def test_the_estimate_of_the_estate_is_within_its_objective() -> None:
    assert rto_estimate_s(_planned(HEALTHY, Goal.FAILOVER), SIT) < SIT.objectives.rto_minutes * 60
