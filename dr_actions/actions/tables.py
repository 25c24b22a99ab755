"""The global tables in a failback: the marker items, and the proof that both regions' replicas hold the same. Pure.

A marker is written once writes are frozen, found in the primary region, then removed. A replica that is ACTIVE, and
counts alike, may still lack what was written last; only an item that was written after the last write proves that all
before it arrived. Its key cannot be one of the platform's own, and a condition lets nothing but a marker be replaced or
removed. Source: DynamoDB API, PutItem and DeleteItem (ConditionExpression).

Writes that were stranded in the primary arrive by themselves once it is back, and of two writes of one item the later
won; the other is in nobody's table (T31). That they have arrived is proven by reading both through: equal digests mean
equal items. No call is made that changes anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

from dr_actions.actions.markers.marker_task import marker_of
from dr_actions.actions.shared import name_list
from dr_actions.model.action import Action, PlanContext, StepState, StepStatus, Waits
from dr_actions.model.plan import Call, Danger, Goal, Params, Step, step_id
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.stores import ATTRIBUTE, KEY, ONLY_A_MARKER
from dr_estate.model.unavailable import DataUnavailable, Unavailable, UnavailableKind, available
from dr_estate.readers import dynamodb
from dr_estate.readers.dynamodb import Contents, MarkerItem, TableTooLarge

PUT, DELETE = "dynamodb:PutItem", "dynamodb:DeleteItem"
# After how long what did not arrive is lost on the way: a replica trails by a second or two (DynamoDB guide).
ARRIVES_S = 300
_LATER = "<made for this run>"
_MARKED = "marked table"  # by which a run's observations read the table's marker
_PARTS = (dynamodb.tables, dynamodb.markers)


def _marked_tables(context: PlanContext) -> Iterator[tuple[dynamodb.Table, Params]]:
    """The tables of the DR region that replicate and take a marker, each with its key. Raises DataUnavailable."""
    for table in _tables(context) if context.env.execution.markers and context.env.replicates else ():
        key = dynamodb.key_of(table)
        if key is not None and table.replicas:
            yield table, key


def _tables(context: PlanContext) -> Iterator[dynamodb.Table]:
    return map(available, context.snapshot.get(dynamodb.tables, Side.DR))


def _item_of(context: PlanContext, side: Side, table: str) -> MarkerItem | None:
    """The table's marker as the side's replica shows it; None where the table was not asked. Raises DataUnavailable."""
    rows = map(available, context.snapshot.get(dynamodb.markers, side))
    return next((row for row in rows if row.table == table), None)


def write_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each table that replicates and takes a marker."""
    region = context.env.regions.dr
    for table, key in _marked_tables(context):
        params = {
            "TableName": table.name,
            "Item": {**key, ATTRIBUTE: {"S": _LATER}},
            # An item of the platform under that key makes DynamoDB refuse the call: nothing of a tenant's is replaced.
            "ConditionExpression": f"attribute_not_exists(#key) OR {ONLY_A_MARKER}",
            "ExpressionAttributeNames": {"#key": next(iter(key))},
        }
        yield context.step(
            WRITE.name,
            table.name,
            side=Side.DR,
            says=f"Put the marker item {KEY} into {table.name} of {region}: none of the platform's is replaced.",
            danger=Danger.COMPENSABLE,
            undo="The item is taken away after the move, or by the abort.",
            budget_s=300,
            call=Call("dynamodb", "PutItem", region, params),
            before={_MARKED: table.name},
            after={"marker item": "written"},
        )


def write_call(step: Step, context: PlanContext) -> Call:
    """The call with the run's own marker."""
    item = step.planned_call.params["Item"]
    return step.call_with({"Item": {**item, ATTRIBUTE: {"S": marker_of(context)}}})


def write_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once the table of the DR region holds this run's marker."""
    item = _item_of(context, Side.DR, step.subject)
    if item is None:
        return StepStatus(StepState.DRIFTED, f"{step.subject} is gone from {context.env.regions.dr}, or takes none.")
    if item.there and not item.marker:
        return StepStatus(StepState.DRIFTED, f"{step.subject} holds an item {KEY} that is no marker of this tool.")
    if item.marker != marker_of(context):
        return StepStatus(StepState.READY, f"{step.subject} holds no marker of this run.")
    facts = (("marker", item.marker),)
    return StepStatus(StepState.DONE, f"{step.subject} of {context.env.regions.dr} holds the marker.", facts)


def unmarked_tables(context: PlanContext) -> Iterator[str]:
    """The tables that take no marker, by name."""
    wanted = context.env.execution.markers and context.env.replicates
    tables = _tables(context) if wanted else ()
    if unfit := [table.name for table in tables if table.keys and dynamodb.key_of(table) is None]:
        yield (
            f"No marker item is put into {name_list(unfit)}: the key is a number or binary, and might be one of the "
            "platform's own. That its items are copied back is seen by comparing both replicas alone."
        )


