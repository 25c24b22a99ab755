"""The messages that a run publishes over SNS: that it begins, that it waits for a person's DNS change, that it is over.

A step for each region's topic, the DR region's first, never essential (T40). Nobody can see afterwards whether a
message was sent: the journal's record confirms it, and after a crash between the sending and the record it is sent once
more under the same event id. In a failback each stage that a person carries out has its message. The first change is
also shown before the writes stop: reading and checking it then does not prolong the write pause.

What the run publishes over SNS: subject, JSON body, and the Publish call for one region's topic (T40). Pure.

SNS delivers at least once and a run may send a message again after a crash, so each message has an ``event`` id that is
the same then: subscribers drop duplicates by it. No message holds a secret or a credential.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from dr_actions.actions.traffic import shift_to_dr, shift_to_primary
from dr_actions.actions.traffic.records import as_command
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus
from dr_actions.model.plan import Call, Danger, Goal, Step, label_of, part_of, step_id
from dr_actions.model.sequence import row_of
from dr_checks.posture.visitor_access import visitor_access
from dr_estate.config.environment import Environment, Side
from dr_estate.iam.scopes import OPEN_FOR
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import sns_topics

WRITES = frozenset({"sns:Publish"})
EVENTS, CRITICAL = 0, 1
MOST_SUBJECT = 100
_OPERATORS = "who makes DNS changes"
SCHEMA = "aws-dr-manager/event/1"
_LATER = "<written when it is sent: incident, event id, what happened, what is needed of whom>"
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


@dataclass(frozen=True, slots=True)
class Message:
    """One event: what happened at which step, and what is needed of whom ("" where nothing is).

    ``incident`` and ``run`` say which run speaks; ``report`` is where its account is written ("" where nowhere yet).
    ``journal_head`` is number and digest of the journal's last entry: what was sent is rewritten by nobody. ``rules``
    is the digest of the rules that the run goes by.
    """

    environment: str
    incident: str
    step: str
    happened: str
    needed: str = ""
    of_whom: str = ""
    run: str = ""
    report: str = ""
    journal_head: str = ""
    rules: str = ""

    @property
    def event(self) -> str:
        """Id of the event: equal for the same step of the same incident and run, whenever and wherever it is sent."""
        about = f"{self.environment}\n{self.incident}\n{self.run}\n{self.step}"
        # SNS delivers at least once: the same step has the same id, by which a subscriber drops the second.
        return hashlib.sha256(about.encode()).hexdigest()[:32]

    @property
    def subject(self) -> str:
        """At most 100 printable ASCII characters, as SNS takes them (API_Publish)."""
        words = " ".join(word for word in (f"[{self.environment.upper()}]", self.incident, self.happened) if word)
        plain = "".join(letter if " " <= letter <= "~" else "?" for letter in " ".join(words.split()))
        return plain if len(plain) <= MOST_SUBJECT else f"{plain[: MOST_SUBJECT - 3]}..."

    @property
    def body(self) -> str:
        """The JSON object that subscribers read."""
        body: dict[str, Any] = {"schema": SCHEMA, "event": self.event, **asdict(self)}
        return json.dumps(body, sort_keys=True)


Write = Callable[[PlanContext], Message]


def topic_arn(env: Environment, side: Side, which: int = EVENTS) -> str | None:
    """The ARN of the side's topic for events or for what is critical; None where the environment names none."""
    if which >= len(env.names.topics):
        return None
    return f"arn:aws:sns:{env.region(side)}:{env.account}:{env.named(env.names.topics[which])}"


def publish(env: Environment, side: Side, message: Message, which: int = EVENTS) -> Call | None:
    """Return the call that publishes ``message`` to the side's topic; None where the environment names no topic."""
    arn = topic_arn(env, side, which)
    if arn is None:
        return None
    params = {"TopicArn": arn, "Subject": message.subject, "Message": message.body}
    return Call("sns", "Publish", env.region(side), params)


def critical(env: Environment, message: Message, primary_answers: bool = False) -> tuple[Call, ...]:
    """The calls that raise the alarm: the DR region's critical topic first, then the primary's where it answers."""
    # The DR region's topic first: a call into a dark region takes its time to fail (T40).
    sides = (Side.DR, Side.PRIMARY) if primary_answers else (Side.DR,)
    calls = (publish(env, side, message, CRITICAL) for side in sides)
    return tuple(call for call in calls if call is not None)


