"""What the run publishes over SNS: subject, JSON body, and the Publish call for one region's topic (T40). Pure.

SNS delivers at least once and a run may send a message again after a crash, so each message has an ``event`` id that is
the same then: subscribers drop duplicates by it. No message holds a secret or a credential.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from dr_actions.model.plan import Call, Goal
from dr_estate.config.environment import Environment, Side
from dr_estate.iam.scopes import OPEN_FOR

WRITES = frozenset({"sns:Publish"})
EVENTS, CRITICAL = 0, 1
MOST_SUBJECT = 100
_OPERATORS = "who makes DNS changes"
SCHEMA = "aws-dr-manager/event/1"


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
    return Message(
        env.name, incident, f"failed.{step}", f"{goal} stopped at {step}: {reason}", needed, "DR Manager", run, report
    )


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


def refused_in_outage(env: Environment, incident: str, reasons: str, run: str = "", report: str = "") -> Message:
    """The primary region is dark and the answer is DO_NOT_FAILOVER all the same."""
    happened = f"the primary region {env.region(Side.PRIMARY)} is dark, and the answer is DO_NOT_FAILOVER: {reasons}"
    needed = "Decide: fix the causes above, or override a gate by its id, name and reason."
    return Message(env.name, incident, "assess.do-not-failover", happened, needed, "Platform Admin", run, report)
