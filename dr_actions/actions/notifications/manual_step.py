"""Tells the stakeholders that the run waits for a DNS change that a person makes: on the way home, at each stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from dr_actions.actions.notifications.messages import Message
from dr_actions.actions.notifications.notification import Occasion, telling
from dr_actions.actions.traffic import shift_to_dr, shift_to_primary
from dr_actions.actions.traffic.change_batch import as_command
from dr_actions.model.action import Sight
from dr_actions.model.action_ids import label_of, name_of, step_id
from dr_actions.model.plan import Call, Goal, Step
from dr_actions.model.sequence import row_of

_WHOSE = row_of(Goal.FAILOVER, "traffic/shift_to_dr").playbook.owner
_ABOUT = "that a person has to change DNS, and how"
_MOST_COMMANDS = 100_000  # characters; SNS takes 256 KiB a message (API_Publish)


def applies(sight: Sight) -> bool:
    """Whether a step of the plan is a person's."""
    return any(step.manual for step in shift_to_dr.foresee(sight))


def write(sight: Sight) -> Message:
    """The message, with each change as the command that makes it."""
    return _message(sight, [step for step in shift_to_dr.foresee(sight) if step.manual], name_of(__name__))


def _message(sight: Sight, steps: Sequence[Step], about: str) -> Message:
    zones = " and ".join(step.subject for step in steps) or "the traffic zone"
    commands = [as_command(step.call) for step in steps if step.call]
    wanted = "Make this change, the run goes on when it sees it:" if commands else "The change is made already."
    needed = "\n".join((wanted, *commands))
    if len(needed) > _MOST_COMMANDS:
        needed = "Make the change that the run's terminal and report show; the run goes on when it sees it."
    happened = f"the run waits for the DNS change in {zones}"
    return Message(sight.env.name, sight.incident, about, happened, needed, _WHOSE)


_AWAY = telling(Occasion(__name__, _ABOUT, write, applies))


def _stages(sight: Sight) -> Iterator[tuple[int, list[Step]]]:
    """Each stage of the way home that is a person's, with its steps."""
    manual = [step for step in shift_to_primary.foresee(sight) if step.manual]
    for stage, steps in groupby(manual, key=lambda step: step.stage):
        yield stage, list(steps)


def _home(steps: Sequence[Step]) -> Occasion:
    about = step_id(__name__, label_of(steps[0].id))
    return Occasion(__name__, _ABOUT, lambda sight: _message(sight, steps, about))


def foresee(sight: Sight) -> Iterator[Step]:
    """Before each change that is a person's: one step a topic."""
    if sight.goal is not Goal.FAILBACK:
        yield from _AWAY.foresee(sight)
        return
    for _, steps in _stages(sight):
        label = label_of(steps[0].id)
        for step in telling(_home(steps)).foresee(sight):
            its_id = step_id(__name__, f"{label}.{step.side}")
            yield replace(step, id=its_id, stage=steps[0].stage, number=steps[0].number)


def fill(step: Step, sight: Sight) -> Call:
    """The call with its text; where a person was faster than the message, it has no command left to give."""
    if sight.goal is not Goal.FAILBACK:
        return _AWAY.fill(step, sight)
    steps = dict(_stages(sight)).get(step.stage)
    if steps is not None:
        return telling(_home(steps)).fill(step, sight)
    occasion = Occasion(__name__, _ABOUT, lambda seen: _message(seen, (), step.id))
    return telling(occasion).fill(step, sight)


VERB = replace(_AWAY, foresee=foresee, fill=fill)
