"""AWS does what calls of services, scaling, traffic and notifications ask for, and takes it back: one test an action.

What is planned, and how a step is judged, the tests of each action show on plain values. Here each action is carried
out in a world to which it applies: planned, sent, seen DONE, taken back, and planned again as at first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_actions.actions import notifications
from dr_actions.actions.compute import fence as compute_fence
from dr_actions.actions.compute import scaling, service_counts, task_revisions
from dr_actions.actions.compute.region_references import OTHER
from dr_actions.actions.registry import actions
from dr_actions.actions.traffic import pins, shift_to_dr, shift_to_primary, verification
from dr_actions.model.action import Action, PlanContext, StepState
from dr_actions.model.plan import Call, Goal, Step
from dr_estate.config.environment import Side
from dr_estate.readers import ecs
from dr_estate.readers.ecs import newest_definitions
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_actions.actions.compute.compute_world import World, world_of
from tests.dr_actions.actions.compute.failback_world import with_failback
from tests.dr_actions.plain import FIRST, SIT, steps_of, with_traffic
from tests.dr_checks.worlds import warm

pytestmark = pytest.mark.proof

ENV = warm(with_failback(bake_minutes=0))  # a pilot light has no healthy target that traffic could be led to
PASSWORD = "a-plain-password"
AWAY = (
    scaling.FENCE,
    compute_fence.FENCE,
    scaling.RAISE_DR,
    service_counts.SCALE_DR,
    shift_to_dr.SHIFT_TO_DR,
    pins.PIN_PRIMARY,
)
UNFENCED = (scaling.FENCE_AGAIN, compute_fence.FENCE_AGAIN)
HOME = (
    scaling.RESTORE_PRIMARY,
    service_counts.START_PRIMARY,
    pins.UNPIN_PRIMARY,
    scaling.RESTORE_DR,
    service_counts.STOP_DR,
)
REPOINTED = (
    (task_revisions.REPOINT_DR, service_counts.SCALE_DR, Side.DR),
    (task_revisions.REPOINT_PRIMARY, service_counts.START_PRIMARY, Side.PRIMARY),
)
RELEASED = ((scaling.FENCE, scaling.RELEASE), (compute_fence.FENCE, compute_fence.RELEASE))
SERVING = ("compute", "traffic", "notifications")
PREPARED = ENV.model_copy(update={"traffic": ENV.traffic.model_copy(update={"pin_port": 8053})})
WATCHED = sorted({part for action in actions().values() for part in action.reads_parts})


@dataclass
class Place:
    """The world in one of its kept states, as it was seen then, and the goal of a plan that is made there."""

    world: World
    seen: Snapshot
    goal: Goal
    recorded: dict[str, Any]

    def sight(self, action: Action, **changes: Any) -> PlanContext:
        """The context of the place's goal, with the action's own parts read again."""
        return replace(self.world.look(action, self.seen), goal=self.goal, recorded=self.recorded, **changes)

    def steps(self, action: Action) -> list[Step]:
        return list(action.plan_steps(self.sight(action)))

    def standing(self, action: Action, step: Step) -> StepState:
        """How the step stands, its call having been answered a second ago."""
        context = self.sight(action)
        sent_at = {step.id: context.snapshot.taken_at - timedelta(seconds=1)}
        return action.observe(step, replace(context, sent_at=sent_at)).state

    def act(self, action: Action, step: Step) -> Call:
        """Send what the step's call is now; only what the action declared may be sent."""
        call = action.build_call(step, self.sight(action))
        before = len(self.world.hand.sent)
        answer = action.send(step, call, self.world.hand)
        self.world.deployments |= {step.id: answer["deployment"]} if "deployment" in answer else {}
        assert set(self.world.hand.sent[before:]) <= action.writes | action.reads
        return call


@dataclass
class States:
    """One world that can be healthy or failed over, and what was seen of it."""

    world: World
    failed_over: Snapshot
    recorded: dict[str, Any]

    def healthy(self, goal: Goal = Goal.FAILOVER) -> Place:
        self.world.endpoint.return_to("healthy")
        return Place(self.world, self.world.healthy, goal, {})

    def away(self) -> Place:
        self.world.endpoint.return_to("failed over")
        return Place(self.world, self.failed_over, Goal.FAILBACK, self.recorded)


@pytest.fixture(scope="module")
def states() -> Iterator[States]:
    """The world kept in both states; what is changed in it is so at once."""
    with world_of(ENV) as world:
        world.endpoint.timing(transition_s=0)
        world.endpoint.keep("healthy")
        steps = [(action, step) for action in AWAY for step in action.plan_steps(world.sight())]
        for action, step in steps:
            world.act(action, step)
        world.endpoint.keep("failed over")
        yield States(world, world.whole(*WATCHED), {step.id: dict(step.before) for _, step in steps})


