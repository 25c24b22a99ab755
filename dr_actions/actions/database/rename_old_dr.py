"""Keeps the DR region's database under another name: the next failover needs its name, and nothing is deleted."""

from __future__ import annotations

from dr_actions.actions.database import failback
from dr_actions.actions.database.rename import Renaming, renaming
from dr_estate.config.environment import Side

ACTION = renaming(
    Renaming(
        __name__,
        Side.DR,
        failback.writer,
        "its data is home, and a failover to come restores under this name",
        "the database that served during the failover",
    )
)
