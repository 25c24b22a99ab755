"""People are notified at the start, before a manual step and at the end: in the DR region first, stopping no run."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dr_actions.actions import notifications
from dr_actions.actions.traffic.records import as_command
from dr_actions.actions.traffic.shift_to_dr import SHIFT_TO_DR as SHIFT
from dr_actions.actions.traffic.shift_to_primary import SHIFT_TO_PRIMARY as STAGES
from dr_actions.model.action import PlanContext, StepState
from dr_actions.model.plan import Goal
from dr_actions.model.sequence import announced_step, row_of
from dr_actions.planning.planner import in_order
from dr_estate.config.environment import Side
from dr_estate.readers import sns_topics
from tests.dr_actions.deciding import plan
from tests.dr_actions.plain import SIT, dark, led, recorded, with_rows, with_traffic
from tests.dr_actions.plain import sight as plain_sight

VERBS = (notifications.START, notifications.MANUAL_STEP, notifications.END)
BY_HAND = with_traffic(dns_step="manual")
HEALTHY = recorded("healthy")


@pytest.fixture
def context() -> PlanContext:
    return plain_sight(env=BY_HAND, incident="INC-123")


@pytest.fixture
def away(context: PlanContext) -> PlanContext:
    """The context of a failback: all visitors are led to the DR region."""
    return replace(context, snapshot=led(HEALTHY, 0), goal=Goal.FAILBACK)


def test_a_message_that_is_sent_again_carries_the_same_event(context: PlanContext) -> None:
    step = next(iter(notifications.START.plan_steps(context)))
    first, again = (notifications.START.build_call(step, context).params for _ in range(2))
    assert first == again
    drill = replace(context, incident="")
    later = replace(drill, snapshot=replace(drill.snapshot, taken_at=drill.snapshot.taken_at.replace(year=2030)))
    ids = {
        json.loads(notifications.START.build_call(step, s).params["Message"])["event"] for s in (context, drill, later)
    }
    assert len(ids) == 3


def test_a_message_names_the_rules_that_the_run_goes_by(context: PlanContext) -> None:
    step = next(iter(notifications.START.plan_steps(context)))
    params = notifications.START.build_call(step, replace(context, rules="ab12")).params
    assert json.loads(params["Message"])["rules"] == "ab12"


def test_a_message_carries_the_head_of_the_journal_and_is_a_new_event_each(context: PlanContext) -> None:
    step = next(iter(notifications.START.plan_steps(context)))
    contexts = [replace(context, journal_head=head) for head in ("4 ab", "5 cd")]
    sent = [json.loads(notifications.START.build_call(step, seen).params["Message"]) for seen in contexts]
    assert [message["journal_head"] for message in sent] == ["4 ab", "5 cd"]
    assert sent[0]["event"] == sent[1]["event"]


def test_the_plan_does_not_know_the_incident(context: PlanContext) -> None:
    for action in VERBS:
        assert list(action.plan_steps(context)) == list(action.plan_steps(replace(context, incident="INC-9")))


def test_a_manual_step_is_notified_with_the_command_that_makes_the_change(context: PlanContext) -> None:
    step = next(iter(notifications.MANUAL_STEP.plan_steps(context)))
    document = json.loads(notifications.MANUAL_STEP.build_call(step, context).params["Message"])
    shift = next(iter(SHIFT.plan_steps(context)))
    assert shift.call is not None
    assert "aws route53 change-resource-record-sets" in document["needed"]
    assert str(shift.call.params["HostedZoneId"]) in document["needed"]
    assert document["of_whom"] == "Platform Admin"


def test_where_no_step_is_manual_none_is_notified() -> None:
    assert list(notifications.MANUAL_STEP.plan_steps(plain_sight())) == []
    assert list(notifications.MANUAL_STEP.notes(plain_sight())) == []


def test_a_dark_primary_is_not_notified_and_a_missing_topic_is_reported(context: PlanContext) -> None:
    alone = replace(context, snapshot=dark(context.snapshot, Side.PRIMARY), primary_answers=False)
    assert [step.side for step in notifications.START.plan_steps(alone)] == [Side.DR]
    assert list(notifications.START.notes(alone)) == []
    lacking = replace(context, snapshot=with_rows(context.snapshot, sns_topics.topics, Side.DR, exists=False))
    assert [step.side for step in notifications.START.plan_steps(lacking)] == [Side.PRIMARY]
    assert "There is no topic bbws-dr-events" in " ".join(notifications.START.notes(lacking))
    unseen = replace(context, snapshot=dark(context.snapshot, Side.DR))
    assert "cannot be read" in " ".join(notifications.START.notes(unseen))


def test_a_message_never_stops_a_run_and_cannot_be_seen(context: PlanContext) -> None:
    for action in VERBS:
        assert (action.essential, action.observable, *action.writes) == (False, False, "sns:Publish")
        step = next(iter(action.plan_steps(context)))
        assert action.observe(step, context).state is StepState.READY
        assert action.rollback_call(step) is None


@pytest.mark.parametrize(
    ("goal", "words"),
    [(Goal.FAILOVER, "failover begins"), (Goal.SWITCHOVER, "switchover begins"), (Goal.FAILBACK, "failback begins")],
)
def test_the_beginning_says_what_begins_and_which_way(context: PlanContext, goal: Goal, words: str) -> None:
    text = notifications.start_message(replace(context, goal=goal)).happened
    regions = [SIT.regions.primary, SIT.regions.dr]
    assert words in text
    assert text.endswith(" to ".join(regions[::-1] if goal is Goal.FAILBACK else regions))


def test_people_are_notified_before_changes_before_hand_steps_and_last(context: PlanContext) -> None:
    stages = [next(iter(action.plan_steps(context))).stage for action in VERBS]
    shift = next(iter(SHIFT.plan_steps(context)))
    assert stages == [10, 49, 70]
    assert stages[1] < shift.stage < stages[2]


def test_each_manual_stage_of_a_failback_is_notified_with_its_own_change(away: PlanContext) -> None:
    steps, stages = list(notifications.MANUAL_STEP.plan_steps(away))[2:], list(STAGES.plan_steps(away))
    assert [step.stage for step in steps if step.side is Side.DR] == [step.stage for step in stages]
    assert len({step.id for step in steps}) == 2 * len(stages)
    ordered = [step.action for step in in_order(Goal.FAILBACK, [*steps, *stages])]
    assert ordered == ["notifications/manual_step", "notifications/manual_step", "traffic/shift_to_primary"] * len(
        stages
    )
    messages = [
        notifications.MANUAL_STEP.build_call(step, away).params["Message"] for step in steps if step.side is Side.DR
    ]
    for message, step in zip(messages, stages, strict=True):
        assert step.call is not None
        assert as_command(step.call) in json.loads(message)["needed"]
    assert len({json.loads(message)["event"] for message in messages}) == len(stages)


def test_the_first_change_home_is_shown_before_the_pause_as_not_yet_due(
    away: PlanContext,
) -> None:
    ahead = list(notifications.MANUAL_STEP.plan_steps(away))[:2]
    assert {step.side for step in ahead} == {Side.DR, Side.PRIMARY}
    assert {step.stage for step in ahead} == {35}
    first = next(iter(STAGES.plan_steps(away)))
    assert first.call is not None
    message = json.loads(notifications.MANUAL_STEP.build_call(ahead[0], away).params["Message"])
    assert as_command(first.call) in message["needed"]
    assert message["needed"].startswith("Read and check this change now, and do NOT make it yet")
    home = plan(*ahead, *STAGES.plan_steps(away), goal=Goal.FAILBACK)
    assert [announced_step(home, step.id) for step in home.steps] == [first, first, None, None, None]
    freeze = row_of(Goal.FAILBACK, "database/freeze").stage
    assert ahead[0].stage < freeze < first.stage


def test_a_person_who_was_faster_than_the_message_stops_nothing(away: PlanContext) -> None:
    at_home = replace(away, snapshot=HEALTHY)
    for step in notifications.MANUAL_STEP.plan_steps(away):
        assert "made already" in notifications.MANUAL_STEP.build_call(step, at_home).params["Message"]


def test_where_a_run_changes_dns_itself_nobody_is_asked_on_the_way_home(away: PlanContext) -> None:
    by_itself = replace(away, env=SIT)
    assert list(STAGES.plan_steps(by_itself))
    assert list(notifications.MANUAL_STEP.plan_steps(by_itself)) == []
