"""Which region's database takes writes, as a sentence: one, none, or both; unknown where either was not seen. Pure."""

from __future__ import annotations

from dr_checks.posture.signals import writable
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import rds, rds_groups
from dr_estate.snapshot.snapshot import Snapshot


def writers_sentence(snapshot: Snapshot, env: Environment) -> str:
    """Name the region whose database, under the estate's name, takes writes now."""
    primary, dr = env.regions.primary, env.regions.dr
    found = {env.region(side): _takes_writes(snapshot, env, side) for side in (Side.PRIMARY, Side.DR)}
    unseen = [region for region, writes in found.items() if writes is None]
    taking = [region for region, writes in found.items() if writes]
    if unseen:
        known = f"{taking[0]} takes them; " if taking else ""
        return f"{known}whether the database of {' and '.join(unseen)} does is not known."
    if len(taking) == 1:
        return f"the database of {taking[0]} alone takes them."
    return (
        f"the databases of both {primary} and {dr} take them (T41)." if taking else "no region's database takes them."
    )


def _takes_writes(snapshot: Snapshot, env: Environment, side: Side) -> bool | None:
    """None where instances or parameter groups were not seen, or a state is not documented."""
    try:
        instances = snapshot.get(rds.instances, side)
        if instances:
            snapshot.get(rds_groups.parameter_groups, side)
    except DataUnavailable:
        return None
    return writable(snapshot, env, side)
