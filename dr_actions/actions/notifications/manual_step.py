"""Notifies the stakeholders that the run waits for a DNS change made by a person: in a failback, at each stage.

The first change of a failback is also shown before the writes stop: reading and checking it then does not prolong the
write pause.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from dr_actions.actions.notifications.messages import Message
from dr_actions.actions.notifications.notification import Notification, notification_action
from dr_actions.actions.traffic import shift_to_dr, shift_to_primary
from dr_actions.actions.traffic.change_batch import as_command
from dr_actions.model.action import PlanContext
from dr_actions.model.action_ids import label_of, name_of, part_of, step_id
from dr_actions.model.plan import Call, Goal, Step
from dr_actions.model.sequence import row_of

_WHOSE = row_of(Goal.FAILOVER, "traffic/shift_to_dr").playbook.owner
_ABOUT = "that a person has to change DNS, and how"
_SOON = "that a person will have to change DNS once the writes have stopped, and how"
_AHEAD = "ahead"
_NOT_YET = "Read and check this change now, and do NOT make it yet: the run asks for it some minutes from now."
_PREFIX = f"{name_of(__name__)}.{_AHEAD}"
_MOST_COMMANDS = 100_000  # characters; SNS takes 256 KiB a message (API_Publish)


def applies(context: PlanContext) -> bool:
    """Whether a step of the plan is a person's."""
    return any(step.manual for step in shift_to_dr.plan_steps(context))


def write(context: PlanContext) -> Message:
    """The message, with each change as the command that makes it."""
    return _message(context, [step for step in shift_to_dr.plan_steps(context) if step.manual], name_of(__name__))


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


_AWAY = (notification_action(Notification(__name__, _ABOUT, write, applies)),)


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
    return steps, Notification(__name__, _SOON, lambda _: message)


def _home(steps: Sequence[Step]) -> Notification:
    about = step_id(__name__, label_of(steps[0].id))
    return Notification(__name__, _ABOUT, lambda context: _message(context, steps, about))


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """Before each change that is a person's: one step a topic."""
    if context.goal is not Goal.FAILBACK:
        yield from _AWAY[0].plan_steps(context)
        return
    yield from _steps_ahead(context)
    for _, steps in _stages(context):
        label = label_of(steps[0].id)
        for step in notification_action(_home(steps)).plan_steps(context):
            its_id = step_id(__name__, f"{label}.{step.side}")
            yield replace(step, id=its_id, stage=steps[0].stage, number=steps[0].number)


def _steps_ahead(context: PlanContext) -> Iterator[Step]:
    """Before anybody is kept from writing: one step a topic."""
    found = _ahead(context)
    if found is None:
        return
    row, label = row_of(Goal.FAILBACK, name_of(__name__), _AHEAD), label_of(found[0][0].id)
    for step in notification_action(found[1]).plan_steps(context):
        its_id = step_id(_PREFIX, f"{label}.{step.side}")
        yield replace(step, id=its_id, stage=row.stage, number=row.playbook.number)


def build_call(step: Step, context: PlanContext) -> Call:
    """The call with its text; where a person was faster than the message, it has no command left to give."""
    if context.goal is not Goal.FAILBACK:
        return _AWAY[0].build_call(step, context)
    if part_of(step.id) == _AHEAD and (found := _ahead(context)):
        return notification_action(found[1]).build_call(step, context)
    steps = dict(_stages(context)).get(step.stage)
    if steps is not None:
        return notification_action(_home(steps)).build_call(step, context)
    occasion = Notification(__name__, _ABOUT, lambda seen: _message(seen, (), step.id))
    return notification_action(occasion).build_call(step, context)


ACTION = replace(_AWAY[0], steps=plan_steps, build_call=build_call)
