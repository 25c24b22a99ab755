"""The call of a manual step as a person is shown it: built from what is seen at that moment."""

from __future__ import annotations

from dataclasses import replace

from dr_actions.model.action import Action, PlanContext
from dr_actions.model.plan import Step
from dr_estate.model.unavailable import DataUnavailable


def shown_call(action: Action, step: Step, context: PlanContext | None) -> tuple[Step, str]:
    """The step with the call that would be sent now, for a person makes that one; and what to say of it, "" nothing.

    Where the world cannot be read at that moment the call is the planned one, and a person has to compare it.
    """
    if step.call is None or context is None:
        return step, ""
    try:
        return replace(step, call=action.build_call(step, context)), ""
    except DataUnavailable as error:
        reason = f"This is the change as planned, for what it changes could not be read: {error.unavailable.why}"
        return step, f"{reason} Compare targets, weights and health checks with the records before you make it."
