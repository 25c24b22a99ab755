"""Which copy of the database a recovery uses: the environment's order, but never one that the evidence speaks against.

An environment's preferred mechanism is taken where its copy is usable and measured within the RPO. A replica whose lag
is absent or old proves nothing (T23), so a measured copy goes before it, whatever the order. Nothing said here holds an
age: the plan of a minute later must read the same. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dr_actions.model.action import PlanContext
from dr_checks.core.model import View
from dr_checks.derived.database_copies import BACKUP, REPLICA, DatabaseCopy, all_copies, replicas
from dr_estate.config.environment import Side
from dr_estate.model.recovery_names import RESTORED_FROM, is_isolated, is_set_aside
from dr_estate.model.states import DATABASE
from dr_estate.model.unavailable import DataUnavailable, Unavailable
from dr_estate.readers import efs, rds
from dr_estate.reading.cloudwatch_metrics import Reading


@dataclass(frozen=True, slots=True)
class CopyChoice:
    """The copy to use and the identifier that the DR region's database has afterwards. ``reason`` is deterministic.

    A restored database has the estate's own name: it gives the endpoint that DR task definitions name beforehand.
    """

    copy: DatabaseCopy
    identifier: str
    reason: str = ""


def view_of(context: PlanContext) -> View:
    """The DR side as the judgements see it: their reading of copies and keys is reused, not repeated."""
    return View("restore", Side.DR, context.env.on(Side.DR), context.snapshot, context.only_tenants)


def name_of(context: PlanContext) -> str:
    """The identifier of the DR region's database."""
    return context.env.database_on(Side.DR)


def instance(context: PlanContext, identifier: str) -> rds.Instance | None:
    """The DR region's instance of that identifier, None where there is none. Raises DataUnavailable."""
    return context.snapshot.find(rds.instances, Side.DR, identifier=identifier)


def choose(context: PlanContext) -> CopyChoice | None:
    """The copy that the evidence supports, None where none is usable. Raises DataUnavailable."""
    copies, dark = all_copies(view_of(context))
    usable = [copy for copy in copies if not copy.flaw and sendable(copy)]
    limit_s = view_of(context).rpo_s
    fresh = next((copy for copy in usable if copy.age_s is not None and copy.age_s <= limit_s), None)
    # The order matters: fresh by the environment's preference, else the youngest that is measured (T23), else any.
    best = fresh or _youngest_copy(usable) or next(iter(usable), None) or _promotable_soon(context, copies)
    if best is None:
        return None
    identifier = best.name if best.mechanism == REPLICA else name_of(context)
    return CopyChoice(best, identifier, _reason(context, best, copies, dark))


def sendable(copy: DatabaseCopy) -> bool:
    """Whether RDS can restore it: a logically air-gapped vault's point is no RDS snapshot."""
    # RDS reads its own snapshots alone; points of other vaults need StartRestoreJob (restore_dr.py says why not).
    return copy.mechanism != BACKUP or ":snapshot:" in copy.name


def _youngest_copy(usable: list[DatabaseCopy]) -> DatabaseCopy | None:
    measured = [copy for copy in usable if copy.age_s is not None]
    return min(measured, key=lambda copy: copy.age_s or 0.0, default=None)


def _promotable_soon(context: PlanContext, copies: list[DatabaseCopy]) -> DatabaseCopy | None:
    """A replica that is only busy: RDS refuses to promote it while it is backing up (T22), and that ends."""
    busy = {row.identifier for row in replicas(view_of(context)) if row.host and DATABASE[row.status].busy}
    return next((copy for copy in copies if copy.mechanism == REPLICA and copy.name in busy), None)


def _reason(
    context: PlanContext, best: DatabaseCopy, copies: list[DatabaseCopy], unavailable: list[Unavailable]
) -> str:
    preferred = context.env.replication.database[0]
    if best.mechanism == preferred and best.age_s is not None:
        return ""
    mine = [copy for copy in copies if copy.mechanism == preferred]
    if best.mechanism == preferred:
        return f"the age of {best.name} is unknown, which proves nothing (T23), but no measured copy is usable"
    if not mine:
        return unavailable[0].why if unavailable else f"there is no {preferred} in {context.env.regions.dr}"
    if mine[0].flaw:
        return mine[0].flaw
    if mine[0].age_s is None:
        return f"the age of {mine[0].name} is unknown, and a broken one publishes none (T23)"
    return f"{mine[0].name} is older than the recovery point objective, and this copy is fresher"


