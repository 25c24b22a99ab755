"""Keeps the old primary database under another name: what it alone may hold is not lost, and its name is free."""

from __future__ import annotations

from dr_actions.actions.database import failback
from dr_actions.actions.database.rename import Renaming, renaming
from dr_actions.model.action import PlanContext
from dr_estate.config.environment import Side
from dr_estate.readers import rds


def _old(context: PlanContext) -> rds.Instance | None:
    """Return the primary's instance with the estate's name, where a copy is to replace it. Raises DataUnavailable."""
    return failback.old(context) if failback.writer(context) else None


ACTION = renaming(
    Renaming(
        __name__,
        Side.PRIMARY,
        _old,
        "the one that comes home takes its name, at the host that the tasks there name",
        "the primary's database of before the failover",
    )
)
