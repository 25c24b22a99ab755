"""Proves that both regions' replicas of each global table hold the same items again, whichever side wrote them.

Writes that were stranded in the primary arrive by themselves once it is back, and of two writes of one item the later
won; the other is in nobody's table (T31). That they have arrived is proven by reading both through: equal digests mean
equal items. No call is made that changes anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.model.action import Confirmation, Sight, Standing, action
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.unseen import Blindness, CannotSee, Unseen
from dr_estate.readers import dynamodb, dynamodb_contents
from dr_estate.readers.dynamodb_contents import Contents, TooLarge


def foresee(sight: Sight) -> Iterator[Step]:
    """A step for each table, where data is to replicate at all."""
    for name in dynamodb.names(sight.env) if sight.env.replicates else ():
        yield sight.step(
            __name__,
            name,
            side=Side.PRIMARY,
            says=f"Wait until {name} holds the same items in {sight.env.regions.primary} and {sight.env.regions.dr}.",
            budget_s=3600,
            after={"items": "the same in both regions"},
        )


def confirm(step: Step, sight: Sight) -> Confirmation:
    """DONE once both replicas are active and hold the same."""
    sides = (Side.PRIMARY, Side.DR)
    for side, other in (sides, sides[::-1]):
        bad = _replicates(_table(step.subject, side, sight), sight.env.region(side), sight.env.region(other))
        if bad is not None:
            return bad
    home_side, away = (_contents(step.subject, side, sight) for side in sides)
    if isinstance(home_side, TooLarge) or isinstance(away, TooLarge):
        return _by_counts(step.subject, sight)
    facts = _facts(home_side.items, away.items, "items read through")
    if home_side.digest == away.digest:
        return Confirmation(Standing.DONE, f"{step.subject}: the same {away.items} items in both regions.", facts)
    message = f"{step.subject} holds {home_side.items} items at home and {away.items} away, and they differ"
    return Confirmation(Standing.WAITING, f"{message}: writes are still on their way.", facts)


def _replicates(table: dynamodb.Table | None, region: str, other: str) -> Confirmation | None:
    """Why the table is no working replica, None where it is one."""
    if table is None or table.status == "absent":
        return Confirmation(Standing.FAILED, f"{region} has no such table: nothing brings its items home.")
    replica = next((dynamodb_replica for dynamodb_replica in table.replicas if dynamodb_replica.region == other), None)
    if replica is None:
        message = f"{table.name} of {region} has no replica in {other}: nothing brings its items home"
        return Confirmation(Standing.FAILED, f"{message}. Copy them by hand.")
    pair = (states.TABLE[table.status], states.TABLE_REPLICA[replica.status])
    if all(state.serves and not state.busy for state in pair):
        return None
    message = f"{table.name} of {region} is {table.status}, its replica in {other} {replica.status}"
    return Confirmation(
        Standing.FAILED if any(state.broken or state.gone for state in pair) else Standing.WAITING, f"{message}."
    )


def _table(name: str, side: Side, sight: Sight) -> dynamodb.Table | None:
    for table in sight.snapshot.get(dynamodb.tables, side):
        if isinstance(table, Unseen):
            raise CannotSee(table)
        if table.name == name:
            return table
    return None


def _contents(name: str, side: Side, sight: Sight) -> Contents | TooLarge:
    """What the table holds, or that it is too large to be read. Raises CannotSee."""
    for found in sight.snapshot.get(dynamodb_contents.contents, side):
        if isinstance(found, Unseen):
            raise CannotSee(found)
        if found.table == name:
            return found
    why = f"{name} was not read through: it is while {sight.env.regions.dr} serves."
    raise CannotSee(Unseen(Blindness.UNSUPPORTED, why))


def _by_counts(name: str, sight: Sight) -> Confirmation:
    """A table too large to be read through is judged by DynamoDB's own counts, refreshed about every six hours."""
    counts = [table.items if table else 0 for table in (_table(name, side, sight) for side in (Side.PRIMARY, Side.DR))]
    facts = _facts(counts[0], counts[1], "DynamoDB's own count, refreshed about every six hours")
    message = f"{name} is too large to be read through; DynamoDB counts {counts[0]} items at home and {counts[1]} away"
    return Confirmation(Standing.DONE if counts[0] == counts[1] else Standing.WAITING, f"{message}.", facts)


def _facts(home_side: int, away: int, basis: str) -> tuple[tuple[str, str], ...]:
    return (("items at home", str(home_side)), ("items away", str(away)), ("counted by", basis))


def notes(sight: Sight) -> Iterator[str]:
    """The conflict window, and tables that replicate nowhere."""
    names = ", ".join(dynamodb.names(sight.env))
    if not sight.env.replicates:
        yield f"{names}: tables of this environment do not replicate; what was written away stays there."
        return
    yield (
        f"{names}: from the last write that left {sight.env.regions.primary} before the outage until it was back and "
        "fenced, both regions may have written one item. The later write won, and DynamoDB keeps no trace of the other "
        "(T31): point-in-time recovery of either region shows the table of any moment of that window."
    )


VERB = action(globals(), (), (dynamodb.tables, dynamodb_contents.contents))
