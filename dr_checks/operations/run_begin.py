"""Check of what a run asks before it plans or writes anything.

A run judges it itself as it begins (``utils.aws_mgmt.app.run_begin``): ``status`` and the run cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr_checks.core.model import Area, Finding, Remedy, Severity, View, check, cite, weigh
from dr_estate.model import states
from dr_estate.model.control_items import BY_SK
from dr_estate.model.invocation import Command
from dr_estate.readers import control_table as control
from dr_estate.readers import dynamodb

SWITCH, RECORD = "the stop switch", "the record of the open incident"


@check("a run could begin now: the control table answers all that a run asks first, and nobody stopped all runs")
@weigh(Severity.BLOCKER, Area.PREREQUISITES)
@cite("T40", "T42", "IncidentStoreReachable", "NIST CP-2")
def possible(view: View) -> Iterator[Finding]:
    """Pinned rules and approvals by the index, the journal of an open incident, the lock, the stop switch.

    Source: DescribeTable, Query, T42.
    """
    begun, wanted = view.get(control.begin), f"the index {BY_SK}, ACTIVE"
    index = states.INDEX[begun.index]
    # Without a table nothing can be asked: prerequisites.control-table fails by that, once.
    view.need(begun.there, begun.name, "there is no table: see prerequisites.control-table")
    if begun.index != dynamodb.NONE and not index.known:
        yield view.undocumented(begun.name, wanted, begun.index)
    elif not index.serves:
        reason = "every run asks by it for the pinned rules and for approvals, and stops where it cannot"
        found = f"its index {BY_SK} is {begun.index}"
        yield view.gap(begun.name, found, wanted, reason, _index_remedy(view, begun.name))
    else:
        yield view.ok(begun.name, "it answers", wanted, "a run reads what it begins with")
    if begun.journal:
        yield _record(view, begun.journal)
    if pause := view.get(control.standing).pause:
        found = f"stopped by {pause.who} at {pause.at:%Y-%m-%d %H:%M} UTC: {pause.why}"
        reason, remedy = "no run begins or goes on", "`dr_cli.py unpause` lets runs begin again."
        yield view.gap(SWITCH, found, "off", reason, remedy)


def _record(view: View, journal: control.IncidentJournal) -> Finding:
    wanted, look = "an unbroken chain", Command(("log", "--verify", "--incident", journal.incident)).line
    remedy = Remedy("See which entry it is, and by what it is compared.", (look,))
    if journal.fault:
        return view.gap(RECORD, journal.fault, wanted, f"no run goes on with {journal.incident}", remedy)
    # UNKNOWN, and no gap: the entry differs from its anchor, and nothing shows which of the two was changed.
    if journal.refuted:
        reason = f"{journal.refuted}: what stands in the journal of {journal.incident} may not be what was written"
        return view.unknown(RECORD, wanted, reason, remedy=f"`{look}` shows which entry it is.")
    return view.ok(RECORD, f"{journal.entries} entries", wanted, f"a run can go on with {journal.incident}")


def _index_remedy(view: View, table: str) -> Remedy:
    keys = [{"AttributeName": name, "KeyType": kind} for name, kind in (("sk", "HASH"), ("pk", "RANGE"))]
    index = {"IndexName": BY_SK, "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}}
    types = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    changed = {"AttributeDefinitions": types, "GlobalSecondaryIndexUpdates": [{"Create": index}]}
    sentence = f"aws_dynamodb_table '{table}' in {view.region}: the index {BY_SK} (deploy/); minutes to build."
    return Remedy(sentence, (view.command("dynamodb", "UpdateTable", TableName=table, **changed),))
