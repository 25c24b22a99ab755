"""Examples of the free storage of the primary database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import rds
from dr_estate.reading.cloudwatch_metrics import Reading
from tests.dr_checks.databases import PRIMARY
from tests.dr_checks.worlds import DENIED, NOW, Example, world

CHECK, GIB = "rds-storage.room", 1024**3
NAMED = frozenset({PRIMARY.identifier})
FIXED = replace(PRIMARY, storage_gib=100, storage_limit_gib=0)


def _case(expected: Status, free_gib: float | None, database: Any = FIXED, readings: Any = None) -> Example:
    free = None if free_gib is None else free_gib * GIB
    reading = Reading("FreeStorageSpace", (("DBInstanceIdentifier", PRIMARY.identifier),), free, NOW, 0.0)
    values = {
        (rds.instances, Side.PRIMARY): (database,) if database else (),
        (rds.free_space, Side.PRIMARY): (reading,) if readings is None else readings,
    }
    return Example(CHECK, expected, world(dict(values)), NAMED if readings is None else frozenset())


EXAMPLES = [
    _case(Status.PASS, 10),
    _case(Status.PASS, 3, replace(FIXED, storage_limit_gib=110)),
    _case(Status.WARN, 9.9),
    _case(Status.WARN, 5, replace(FIXED, storage_limit_gib=109)),
    _case(Status.FAIL, 4.9),
    _case(Status.NOT_APPLICABLE, 50, None),
    _case(Status.NOT_APPLICABLE, None, replace(FIXED, status="storage-full")),
    _case(Status.UNKNOWN, None),
    _case(Status.UNKNOWN, 50, readings=DENIED),
]
