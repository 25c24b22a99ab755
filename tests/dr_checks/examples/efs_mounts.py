"""Examples of the checks of mount targets, access points, encryption and throughput."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.readers import ecs, efs, efs_mounts
from dr_estate.readers.efs_mounts import MountTarget, NfsRule, TaskSubnet
from dr_estate.reading.reader import Reader
from tests.dr_checks.compute import definitions
from tests.dr_checks.examples.efs import COPY, NAME, SOURCE
from tests.dr_checks.worlds import DENIED, SIT, Example, service, world

ONE, TWO = "sit-tenant1-ap", "sit-tenant2-ap"
TARGETS = tuple(MountTarget(f"fsmt-{z}", "fs-2", f"subnet-{z}", f"zone-{z}", "available", ("sg-efs",)) for z in "ab")
SUBNETS = (TaskSubnet("subnet-1", "zone-a", "10.1.0.0/24"), TaskSubnet("subnet-2", "zone-b", "10.1.1.0/24"))
POINTS = tuple(
    efs.AccessPoint(f"fsap-{n}", "fs-2", f"sit-tenant{n}-ap", f"/tenant{n}", 33, 33, "available") for n in (1, 2)
)
READERS: dict[str, tuple[Reader[Any], Side]] = {
    "systems_here": (efs.file_systems, Side.PRIMARY),
    "systems": (efs.file_systems, Side.DR),
    "points_here": (efs.access_points, Side.PRIMARY),
    "points": (efs.access_points, Side.DR),
    "targets": (efs_mounts.mount_targets, Side.DR),
    "subnets": (efs_mounts.task_subnets, Side.DR),
    "rules": (efs_mounts.nfs_rules, Side.DR),
    "services": (ecs.services, Side.DR),
    "definitions": (ecs.task_definitions, Side.DR),
}


def _without_files() -> tuple[ecs.TaskDefinition, ...]:
    return tuple(replace(definition, volumes=()) for definition in definitions(SIT.regions.dr))


HEALTHY: dict[str, Any] = {
    "systems_here": (SOURCE,),
    "systems": (COPY,),
    "points_here": POINTS,
    "points": POINTS,
    "targets": TARGETS,
    "subnets": SUBNETS,
    "rules": (NfsRule("sg-efs", ("sg-1",), ()),),
    "services": (service("sit-tenant1-service"), service("sit-tenant2-service")),
}


AGENT = (service("sit-tenant1-service"), replace(service("sit-tenant2-service"), security_groups=("sg-1", "sg-agent")))


def _case(check: str, expected: Status, subject: str = "", module: str = "efs-mounts", **changed: Any) -> Example:
    values = {READERS[key]: value for key, value in {**HEALTHY, **changed}.items()}
    return Example(f"{module}.{check}", expected, world(values), frozenset({subject} if subject else ()))


def _point(check: str, expected: Status, subject: str = "", **changed: Any) -> Example:
    return _case(check, expected, subject, "efs-access", **changed)


def _mounting(file_system: str = "fs-2", point: str = "fsap-2") -> tuple[ecs.TaskDefinition, ...]:
    """Both tenants' definitions; the second one mounts ``point`` of ``file_system``."""
    task_definition, two = definitions(SIT.regions.dr)
    return (
        replace(task_definition, volumes=(ecs.Volume("files", "fs-2", "fsap-1", True),)),
        replace(two, volumes=(ecs.Volume("files", file_system, point, True),)),
    )


