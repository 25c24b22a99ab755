"""Checks that tables match in both regions: schema, capacity, content, encryption and protection."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dr_checks.core.model import BOTH, Area, Finding, Remedy, Severity, View, check, cite, if_replicated, weigh
from dr_checks.tables.dynamodb import named_tables
from dr_estate.config.environment import Side
from dr_estate.model import states
from dr_estate.model.references import arn_region
from dr_estate.model.unavailable import Unavailable
from dr_estate.readers.dynamodb import Index, Table

_ABSENT = "absent"
_CAPACITY_SHARE = 0.8  # ARC's DynamoCapacity: within 20% of the largest
# DynamoDB refreshes its counts about every six hours (API_TableDescription, ItemCount): less than this is delay.
_COUNT_TOLERANCE = 0.1
_ON_DEMAND = "PAY_PER_REQUEST"


def _each_pair(view: View, wanted: str, judge: Callable[[Table, Table], Iterator[Finding]]) -> Iterator[Finding]:
    """Judge every table that is on both sides; what is unseen is UNKNOWN, what is absent dynamodb.table-active says."""
    judged = False
    for (name, here), (_, there) in zip(named_tables(view, Side.PRIMARY), named_tables(view, Side.DR), strict=True):
        if isinstance(here, Unavailable):
            judged = True
            yield view.unknown(name, wanted, here)
        elif isinstance(there, Unavailable):
            judged = True
            yield view.unknown(name, wanted, there)
        elif _ABSENT not in (here.status, there.status):
            judged = True
            yield from judge(here, there)
    if not judged:
        yield view.none_expected("all tables", "no table exists in both regions: see dynamodb.table-active")


@check("every table has the same keys, indexes, streams and expiry in both regions")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated)
@cite("DynamoConfiguration", "DynamoGsiConfig", "REL13-BP04", "NIST CP-9")
def schema_parity(view: View) -> Iterator[Finding]:
    """Key schema, global secondary indexes, stream and time-to-live attribute, order aside. Source: DescribeTable."""

    def judge(here: Table, there: Table) -> Iterator[Finding]:
        mine, theirs = _shape(here), _shape(there)
        differing = [f"{what} {theirs[what]}" for what in mine if mine[what] != theirs[what]]
        wanted = "; ".join(f"{what} {mine[what]}" for what in mine if mine[what] != theirs[what])
        if not differing:
            yield view.ok(there.name, "alike", "as in the primary region", "the application finds what it queries")
        else:
            reason = "queries that work in the primary region would fail, or find other items, in the DR region"
            remedy = "Bring aws_dynamodb_table of both regions back to one definition with a replica block."
            yield view.gap(there.name, "; ".join(differing), wanted, reason, remedy)

    yield from _each_pair(view, "alike", judge)


def _shape(table: Table) -> dict[str, str]:
    indexes = [f"{index.name}({', '.join(index.keys)}) {index.projection}" for index in table.indexes]
    return {
        "keys": ", ".join(table.keys),
        "indexes": "; ".join(indexes) or "none",
        "stream": table.stream or "off",
        "expiry": table.expiry_attribute or "off",
    }


@check("every index of every table is active in the DR region")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated)
@cite("DynamoGsiStatus", "REL13-BP04")
def indexes_active(view: View) -> Iterator[Finding]:
    """IndexStatus of each global secondary index: one that is still being filled answers with holes."""
    indexes: list[tuple[str, Index]] = []
    for name, table in named_tables(view):
        if isinstance(table, Unavailable):
            yield view.unknown(name, "ACTIVE", table)
        else:
            indexes += [(name, index) for index in table.indexes]
    view.need(indexes, "all indexes", "no table has a global secondary index")
    for name, index in indexes:
        subject = f"{name}/{index.name}"
        state = states.INDEX[index.status]
        if not state.known:
            yield view.undocumented(subject, "ACTIVE", index.status)
        elif state.serves:
            yield view.ok(subject, index.status, "ACTIVE", "queries by this index are complete")
        else:
            reason = "queries by this index fail or miss items until it is filled"
            remedy = f"Wait until {view.region} reports the index ACTIVE."
            yield view.gap(subject, index.status, "ACTIVE", reason, remedy)


@check("every table has as much read and write capacity in the DR region as in the primary region")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated)
@cite("DynamoCapacity", "DynamoGsiCapacity", "DYNAMODB_AUTOSCALING_ENABLED", "REL13-BP04", "NIST CP-7")
def capacity_parity(view: View) -> Iterator[Finding]:
    """Paid by request up to the primary's limits at least, or no less than 80% of its units, with indexes.

    Source: ARC DynamoCapacity; DescribeTable, OnDemandThroughput.
    """

    def judge(here: Table, there: Table) -> Iterator[Finding]:
        measured, wanted = _capacity(there), _capacity(here)
        # Whether it is paid on demand, with no limits below those of the primary region's, or below its units.
        most = here.limits if here.billing == _ON_DEMAND else (here.read_units, here.write_units)
        limits = zip(most, there.limits, strict=True)
        is_unlimited = there.billing == _ON_DEMAND and all(not mine or 0 < wanted <= mine for wanted, mine in limits)
        if is_unlimited or (here.billing == there.billing != _ON_DEMAND and _enough(here, there)):
            yield view.ok(there.name, measured, wanted, "it can carry the primary region's load")
        else:
            remedy = Remedy(
                "Pay per request (aws_dynamodb_table.billing_mode), or raise the replica's capacity.",
                (view.command("dynamodb", "UpdateTable", TableName=there.name, **_capacity_settings(here, there)),),
            )
            yield view.gap(there.name, measured, wanted, "requests above this are throttled after a failover", remedy)

    yield from _each_pair(view, "as in the primary region", judge)


def _capacity(table: Table) -> str:
    if table.billing == _ON_DEMAND:
        named_limits = zip(("reads", "writes"), table.limits, strict=True)
        return ", at most ".join(["on demand", *(f"{limit} {what}" for what, limit in named_limits if limit)])
    units = [f"{table.read_units} reads, {table.write_units} writes"]
    return "; ".join(units + [f"{i.name} {i.read_units} reads, {i.write_units} writes" for i in table.indexes])


def _capacity_settings(here: Table, there: Table) -> dict[str, object]:
    """What gives the replica the capacity: on demand, by the primary's limits where it has lower ones."""
    if there.billing != _ON_DEMAND:
        return {"BillingMode": _ON_DEMAND}
    # -1 takes a limit off (API_OnDemandThroughput).
    reads, writes = (limit or -1 for limit in here.limits)
    return {"OnDemandThroughput": {"MaxReadRequestUnits": reads, "MaxWriteRequestUnits": writes}}


