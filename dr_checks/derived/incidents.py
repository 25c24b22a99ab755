"""Whether a failover may be in force, as the control table says it: what it set is no fault, and stays. Pure."""

from __future__ import annotations

from dr_checks.core.model import View
from dr_estate.config.environment import Side
from dr_estate.readers import control_table


def failover_may_be_in_force(view: View) -> bool:
    """Whether an incident is open, or may be: a control table that was not seen denies none."""
    state = view.read_for_remedy(control_table.standing, Side.DR)
    # Unseen counts as open: a remedy that undoes what a failover set would lead visitors to a stale region.
    return state is None or state.incident is not None