def run_failure_message(
    env: Environment, incident: str, goal: Goal, step: str, reason: str, again: str, run: str = "", report: str = ""
) -> Message:
    """A step failed and the run of ``goal`` stopped. ``again`` says which command continues it."""
    needed = f"Read the report and fix the cause. Then {again}"
    happened = f"{goal} stopped at {step}: {reason}"
    return Message(env.name, incident, f"failed.{step}", happened, needed, "DR Manager", run, report)


def step_takes_long(env: Environment, incident: str, step: str, number: int, reason: str, run: str = "") -> Message:
    """AWS works on a step for so long that the objective is at stake; the run waits on. ``number`` counts the times."""
    needed = "Nothing, if AWS is to end it: the run waits. `dr_cli.py pause` stops the run between two calls"
    return Message(env.name, incident, f"long.{step}.{number}", reason, needed, "DR Manager", run)


def break_glass_message(env: Environment, incident: str, goal: Goal, who: str, run: str = "") -> Message:
    """A run of ``goal`` goes by the break-glass role, which an approver opened to its operator."""
    role = env.named(env.names.break_glass_role)
    happened = f"{who} runs the {goal} by the break-glass role {role}, which an approver opened"
    needed = f"Close it when the run is over: `aws iam untag-role --role-name {role} --tag-keys {OPEN_FOR}`"
    return Message(env.name, incident, "break-glass", happened, needed, "an approver", run)


def nobody_writes(env: Environment, incident: str, since: datetime, step: str, needed: str, run: str = "") -> Message:
    """Nobody can write until a person makes the change of ``step``; ``needed`` is that change."""
    happened = f"OUTAGE: nobody can write since {since:%H:%M} UTC: the run waits for a change by hand, {step}"
    return Message(env.name, incident, f"no-writes.{step}", happened, needed, _OPERATORS, run)


def write_pause_lasts(
    env: Environment, incident: str, since: datetime, step: str, number: int, reason: str, ends: str, run: str = ""
) -> Message:
    """Nobody can write while a step takes long. ``number`` counts the times, ``ends`` says what ends the pause."""
    happened = f"OUTAGE: nobody can write since {since:%H:%M} UTC: {reason}"
    needed = f"Fix what keeps the step from its end: the run looks, and goes on by itself. {ends}"
    return Message(env.name, incident, f"no-writes.{step}.{number}", happened, needed, "DR Manager", run)


def refusal_in_outage(env: Environment, incident: str, reasons: str, run: str = "", report: str = "") -> Message:
    """The primary region is dark and the answer is DO_NOT_FAILOVER all the same."""
    happened = f"the primary region {env.region(Side.PRIMARY)} is dark, and the answer is DO_NOT_FAILOVER: {reasons}"
    needed = "Decide: fix the causes above, or override a gate by its id, name and reason."
    return Message(env.name, incident, "assess.do-not-failover", happened, needed, "Platform Admin", run, report)


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
                env, arn = context.env, topic_arn(context.env, side) or ""
                name, region = env.named(env.names.topics[EVENTS]), env.region(side)
                yield context.step(
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
    begins = f"{_GOALS.get(context.goal, '')} begins: from {env.region(way[0])} to {env.region(way[1])}"
    visitors = visitor_access(context.snapshot, env).sentence  # what the plan was made upon, seconds ago
    happened, needed = f"{visitors} {_OTHERS.get(context.goal) or begins}", "Stop deployments and changes."
    return Message(env.name, context.incident, "notifications/start", happened, needed, "all teams")


def end_message(context: PlanContext) -> Message:
    """The message at the end."""
    env = context.env
    region = env.region(Side.PRIMARY if context.goal is Goal.FAILBACK else Side.DR)
    happened = f"visitors read and write in {region}, as was validated: all steps are done"
    needed = f"Watch {region} for a day. It has no standby until failback: deploy nothing that can wait."
    return Message(env.name, context.incident, "notifications/end", happened, needed, "all teams")


def _manual_shifts(context: PlanContext) -> list[Step]:
    return [step for step in shift_to_dr.plan_steps(context) if step.manual]


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


# With each change as the command that makes it.
_TO_DR = Notification(
    *(_BY_HAND, _ABOUT, lambda context: _message(context, _manual_shifts(context), _BY_HAND)),
    applies=lambda context: bool(_manual_shifts(context)),
)


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