def _enough(here: Table, there: Table) -> bool:
    def units(table: Table) -> dict[str, int]:
        found = {"reads": table.read_units, "writes": table.write_units}
        for index in table.indexes:
            found |= {f"{index.name} reads": index.read_units, f"{index.name} writes": index.write_units}
        return found

    mine = units(there)
    return all(mine.get(what, 0) >= _CAPACITY_SHARE * wanted for what, wanted in units(here).items())


@check("every table has about as many items in the DR region as in the primary region")
@weigh(Severity.NORMAL, Area.REPLICATION, applies=if_replicated)
@cite("REL09-BP04", "REL13-BP04", "NIST CP-9", "SOC2 A1.3")
def item_counts(view: View) -> Iterator[Finding]:
    """Within 10%, else a warning: counts are refreshed every six hours. An empty replica of a full table fails."""

    def judge(here: Table, there: Table) -> Iterator[Finding]:
        remedy = f"Count the items of {here.name} in both regions by a scan: DynamoDB's own counts lag six hours."
        # None at all is no delay: the replica was never filled.
        if here.items and not there.items:
            reason = "the replica has none of the primary's items"
            yield view.gap(here.name, "0 items", f"about {here.items} items", reason, remedy)
        elif abs(here.items - there.items) > _COUNT_TOLERANCE * max(here.items, there.items):
            reason = "the difference is more than the delay of item counts explains"
            yield view.warn(here.name, f"{there.items} items", f"about {here.items} items", reason, remedy)
        else:
            yield view.ok(here.name, f"{there.items} items", f"about {here.items} items", "both have the same items")

    yield from _each_pair(view, "as many items", judge)


@check("every table is encrypted in the DR region under a key of the DR region")
@weigh(Severity.CRITICAL, Area.REPLICATION, applies=if_replicated)
@cite("T19", "DynamoConfiguration", "KmsKeyUsableInRegion", "DYNAMODB_TABLE_ENCRYPTED_KMS", "REL09-BP02", "NIST SC-28")
def encryption(view: View) -> Iterator[Finding]:
    """A customer key wherever the primary has one, and of this region; whether it works the KMS checks say (T19)."""

    def judge(here: Table, there: Table) -> Iterator[Finding]:
        where = arn_region(there.key)
        wanted = f"a key of {view.region}" if here.key else "DynamoDB's own key or better"
        measured = f"a key of {where}" if there.key else "DynamoDB's own key"
        if (here.key and not there.key) or (there.key and where != view.region):
            reason = "the replica must be encrypted as well as its source, and readable without the primary region"
            remedy = "aws_dynamodb_table.replica.kms_key_arn: a key of the DR region."
            yield view.gap(there.name, measured, wanted, reason, remedy)
        else:
            reason = "encrypted as well as its source, and readable without another region"
            yield view.ok(there.name, measured, wanted, reason)

    yield from _each_pair(view, "encrypted", judge)


@check("every table has deletion protection, in both regions")
@weigh(Severity.NORMAL, Area.REPLICATION, BOTH, applies=if_replicated)
@cite(
    "DYNAMODB_TABLE_DELETION_PROTECTION_ENABLED",
    "dynamodb_table_deletion_protection_enabled",
    "REL09-BP02",
    "NIST CP-9",
)
def deletion_protection(view: View) -> Iterator[Finding]:
    """Deletion protection is a setting of each replica. Source: DynamoDB DescribeTable."""
    present = False
    for name, table in named_tables(view):
        if isinstance(table, Unavailable):
            present = True
            yield view.unknown(name, "on", table)
        elif table.status != _ABSENT:
            present = True
            if table.deletion_protection:
                yield view.ok(name, "on", "on", "a mistaken delete is refused")
            else:
                remedy = Remedy(
                    "aws_dynamodb_table.deletion_protection_enabled = true.",
                    (view.command("dynamodb", "UpdateTable", TableName=name, DeletionProtectionEnabled=True),),
                )
                yield view.gap(name, "off", "on", "a single mistaken call would delete this region's copy", remedy)
    if not present:
        yield view.none_expected("all tables", "it does not exist here: see dynamodb.table-active")
