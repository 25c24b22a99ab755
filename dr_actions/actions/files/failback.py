"""The files on their way home: which file system took the writes last, and by what evidence. Pure.

The two directions of a replication are opposite, and the wrong one discards all that was written since (T28). So the
direction is never taken from the plan alone: right before each call it must follow from what is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dr_actions.model.action import Confirmation, Drifted, Sight, Verb
from dr_actions.model.action_ids import step_id
from dr_actions.model.plan import Params, Step
from dr_checks.posture.signals import Set, signals_of
from dr_estate.config.environment import Side
from dr_estate.model.states import FILE_REPLICATION, FILE_SYSTEM
from dr_estate.model.unseen import CannotSee
from dr_estate.readers import ecs, efs, efs_policy, rds, route53, route53_health_checks
from dr_estate.reading.reader import Reader

PROTECT, REPLICATE = "efs:UpdateFileSystemProtection", "efs:CreateReplicationConfiguration"
END = "efs:DeleteReplicationConfiguration"
OFF, ON, DESTINATION = "DISABLED", "ENABLED", "REPLICATING"
ENABLED, ENABLING, DELETING = "ENABLED", "ENABLING", "DELETING"
SYSTEMS: tuple[Reader[Any], ...] = (efs.file_systems, efs.replications, efs_policy.policies)
EVIDENCE = (*SYSTEMS, ecs.services, rds.instances, route53.records, route53_health_checks.checks)
"""What the direction is computed from: a verb that makes a call upon it watches all of this."""


@dataclass(frozen=True, slots=True)
class Systems:
    """The file system of each region."""

    home: efs.FileSystem
    away: efs.FileSystem

    @property
    def ids(self) -> Params:
        """What a plan is made upon."""
        return {"home": self.home.id, "away": self.away.id}


def name_of(sight: Sight) -> str:
    """The name of the estate's file systems."""
    return sight.env.named(sight.env.names.file_system)


def systems(sight: Sight) -> Systems | None:
    """Both regions' usable file system, None where one has none, or several. Raises CannotSee."""
    found = [_usable(sight, side) for side in (Side.PRIMARY, Side.DR)]
    if len(found[0]) != 1 or len(found[1]) != 1:
        return None
    return Systems(found[0][0], found[1][0])


def _usable(sight: Sight, side: Side) -> list[efs.FileSystem]:
    return [system for system in sight.snapshot.get(efs.file_systems, side) if FILE_SYSTEM[system.state].serves]


def now_of(before: Params, sight: Sight) -> Systems:
    """Both file systems that a step was planned upon, as seen now. Raises Drifted, CannotSee."""
    found = systems(sight)
    if found is None or any(before[key] != value for key, value in found.ids.items()):
        raise Drifted("The file systems are not those that the plan was made upon.")
    return found


def paired(
    module: str,
    writes: Iterable[str],
    parts: tuple[Reader[Any], ...],
    steps: Callable[[Sight, Systems], Iterator[Step]],
    judge: Callable[[Sight, Systems], Confirmation],
    **given: Any,
) -> Verb:
    """An action on both file systems: without one it has no step, and with another than planned upon it drifted."""

    def foresee(sight: Sight) -> Iterator[Step]:
        found = systems(sight)
        return steps(sight, found) if found else iter(())

    def confirm(step: Step, sight: Sight) -> Confirmation:
        return judge(sight, now_of(step.before, sight))

    return Verb(module, frozenset(writes), parts, foresee, confirm, **given)


def replication(sight: Sight, side: Side, source: str, destination: str) -> efs.Replication | None:
    """The replication from ``source`` into ``destination`` as ``side`` lists it. Raises CannotSee."""
    rows = sight.snapshot.get(efs.replications, side)
    return next((row for row in rows if (row.source_id, row.destination_id) == (source, destination)), None)


def into(sight: Sight, side: Side, destination: str) -> efs.Replication | None:
    """What replicates into a file system of ``side`` and is not being ended. Raises CannotSee."""
    rows = sight.snapshot.get(efs.replications, side)
    return next(
        (row for row in rows if row.destination_id == destination and not FILE_REPLICATION[row.status].gone), None
    )