def lag_reading(context: PlanContext, side: Side, identifier: str) -> tuple[Reading | None, str]:
    """A replica's last lag; None and why where an old or missing one proves nothing (T23). Raises DataUnavailable."""
    readings = context.snapshot.get(rds.lags, side)
    reading = next((r for r in readings if r.dimension(rds.DIMENSION) == identifier), None)
    reason = view_of(context).doubt(reading)
    if reason or reading is None or reading.at is None or reading.value is None:
        return None, reason or "its lag is not published."
    # -1 is a replication that does not run (RDS guide, ReplicaLag): as a number it would look like less than no lag.
    if reading.value < 0:
        return None, "its lag is published as -1, so replication does not run."
    return reading, ""


def reached_until(reading: Reading | None) -> datetime | None:
    """Until when the replica holds everything: not "now minus the lag", for the reading speaks of its own moment."""
    if reading is None or reading.at is None or reading.value is None:
        return None
    return reading.at - timedelta(seconds=reading.value)


def files_replication(context: PlanContext) -> efs.FileReplication | None:
    """The replication into the DR region's file system, as that region itself lists it. Raises DataUnavailable."""
    there = {system.id for system in context.snapshot.get(efs.file_systems, Side.DR)}
    rows = context.snapshot.get(efs.replications, Side.DR)
    return next((row for row in rows if row.destination_id in there), None)


def newest_data(context: PlanContext, database: rds.Instance) -> bool:
    """Whether ``database`` was restored by this tool after everything that the DR region's copies hold today.

    The restore tags what it was restored from, and an instance is created when it is restored. While the primary is
    dark its copies stand still, so an instance made after their newest moment holds all there is; one of an older drill
    was made before it. A promoted replica bears no tag (RDS has none to give): only its own plan, which names its
    resource id, knows it.
    """
    copies, _ = all_copies(view_of(context))
    ages = [copy.age_s for copy in copies if copy.age_s is not None and not copy.flaw]
    # Without the tag this tool did not restore it, without an age nothing says what it would have to hold.
    if RESTORED_FROM not in dict(database.tags) or database.created_at is None or not ages:
        return False
    return (context.snapshot.taken_at - database.created_at).total_seconds() <= min(ages)


def notes(context: PlanContext) -> Iterator[str]:
    """Why not the preferred mechanism, what none can do, and what stands in the way. Nothing here holds an age."""
    name, region = name_of(context), context.env.regions.dr
    try:
        chosen = choose(context)
        standing = context.snapshot.get(rds.instances, Side.DR)
    except DataUnavailable as error:
        yield f"Nothing is planned for the database {name}: {error.unavailable.why}"
        return
    if chosen is None:
        yield f"Nothing is planned for the database {name}: {_reason_without_copy(context)}"
    elif chosen.reason:
        yield f"The database is recovered by {chosen.copy.mechanism} ({chosen.copy.name}): {chosen.reason}."
    if chosen is not None and chosen.identifier != name:
        yield f"The database is {chosen.identifier} then: what names {name} in {region} must be led to its endpoint."
    for database in standing:
        if (
            database.identifier.startswith(f"{name}-")
            # A replica follows its source and takes no writes: only what stands alone may be a second writer.
            and not database.source
            and not is_set_aside(database.identifier, name)
            and not is_isolated(database.identifier, name)
            and (not chosen or database.identifier != chosen.identifier)
        ):
            yield (
                f"{database.identifier} stands in {region} and replicates nothing. If an interrupted recovery promoted "
                "or restored it, resume that incident instead: two databases would take writes."
            )


def _reason_without_copy(context: PlanContext) -> str:
    if not context.env.replicates:
        return f"{context.env.name} expects no replication ({context.env.replication.reason})."
    copies, dark = all_copies(view_of(context))
    flaws = [f"{copy.mechanism} {copy.name}: {copy.flaw or 'no RDS snapshot'}" for copy in copies]
    return "no copy in the DR region is usable. " + "; ".join([*flaws, *(unavailable.why for unavailable in dark)])