def arrival_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each table that a marker is put into."""
    for table, _ in _marked_tables(context):
        yield context.step(
            VERIFY.name,
            table.name,
            side=Side.PRIMARY,
            says=f"Wait until the marker item of {table.name} is in the replica of {context.env.regions.primary}.",
            budget_s=2 * ARRIVES_S,
            before={_MARKED: table.name},
            after={"lost": "nothing"},
        )


def arrival_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once it is there; FAILED where it did not arrive in ``ARRIVES_S``."""
    written = step_id(WRITE.name, step.subject)
    wanted = context.confirmed_facts.get(written, {}).get("marker", "")
    item = _item_of(context, Side.PRIMARY, step.subject)
    if item is not None and wanted and item.marker == wanted:
        message = f"The replica of {step.subject} in {context.env.regions.primary} holds the marker."
        return StepStatus(StepState.DONE, message, (("marker", wanted),))
    message = f"the replica of {step.subject} in {context.env.regions.primary} does not hold the marker"
    since = context.confirmed_at.get(written)
    if since is not None and context.snapshot.taken_at - since > timedelta(seconds=ARRIVES_S):
        return StepStatus(StepState.FAILED, f"Not all has arrived: after {ARRIVES_S} s {message}. Nothing is promoted.")
    return StepStatus(StepState.IN_PROGRESS, f"Not all has arrived: {message} yet.")


def removal_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each table that a marker is put into; in an abort for those that the failback put one into."""
    region = context.env.regions.dr
    for table, key in _marked_tables(context):
        # An abort removes what its failback wrote, and nothing that another run may still wait for.
        if context.goal is Goal.ABORT and not context.before(WRITE.name, table.name):
            continue
        params = {"TableName": table.name, "Key": key, "ConditionExpression": ONLY_A_MARKER}
        yield context.step(
            REMOVE.name,
            table.name,
            side=Side.DR,
            says=f"Remove the marker item {KEY} from {table.name} of {region}, which replicates.",
            danger=Danger.COMPENSABLE,
            undo="The next marker makes its item again.",
            budget_s=600,
            call=Call("dynamodb", "DeleteItem", region, params),
            before={_MARKED: table.name},
            after={"marker item": "gone"},
        )


def removal_status(step: Step, context: PlanContext) -> StepStatus:
    """DONE once no replica that is seen holds a marker; an unseen primary does not keep the DR region from it."""
    item, left = _item_of(context, Side.DR, step.subject), None
    if item is not None and item.marker:
        return StepStatus(StepState.READY, f"{step.subject} holds a marker.")
    with suppress(DataUnavailable):
        # The removal replicates: while the primary is dark it arrives there later by itself.
        left = _item_of(context, Side.PRIMARY, step.subject)
    if left and left.marker:
        message = f"The replica of {step.subject} in {context.env.regions.primary} still holds the marker."
        return StepStatus(StepState.IN_PROGRESS, message)
    return StepStatus(StepState.DONE, f"{step.subject} holds no marker.")


WRITE = Action(
    "tables/write_marker",
    "Puts a marker item into each replicated table of the DR region once nobody writes there any more.",
    {PUT},
    _PARTS,
    write_steps,
    write_status,
    build_call=write_call,
    omissions=unmarked_tables,
)
VERIFY = Action(
    "tables/verify_marker",
    "Before the database is promoted: proves that each table's marker item has arrived in the primary's replica.",
    frozenset(),
    _PARTS,
    arrival_steps,
    arrival_status,
    waits=Waits(()),
)
REMOVE = Action(
    "tables/remove_marker",
    "Removes the marker items from the tables in the DR region, "
    "from where the removal replicates to the primary region.",
    {DELETE},
    _PARTS,
    removal_steps,
    removal_status,
    essential=False,
)


def plan_steps(context: PlanContext) -> Iterator[Step]:
    """A step for each table, where data is to replicate at all."""
    regions = context.env.regions
    for name in dynamodb.names(context.env) if context.env.replicates else ():
        yield context.step(
            VERIFY_PRIMARY_IN_SYNC.name,
            name,
            side=Side.PRIMARY,
            says=f"Wait until {name} holds the same items in {regions.primary} and {regions.dr}.",
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
    replica = next((row for row in table.replicas if row.region == other), None)
    if replica is None:
        message = f"{table.name} of {region} has no replica in {other}: nothing copies its items back"
        return StepStatus(StepState.FAILED, f"{message}. Copy them by hand.")
    pair = (states.TABLE[table.status], states.TABLE_REPLICA[replica.status])
    # UPDATING and CREATING serve, and may still be filled: equal counts prove nothing then.
    if all(state.serves and not state.busy for state in pair):
        return None
    message = f"{table.name} of {region} is {table.status}, its replica in {other} {replica.status}"
    is_lost = any(state.broken or state.gone for state in pair)
    return StepStatus(StepState.FAILED if is_lost else StepState.IN_PROGRESS, f"{message}.")


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
    regions = (_table(name, side, context) for side in (Side.PRIMARY, Side.DR))
    counts = [table.items if table else 0 for table in regions]
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
