"""Whether a failback may be aborted, by what the world shows: the DR database is intact, and no copy is promoted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.database import freeze
from dr_actions.assessment.failback import abort_gates, way_back
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Goal
from dr_actions.planning.planner import make_plan
from dr_checks.core.model import CheckResult, Finding, Status
from dr_checks.core.registry import checks
from dr_estate.config.environment import Side
from tests.dr_actions.actions.database.test_failback import CAME_HOME, COPY, FROZEN_GROUP, SERVED, sight
from tests.dr_actions.plain import recorded
from tests.dr_actions.plain import sight as of_estate
from tests.dr_checks.worlds import DENIED, SIT

FROZEN: dict[str, Any] = {"parameter_groups_dr": (FROZEN_GROUP,)}


def aborting(**parts: Any) -> PlanContext:
    """A failback that froze the DR region's database, and is given up."""
    (step,) = freeze.FREEZE.plan_steps(sight())
    return replace(sight(recorded={step.id: step.before}, **parts), goal=Goal.ABORT)


@pytest.mark.parametrize(
    ("parts", "unmet"),
    [
        ({"instances_primary": (COPY,)}, []),
        ({"instances_primary": ()}, []),
        ({"instances_primary": DENIED}, []),
        ({"instances_primary": (CAME_HOME,)}, ["abort.one-writer"]),
        ({"instances_dr": (replace(SERVED, status="failed"),)}, ["abort.dr-whole"]),
        ({"instances_dr": ()}, ["abort.dr-whole"]),
        ({"instances_dr": DENIED}, ["abort.dr-whole"]),
    ],
    ids=["copied home", "not copied yet", "home unseen", "promoted", "broken", "gone", "unseen"],
)
def test_an_abort_needs_a_whole_dr_region_and_no_second_writer(parts: dict[str, Any], unmet: list[str]) -> None:
    assert unmet == [gate.id for gate in abort_gates((), aborting(**parts)) if not gate.met]


@pytest.mark.parametrize(("parts", "gates"), [(FROZEN, []), ({}, [False])], ids=["paused", "not by a freeze"])
def test_a_database_that_the_failback_froze_is_a_reason_to_abort(parts: dict[str, Any], gates: list[bool]) -> None:
    check = checks()["validation-data.database-writable"]
    found = Finding(check.id, Side.DR, "sit-mysql", None, Status.FAIL, "read_only on", "takes writes", "because")
    refused = CheckResult(check.id, check.severity, check.area, Status.FAIL, (found,))
    context = aborting(instances_primary=(COPY,), **parts)
    assert gates == [gate.met for gate in abort_gates([refused], context) if gate.id == f"check.{check.id}"]


def test_the_frozen_group_is_restored_but_not_while_home_is_promoted() -> None:
    (step,) = freeze.UNFREEZE.plan_steps(aborting(instances_primary=(COPY,), **FROZEN))
    assert (step.side, step.after) == (Side.DR, {"read_only": "{TrueIfReplica}"})
    states = {
        name: freeze.UNFREEZE.observe(step, aborting(instances_primary=home, **FROZEN)).state
        for name, home in {"copy": (COPY,), "promoted": (CAME_HOME,), "unseen": DENIED}.items()
    }
    assert states == {"copy": StepState.READY, "promoted": StepState.DRIFTED, "unseen": StepState.READY}


def test_a_database_moved_by_aws_leaves_the_group_of_the_failback() -> None:
    default = replace(SERVED, parameter_groups=(("default.mysql8.0", "in-sync"),))
    (frozen,) = freeze.FREEZE.plan_steps(sight(instances_dr=(default,)))
    context = replace(sight(instances_dr=(default,), recorded={frozen.id: frozen.before}), goal=Goal.ABORT)
    assert ["sit-mysql-parameters"] == [step.subject for step in freeze.UNFREEZE.plan_steps(context)]


def test_a_failback_says_up_to_which_step_it_can_abort_and_a_failover_not() -> None:
    plan = make_plan(sight(), "ON_DR")
    message = way_back(plan, SIT)
    assert message.startswith("You can abort (")
    assert "failback --abort" in message
    assert "until the primary database is promoted (database/promote_primary:sit-mysql)." in message
    assert "" == way_back(make_plan(of_estate(recorded("healthy")), "NORMAL"), SIT)