EXAMPLES = [
    _case("targets-per-zone", Status.PASS, "zone-a"),
    _case("targets-per-zone", Status.FAIL, "zone-b", targets=TARGETS[:1]),
    _case("targets-per-zone", Status.PASS, "zone-a", targets=(replace(TARGETS[0], state="updating"), TARGETS[1])),
    _case("targets-per-zone", Status.UNKNOWN, "zone-a", targets=(replace(TARGETS[0], state="new"), TARGETS[1])),
    _case("targets-per-zone", Status.FAIL, "zone-a", targets=(replace(TARGETS[0], state="creating"), TARGETS[1])),
    _case("targets-per-zone", Status.FAIL, "zone-a", targets=()),
    _case("targets-per-zone", Status.UNKNOWN, NAME, targets=(DENIED, TARGETS[1])),
    _case("targets-per-zone", Status.NOT_APPLICABLE, NAME, subnets=()),
    _case("targets-per-zone", Status.NOT_APPLICABLE, NAME, systems=(), targets=()),
    _case("targets-per-zone", Status.UNKNOWN, targets=DENIED),
    _case("tasks-admitted", Status.PASS, "zone-a"),
    _case("tasks-admitted", Status.PASS, "zone-a", rules=(NfsRule("sg-efs", (), ("10.1.0.0/16",)),)),
    _case("tasks-admitted", Status.FAIL, "zone-a", rules=(NfsRule("sg-efs", (), ("10.1.0.0/24",)),)),
    _case("tasks-admitted", Status.FAIL, "zone-b", rules=(NfsRule("sg-efs", ("sg-other",), ()),)),
    _case("tasks-admitted", Status.FAIL, "zone-b", rules=(NfsRule("sg-efs", (), ()),), subnets=()),
    _case("tasks-admitted", Status.PASS, "zone-a", services=AGENT),
    _case("tasks-admitted", Status.FAIL, "zone-a", services=AGENT, rules=(NfsRule("sg-efs", ("sg-other",), ()),)),
    _case("tasks-admitted", Status.NOT_APPLICABLE, NAME, services=()),
    _case("tasks-admitted", Status.UNKNOWN, NAME, targets=(DENIED,)),
    _case("tasks-admitted", Status.UNKNOWN, rules=DENIED),
    _point("point-exists", Status.PASS, ONE),
    _point("point-exists", Status.FAIL, TWO, points=POINTS[:1]),
    _point("point-exists", Status.PASS, ONE, points=(replace(POINTS[0], state="updating"), POINTS[1])),
    _point("point-exists", Status.UNKNOWN, ONE, points=(replace(POINTS[0], state="new"), POINTS[1])),
    _point("point-exists", Status.FAIL, ONE, points=(replace(POINTS[0], state="error"), POINTS[1])),
    _point("point-exists", Status.NOT_APPLICABLE, NAME, systems=(), points=()),
    _point("point-exists", Status.UNKNOWN, points=DENIED),
    _point("point-parity", Status.PASS, ONE),
    _point("point-parity", Status.PASS, ONE, points=POINTS[:1]),
    _point("point-parity", Status.FAIL, TWO, points=(POINTS[0], replace(POINTS[1], path="/tenant1"))),
    _point("point-parity", Status.FAIL, ONE, points=(replace(POINTS[0], uid=1000), POINTS[1])),
    _point("point-parity", Status.FAIL, ONE, points=(replace(POINTS[0], gid=-1), POINTS[1])),
    _point("point-parity", Status.NOT_APPLICABLE, "access points", points=()),
    _point("point-parity", Status.UNKNOWN, points_here=DENIED),
    _point("volumes-local", Status.PASS, "sit-tenant2", definitions=_mounting()),
    _point("volumes-local", Status.FAIL, "sit-tenant2", definitions=_mounting("fs-1", "fsap-9")),
    _point("volumes-local", Status.FAIL, "sit-tenant2", definitions=_mounting(point="fsap-9")),
    _point("volumes-local", Status.FAIL, "sit-tenant2", definitions=_mounting(point="fsap-1")),
    _point("volumes-local", Status.FAIL, "sit-tenant2", definitions=_mounting(point="")),
    _point("volumes-local", Status.NOT_APPLICABLE, "all task definitions", systems=(), definitions=_mounting()),
    _point("volumes-local", Status.NOT_APPLICABLE, "all task definitions", definitions=_without_files()),
    _point("volumes-local", Status.UNKNOWN, "tenant2", definitions=_mounting()[:1]),
    _point("volumes-local", Status.UNKNOWN, points=DENIED, definitions=_mounting()),
    _case("encrypted", Status.PASS, NAME),
    _case("encrypted", Status.FAIL, NAME, systems=(replace(COPY, encrypted=False, key=""),)),
    _case("encrypted", Status.FAIL, NAME, systems=(replace(COPY, key=SOURCE.key),)),
    _case("encrypted", Status.NOT_APPLICABLE, NAME, systems=()),
    _case("encrypted", Status.UNKNOWN, systems=DENIED),
    _case("throughput-parity", Status.PASS, NAME),
    _case("throughput-parity", Status.FAIL, NAME, systems=(replace(COPY, throughput="bursting"),)),
    _case(
        "throughput-parity",
        Status.FAIL,
        NAME,
        systems_here=(replace(SOURCE, throughput="provisioned", provisioned_mibps=64.0),),
        systems=(replace(COPY, throughput="provisioned", provisioned_mibps=32.0),),
    ),
    _case(
        "throughput-parity",
        Status.PASS,
        NAME,
        systems_here=(replace(SOURCE, throughput="provisioned", provisioned_mibps=64.0),),
    ),
    _case("throughput-parity", Status.NOT_APPLICABLE, NAME, systems=()),
    _case("throughput-parity", Status.UNKNOWN, systems_here=DENIED),
]
