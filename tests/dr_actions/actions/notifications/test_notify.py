"""People are told at the start, before a manual step and at the end: in the DR region first, never in the run's way."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dr_actions.actions.notifications import end, start
from dr_actions.actions.notifications import manual_step as notifications_manual_step
from dr_actions.actions.traffic.change_batch import as_command
from dr_actions.actions.traffic.shift_to_dr import VERB as SHIFT
from dr_actions.actions.traffic.shift_to_primary import VERB as STAGES
from dr_actions.model.action import Sight, Standing
from dr_actions.model.plan import Goal
from dr_actions.planning.planner import in_order
from dr_estate.config.environment import Side
from dr_estate.readers import sns_topics
from tests.dr_actions.plain import SIT, dark, led, recorded, with_rows, with_traffic
from tests.dr_actions.plain import sight as plain_sight

VERBS = (start.VERB, notifications_manual_step.VERB, end.VERB)
BY_HAND = with_traffic(dns_step="manual")
HEALTHY = recorded("healthy")


@pytest.fixture
def sight() -> Sight:
    return plain_sight(env=BY_HAND, incident="INC-123")


@pytest.fixture
def away(sight: Sight) -> Sight:
    """All visitors are led to the DR region, and are to come home."""
    return replace(sight, snapshot=led(HEALTHY, 0), goal=Goal.FAILBACK)


def test_a_message_that_is_sent_again_carries_the_same_event(sight: Sight) -> None:
    step = next(iter(start.VERB.foresee(sight)))
    first, again = (start.VERB.fill(step, sight).params for _ in range(2))
    assert first == again
    drill = replace(sight, incident="")
    later = replace(drill, snapshot=replace(drill.snapshot, taken_at=drill.snapshot.taken_at.replace(year=2030)))
    ids = {json.loads(start.VERB.fill(step, s).params["Message"])["event"] for s in (sight, drill, later)}
    assert len(ids) == 3


def test_the_plan_does_not_know_the_incident(sight: Sight) -> None:
    for verb in VERBS:
        assert list(verb.foresee(sight)) == list(verb.foresee(replace(sight, incident="INC-9")))


def test_a_persons_step_is_told_with_the_command_that_makes_the_change(sight: Sight) -> None:
    step = next(iter(notifications_manual_step.VERB.foresee(sight)))
    document = json.loads(notifications_manual_step.VERB.fill(step, sight).params["Message"])
    shift = next(iter(SHIFT.foresee(sight)))
    assert shift.call is not None
    assert "aws route53 change-resource-record-sets" in document["needed"]
    assert str(shift.call.params["HostedZoneId"]) in document["needed"]
    assert document["of_whom"] == "Platform Admin"


def test_where_no_step_is_a_persons_none_is_told() -> None:
    assert list(notifications_manual_step.VERB.foresee(plain_sight())) == []
    assert list(notifications_manual_step.VERB.notes(plain_sight())) == []


def test_a_dark_primary_is_not_told_and_a_missing_topic_is_said(sight: Sight) -> None:
    alone = replace(sight, snapshot=dark(sight.snapshot, Side.PRIMARY), primary_answers=False)
    assert [step.side for step in start.VERB.foresee(alone)] == [Side.DR]
    assert list(start.VERB.notes(alone)) == []
    lacking = replace(sight, snapshot=with_rows(sight.snapshot, sns_topics.topics, Side.DR, exists=False))
    assert [step.side for step in start.VERB.foresee(lacking)] == [Side.PRIMARY]
    assert "There is no topic bbws-dr-events" in " ".join(start.VERB.notes(lacking))
    unseen = replace(sight, snapshot=dark(sight.snapshot, Side.DR))
    assert "cannot be read" in " ".join(start.VERB.notes(unseen))


def test_a_message_never_stops_a_run_and_cannot_be_seen(sight: Sight) -> None:
    for verb in VERBS:
        assert (verb.essential, verb.seeable, *verb.writes) == (False, False, "sns:Publish")
        step = next(iter(verb.foresee(sight)))
        assert verb.confirm(step, sight).standing is Standing.READY
        assert verb.undo(step) is None


@pytest.mark.parametrize(
    ("goal", "words"),
    [(Goal.FAILOVER, "failover begins"), (Goal.SWITCHOVER, "switchover begins"), (Goal.FAILBACK, "failback begins")],
)
def test_the_beginning_says_what_begins_and_which_way(sight: Sight, goal: Goal, words: str) -> None:
    text = start.write(replace(sight, goal=goal)).happened
    regions = [SIT.regions.primary, SIT.regions.dr]
    assert words in text
    assert text.endswith(" to ".join(regions[::-1] if goal is Goal.FAILBACK else regions))


def test_they_are_told_before_the_first_change_before_the_persons_step_and_last(sight: Sight) -> None:
    stages = [next(iter(verb.foresee(sight))).stage for verb in VERBS]
    shift = next(iter(SHIFT.foresee(sight)))
    assert stages == [10, 49, 70]
    assert stages[1] < shift.stage < stages[2]


def test_on_the_way_home_each_manual_stage_is_told_before_it_with_its_own_change(away: Sight) -> None:
    steps, stages = list(notifications_manual_step.VERB.foresee(away)), list(STAGES.foresee(away))
    assert [step.stage for step in steps if step.side is Side.DR] == [step.stage for step in stages]
    assert len({step.id for step in steps}) == 2 * len(stages)
    ordered = [step.verb for step in in_order(Goal.FAILBACK, [*steps, *stages])]
    assert ordered == ["notifications/manual_step", "notifications/manual_step", "traffic/shift_to_primary"] * len(
        stages
    )
    messages = [
        notifications_manual_step.VERB.fill(step, away).params["Message"] for step in steps if step.side is Side.DR
    ]
    for message, step in zip(messages, stages, strict=True):
        assert step.call is not None
        assert as_command(step.call) in json.loads(message)["needed"]
    assert len({json.loads(message)["event"] for message in messages}) == len(stages)


def test_a_person_who_was_faster_than_the_message_stops_nothing(away: Sight) -> None:
    step = next(iter(notifications_manual_step.VERB.foresee(away)))
    at_home = replace(away, snapshot=HEALTHY)
    assert "made already" in notifications_manual_step.VERB.fill(step, at_home).params["Message"]


def test_where_a_run_changes_dns_itself_nobody_is_asked_on_the_way_home(away: Sight) -> None:
    by_itself = replace(away, env=SIT)
    assert list(STAGES.foresee(by_itself))
    assert list(notifications_manual_step.VERB.foresee(by_itself)) == []