def _carry_out(place: Place, action: Action) -> None:
    """Plan, send, see it done, take it back, and find the plan of the beginning again."""
    steps = place.steps(action)
    step = steps[-1]
    assert place.standing(action, step) is StepState.READY
    place.act(action, step)
    assert place.standing(action, step) is StepState.DONE
    place.world.take_back(action, step)
    assert place.standing(action, step) is StepState.READY
    assert place.steps(action) == steps


@pytest.mark.parametrize("action", AWAY, ids=lambda action: action.name)
def test_an_action_of_the_failover_is_done_and_taken_back_exactly(states: States, action: Action) -> None:
    _carry_out(states.healthy(), action)


@pytest.mark.parametrize("action", UNFENCED, ids=lambda action: action.name)
def test_a_primary_that_came_back_unfenced_is_fenced_again(states: States, action: Action) -> None:
    _carry_out(states.healthy(Goal.FAILBACK), action)


@pytest.mark.parametrize("action", HOME, ids=lambda action: action.name)
def test_an_action_of_the_failback_is_done_and_taken_back_exactly(states: States, action: Action) -> None:
    _carry_out(states.away(), action)


@pytest.mark.parametrize(("fence", "release"), RELEASED, ids=[release.name for _, release in RELEASED])
def test_a_release_gives_back_what_the_fence_took(states: States, fence: Action, release: Action) -> None:
    place = states.healthy(Goal.FENCE)
    fencing = place.steps(fence)
    for step in fencing:
        place.act(fence, step)
    recorded = {step.id: dict(step.before) for step in fencing}
    _carry_out(Place(place.world, place.seen, Goal.RELEASE, recorded), release)


def test_a_stage_leads_visitors_home_and_back(states: States) -> None:
    place, action = states.away(), shift_to_primary.SHIFT_TO_PRIMARY
    place.act(pins.UNPIN_PRIMARY, place.steps(pins.UNPIN_PRIMARY)[0])
    step = place.steps(action)[0]
    _start_at_home(place)
    assert place.standing(action, step) is StepState.READY
    place.act(action, step)
    assert place.standing(action, step) is StepState.DONE
    place.world.take_back(action, step)
    assert place.standing(action, step) is StepState.READY


def _start_at_home(place: Place) -> None:
    """The primary's services run, so that its gates hold."""
    for action in (scaling.RESTORE_PRIMARY, service_counts.START_PRIMARY):
        for step in place.steps(action):
            place.act(action, step)


def test_a_primary_that_always_answered_is_stable(states: States) -> None:
    place, action = states.away(), verification.WAIT_PRIMARY_STABLE
    assert [place.standing(action, step) for step in place.steps(action)] == [StepState.DONE]


@pytest.mark.parametrize(("repoint", "move", "side"), REPOINTED, ids=("DR region", "primary"))
def test_a_definition_that_names_the_other_region_is_replaced(
    states: States, repoint: Action, move: Action, side: Side
) -> None:
    place = states.healthy() if side is Side.DR else states.away()
    clean = _described(place.world, side)
    _register(place.world, side, _in_region(clean, SIT.region(OTHER[side])))
    unfit = place.world.whole(*(reader.name for reader in (ecs.services, ecs.task_definitions, newest_definitions)))
    place = replace(place, seen=replace(place.seen, parts={**place.seen.parts, **_parts(unfit)}))
    (step,), moving = place.steps(repoint), steps_of(move, place.sight(move))[FIRST]
    before = next(service for service in place.seen.get(ecs.services, side) if service.name == FIRST)
    assert PASSWORD not in json.dumps(step.call.params if step.call else "")
    assert place.standing(repoint, step) is StepState.READY
    place.act(repoint, step)
    assert place.standing(repoint, step) is StepState.DONE
    assert place.steps(repoint) == []
    assert _described(place.world, side) == _in_region(clean, SIT.region(side)), "and nothing else is changed"
    place.act(move, moving)
    assert place.standing(move, moving) is StepState.DONE
    place.world.take_back(move, moving)
    after = next(service for service in place.sight(move).snapshot.get(ecs.services, side) if service.name == FIRST)
    assert (after.desired, after.task_definition) == (before.desired, before.task_definition)


def _parts(snapshot: Snapshot) -> dict[Any, Any]:
    wanted = {reader.name for reader in (ecs.services, ecs.task_definitions, newest_definitions)}
    return {key: part for key, part in snapshot.parts.items() if key[0] in wanted}


def _described(world: World, side: Side) -> dict[str, Any]:
    """The newest revision of the tenant's family, as a registration takes it."""
    family = FIRST.removesuffix("-service")
    answer = world.send(side, "ecs:DescribeTaskDefinition", taskDefinition=family, include=["TAGS"])
    definition: dict[str, Any] = answer["taskDefinition"]
    return {
        **{key: definition[key] for key in task_revisions.COPIED if definition.get(key)},
        "tags": answer["tags"],
    }


