"""Releases the primary's record from the DR region's hold: the switch answers 404 again (dr_pin.py).

Before the check's own pin is released and before any weight is set: a record that is held down is never answered.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.actions.traffic import pin_from_dr
from dr_actions.model.action import PlanContext, action
from dr_actions.model.plan import Step
from dr_checks.derived import dr_pin
from dr_estate.readers import elbv2


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """The one step, where the switch is held."""
    found = pin_from_dr.switch(context)
    if found is not None and pin_from_dr.holds(context):
        says = (
            f"Release the primary region's record from {context.env.regions.dr}'s hold: {found.label} answers "
            f"{dr_pin.OPEN_STATUS} to health checkers again."
        )
        yield pin_from_dr.switch_step(context, __name__, found, dr_pin.OPEN_STATUS, says)


ACTION = action(
    globals(),
    {f"{pin_from_dr.SERVICE}:{pin_from_dr.OPERATION}"},
    (elbv2.listeners,),
    observe=pin_from_dr.observe,
    rollback_call=pin_from_dr.rollback_call,
)
