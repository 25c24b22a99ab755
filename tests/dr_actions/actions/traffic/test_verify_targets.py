"""No visitor is moved before each tenant has a healthy target in the DR region, or was accepted without one by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dr_actions.actions.traffic.verification import VERIFY_TARGETS
from dr_actions.model.action import StepState, StepStatus
from dr_actions.model.gates import targets_gate
from dr_actions.model.plan import Goal
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, elbv2, elbv2_targets
from dr_estate.readers.elbv2_targets import GroupHealth, dimension_of
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.plain import LAST, SIT, recorded, sight, with_part

HEALTHY = recorded("healthy")
(STEP,) = VERIFY_TARGETS.plan_steps(sight())


def _counted(snapshot: Snapshot, service: str, value: float | None, age_s: float = 60) -> Snapshot:
    """The estate whose load balancer counts so many healthy targets of the service."""
    found = [row for row in snapshot.get(ecs.services, Side.DR) if row.name == service]
    groups = {arn.rpartition(":")[2] for row in found for arn in row.target_groups}
    at = snapshot.taken_at - timedelta(seconds=age_s)
    readings = tuple(
        replace(row, value=value, at=at) if row.dimension("TargetGroup") in groups else row
        for row in snapshot.get(elbv2.healthy_hosts, Side.DR)
    )
    return with_part(snapshot, elbv2.healthy_hosts, Side.DR, readings)


def _observed(snapshot: Snapshot, *accepted: str) -> StepStatus:
    return VERIFY_TARGETS.observe(STEP, sight(snapshot, accepted=frozenset(accepted)))


@pytest.mark.parametrize("goal", [Goal.FAILOVER, Goal.SWITCHOVER])
def test_traffic_waits_for_all_tenants_and_nothing_is_sent_for_it(goal: Goal) -> None:
    (step,) = VERIFY_TARGETS.plan_steps(sight(goal=goal))
    assert (step.call, step.after["tenants"]) == (None, ["tenant-1", "tenant2"])
    assert _observed(HEALTHY).state is StepState.DONE


@pytest.mark.parametrize(("value", "age_s"), [(0.0, 60), (None, 60), (2.0, 3600)], ids=["none", "no reading", "old"])
def test_a_tenant_without_healthy_targets_holds_the_traffic_unless_it_is_accepted_by_name(
    value: float | None, age_s: float
) -> None:
    lacking = _counted(HEALTHY, LAST, value, age_s)
    status = _observed(lacking)
    assert status.state is StepState.IN_PROGRESS
    assert status.message.endswith("--override traffic.targets.tenant2")
    assert _observed(lacking, targets_gate("tenant-1")).state is StepState.IN_PROGRESS
    accepted = _observed(lacking, targets_gate("tenant2"))
    assert (accepted.state, "accepted by name without: tenant2" in accepted.message) == (StepState.DONE, True)


def test_why_a_tenant_has_no_healthy_target_is_shown_as_the_load_balancer_reports_it() -> None:
    lacking = _counted(HEALTHY, LAST, None)
    arns = [arn for row in lacking.get(ecs.services, Side.DR) if row.name == LAST for arn in row.target_groups]
    unused = tuple(GroupHealth(dimension_of(arn), 0, "Target.NotInUse: no listener") for arn in arns)
    status = _observed(with_part(lacking, elbv2_targets.health, Side.DR, unused))
    assert "is seen of tenant2 (Target.NotInUse: no listener); to move traffic" in status.message


@pytest.mark.parametrize("there", [True, False], ids=["wants none", "not there"])
def test_a_service_that_wants_no_task_is_not_waited_for(there: bool) -> None:
    rows = (
        replace(row, desired=0) if row.name == LAST else row
        for row in HEALTHY.get(ecs.services, Side.DR)
        if there or row.name != LAST
    )
    status = _observed(_counted(with_part(HEALTHY, ecs.services, Side.DR, tuple(rows)), LAST if there else "", 0.0))
    assert status.state is StepState.FAILED
    assert status.message.endswith("--override traffic.targets.tenant2 (no task is wanted of tenant2)")


def test_a_tenant_that_is_not_meant_holds_nothing() -> None:
    (step,) = VERIFY_TARGETS.plan_steps(sight(only_tenants=frozenset({"tenant-1"})))
    lacking = sight(_counted(HEALTHY, LAST, 0.0), only_tenants=frozenset({"tenant-1"}))
    assert VERIFY_TARGETS.observe(step, lacking).state is StepState.DONE
    assert SIT.regions.dr in step.says