def abandoned(sight: Sight, found: Systems) -> efs.Replication | None:
    """The primary's half of a replication whose other half a failover deleted alone (T27). Raises CannotSee."""
    row = replication(sight, Side.PRIMARY, found.home.id, found.away.id)
    return None if row is None or replication(sight, Side.DR, found.home.id, found.away.id) else row


def policy(sight: Sight, side: Side) -> efs_policy.Policy | None:
    """The policy of the side's file system, None where there is no file system. Raises CannotSee."""
    for found in sight.snapshot.get(efs_policy.policies, side):
        if isinstance(found, efs_policy.Policy):
            return found
        raise CannotSee(found)
    return None


def still_since(sight: Sight) -> datetime | None:
    """From when on nothing was written in the DR region: its freeze, and the time that takes to hold. Raises CannotSee.

    None where it is not frozen, or the freeze does not hold yet. The policy itself says when it was made, a moment
    before the call; the run knows when that was answered.
    """
    found = policy(sight, Side.DR)
    if found is None or found.frozen_at is None:
        return None
    answered = sight.sent_at.get(step_id("files/freeze", name_of(sight)), found.frozen_at)
    holds = max(found.frozen_at, answered) + timedelta(minutes=sight.env.failback.files_freeze_minutes)
    return holds if holds <= sight.snapshot.taken_at else None


def wrong_way_home(sight: Sight, found: Systems) -> str:
    """Why the DR region's files may not overwrite the primary's, "" where the evidence says that they are newer.

    Raises CannotSee.
    """
    primary, dr = sight.env.regions.primary, sight.env.regions.dr
    fed = into(sight, Side.DR, found.away.id)
    if fed is not None:
        return f"{fed.source_id} replicates into {found.away.id}: the files of {dr} are the older ones"
    signals = signals_of(sight.snapshot, sight.env)
    if signals.traffic_set is not Set.DR and not (signals.pinned and signals.dr_writable):
        return f"traffic is set to {signals.traffic_set}, so the files of {primary} may be the newer ones"
    running = _running(sight)
    if running:
        return f"{running} tasks of tenants run in {primary} and may write files there"
    if found.away.size_bytes == 0 and found.home.size_bytes:
        return f"{found.away.id} holds nothing, {found.home.id} {found.home.size_bytes} bytes"
    if still_since(sight) is None:
        return f"the files of {dr} are not frozen (yet): what is written now could be lost"
    return ""


def _running(sight: Sight) -> int:
    """How many tasks of tenants run or start in the primary region. Raises CannotSee."""
    pattern, services = sight.env.names.service, sight.snapshot.get(ecs.services, Side.PRIMARY)
    return sum(service.running + service.pending for service in services if sight.env.tenant_of(pattern, service.name))


def wrong_way_back(sight: Sight, found: Systems) -> str:
    """Why the primary's files may not overwrite the DR region's, "" where they are the newer ones. Raises CannotSee."""
    primary = sight.env.regions.primary
    fed = into(sight, Side.PRIMARY, found.home.id)
    if fed is not None:
        return f"{fed.source_id} replicates into {found.home.id}: the files of {primary} are the older ones"
    signals = signals_of(sight.snapshot, sight.env)
    if signals.traffic_set is not Set.PRIMARY:
        return f"traffic is set to {signals.traffic_set}, so the files of {sight.env.regions.dr} may be the newer ones"
    if found.home.size_bytes == 0 and found.away.size_bytes:
        return f"{found.home.id} holds nothing, {found.away.id} {found.away.size_bytes} bytes"
    return ""


def sizes(found: Systems) -> tuple[tuple[str, str], ...]:
    """What the journal keeps of both, before one is overwritten."""
    return (
        ("home", found.home.id),
        ("home bytes", str(found.home.size_bytes)),
        ("away", found.away.id),
        ("away bytes", str(found.away.size_bytes)),
    )


def told(moment: datetime | None) -> str:
    """A moment as sentences and facts say it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else "never"
