"""The messages that a run publishes over SNS: that it begins, that it waits for a person's DNS change, that it is over.

A step for each region's topic, the DR region's first, never essential (T40). Nobody can see afterwards whether a
message was sent: the journal's record confirms it, and after a crash between the sending and the record it is sent once
more under the same event id. In a failback each stage that a person carries out has its message. The first change is
also shown before the writes stop: reading and checking it then does not prolong the write pause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from dr_actions.actions.notifications.messages import EVENTS, WRITES, Message, publish, topic_arn
from dr_actions.actions.traffic import shift_to_dr, shift_to_primary
from dr_actions.actions.traffic.records import as_command
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Goal, Step, label_of, part_of, step_id
from dr_actions.model.sequence import row_of
from dr_checks.posture.visitor_access import visitor_access
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import sns_topics

_LATER = "<written when it is sent: incident, event id, what happened, what is needed of whom>"
Write = Callable[[PlanContext], Message]
_GOALS = {Goal.FAILOVER: "failover", Goal.SWITCHOVER: "planned switchover", Goal.FAILBACK: "failback"}
_OTHERS = {
    Goal.FENCE: "fence begins: one of the two regions is stopped from writing",
    Goal.RELEASE: "release begins: the fenced region may write again",
    Goal.ABORT: "the failback is aborted: the DR region goes on serving, and takes writes again",
}
_WHOSE = row_of(Goal.FAILOVER, "traffic/shift_to_dr").playbook.owner
_ABOUT = "that a person has to change DNS, and how"
_SOON = "that a person will have to change DNS once the writes have stopped, and how"
_BY_HAND, _AHEAD = "notifications/manual_step", "ahead"
_PREFIX = f"{_BY_HAND}.{_AHEAD}"
_NOT_YET = "Read and check this change now, and do NOT make it yet: the run asks for it some minutes from now."
_MOST_COMMANDS = 100_000  # characters; SNS takes 256 KiB a message (API_Publish)


@dataclass(frozen=True)
class Notification:
    """A message of ``action``: ``applies`` is whether there is anything to report, ``write`` writes it."""

    action: str
    about: str
    write: Write
    applies: Callable[[PlanContext], bool] = lambda _: True

    def steps(self, context: PlanContext) -> Iterator[Step]:
        """A step for each region's topic that is there."""
        if not self.applies(context):
            return
        for side in _sides(context):
            if not _missing_topic(context, side):
                yield self._step(context, side)

    def _step(self, context: PlanContext, side: Side) -> Step:
        env, arn = context.env, topic_arn(context.env, side) or ""
        name, region = env.named(env.names.topics[EVENTS]), env.region(side)
        return context.step(
            self.action,
            f"{name} in {region}",
            label=side,
            side=side,
            says=f"Notify {name} in {region} {self.about}.",
            danger=Danger.COMPENSABLE,
            undo="What was sent stays sent: a later message corrects it.",
            budget_s=60,
            call=Call("sns", "Publish", region, {"TopicArn": arn, "Subject": _LATER, "Message": _LATER}),
        )

    def build_call(self, step: Step, context: PlanContext) -> Call:
        """Return the call with its text. Raises ValueError where the environment names no topic.

        A run without a ticket is identified by its day, so that subscribers do not drop the next drill's messages.
        """
        message = replace(self.write(context), journal_head=context.journal_head, rules=context.rules)
        if not context.incident:
            # Without a ticket all drills would have one id, and subscribers would drop all but the first.
            message = replace(message, run=f"{context.snapshot.taken_at:%Y-%m-%d}")
        call = publish(context.env, step.side, message)
        if call is None:
            raise ValueError(f"{step.id}: names.topics names no topic")
        return call

    def omissions(self, context: PlanContext) -> Iterator[str]:
        """Topics that get no notification."""
        if self.applies(context):
            yield from (lack for side in _sides(context) if (lack := _missing_topic(context, side)))


def _sides(context: PlanContext) -> tuple[Side, ...]:
    return (Side.DR, Side.PRIMARY) if context.primary_answers else (Side.DR,)


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


def _unobservable_status(step: Step, _context: PlanContext) -> StepStatus:
    return StepStatus(StepState.READY, f"whether {step.subject} was notified is recorded in the journal only")


def start_message(context: PlanContext) -> Message:
    """The message at the start."""
    env = context.env
    way = (Side.DR, Side.PRIMARY) if context.goal is Goal.FAILBACK else (Side.PRIMARY, Side.DR)
    happened = _OTHERS.get(context.goal) or (
        f"{_GOALS[context.goal]} begins: from {env.region(way[0])} to {env.region(way[1])}"
    )
    visitors = visitor_access(context.snapshot, env).sentence  # what the plan was made upon, seconds ago
    happened = f"{visitors} {happened}"
    return Message(
        env.name, context.incident, "notifications/start", happened, "Stop deployments and changes.", "all teams"
    )


def end_message(context: PlanContext) -> Message:
    """The message at the end."""
    env = context.env
    region = env.region(Side.PRIMARY if context.goal is Goal.FAILBACK else Side.DR)
    happened = f"visitors read and write in {region}, as was validated: all steps are done"
    needed = f"Watch {region} for a day. It has no standby until failback: deploy nothing that can wait."
    return Message(env.name, context.incident, "notifications/end", happened, needed, "all teams")


