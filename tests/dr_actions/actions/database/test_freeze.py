"""The old primary's database refuses writes where its tasks were not seen to stop, and a failback lets it again."""

from __future__ import annotations

from dataclasses import replace

from dr_actions.actions.database import freeze
from dr_actions.guard.context import GuardContext
from dr_actions.guard.guard import refusal
from dr_actions.model.action import StepState
from dr_actions.model.plan import Danger, Goal
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import Unavailable, UnavailableKind
from dr_estate.readers import application_autoscaling, ecs, ecs_stopped_tasks, rds, rds_groups
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.estates import only
from tests.dr_actions.plain import SIT, dark, recorded, sight, with_part, with_rows

ACTION, HEALTHY, PRIMARY = freeze.CLOSE_PRIMARY, recorded("healthy"), Side.PRIMARY
STEP = only(ACTION, sight())


def _fenced() -> Snapshot:
    """The primary with every task gone, and nothing that could start one."""
    stopped = with_rows(HEALTHY, ecs.services, PRIMARY, desired=0, running=0, pending=0)
    stopped = with_rows(stopped, application_autoscaling.targets, PRIMARY, minimum=0, maximum=0)
    return with_part(with_part(stopped, ecs.tasks, PRIMARY, ()), ecs_stopped_tasks.tasks, PRIMARY, ())


def test_the_parameter_of_its_own_group_is_set_and_taken_back() -> None:
    assert STEP.call is not None
    assert (STEP.call.region, STEP.call.operation) == (SIT.regions.primary, "ModifyDBParameterGroup")
    assert (STEP.call.params["Parameters"][0]["ParameterValue"], STEP.danger) == ("1", Danger.REVERSIBLE)
    back = ACTION.rollback_call(STEP)
    assert back is not None
    assert back.params["Parameters"][0]["ParameterValue"] == STEP.before["read_only"]
    assert refusal(STEP.call, GuardContext(SIT, ACTION.writes, goal=Goal.FAILOVER)) is None


def test_postgresql_closes_by_its_parameter_and_the_plan_says_who_writes() -> None:
    of_postgres = with_rows(HEALTHY, rds.instances, PRIMARY, engine="postgres")
    of_postgres = with_rows(of_postgres, rds_groups.parameter_groups, PRIMARY, family="postgres16")
    step = only(ACTION, sight(of_postgres))
    assert step.call is not None
    assert step.call.params["Parameters"][0]["ParameterName"] == "default_transaction_read_only"
    back = ACTION.rollback_call(step)
    assert back is not None
    assert back.params["Parameters"] == [
        {"ParameterName": "default_transaction_read_only", "ParameterValue": "0", "ApplyMethod": "immediate"}
    ]
    fenced = replace(sight(of_postgres), goal=Goal.FENCE, fence=PRIMARY)
    assert "READ WRITE" in " ".join(freeze.FREEZE.notes(fenced))


def test_it_is_closed_while_a_task_runs_and_left_alone_once_all_are_gone() -> None:
    assert ACTION.observe(STEP, sight()).state is StepState.READY
    gone = ACTION.observe(STEP, sight(_fenced()))
    assert (gone.state, gone.message.startswith("not needed")) == (StepState.DONE, True)


def test_where_the_tasks_cannot_be_seen_it_is_closed() -> None:
    throttled = Unavailable(UnavailableKind.THROTTLED, "ecs:ListTasks is throttled.", SIT.regions.primary)
    assert ACTION.observe(STEP, sight(with_part(_fenced(), ecs.tasks, PRIMARY, throttled))).state is StepState.READY


def test_nothing_is_planned_for_a_dark_region_nor_by_hand() -> None:
    assert list(ACTION.plan_steps(sight(dark(HEALTHY, PRIMARY), primary_answers=False))) == []
    shared = with_rows(HEALTHY, rds.instances, PRIMARY, parameter_groups=(("default.mysql8.0", "in-sync"),))
    assert list(ACTION.plan_steps(sight(shared))) == []
    assert "cannot be changed" in "".join(ACTION.notes(sight(shared)))
    assert list(ACTION.notes(sight())) == []


def test_a_planned_switchover_has_no_such_step() -> None:
    assert list(ACTION.plan_steps(replace(sight(), goal=Goal.SWITCHOVER))) == []