def _in_region(definition: dict[str, Any], region: str) -> dict[str, Any]:
    """The definition with its logs and a variable in ``region``, and with a plain password beside them."""
    changed = deepcopy(definition)
    (container,) = changed["containerDefinitions"]
    container["logConfiguration"]["options"]["awslogs-region"] = region
    variables = {"AWS_REGION": region, "DB_PASSWORD": PASSWORD}
    container["environment"] += [{"name": name, "value": value} for name, value in variables.items()]
    return changed


def _register(world: World, side: Side, definition: dict[str, Any]) -> None:
    """The tenant's service is moved to a revision that somebody registered."""
    registered = world.send(side, "ecs:RegisterTaskDefinition", **definition)["taskDefinition"]["taskDefinitionArn"]
    cluster = SIT.named(SIT.names.cluster)
    world.send(side, "ecs:UpdateService", cluster=cluster, service=FIRST, taskDefinition=registered)


def test_a_pin_changes_the_port_alone_and_is_refused_upon_another_version(states: States) -> None:
    place, action = states.healthy(), pins.PIN_PRIMARY
    (step,) = place.steps(action)
    before = _check(place.world, step.subject)
    call = place.act(action, step)
    after = _check(place.world, step.subject)
    assert {key for key in before if before[key] != after[key]} == {"Port"}
    with pytest.raises(ClientError, match="HealthCheckVersionMismatch"):
        place.world.hand.send(call)


def test_the_switch_of_the_dr_region_is_held_and_released(states: States) -> None:
    world = World(states.healthy().world.endpoint, PREPARED, states.world.healthy)
    (balancer,) = world.send(Side.DR, "elbv2:DescribeLoadBalancers")["LoadBalancers"]
    wanted = {"LoadBalancerArn": balancer["LoadBalancerArn"], "Port": 8053, "Protocol": "HTTP"}
    switch = world.send(Side.DR, "elbv2:CreateListener", **wanted, DefaultActions=pins.switch_actions(404))
    arn = switch["Listeners"][0]["ListenerArn"]
    place = Place(world, world.healthy, Goal.FAILOVER, {})
    _carry_out(place, pins.PIN_FROM_DR)
    place.act(pins.PIN_FROM_DR, place.steps(pins.PIN_FROM_DR)[0])
    assert "200" == _answer_of(world, arn)
    back = replace(place, goal=Goal.FAILBACK)
    _carry_out(back, pins.UNPIN_FROM_DR)
    back.act(pins.UNPIN_FROM_DR, back.steps(pins.UNPIN_FROM_DR)[0])
    assert "404" == _answer_of(world, arn)


def _answer_of(world: World, listener: str) -> str:
    """The status that a listener answers to everybody."""
    (found,) = world.send(Side.DR, "elbv2:DescribeListeners", ListenerArns=[listener])["Listeners"]
    return str(found["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"])


def _check(world: World, check: str) -> dict[str, Any]:
    found = world.send(Side.GLOBAL, "route53:GetHealthCheck", HealthCheckId=check)["HealthCheck"]
    config: dict[str, Any] = found["HealthCheckConfig"]
    return config


@pytest.mark.parametrize(
    "action",
    [notifications.START, notifications.MANUAL_STEP, notifications.END],
    ids=lambda action: action.name,
)
def test_a_message_is_received_in_both_regions_under_one_event(states: States, action: Action) -> None:
    world = states.healthy().world
    context = world.sight(env=with_traffic(ENV, dns_step="manual"), incident="INC-123")
    steps = list(action.plan_steps(context))
    assert [step.side for step in steps] == [Side.DR, Side.PRIMARY]
    for step in steps:
        world.hand.send(action.build_call(step, context))
    received = [_received(world, side) for side in (Side.DR, Side.PRIMARY)]
    assert [len(messages) for messages in received] == [1, 1]
    assert len({json.loads(message["Message"])["event"] for messages in received for message in messages}) == 1
    assert received[0][0]["Subject"].startswith("[SIT] INC-123 ")


def _received(world: World, side: Side) -> list[dict[str, Any]]:
    """What the queue subscribed to the side's topic holds."""
    queue = world.send(side, "sqs:GetQueueUrl", QueueName=f"{SIT.named(SIT.names.topics[0])}-desk")["QueueUrl"]
    answer = world.send(side, "sqs:ReceiveMessage", QueueUrl=queue, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def test_every_action_that_changes_what_serves_is_carried_out_here() -> None:
    here = {
        *AWAY,
        *UNFENCED,
        *HOME,
        shift_to_primary.SHIFT_TO_PRIMARY,
        notifications.START,
        notifications.MANUAL_STEP,
        notifications.END,
    }
    here |= (
        {pins.PIN_FROM_DR, pins.UNPIN_FROM_DR}
        | {repoint for repoint, _, _ in REPOINTED}
        | {release for _, release in RELEASED}
    )
    serving = {name for name, action in actions().items() if name.split("/")[0] in SERVING and action.writes}
    assert {action.name for action in here} == serving
