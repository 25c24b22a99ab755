"""What the three notifying verbs share: a step for each region's topic, the DR region's first, never essential (T40).

Nobody can see afterwards whether a message was sent: the journal's record confirms it, and after a crash between the
sending and the record it is sent once more under the same event id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from dr_actions.actions.notifications.messages import EVENTS, WRITES, Message, publish, topic_arn
from dr_actions.model.action import Confirmation, Sight, Standing, Verb
from dr_actions.model.plan import Call, Danger, Step
from dr_estate.config.environment import Side
from dr_estate.model.unseen import CannotSee
from dr_estate.readers import sns_topics

_LATER = "<written when it is sent: incident, event id, what happened, what is needed of whom>"
Write = Callable[[Sight], Message]


@dataclass(frozen=True)
class Occasion:
    """When a verb tells what: ``applies`` whether there is anything to tell, ``write`` the message at that moment."""

    verb: str
    about: str
    write: Write
    applies: Callable[[Sight], bool] = lambda _: True


def telling(occasion: Occasion) -> Verb:
    """The verb that tells ``occasion``."""
    return Verb(
        module=occasion.verb,
        writes=WRITES,
        parts=(sns_topics.topics,),
        foresee=lambda sight: _steps(occasion, sight),
        confirm=_not_to_be_seen,
        fill=lambda step, sight: _filled(occasion, step, sight),
        essential=False,
        notes=lambda sight: _notes(occasion, sight),
        seeable=False,
    )


def _sides(sight: Sight) -> tuple[Side, ...]:
    return (Side.DR, Side.PRIMARY) if sight.primary_answers else (Side.DR,)


def _steps(occasion: Occasion, sight: Sight) -> Iterator[Step]:
    if not occasion.applies(sight):
        return
    for side in _sides(sight):
        if not _lack(sight, side):
            yield _step(occasion, sight, side)


def _lack(sight: Sight, side: Side) -> str:
    """Why nothing can be told in the side's region, "" where it can."""
    env = sight.env
    if not env.names.topics:
        return "names.topics names no topic: no notification is sent."
    name, region = env.named(env.names.topics[EVENTS]), env.region(side)
    try:
        there = {topic.name for topic in sight.snapshot.get(sns_topics.topics, side) if topic.exists}
    except CannotSee as dark:
        return f"Topic {name} of {region} cannot be read, and gets no notification: {dark.unseen.why}"
    return "" if name in there else f"There is no topic {name} in {region}: nobody is notified there."


def _notes(occasion: Occasion, sight: Sight) -> Iterator[str]:
    if occasion.applies(sight):
        yield from (lack for side in _sides(sight) if (lack := _lack(sight, side)))


def _step(occasion: Occasion, sight: Sight, side: Side) -> Step:
    env, arn = sight.env, topic_arn(sight.env, side) or ""
    name, region = env.named(env.names.topics[EVENTS]), env.region(side)
    return sight.step(
        occasion.verb,
        f"{name} in {region}",
        label=side,
        side=side,
        says=f"Notify {name} in {region} {occasion.about}.",
        danger=Danger.COMPENSABLE,
        undo="What was sent stays sent: a later message corrects it.",
        budget_s=60,
        call=Call("sns", "Publish", region, {"TopicArn": arn, "Subject": _LATER, "Message": _LATER}),
    )


def _filled(occasion: Occasion, step: Step, sight: Sight) -> Call:
    """The call with its text. Raises ValueError where the environment names no topic.

    A run without a ticket is told apart by its day, so that subscribers do not drop the next drill's messages.
    """
    message = occasion.write(sight)
    if not sight.incident:
        message = replace(message, run=f"{sight.snapshot.taken_at:%Y-%m-%d}")
    call = publish(sight.env, step.side, message)
    if call is None:
        raise ValueError(f"{step.id}: names.topics names no topic")
    return call


def _not_to_be_seen(step: Step, _sight: Sight) -> Confirmation:
    return Confirmation(Standing.READY, f"whether {step.subject} was notified is recorded in the journal only")
