"""Which region's database takes writes, as a sentence: one, none, or both; unknown where either was not seen. Pure."""

from __future__ import annotations

from dr_checks.posture.signals import writable
from dr_estate.config.environment import Environment, Side
from dr_estate.model.invocation import Command
from dr_estate.model.recovery_names import REPLICATED_FROM
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers import ecs, rds, rds_groups
from dr_estate.snapshot.snapshot import Snapshot

# The parts of the snapshot that show which region takes writes.
WRITERS = frozenset({rds.instances.name, rds_groups.parameter_groups.name, ecs.services.name})


COME_FROM = REPLICATED_FROM
ABORT = Command(("failback", "--abort"))


def writers_sentence(snapshot: Snapshot, env: Environment) -> str:
    """Name the region whose database, under the estate's name, takes writes now."""
    primary, dr = env.regions.primary, env.regions.dr
    found = {env.region(side): takes_writes(snapshot, env, side) for side in (Side.PRIMARY, Side.DR)}
    if not env.names.database:
        names = " and ".join(region for region, writes in found.items() if writes)
        return f"the tasks of {names or 'no region'} write tables and buckets: the estate has no database."
    unseen = [region for region, writes in found.items() if writes is None]
    taking = [region for region, writes in found.items() if writes]
    if unseen:
        known = [
            f"{region} takes {'them' if writes else 'none'}; " for region, writes in found.items() if writes is not None
        ]
        return f"{''.join(known)}not known of {' and '.join(unseen)}."
    if len(taking) == 1:
        return f"the database of {taking[0]} alone takes them."
    idle = [env.region(side) for side in (Side.PRIMARY, Side.DR) if _is_idle(snapshot, env, side)]
    if taking and len(idle) == 1:
        busy = dr if idle == [primary] else primary
        return f"the database of {busy} alone takes them; that of {idle[0]} would, but no tenant's task runs there."
    return (
        f"the databases of both {primary} and {dr} take them (T41)." if taking else "no region's database takes them."
    )


def sole_writer(snapshot: Snapshot, env: Environment) -> Side | None:
    """The side that alone takes writes; None where none does, both do, or one was not seen."""
    taking = {side: takes_writes(snapshot, env, side) for side in (Side.PRIMARY, Side.DR)}
    writers = [side for side, writes in taking.items() if writes]
    return writers[0] if len(writers) == 1 and None not in taking.values() else None


def takes_writes(snapshot: Snapshot, env: Environment, side: Side) -> bool | None:
    """Whether the side's database takes writes.

    None where instances or parameter groups were not seen, or a state is not documented.
    """
    try:
        if not env.names.database:
            snapshot.get(ecs.services, side)
            return writable(snapshot, env, side)
        instances = snapshot.get(rds.instances, side)
        if instances:
            snapshot.get(rds_groups.parameter_groups, side)
    except DataUnavailable:
        return None
    return writable(snapshot, env, side)


def is_promoted(snapshot: Snapshot, env: Environment) -> bool:
    """Whether the copy in the primary region was promoted there, by any means. Raises DataUnavailable."""
    copy = snapshot.find(rds.instances, Side.PRIMARY, identifier=env.database_on(Side.PRIMARY))
    return copy is not None and not copy.source and COME_FROM in dict(copy.tags)


def is_gone(snapshot: Snapshot, env: Environment) -> bool:
    """Whether the DR region was seen without a database while an unpromoted copy is in the primary region."""
    primary, dr = env.database_on(Side.PRIMARY), env.database_on(Side.DR)
    try:
        copy = snapshot.find(rds.instances, Side.PRIMARY, identifier=primary)
        there = [row for row in snapshot.get(rds.instances, Side.DR) if row.identifier.startswith(dr)]
    except DataUnavailable:
        return False
    return copy is not None and bool(copy.source) and not there


def way_back_sentence(snapshot: Snapshot, env: Environment) -> str:
    """Until when a failback that is under way can be aborted, or that it cannot be any more."""
    name, regions = env.database_on(Side.PRIMARY), env.regions
    try:
        promoted = is_promoted(snapshot, env)
    except DataUnavailable:
        return f"Whether the failback can still be aborted is not known: {regions.primary} was not seen."
    if is_gone(snapshot, env):
        return (
            f"No database stands in {regions.dr} any more: no abort leads back to one. Keep {name} of "
            f"{regions.primary}, the copy of it."
        )
    if promoted:
        return f"The failback is past its point of no return: {name} of {regions.primary} was promoted."
    return f"Until {name} of {regions.primary} is promoted, {ABORT} brings everybody back to {regions.dr}."


def _is_idle(snapshot: Snapshot, env: Environment, side: Side) -> bool:
    """Whether it was seen that no task of a tenant runs or starts on the side."""
    env, services = env.on(side), snapshot.get_if_seen(ecs.services, side)
    own = [row for row in services or () if env.tenant_of(env.names.service, row.name)]
    return services is not None and not any(row.running + row.pending for row in own)
