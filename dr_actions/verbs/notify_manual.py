"""Tells the stakeholders that the run waits for the DNS change that a person makes."""

from __future__ import annotations

from dr_actions.change_batch import as_command
from dr_actions.messages import Message
from dr_actions.telling import Occasion, telling
from dr_actions.verbs import Sight, shift_traffic
from dr_estate.playbook import FAILOVER

_OWNERS = {step.number: step.owner for step in FAILOVER}
_MOST_COMMANDS = 100_000  # characters; SNS takes 256 KiB a message (API_Publish)


def applies(sight: Sight) -> bool:
    """Whether a step of the plan is a person's."""
    return any(step.manual for step in shift_traffic.foresee(sight))


def write(sight: Sight) -> Message:
    """The message, with each change as the command that makes it."""
    steps = [step for step in shift_traffic.foresee(sight) if step.manual]
    zones = " and ".join(step.subject for step in steps) or "the traffic zone"
    commands = [as_command(step.call) for step in steps if step.call]
    needed = "\n".join(("Make this change, the run goes on when it sees it:", *commands))
    if len(needed) > _MOST_COMMANDS:
        needed = "Make the change that the run's terminal and report show; the run goes on when it sees it."
    happened = f"the run waits for the DNS change in {zones}"
    return Message(sight.env.name, sight.incident, "notify_manual", happened, needed, _OWNERS[shift_traffic.NUMBER])


VERB = telling(Occasion("notify_manual", 7, 49, "that a person has to change DNS, and how", write, applies))