def _is_manual(context: PlanContext) -> bool:
    """Whether a step of the plan is a person's."""
    return any(step.manual for step in shift_to_dr.plan_steps(context))


def _message_to_dr(context: PlanContext) -> Message:
    """The message, with each change as the command that makes it."""
    return _message(context, [step for step in shift_to_dr.plan_steps(context) if step.manual], _BY_HAND)


def _message(context: PlanContext, steps: Sequence[Step], about: str) -> Message:
    zones = " and ".join(step.subject for step in steps) or "the traffic zone"
    commands = [as_command(step.call) for step in steps if step.call]
    wanted = "Make this change, the run goes on when it sees it:" if commands else "The change is made already."
    needed = "\n".join((wanted, *commands))
    if len(needed) > _MOST_COMMANDS:
        needed = "Make the change that the run's terminal and report show; the run goes on when it sees it."
    stopped = "not everybody can write until it is made: " if context.goal is Goal.FAILBACK and commands else ""
    happened = f"{stopped}the run waits for the DNS change in {zones}"
    return Message(context.env.name, context.incident, about, happened, needed, _WHOSE)


_TO_DR = Notification(_BY_HAND, _ABOUT, _message_to_dr, _is_manual)


def _stages(context: PlanContext) -> Iterator[tuple[int, list[Step]]]:
    """Yield each stage of a failback that a person carries out, with its steps."""
    manual = [step for step in shift_to_primary.plan_steps(context) if step.manual]
    for stage, steps in groupby(manual, key=lambda step: step.stage):
        yield stage, list(steps)


def _ahead(context: PlanContext) -> tuple[Sequence[Step], Notification] | None:
    """Return the first failback change with its notification before the writes stop; None where it is not manual."""
    _, steps = next(_stages(context), (0, []))
    commands = [as_command(step.call) for step in steps if step.call]
    if not commands:
        return None
    needed = "\n".join((_NOT_YET, *commands))
    if len(needed) > _MOST_COMMANDS:
        needed = f"{_NOT_YET} The run's terminal and report show it."
    zones = " and ".join(step.subject for step in steps)
    happened = f"nobody can write soon, until the run waits for the DNS change in {zones}"
    about = step_id(_PREFIX, label_of(steps[0].id))
    message = Message(context.env.name, context.incident, about, happened, needed, _WHOSE)
    return steps, Notification(_BY_HAND, _SOON, lambda _: message)


def _to_primary(steps: Sequence[Step]) -> Notification:
    about = step_id(_BY_HAND, label_of(steps[0].id))
    return Notification(_BY_HAND, _ABOUT, lambda context: _message(context, steps, about))


def manual_step_steps(context: PlanContext) -> Iterator[Step]:
    """Before each change that is a person's: one step a topic."""
    if context.goal is not Goal.FAILBACK:
        yield from _TO_DR.steps(context)
        return
    yield from _steps_ahead(context)
    for _, steps in _stages(context):
        label = label_of(steps[0].id)
        for step in _to_primary(steps).steps(context):
            its_id = step_id(_BY_HAND, f"{label}.{step.side}")
            yield replace(step, id=its_id, stage=steps[0].stage, number=steps[0].number)


def _steps_ahead(context: PlanContext) -> Iterator[Step]:
    """Before anybody is kept from writing: one step a topic."""
    found = _ahead(context)
    if found is None:
        return
    row, label = row_of(Goal.FAILBACK, _BY_HAND, _AHEAD), label_of(found[0][0].id)
    for step in found[1].steps(context):
        its_id = step_id(_PREFIX, f"{label}.{step.side}")
        yield replace(step, id=its_id, stage=row.stage, number=row.playbook.number)


def manual_step_call(step: Step, context: PlanContext) -> Call:
    """The call with its text; where a person was faster than the message, it has no command left to give."""
    if context.goal is not Goal.FAILBACK:
        return _TO_DR.build_call(step, context)
    if part_of(step.id) == _AHEAD and (found := _ahead(context)):
        return found[1].build_call(step, context)
    steps = dict(_stages(context)).get(step.stage)
    if steps is not None:
        return _to_primary(steps).build_call(step, context)
    occasion = Notification(_BY_HAND, _ABOUT, lambda seen: _message(seen, (), step.id))
    return occasion.build_call(step, context)


def _sender_of(notification: Notification, does: str) -> Action:
    """The action that sends it."""
    return Action(
        notification.action,
        does,
        WRITES,
        (sns_topics.topics,),
        notification.steps,
        _unobservable_status,
        build_call=notification.build_call,
        essential=False,
        omissions=notification.omissions,
        observable=False,
    )


START = _sender_of(
    Notification("notifications/start", "that the run begins", start_message),
    "Notifies the stakeholders that a run begins, before anything is changed.",
)
MANUAL_STEP = replace(
    _sender_of(
        _TO_DR,
        "Notifies the stakeholders that the run waits for a DNS change made by a person: in a failback, at each stage.",
    ),
    steps=manual_step_steps,
    build_call=manual_step_call,
)
END = _sender_of(
    Notification("notifications/end", "that all steps are done and validated", end_message),
    "Notifies the stakeholders that the steps of the run are over, and that the region that serves now was validated.",
)
