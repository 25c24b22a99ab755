"""People are told at the start, before a manual step and at the end: in the DR region first, never in the run's way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from dr_actions.actions.notifications import end, start
from dr_actions.actions.notifications import manual_step as notifications_manual_step
from dr_actions.actions.traffic.change_batch import as_command
from dr_actions.actions.traffic.shift_to_dr import VERB as SHIFT
from dr_actions.actions.traffic.shift_to_primary import VERB as STAGES
from dr_actions.model.action import Sight, Standing, Verb
from dr_actions.model.plan import Goal
from dr_actions.planning.planner import in_order
from dr_estate.config.environment import Side
from dr_estate.readers import route53, sns_topics
from dr_estate.snapshot.snapshot import Part, Snapshot
from tests.dr_actions.actions.compute.compute_world import SIT, World, dark, world_of

VERBS = (start.VERB, notifications_manual_step.VERB, end.VERB)
BY_HAND = SIT.model_copy(update={"traffic": SIT.traffic.model_copy(update={"dns_step": "manual"})})


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with world_of() as world:
        yield world


@pytest.fixture
def sight(world: World) -> Sight:
    return world.sight(env=BY_HAND, incident="INC-123")


def _heard(world: World, side: Side) -> list[dict[str, Any]]:
    """What the queue subscribed to the side's topic received, and takes from it."""
    name = f"{SIT.named(SIT.names.topics[0])}-desk"
    queue = world.send(side, "sqs:GetQueueUrl", QueueName=name)["QueueUrl"]
    told = world.send(side, "sqs:ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    for one in told:
        world.send(side, "sqs:DeleteMessage", QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
    return [json.loads(one["Body"]) for one in told]


def _without_topics(sight: Sight, side: Side) -> Sight:
    part = sight.snapshot.parts[sns_topics.topics.name, side]
    gone = tuple(replace(topic, exists=False) for topic in part.value)
    parts = {**sight.snapshot.parts, (part.name, side): Part(part.name, side, part.region, part.read_at, gone)}
    return replace(sight, snapshot=replace(sight.snapshot, parts=parts))


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_the_message_is_received_in_both_regions_under_one_event(world: World, sight: Sight, verb: Verb) -> None:
    steps = list(verb.foresee(sight))
    assert [step.side for step in steps] == [Side.DR, Side.PRIMARY]
    for step in steps:
        world.hand.send(verb.fill(step, sight))
    heard = {side: _heard(world, side) for side in (Side.DR, Side.PRIMARY)}
    events = {json.loads(one["Message"])["event"] for told in heard.values() for one in told}
    assert [len(told) for told in heard.values()] == [1, 1]
    assert len(events) == 1
    assert heard[Side.DR][0]["Subject"].startswith("[SIT] INC-123 ")


def test_a_message_that_is_sent_again_carries_the_same_event(sight: Sight) -> None:
    step = next(iter(start.VERB.foresee(sight)))
    first, again = (start.VERB.fill(step, sight).params for _ in range(2))
    assert first == again
    drill = replace(sight, incident="")
    later = replace(drill, snapshot=replace(drill.snapshot, taken_at=drill.snapshot.taken_at.replace(year=2030)))
    ids = {json.loads(start.VERB.fill(step, s).params["Message"])["event"] for s in (sight, drill, later)}
    assert len(ids) == 3


def test_the_plan_does_not_know_the_incident(world: World) -> None:
    for verb in VERBS:
        plain = list(verb.foresee(world.sight(env=BY_HAND)))
        assert plain == list(verb.foresee(world.sight(env=BY_HAND, incident="INC-9")))


def test_a_persons_step_is_told_with_the_command_that_makes_the_change(sight: Sight) -> None:
    step = next(iter(notifications_manual_step.VERB.foresee(sight)))
    told = json.loads(notifications_manual_step.VERB.fill(step, sight).params["Message"])
    shift = next(iter(SHIFT.foresee(sight)))
    assert shift.call is not None
    assert "aws route53 change-resource-record-sets" in told["needed"]
    assert str(shift.call.params["HostedZoneId"]) in told["needed"]
    assert told["of_whom"] == "Platform Admin"


def test_where_no_step_is_a_persons_none_is_told(world: World) -> None:
    assert list(notifications_manual_step.VERB.foresee(world.sight())) == []
    assert list(notifications_manual_step.VERB.notes(world.sight())) == []


def test_a_dark_primary_is_not_told_and_a_missing_topic_is_said(sight: Sight) -> None:
    alone = replace(sight, snapshot=dark(sight.snapshot, Side.PRIMARY), primary_answers=False)
    assert [step.side for step in start.VERB.foresee(alone)] == [Side.DR]
    assert list(start.VERB.notes(alone)) == []
    lacking = _without_topics(sight, Side.DR)
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
    told = start.write(replace(sight, goal=goal)).happened
    regions = [SIT.regions.primary, SIT.regions.dr]
    assert words in told
    assert told.endswith(" to ".join(regions[::-1] if goal is Goal.FAILBACK else regions))


def test_they_are_told_before_the_first_change_before_the_persons_step_and_last(sight: Sight) -> None:
    stages = [next(iter(verb.foresee(sight))).stage for verb in VERBS]
    shift = next(iter(SHIFT.foresee(sight)))
    assert stages == [10, 49, 70]
    assert stages[1] < shift.stage < stages[2]


def test_on_the_way_home_each_manual_stage_is_told_before_it_with_its_own_change(world: World) -> None:
    away = replace(world.sight(_led_away(world), env=BY_HAND, incident="INC-123"), goal=Goal.FAILBACK)
    told, stages = list(notifications_manual_step.VERB.foresee(away)), list(STAGES.foresee(away))
    assert [step.stage for step in told if step.side is Side.DR] == [step.stage for step in stages]
    assert len({step.id for step in told}) == 2 * len(stages)
    ordered = [step.verb for step in in_order(Goal.FAILBACK, [*told, *stages])]
    assert ordered == ["notifications/manual_step", "notifications/manual_step", "traffic/shift_to_primary"] * len(
        stages
    )
    messages = [
        notifications_manual_step.VERB.fill(step, away).params["Message"] for step in told if step.side is Side.DR
    ]
    for message, step in zip(messages, stages, strict=True):
        assert step.call is not None
        assert as_command(step.call) in json.loads(message)["needed"]
    assert len({json.loads(message)["event"] for message in messages}) == len(stages)


def test_a_person_who_was_faster_than_the_message_stops_nothing(world: World) -> None:
    away = replace(world.sight(_led_away(world), env=BY_HAND), goal=Goal.FAILBACK)
    told = next(iter(notifications_manual_step.VERB.foresee(away)))
    at_home = replace(away, snapshot=world.healthy)
    assert "made already" in notifications_manual_step.VERB.fill(told, at_home).params["Message"]


def test_where_a_run_changes_dns_itself_nobody_is_asked_on_the_way_home(world: World) -> None:
    away = replace(world.sight(_led_away(world)), goal=Goal.FAILBACK)
    assert list(STAGES.foresee(away))
    assert list(notifications_manual_step.VERB.foresee(away)) == []


def _led_away(world: World) -> Snapshot:
    """The healthy world, but for the weights: all visitors are led to the DR region."""
    part = world.healthy.parts[route53.records.name, Side.GLOBAL]
    turned = tuple(r if r.weight is None else replace(r, weight=100 - r.weight) for r in part.value)
    parts = {**world.healthy.parts, (part.name, part.side): replace(part, value=turned)}
    return replace(world.healthy, parts=parts)
