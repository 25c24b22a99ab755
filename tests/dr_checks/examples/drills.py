"""Examples of the checks that practice is up to date, and leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Environment, Side
from dr_estate.config.recovery_settings import Period
from dr_estate.model.recovery_names import canary_name
from dr_estate.model.run_records import RunKind, RunRecord
from dr_estate.readers import control_table, drill_resources, ecs, efs, rds, route53
from tests.dr_checks import databases
from tests.dr_checks.worlds import DENIED, NOW, SIT, Example, service, world

_CHECK, _LEFT, _TRIED = "drills.on-schedule", "drills.nothing-left", "drills.tasks-start"
TENANTS = ("tenant1", "tenant2")
SERVICES = tuple(replace(service(f"sit-{tenant}-service"), running=0, desired=0) for tenant in TENANTS)


def _ran(kind: RunKind, days_ago: int, complete: bool = True) -> RunRecord:
    return RunRecord(kind, NOW - timedelta(days=days_ago), "run", "Alice", "values", "READY", complete)


IN_TIME = (_ran(RunKind.TABLETOP, 5), _ran(RunKind.TEST_INFRA, 20), _ran(RunKind.FULL_DRILL, 80))
AS_NEEDED = SIT.model_copy(
    update={"schedule": SIT.schedule.model_copy(update={"full_drill": Period.AS_NEEDED})},
)

ALL_AS_NEEDED_TESTS = ("tabletop", "infrastructure", "full drill")
ALL_AS_NEEDED = SIT.model_copy(
    update={
        "schedule": SIT.schedule.model_copy(
            update={test.replace(" ", "_"): Period.AS_NEEDED for test in ALL_AS_NEEDED_TESTS}
        )
    },
)


def _example(expected: Status, past: Any, *subjects: str, env: Environment = SIT) -> Example:
    return Example(_CHECK, expected, world({(control_table.runs, Side.DR): past}), frozenset(subjects), env)


STAMP = "20260223-100000"
CANARY = canary_name(SIT, SIT.traffic.zone, f"TRIAL-{STAMP}")
DATABASE = replace(databases.PRIMARY, identifier=f"sit-mysql-drill-{STAMP}")
FILES = efs.FileSystem(
    "fs-1",
    "arn",
    "sit-efs",
    "available",
    1,
    "bursting",
    0.0,
    "generalPurpose",
    True,
    "key",
    "DISABLED",
    "",
    f"sit-efs-drill-{STAMP}",
)
RECORD = route53.Record(CANARY, "A", 60, ("192.0.2.1",), "primary-af-south-1", 100, None, None, None, None, None)
ORIGIN = replace(RECORD, name=SIT.traffic.origin_record)


def _left(
    expected: Status,
    *subjects: str,
    databases: Any = (databases.PRIMARY,),
    files: Any = (),
    records: Any = (ORIGIN,),
    points: Any = (),
) -> Example:
    values: dict[Any, Any] = {(rds.instances, Side.DR): databases, (efs.of_drills, Side.DR): files}
    values |= {
        (part, Side.DR): ()
        for part in (drill_resources.access_points, drill_resources.mount_targets, drill_resources.tasks)
    }
    values[drill_resources.access_points, Side.DR] = points
    return Example(_LEFT, expected, world({**values, (route53.records, Side.GLOBAL): records}), frozenset(subjects))


def _tried(days_ago: float, *failed: str, kind: RunKind = RunKind.START_TEST) -> RunRecord:
    starts = {tenant: "image not found" if tenant in failed else "" for tenant in TENANTS}
    return replace(_ran(kind, 0, complete=not failed), at=NOW - timedelta(days=days_ago), starts=starts)


def _starts(
    expected: Status, *runs: RunRecord, subjects: Any = (), services: Any = SERVICES, past: Any = None
) -> Example:
    seen = past or control_table.RunHistory(runs)
    values = {(control_table.runs, Side.DR): seen, (ecs.services, Side.DR): services}
    return Example(_TRIED, expected, world({**values, (ecs.services, Side.PRIMARY): SERVICES}), frozenset(subjects))


EXAMPLES = [
    _starts(Status.PASS, _tried(2)),
    _starts(Status.PASS, _tried(10)),
    _starts(Status.PASS, _tried(2), _tried(9, "tenant2")),
    _starts(Status.PASS, services=tuple(replace(service, running=1) for service in SERVICES)),
    _starts(Status.FAIL, _tried(2, "tenant2"), _tried(9), subjects=["sit-tenant2-service"]),
    _starts(Status.WARN, _tried(11), subjects=[service.name for service in SERVICES]),
    _starts(Status.WARN, subjects=[service.name for service in SERVICES]),
    _starts(Status.WARN, _tried(2, kind=RunKind.RESTORE_TEST), subjects=[service.name for service in SERVICES]),
    _starts(Status.WARN, replace(_tried(2), starts={"tenant1": ""}), subjects=["sit-tenant2-service"]),
    _starts(
        Status.UNKNOWN,
        past=control_table.RunHistory(refused=(control_table.RefusedRun(RunKind.START_TEST, "It has no anchor."),)),
        subjects=[service.name for service in SERVICES],
    ),
    _starts(Status.NOT_APPLICABLE, past=control_table.RunHistory(reason="There is no table.")),
    _starts(Status.NOT_APPLICABLE, _tried(2), services=()),
    _starts(Status.UNKNOWN, past=DENIED),
    _starts(Status.UNKNOWN, _tried(2), services=DENIED),
    _example(Status.PASS, control_table.RunHistory(IN_TIME)),
    _example(Status.NOT_APPLICABLE, control_table.RunHistory(reason="There is no table.")),
    _example(Status.PASS, control_table.RunHistory(IN_TIME[:2]), env=AS_NEEDED),
    _example(Status.PASS, control_table.RunHistory(IN_TIME), "full drill", env=AS_NEEDED),
    _example(Status.NOT_APPLICABLE, control_table.RunHistory(), *ALL_AS_NEEDED_TESTS, env=ALL_AS_NEEDED),
    _example(Status.WARN, control_table.RunHistory(IN_TIME[:2]), "full drill"),
    _example(
        Status.UNKNOWN,
        control_table.RunHistory(
            IN_TIME[:2], refused=(control_table.RefusedRun(RunKind.FULL_DRILL, "It has no anchor."),)
        ),
        "full drill",
    ),
    _example(Status.WARN, control_table.RunHistory(), "tabletop", "infrastructure", "full drill"),
    _example(Status.WARN, control_table.RunHistory((_ran(RunKind.TABLETOP, 40), *IN_TIME[1:])), "tabletop"),
    _example(
        Status.WARN, control_table.RunHistory((_ran(RunKind.TABLETOP, 5, complete=False), *IN_TIME[1:])), "tabletop"
    ),
    _example(Status.UNKNOWN, DENIED),
    _left(Status.PASS),
    _left(Status.PASS, databases=()),
    _left(Status.WARN, f"{CANARY} A primary-af-south-1", records=(ORIGIN, RECORD)),
    _left(Status.WARN, DATABASE.identifier, databases=(databases.PRIMARY, DATABASE)),
    _left(Status.WARN, FILES.token, files=(FILES,)),
    _left(
        Status.WARN,
        "/tenant1 of fs-drill",
        points=(efs.AccessPoint("fsap-drill", "fs-drill", "", "/tenant1", 33, 33, "available"),),
    ),
    _left(Status.UNKNOWN, records=DENIED),
    _left(Status.UNKNOWN, databases=DENIED),
    _left(Status.UNKNOWN, files=DENIED),
]
