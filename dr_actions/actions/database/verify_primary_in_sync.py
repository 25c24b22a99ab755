"""Before the database at home is promoted: proves that it holds all that was written before the freeze.

Two moments are compared. The DR region's database takes no writes since the freeze was in effect, which was before the
backup and the replica were asked for; the replica holds everything up to its newest measured ReplicaLag before the
moment of that measurement. Once that is at or after the first, nothing is missing. A lag that is absent or old proves
nothing (T23), nor does one while the DR region takes writes again. No call is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from dr_actions.actions.database import copy_selection
from dr_actions.actions.database import failback as home
from dr_actions.model.action import Confirmation, Sight, Standing, action
from dr_actions.model.plan import Step
from dr_checks.core.spans import doubt
from dr_estate.config.environment import Side
from dr_estate.readers import rds, rds_groups, rds_replicas


def foresee(sight: Sight) -> Iterator[Step]:
    """The one step, unless the copy was promoted already."""
    source, name = home.writer(sight), home.own_name(sight)
    if source is None:
        return
    there = home.named(sight, Side.PRIMARY, name)
    if there is not None and not there.source and home.is_of(there, source):
        return
    yield sight.step(
        __name__,
        name,
        side=Side.PRIMARY,
        says=f"Wait until {name} in {sight.env.regions.primary} holds all that was written to {source.identifier} of "
        f"{sight.env.regions.dr} before the freeze.",
        budget_s=7200,
        before={"source": source.arn, "resource": source.resource_id},
        after={"lost": "nothing"},
    )


def confirm(step: Step, sight: Sight) -> Confirmation:
    """WAITING while the replica trails; CHANGED where the source takes writes, or was promoted away unproven."""
    source = home.by_resource(sight, Side.DR, step.before["resource"])
    instance = home.named(sight, Side.PRIMARY, step.subject)
    if source is None or instance is None or not instance.source or not home.is_of(instance, source):
        return Confirmation(Standing.CHANGED, f"{step.subject} does not replicate {step.before['source']} (any more).")
    if not home.frozen(sight, source):
        return Confirmation(Standing.CHANGED, f"{source.identifier} takes writes again: it is not frozen any more.")
    if instance.replication != "replicating":
        return Confirmation(Standing.WAITING, f"{instance.identifier} does not replicate now ({instance.replication}).")
    since, (reached, why) = home.synced_since(sight), _reached(sight, instance)
    if since is None:
        message = f"When {source.identifier} was frozen is not recorded in this run: nothing can be compared with"
        return Confirmation(Standing.WAITING, f"{message}. Thaw it by hand and run again.")
    if reached is None:
        return Confirmation(Standing.WAITING, f"How far {instance.identifier} has come is not known now: {why}")
    facts = (("frozen", _told(since)), ("copy reaches", _told(reached)), ("source", source.arn))
    message = (
        f"{source.identifier} stands still since {_told(since)}, {instance.identifier} holds all until {_told(reached)}"
    )
    if reached < since:
        return Confirmation(Standing.WAITING, f"Not all has arrived: {message}.", facts)
    return Confirmation(Standing.DONE, f"Nothing is lost: {message}.", facts)


def _reached(sight: Sight, instance: rds.Instance) -> tuple[datetime | None, str]:
    readings = sight.snapshot.get(rds_replicas.lags, Side.PRIMARY)
    reading = next((r for r in readings if r.dimension(rds_replicas.DIMENSION) == instance.identifier), None)
    why = doubt(copy_selection.view_of(sight), reading)
    if why or reading is None or reading.at is None or reading.value is None:
        return None, why or "its lag is not published."
    if reading.value < 0:
        return None, "its lag is published as -1, so replication does not run."
    return reading.at - timedelta(seconds=reading.value), ""


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


VERB = action(globals(), (), (rds.instances, rds_groups.parameter_groups, rds_replicas.lags))
