"""Proves that both regions' replicas of each global table hold the same items again, whichever side wrote them.

Writes that were stranded in the primary arrive by themselves once it is back, and of two writes of one item the later
won; the other is in nobody's table (T31). That they have arrived is proven by reading both through: equal digests mean
equal items. No call is made that changes anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_actions.model.action import Action, PlanContext, StepState, StepStatus, Waits
from dr_actions.model.plan import Step
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind, available
from dr_estate.readers import dynamodb
from dr_estate.readers.dynamodb import Contents, TableTooLarge


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each table, where data is to replicate at all."""
    for name in dynamodb.names(context.env) if context.env.replicates else ():
        yield context.step(
            VERIFY_PRIMARY_IN_SYNC.name,
            name,
            side=Side.PRIMARY,
            says=f"Wait until {name} holds the same items in {context.env.regions.primary} and "
            f"{context.env.regions.dr}.",
            budget_s=3600,
            after={"items": "the same in both regions"},
        )


def observe(step: Step, context: PlanContext) -> StepStatus:
    """DONE once both replicas are active and hold the same."""
    sides = (Side.PRIMARY, Side.DR)
    for side, other in (sides, sides[::-1]):
        bad = _replica_fault(_table(step.subject, side, context), context.env.region(side), context.env.region(other))
        if bad is not None:
            return bad
    primary_side, away = (_contents(step.subject, side, context) for side in sides)
    # Reading millions of items through costs read units and hours: counts must do, and the message names them.
    if isinstance(primary_side, TableTooLarge) or isinstance(away, TableTooLarge):
        return _status_by_counts(step.subject, context)
    facts = _evidence(primary_side.items, away.items, "items read through")
    if primary_side.digest == away.digest:
        return StepStatus(StepState.DONE, f"{step.subject}: the same {away.items} items in both regions.", facts)
    counted = f"{primary_side.items} items in the primary region and {away.items} in the DR region"
    message = f"{step.subject} holds {counted}, and they differ"
    return StepStatus(StepState.IN_PROGRESS, f"{message}: writes are still on their way.", facts)


def _replica_fault(table: dynamodb.Table | None, region: str, other: str) -> StepStatus | None:
    """Why the table is no working replica, None where it is one."""
    if table is None or table.status == "absent":
        return StepStatus(StepState.FAILED, f"{region} has no such table: nothing copies its items back.")
    replica = next((dynamodb_replica for dynamodb_replica in table.replicas if dynamodb_replica.region == other), None)
    if replica is None:
        message = f"{table.name} of {region} has no replica in {other}: nothing copies its items back"
        return StepStatus(StepState.FAILED, f"{message}. Copy them by hand.")
    pair = (states.TABLE[table.status], states.TABLE_REPLICA[replica.status])
    # UPDATING and CREATING serve, and may still be filled: equal counts prove nothing then.
    if all(state.serves and not state.busy for state in pair):
        return None
    message = f"{table.name} of {region} is {table.status}, its replica in {other} {replica.status}"
    return StepStatus(
        StepState.FAILED if any(state.broken or state.gone for state in pair) else StepState.IN_PROGRESS, f"{message}."
    )


def _table(name: str, side: Side, context: PlanContext) -> dynamodb.Table | None:
    tables = map(available, context.snapshot.get(dynamodb.tables, side))
    return next((table for table in tables if table.name == name), None)


def _contents(name: str, side: Side, context: PlanContext) -> Contents | TableTooLarge:
    """What the table holds, or that it is too large to be read. Raises DataUnavailable."""
    for found in context.snapshot.get(dynamodb.contents, side):
        if isinstance(found, Unavailable):
            raise DataUnavailable(found)
        if found.table == name:
            return found
    reason = f"{name} was not read through: it is while {context.env.regions.dr} serves."
    raise DataUnavailable(Unavailable(UnavailableKind.UNSUPPORTED, reason))


def _status_by_counts(name: str, context: PlanContext) -> StepStatus:
    """A table too large to be read through is judged by DynamoDB's own counts, refreshed about every six hours."""
    counts = [
        table.items if table else 0 for table in (_table(name, side, context) for side in (Side.PRIMARY, Side.DR))
    ]
    facts = _evidence(counts[0], counts[1], "DynamoDB's own count, refreshed about every six hours")
    counted = f"{counts[0]} items in the primary region and {counts[1]} in the DR region"
    message = f"{name} is too large to be read through; DynamoDB counts {counted}"
    return StepStatus(StepState.DONE if counts[0] == counts[1] else StepState.IN_PROGRESS, f"{message}.", facts)


def _evidence(primary_side: int, away: int, basis: str) -> tuple[tuple[str, str], ...]:
    return (
        ("items in the primary region", str(primary_side)),
        ("items in the DR region", str(away)),
        ("counted by", basis),
    )


def notes(context: PlanContext) -> Iterator[str]:
    """The conflict window, and tables that replicate nowhere."""
    names = ", ".join(dynamodb.names(context.env))
    if not context.env.replicates:
        yield f"{names}: tables of this environment do not replicate; what was written away stays there."
        return
    yield (
        f"{names}: from the last write that left {context.env.regions.primary} before the outage until it was back and "
        "fenced, both regions may have written one item. The later write won, and DynamoDB does not keep the other "
        "(T31): point-in-time recovery of either region shows the table of any moment of that window."
    )


VERIFY_PRIMARY_IN_SYNC = Action(
    "tables/verify_primary_in_sync",
    "Proves that both regions' replicas of each global table hold the same items again, whichever side wrote them.",
    frozenset(),
    (dynamodb.tables, dynamodb.contents),
    plan_steps,
    observe,
    omissions=notes,
    waits=Waits(()),
)
