"""Examples of the checks of the platform's tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import application_autoscaling, dynamodb
from dr_estate.readers.application_autoscaling import ScalingPolicy, TableTarget
from dr_estate.readers.dynamodb import Index, Table, TableReplica
from dr_estate.reading.cloudwatch_metrics import Reading
from tests.dr_checks.worlds import DENIED, NOW, SIT, Example, Values, world

HOME, AWAY = SIT.regions.primary, SIT.regions.dr
ONE, TWO = dynamodb.names(SIT)
INDEX = Index("by-status", "ACTIVE", ("status:",), "ALL", 0, 0)


def _table(name: str, other_region: str) -> Table:
    return Table(
        name=name,
        status="ACTIVE",
        keys=("tenant_id:S", "item_id:S"),
        indexes=(INDEX,),
        items=100,
        billing="PAY_PER_REQUEST",
        read_units=0,
        write_units=0,
        replicas=(TableReplica(other_region, "ACTIVE", ""),),
        global_version="2019.11.21",
        stream="NEW_AND_OLD_IMAGES",
        key="",
        table_class="STANDARD",
        expiry_attribute="",
        deletion_protection=True,
        recovery="ENABLED",
        restorable_until=NOW - timedelta(minutes=5),
    )


HERE, THERE = _table(ONE, AWAY), _table(ONE, HOME)
SECOND = (_table(TWO, AWAY), _table(TWO, HOME))
ABSENT = Table(ONE, "absent", (), (), 0, "", 0, 0, (), "", "", "", "", "", False, "", None)
PAID: dict[str, Any] = {"billing": "PROVISIONED", "read_units": 100, "write_units": 50}
ENOUGH = (100, 50)
LATENCY = tuple(
    Reading("ReplicationLatency", (("TableName", n), ("ReceivingRegion", AWAY)), 900.0, NOW - timedelta(minutes=1), 9.0)
    for n in (ONE, TWO)
)


def _case(
    check: str,
    expected: Status,
    subject: str = ONE,
    here: Any = HERE,
    there: Any = THERE,
    latency: Any = LATENCY,
    second: tuple[Any, Any] = SECOND,
) -> Example:
    dark = here is DENIED
    values: Values = {
        (dynamodb.tables, Side.PRIMARY): DENIED if dark else (here, second[0]),
        (dynamodb.tables, Side.DR): (there, second[1]),
        (dynamodb.latency_metrics, Side.PRIMARY): latency,
    }
    return Example(check, expected, world(values), frozenset({subject} if subject else ()))


def _main(check: str, expected: Status, subject: str = ONE, **changed: Any) -> Example:
    return _case(f"dynamodb.{check}", expected, subject, **changed)


def _parity(check: str, expected: Status, subject: str = ONE, **changed: Any) -> Example:
    return _case(f"dynamodb-parity.{check}", expected, subject, **changed)


def _slow(milliseconds: float | None, minutes_old: float = 1) -> tuple[Reading, ...]:
    at = None if milliseconds is None else NOW - timedelta(minutes=minutes_old)
    return (replace(LATENCY[0], value=milliseconds, at=at), LATENCY[1])


def _index(**changed: Any) -> tuple[Index, ...]:
    return (replace(INDEX, **changed),)


READS, UNITS = "DynamoDBReadCapacityUtilization at 70", "ReadCapacityUnits"
BOUNDS = (TableTarget(ONE, UNITS, 5, 500),)
BY_READS = (ScalingPolicy(f"{ONE} {UNITS}", "reads", READS),)


def _scaled(
    expected: Status, subject: str, here: Any = BOUNDS, there: Any = BOUNDS, rules: Any = BY_READS, **billed: Any
) -> Example:
    replica = billed.get("replica", replace(THERE, **PAID))
    values: Values = {
        (dynamodb.tables, Side.DR): (replica, SECOND[1]),
        (application_autoscaling.table_targets, Side.PRIMARY): here,
        (application_autoscaling.table_targets, Side.DR): there,
        (application_autoscaling.table_policies, Side.PRIMARY): BY_READS,
        (application_autoscaling.table_policies, Side.DR): rules,
    }
    return Example("dynamodb-scaling.alike", expected, world(values), frozenset({subject} if subject else ()))


def _replica(status: str) -> Table:
    """The primary's table, whose replica in the DR region is in this state."""
    return replace(HERE, replicas=(TableReplica(AWAY, status, ""),))


