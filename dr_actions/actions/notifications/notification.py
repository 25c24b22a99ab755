"""What the three notifying actions share: a step for each region's topic, the DR region's first, never essential (T40).

Nobody can see afterwards whether a message was sent: the journal's record confirms it, and after a crash between the
sending and the record it is sent once more under the same event id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from dr_actions.actions.notifications.messages import EVENTS, WRITES, Message, publish, topic_arn
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.action_ids import name_of
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import sns_topics

_LATER = "<written when it is sent: incident, event id, what happened, what is needed of whom>"
Write = Callable[[PlanContext], Message]


@dataclass(frozen=True)
class Notification:
    """What an action reports: ``applies`` is whether there is anything to report, ``write`` writes the message."""

    action: str
    about: str
    write: Write
    applies: Callable[[PlanContext], bool] = lambda _: True


def notification_action(occasion: Notification) -> Action:
    """Return the action that sends the notification ``occasion``."""
    return Action(
        name=name_of(occasion.action),
        does="",
        writes=WRITES,
        parts=(sns_topics.topics,),
        steps=lambda context: _steps(occasion, context),
        status=_not_observable,
        build_call=lambda step, context: _built_call(occasion, step, context),
        essential=False,
        omissions=lambda context: _notes(occasion, context),
        observable=False,
    )


def _sides(context: PlanContext) -> tuple[Side, ...]:
    return (Side.DR, Side.PRIMARY) if context.primary_answers else (Side.DR,)


def _steps(occasion: Notification, context: PlanContext) -> Iterator[Step]:
    if not occasion.applies(context):
        return
    for side in _sides(context):
        if not _missing_topic(context, side):
            yield _step(occasion, context, side)


def _missing_topic(context: PlanContext, side: Side) -> str:
    """Return why no notification can be sent in the side's region, "" where it can."""
    env = context.env
    if not env.names.topics:
        return "names.topics names no topic: no notification is sent."
    name, region = env.named(env.names.topics[EVENTS]), env.region(side)
    try:
        there = {topic.name for topic in context.snapshot.get(sns_topics.topics, side) if topic.exists}
    except DataUnavailable as error:
        return f"Topic {name} of {region} cannot be read, and gets no notification: {error.unavailable.why}"
    return "" if name in there else f"There is no topic {name} in {region}: nobody is notified there."


def _notes(occasion: Notification, context: PlanContext) -> Iterator[str]:
    if occasion.applies(context):
        yield from (lack for side in _sides(context) if (lack := _missing_topic(context, side)))


def _step(occasion: Notification, context: PlanContext, side: Side) -> Step:
    env, arn = context.env, topic_arn(context.env, side) or ""
    name, region = env.named(env.names.topics[EVENTS]), env.region(side)
    return context.step(
        occasion.action,
        f"{name} in {region}",
        label=side,
        side=side,
        says=f"Notify {name} in {region} {occasion.about}.",
        danger=Danger.COMPENSABLE,
        undo="What was sent stays sent: a later message corrects it.",
        budget_s=60,
        call=Call("sns", "Publish", region, {"TopicArn": arn, "Subject": _LATER, "Message": _LATER}),
    )


def _built_call(occasion: Notification, step: Step, context: PlanContext) -> Call:
    """Return the call with its text. Raises ValueError where the environment names no topic.

    A run without a ticket is identified by its day, so that subscribers do not drop the next drill's messages.
    """
    message = replace(occasion.write(context), journal_head=context.journal_head, rules=context.rules)
    if not context.incident:
        message = replace(message, run=f"{context.snapshot.taken_at:%Y-%m-%d}")
    call = publish(context.env, step.side, message)
    if call is None:
        raise ValueError(f"{step.id}: names.topics names no topic")
    return call


def _not_observable(step: Step, _context: PlanContext) -> StepStatus:
    return StepStatus(StepState.READY, f"whether {step.subject} was notified is recorded in the journal only")
