"""Examples of the check of how services are deployed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dr_checks.core.model import Status
from dr_estate.config.environment import Side
from dr_estate.model.ecs_settings import BREAKER, ROLLBACK, DeploymentSettings
from dr_estate.readers import ecs
from tests.dr_checks.compute import ONE, TWO, D, P
from tests.dr_checks.worlds import DENIED, Example, service, world

HERE, THERE = (ecs.services, Side.DR), (ecs.services, Side.PRIMARY)
BREAKS = (BREAKER, ROLLBACK)
HOOK = f"hook {P}-hook at PRE_SCALE_UP"
AS_PRIMARY = DeploymentSettings(("FARGATE",), "ECS", 60, (100, 200), (80,), BREAKS)


def _pair(settings: DeploymentSettings | None) -> tuple[ecs.Service, ...]:
    """Both services, the second with these settings."""
    return (replace(service(ONE), settings=AS_PRIMARY), replace(service(TWO), settings=settings))


def _deployed(expected: Status, there: DeploymentSettings | None = AS_PRIMARY, **changed: Any) -> Example:
    """The second service of the DR region differs by ``changed``."""
    shown = world({HERE: _pair(replace(AS_PRIMARY, **changed)), THERE: _pair(there)})
    return Example("ecs-deployment.alike", expected, shown, frozenset({TWO}))


def _registered(expected: Status, here: tuple[str, ...] | None, there: tuple[str, ...] | None) -> Example:
    """The second service, with the registries of service discovery that it has on each side."""
    rows = {
        side: (_pair(AS_PRIMARY)[0], replace(_pair(AS_PRIMARY)[1], registries=registries))
        for side, registries in ((HERE, here), (THERE, there))
    }
    return Example("ecs-deployment.alike", expected, world(dict(rows)), frozenset({TWO}))


EXAMPLES = [
    _registered(Status.FAIL, (), ("srv-1",)),
    _registered(Status.PASS, ("srv-2",), ("srv-1",)),
    _registered(Status.PASS, (), ()),
    _registered(Status.PASS, ("srv-2",), ()),
    _registered(Status.PASS, None, ("srv-1",)),
    _deployed(Status.PASS),
    _deployed(Status.PASS, grace_s=90),
    _deployed(Status.FAIL, grace_s=59),
    _deployed(Status.PASS, percents=(50, 200)),
    _deployed(Status.PASS, percents=None),
    _deployed(Status.FAIL, percents=(100, 100)),
    _deployed(Status.FAIL, there=replace(AS_PRIMARY, percents=(50, 200))),
    _deployed(Status.FAIL, capacity=("FARGATE_SPOT",)),
    _deployed(Status.FAIL, capacity=("FARGATE", "FARGATE_SPOT")),
    _deployed(Status.FAIL, controller="EXTERNAL"),
    _deployed(Status.PASS, ports=None),
    _deployed(Status.FAIL, ports=(8080,)),
    _deployed(Status.PASS, ports=()),  # reported by ecs.target-group-attached
    _deployed(Status.PASS, stops=None),
    _deployed(Status.WARN, stops=()),
    _deployed(Status.PASS, stops=(), there=replace(AS_PRIMARY, stops=())),
    _deployed(Status.FAIL, stops=(*BREAKS, "alarm sit-5xx")),
    _deployed(Status.FAIL, there=replace(AS_PRIMARY, stops=("alarm sit-lag",)), stops=("alarm sit-5xx",)),
    _deployed(Status.PASS, there=replace(AS_PRIMARY, stops=(f"alarm {P}-5xx",)), stops=(f"alarm {D}-5xx",)),
    _deployed(Status.FAIL, there=replace(AS_PRIMARY, stops=(BREAKER,))),
    _deployed(Status.FAIL, there=replace(AS_PRIMARY, stops=())),
    _deployed(Status.FAIL, holds=("strategy BLUE_GREEN",), there=replace(AS_PRIMARY, holds=())),
    _deployed(Status.FAIL, holds=("hook PAUSE at PRE_SCALE_UP",), there=replace(AS_PRIMARY, holds=())),
    _deployed(Status.PASS, holds=(f"hook {D}-hook at PRE_SCALE_UP",), there=replace(AS_PRIMARY, holds=(HOOK,))),
    _deployed(Status.FAIL, holds=(HOOK,), there=replace(AS_PRIMARY, holds=(HOOK,))),
    _deployed(Status.PASS, holds=(), there=replace(AS_PRIMARY, holds=("strategy BLUE_GREEN",), bake_min=10)),
    _deployed(Status.PASS, holds=("strategy BLUE_GREEN",)),
    _deployed(Status.FAIL, bake_min=11, there=replace(AS_PRIMARY, bake_min=10)),
    _deployed(Status.PASS, bake_min=10, there=replace(AS_PRIMARY, bake_min=10)),
    _deployed(Status.UNKNOWN, there=None),
    Example("ecs-deployment.alike", Status.UNKNOWN, world({HERE: DENIED})),
    Example("ecs-deployment.alike", Status.NOT_APPLICABLE, world({HERE: ()})),
]