OFF = (replace(BOUNDS[0], suspended=True),)

EXAMPLES = [
    _main("table-active", Status.PASS),
    _main("table-active", Status.PASS, here=DENIED),
    _main("table-active", Status.FAIL, there=ABSENT),
    _main("table-active", Status.PASS, there=replace(THERE, status="UPDATING")),
    _main("table-active", Status.FAIL, there=replace(THERE, status="DELETING")),
    _main("table-active", Status.UNKNOWN, there=replace(THERE, status="a-new-word")),
    _main("table-active", Status.FAIL, there=replace(THERE, replicas=())),
    _main("table-active", Status.FAIL, there=replace(THERE, status="INACCESSIBLE_ENCRYPTION_CREDENTIALS")),
    _main("table-active", Status.UNKNOWN, there=DENIED),
    _main("replica-status", Status.PASS),
    _main("replica-status", Status.FAIL, here=_replica("CREATING")),
    _main("replica-status", Status.UNKNOWN, here=_replica("a-new-word")),
    _main("replica-status", Status.FAIL, here=_replica("REGION_DISABLED")),
    _main("replica-status", Status.PASS, TWO, here=replace(HERE, replicas=()), there=ABSENT),
    _main("replica-status", Status.UNKNOWN, "", here=DENIED),
    _main("replication-latency", Status.PASS),
    _main("replication-latency", Status.PASS, latency=_slow(3600 * 1000.0)),
    _main("replication-latency", Status.FAIL, latency=_slow(3601 * 1000.0)),
    _main(
        "replication-latency",
        Status.NOT_APPLICABLE,
        "all tables",
        there=ABSENT,
        second=(SECOND[0], replace(ABSENT, name=TWO)),
    ),
    _main("replication-latency", Status.UNKNOWN, latency=_slow(None)),
    _main("replication-latency", Status.UNKNOWN, latency=_slow(5.0, minutes_old=16)),
    _main("replication-latency", Status.PASS, TWO, there=ABSENT, latency=_slow(None)),
    _main("replication-latency", Status.UNKNOWN, "", latency=DENIED),
    _main("point-in-time-recovery", Status.PASS),
    _main("point-in-time-recovery", Status.FAIL, there=replace(THERE, recovery="DISABLED")),
    _main("point-in-time-recovery", Status.FAIL, here=replace(HERE, recovery="DISABLED")),
    _main("point-in-time-recovery", Status.PASS, ONE, there=ABSENT, second=(SECOND[0], ABSENT)),
    _main("point-in-time-recovery", Status.UNKNOWN, there=DENIED),
    _parity("schema-parity", Status.PASS),
    _parity("schema-parity", Status.FAIL, there=replace(THERE, keys=("tenant_id:S",))),
    _parity("schema-parity", Status.FAIL, there=replace(THERE, indexes=())),
    _parity("schema-parity", Status.FAIL, there=replace(THERE, expiry_attribute="ttl")),
    _parity("schema-parity", Status.PASS, TWO, there=ABSENT),
    _parity("schema-parity", Status.NOT_APPLICABLE, "all tables", there=ABSENT, second=(SECOND[0], ABSENT)),
    _parity("schema-parity", Status.UNKNOWN, there=DENIED),
    _parity("indexes-active", Status.PASS, f"{ONE}/by-status"),
    _parity("indexes-active", Status.UNKNOWN, f"{ONE}/by-status", there=replace(THERE, indexes=_index(status="new"))),
    _parity("indexes-active", Status.FAIL, f"{ONE}/by-status", there=replace(THERE, indexes=_index(status="CREATING"))),
    _parity("indexes-active", Status.NOT_APPLICABLE, "all indexes", there=ABSENT, second=(SECOND[0], ABSENT)),
    _parity("indexes-active", Status.UNKNOWN, there=DENIED),
    _parity("capacity-parity", Status.PASS),
    _parity("capacity-parity", Status.PASS, here=replace(HERE, **PAID)),
    _parity(
        "capacity-parity", Status.PASS, here=replace(HERE, **PAID), there=replace(THERE, **{**PAID, "read_units": 80})
    ),
    _parity(
        "capacity-parity", Status.FAIL, here=replace(HERE, **PAID), there=replace(THERE, **{**PAID, "read_units": 79})
    ),
    _parity("capacity-parity", Status.FAIL, there=replace(THERE, **PAID)),
    _parity(
        "capacity-parity",
        Status.FAIL,
        here=replace(HERE, **PAID, indexes=_index(read_units=10, write_units=10)),
        there=replace(THERE, **PAID, indexes=_index(read_units=1, write_units=10)),
    ),
    _parity("capacity-parity", Status.FAIL, there=replace(THERE, limits=(1, 0))),
    _parity("capacity-parity", Status.FAIL, there=replace(THERE, limits=(0, 1))),
    _parity("capacity-parity", Status.PASS, here=replace(HERE, limits=(9, 0)), there=replace(THERE, limits=(9, 0))),
    _parity("capacity-parity", Status.PASS, here=replace(HERE, limits=(9, 9))),
    _parity("capacity-parity", Status.FAIL, here=replace(HERE, limits=(9, 0)), there=replace(THERE, limits=(8, 0))),
    _parity("capacity-parity", Status.PASS, here=replace(HERE, **PAID), there=replace(THERE, limits=ENOUGH)),
    _parity("capacity-parity", Status.FAIL, here=replace(HERE, **PAID), there=replace(THERE, limits=(1, 0))),
    _parity("capacity-parity", Status.UNKNOWN, there=DENIED),
    _parity("item-counts", Status.PASS),
    _parity("item-counts", Status.PASS, there=replace(THERE, items=90)),
    _parity("item-counts", Status.WARN, there=replace(THERE, items=89)),
    _parity("item-counts", Status.FAIL, there=replace(THERE, items=0)),
    _parity("item-counts", Status.UNKNOWN, "", here=DENIED),
    _parity("encryption", Status.PASS),
    _parity("encryption", Status.PASS, there=replace(THERE, key=f"arn:aws:kms:{AWAY}:1:key/b")),
    _parity("encryption", Status.FAIL, here=replace(HERE, key=f"arn:aws:kms:{HOME}:1:key/a")),
    _parity("encryption", Status.FAIL, there=replace(THERE, key=f"arn:aws:kms:{HOME}:1:key/a")),
    _parity("encryption", Status.UNKNOWN, there=DENIED),
    _parity("deletion-protection", Status.PASS),
    _parity("deletion-protection", Status.FAIL, there=replace(THERE, deletion_protection=False)),
    _parity("deletion-protection", Status.FAIL, here=replace(HERE, deletion_protection=False)),
    _parity("deletion-protection", Status.PASS, ONE, there=ABSENT, second=(SECOND[0], ABSENT)),
    _parity("deletion-protection", Status.UNKNOWN, there=DENIED),
    _scaled(Status.PASS, f"{ONE} {UNITS}"),
    _scaled(Status.NOT_APPLICABLE, "all tables", here=()),
    _scaled(Status.NOT_APPLICABLE, "all tables", there=(), replica=THERE),
    _scaled(Status.FAIL, f"{ONE} {UNITS}", there=()),
    _scaled(Status.FAIL, f"{ONE} {UNITS}", there=(replace(BOUNDS[0], maximum=50),)),
    _scaled(Status.FAIL, f"{ONE} {UNITS}", rules=()),
    _scaled(Status.UNKNOWN, ONE, replica=DENIED),
    _scaled(Status.UNKNOWN, "", here=DENIED),
    _scaled(Status.FAIL, f"{ONE} {UNITS}", there=OFF),
    _scaled(Status.PASS, f"{ONE} {UNITS}", here=OFF),
    _scaled(Status.PASS, f"{ONE} {UNITS}", here=OFF, there=OFF),
    _main("point-in-time-recovery", Status.WARN, there=replace(THERE, recovery_days=1)),
    _main("point-in-time-recovery", Status.PASS, here=replace(HERE, recovery_days=7)),
]
