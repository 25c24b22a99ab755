"""Holds the old primary's record down from the DR region: the prepared switch answers 200 (T01, T06; dr_pin.py).

One call to the DR region's load balancer, and the inverted health check of that listener fails: Route 53's data plane
keeps visitors away from a primary that heals, though none of its records or checks can be changed just now.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dr_actions.model.action import PlanContext, StepState, StepStatus, action, present
from dr_actions.model.plan import Call, Danger, Goal, Step
from dr_checks.derived import dr_pin
from dr_estate.config.environment import Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import elbv2
from dr_estate.readers.elbv2 import Listener

SERVICE, OPERATION = "elbv2", "ModifyListener"
_UNSEEN = "The pin's listener in the DR region cannot be seen:"


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where a switch was prepared and is not held yet."""
    found = switch(context)
    if found is not None and context.goal is not Goal.FAILBACK and not dr_pin.is_held(found):
        says = (
            f"Hold the primary region's record down from {context.env.regions.dr} until failback: {found.label} "
            f"answers {dr_pin.HELD_STATUS} to health checkers."
        )
        yield switch_step(context, __name__, found, dr_pin.HELD_STATUS, says)


def switch(context: PlanContext) -> Listener | None:
    """The prepared listener, None where there is none or it cannot be seen."""
    try:
        return dr_pin.switch_of(context.snapshot.get(elbv2.listeners, Side.DR), context.env)
    except DataUnavailable:
        return None


def holds(context: PlanContext) -> bool:
    """Whether the DR region keeps visitors from the primary's record now."""
    found = switch(context)
    return found is not None and dr_pin.is_held(found)


def switch_step(context: PlanContext, module: str, found: Listener, status: int, says: str) -> Step:
    """The step by which the switch ``found`` answers ``status``."""
    before = dr_pin.HELD_STATUS if status == dr_pin.OPEN_STATUS else dr_pin.OPEN_STATUS
    params = {"ListenerArn": found.arn, "DefaultActions": answering(status)}
    return context.step(
        module,
        found.label,
        side=Side.DR,
        says=says,
        danger=Danger.REVERSIBLE,
        undo=f"ModifyListener: it answers {before} again.",
        budget_s=120,
        call=Call(SERVICE, OPERATION, context.env.region(Side.DR), params),
        before={"arn": found.arn, "status": before},
        after={"arn": found.arn, "status": status},
    )


def answering(status: int) -> list[dict[str, Any]]:
    """The default action of the switch: ``status`` to everybody."""
    fixed = {"StatusCode": str(status), "ContentType": "text/plain"}
    return [{"Type": "fixed-response", "FixedResponseConfig": fixed}]


def observe(step: Step, context: PlanContext) -> StepStatus:
    """Whether the listener answers as the step wants it. Raises DataUnavailable."""
    listeners = {row.arn: row for row in context.snapshot.get(elbv2.listeners, Side.DR)}
    found = present(listeners.get(step.after["arn"]), f"listener {step.subject} of the DR region is gone")
    status = dr_pin.HELD_STATUS if dr_pin.is_held(found) else dr_pin.OPEN_STATUS
    state = StepState.DONE if status == step.after["status"] else StepState.READY
    return StepStatus(state, f"{step.subject} answers {status} to health checkers")


def rollback_call(step: Step) -> Call | None:
    """The answer as it was."""
    return step.call_with({"DefaultActions": answering(step.before["status"])})


def notes(context: PlanContext) -> Iterator[str]:
    """Why nothing is held from the DR region where that was prepared."""
    if context.env.traffic.pin_port is None or context.goal is Goal.FAILBACK:
        return
    try:
        found = dr_pin.switch_of(context.snapshot.get(elbv2.listeners, Side.DR), context.env)
    except DataUnavailable as error:
        yield f"{_UNSEEN} {error.unavailable.why}"
        return
    if found is None:
        yield (
            f"{context.env.regions.dr} has no listener on port {context.env.traffic.pin_port} (traffic.pin_port): the "
            "primary region's record cannot be held down from there."
        )


ACTION = action(globals(), {f"{SERVICE}:{OPERATION}"}, (elbv2.listeners,))
