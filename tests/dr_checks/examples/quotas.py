"""Examples of the quota checks. Two tenants: two tasks each after a failover, half a vCPU each, and two of the run."""

from __future__ import annotations

from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Environment, Side
from dr_estate.readers import ecs, elbv2, rds, service_quotas
from dr_estate.readers.service_quotas import DatabaseQuota, ServiceQuota
from dr_estate.snapshot.snapshot import Snapshot
from tests.dr_checks.compute import ONE, TWO, D, P, definitions
from tests.dr_checks.traffic import balancer, groups, rules
from tests.dr_checks.worlds import DENIED, SIT, Example, service, world

LIMITS: dict[str, Any] = dict.fromkeys((code for _, code in service_quotas.WANTED), 100.0)
STANDBY = (service(ONE, 1, 1), service(TWO, 1, 1))


def _world(changes: dict[Any, Any] | None = None, used: float | None = None, **limits: Any) -> Snapshot:
    """The standby runs one task a tenant; ``limits`` change a quota by its name in facts.quotas."""
    quota_limits = LIMITS | {getattr(service_quotas, name): value for name, value in limits.items()}
    values: dict[Any, Any] = {
        (ecs.services, Side.DR): STANDBY,
        (ecs.task_definitions, Side.DR): definitions(D),
        (ecs.task_definitions, Side.PRIMARY): definitions(P),
        (service_quotas.quotas, Side.DR): tuple(
            ServiceQuota("s", code, code, quota_limits[code], used) for _, code in service_quotas.WANTED
        ),
        (service_quotas.network_interfaces, Side.DR): 10,
        (service_quotas.database_quotas, Side.DR): _databases(),
        (rds.instances, Side.PRIMARY): (),
    }
    for side in (Side.PRIMARY, Side.DR):
        values |= {
            (elbv2.load_balancer, side): balancer(side),
            (elbv2.rules, side): rules(side),
            (elbv2.target_groups, side): groups(side),
            (service_quotas.certificates, side): 3,
        }
    return world(values | (changes or {}))


def _databases(used: int = 0, limit: int = 40) -> tuple[DatabaseQuota, ...]:
    return (DatabaseQuota("DBInstances", used, limit), DatabaseQuota("AllocatedStorage", 0, 1000))


def _capacity(**changes: int) -> Environment:
    return SIT.model_copy(update={"capacity": SIT.capacity.model_copy(update=changes)})


DATABASES, RULES = (service_quotas.database_quotas, Side.DR), (elbv2.rules, Side.DR)
MANY = _capacity(tasks_per_service=200)

EXAMPLES = [
    Example("quotas.fargate-vcpu", Status.PASS, _world(FARGATE_VCPU=3.4)),
    Example("quotas.fargate-vcpu", Status.WARN, _world(FARGATE_VCPU=3.0)),
    # The run's own tasks are of the first tenant's definition, however large another's is.
    Example(
        "quotas.fargate-vcpu",
        Status.PASS,
        _world({(ecs.task_definitions, Side.DR): definitions(D, cpu=1024)}, FARGATE_VCPU=4.5),
    ),
    Example("quotas.fargate-vcpu", Status.FAIL, _world(FARGATE_VCPU=2.9), frozenset({service_quotas.FARGATE_VCPU})),
    Example("quotas.fargate-vcpu", Status.FAIL, _world(FARGATE_VCPU=6.0, used=5.5)),
    Example("quotas.fargate-vcpu", Status.FAIL, _world({(ecs.services, Side.DR): ()}, FARGATE_VCPU=1.9)),
    Example("quotas.fargate-vcpu", Status.UNKNOWN, _world(FARGATE_VCPU=DENIED)),
    Example("quotas.fargate-vcpu", Status.UNKNOWN, _world({(ecs.services, Side.DR): DENIED})),
    Example("quotas.network-interfaces", Status.PASS, _world()),
    Example("quotas.network-interfaces", Status.FAIL, _world(NETWORK_INTERFACES=13.0)),
    Example("quotas.network-interfaces", Status.WARN, _world(NETWORK_INTERFACES=14.0)),
    Example(
        "quotas.network-interfaces", Status.UNKNOWN, _world({(service_quotas.network_interfaces, Side.DR): DENIED})
    ),
    Example("quotas.load-balancer", Status.PASS, _world(RULES=2.0)),
    Example("quotas.load-balancer", Status.FAIL, _world({RULES: ()}, RULES=1.0), frozenset({service_quotas.RULES})),
    Example("quotas.load-balancer", Status.FAIL, _world(TARGETS=3.0), frozenset({service_quotas.TARGETS})),
    Example("quotas.load-balancer", Status.UNKNOWN, _world({(elbv2.rules, Side.PRIMARY): DENIED})),
    Example("quotas.services-and-certificates", Status.PASS, _world(SERVICES=2.0)),
    Example("quotas.services-and-certificates", Status.FAIL, _world({(ecs.services, Side.DR): ()}, SERVICES=1.0)),
    Example(
        "quotas.services-and-certificates",
        Status.FAIL,
        _world({(service_quotas.certificates, Side.DR): 1}, CERTIFICATES=2.0),
    ),
    Example(
        "quotas.services-and-certificates", Status.UNKNOWN, _world({(service_quotas.certificates, Side.DR): DENIED})
    ),
    Example("quotas.database", Status.PASS, _world({DATABASES: _databases(38)})),
    Example("quotas.database", Status.WARN, _world({DATABASES: _databases(39)})),
    Example("quotas.database", Status.FAIL, _world({DATABASES: _databases(40)}), frozenset({"DBInstances"})),
    Example("quotas.database", Status.UNKNOWN, _world({DATABASES: DENIED})),
    Example("quotas.fargate-vcpu", Status.PASS, _world(FARGATE_VCPU=1000.0), env=MANY),
    Example(
        "quotas.fargate-vcpu",
        Status.FAIL,
        _world(FARGATE_VCPU=1e9),
        frozenset({"launching every tenant"}),
        env=_capacity(tasks_per_service=200_000),
    ),
]
